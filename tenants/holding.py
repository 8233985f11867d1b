"""What the engine room hands to the program: the organizations a stack holds, and which of them to register now.

An update that changes one organization of a stack registers that one only. The program gets it as it was validated
and recorded, so that what runs is what was decided, and a catalog of a thousand files is not read twice.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from tenants.model import Organization

VARIABLE = "AGENT_READY_HOLDING"  # of the environment: the path of the file


class Holding(BaseModel):
    """`slugs` of all organizations of the stack; `organizations` those that this update registers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slugs: tuple[str, ...]
    organizations: tuple[Organization, ...]

    @classmethod
    def of(cls, organizations: Iterable[Organization]) -> Self:
        """A stack that registers everything it holds."""
        everything = tuple(organizations)
        return cls(slugs=tuple(o.slug for o in everything), organizations=everything)

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` has written."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def write(self, path: Path) -> None:
        """Write it for the program, readable by its owner only: members are named in it."""
        path.touch(mode=0o600)
        path.write_text(self.model_dump_json(exclude_defaults=True), encoding="utf-8")
