"""Errors of the domain.

TenantError
├── InvalidName      a name, slug or e-mail that cannot be used
├── InvalidQuantity  a Kubernetes quantity that cannot be read
└── CatalogError     one or more problems in catalog files, all of them at once
"""

from collections.abc import Sequence
from dataclasses import dataclass


class TenantError(Exception):
    """Root of everything this room raises."""


class InvalidName(TenantError, ValueError):
    """A name breaks a rule; the text names the value, the rule and the way out."""


class InvalidQuantity(TenantError, ValueError):
    """A quantity breaks a rule; the text names the value, the rule and the way out."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in one catalog file. `line` counts from 1; `key` is the dotted path, "" for the whole file."""

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


class CatalogError(TenantError):
    """The catalog is refused as a whole; `problems` holds every reason, sorted by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        count = len(self.problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"the catalog has {count} problem{'s' if count != 1 else ''}, nothing was changed:\n{lines}")
