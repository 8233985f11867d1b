"""Where the state of self-service stacks is: files, an S3-compatible bucket, or PostgreSQL, by its URL.

Pulumi itself reads and writes the state while an update runs. What is here spares a process of it before and after:
to make an empty stack, to look for locks, to forget a stack. Names are paths below a stack's `.pulumi/`, in the layout
of Pulumi's own backends. A backend walks all that lies beside a stack, so stacks are kept apart: each in a folder of
its own, or in one of 256 tables.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from engine.errors import NotConfigured
from engine.states_bucket import BucketStates
from engine.states_files import FileStates
from engine.states_tables import TableStates

VARIABLE = "SELF_SERVICE_BACKEND_URL"


class States(Protocol):
    """The state of all stacks. Every method raises EngineError or DatabaseError with a text that says why."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What Pulumi needs in its environment beside the URL: secrets."""

    def url(self, stack: str) -> str:
        """What Pulumi is told as this stack's backend; without any password."""

    async def read(self, stack: str, name: str) -> str | None:
        """The text of that name, or None."""

    async def write(self, stack: str, name: str, text: str) -> None:
        """Keep the text under that name."""

    async def names(self, stack: str, folder: str) -> list[str]:
        """What lies in a folder; nothing if there is none."""

    async def remove(self, stack: str, name: str) -> None:
        """Forget what has that name; gone already is fine."""

    async def forget(self, stack: str) -> None:
        """Forget all of a stack; gone already is fine."""

    async def ages(self) -> Mapping[str, float]:
        """Every stack that there is, and for how many seconds its state has been as it is."""

    async def close(self) -> None:
        """Let go of connections."""


def states_of(environment: Mapping[str, str], folder: Path) -> States:
    """The one that SELF_SERVICE_BACKEND_URL names, or files in `folder`; raise NotConfigured."""
    url = environment.get(VARIABLE) or f"file://{folder}"
    scheme = url.partition("://")[0]
    if scheme == "file":
        return FileStates(Path(url.removeprefix("file://")))
    if scheme == "s3":
        return BucketStates(url)
    if scheme in ("postgres", "postgresql"):
        return TableStates(url)
    raise NotConfigured(
        f"{VARIABLE} begins with {scheme!r}; write file:///folder, s3://bucket/folder?region=… or "
        "postgres://role@host/database, or leave it out for files beside the workspaces"
    )
