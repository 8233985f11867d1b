"""The pinned parts of ``parts.toml`` as typed values, and which versions of a part fit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from localplane.sources import PartsError

PATH = Path(__file__).with_name("parts.toml")


@dataclass(frozen=True)
class Part:
    """One row of the table; exactly one of ``build`` and ``debian`` is set."""

    name: str
    version: str
    show: Sequence[str]
    accept: tuple[str, str] | None = None
    build: str = ""
    debian: str = ""
    beside: Sequence[str] = ()

    def fits(self, version: str) -> bool:
        """Whether a part of this version, found on the machine, may be used."""
        if self.accept is None:
            return version == self.version
        low, high = map(_numbers, self.accept)
        return low <= _numbers(version) < high

    @property
    def rule(self) -> str:
        """The versions that fit, in words."""
        if self.accept is None:
            return f"needs {self.version}"
        return "needs {} ≤ version < {}".format(*self.accept)


@dataclass(frozen=True)
class Build:
    """One Go build; see the comments in ``parts.toml``."""

    name: str
    version: str
    module: str
    packages: Sequence[str]
    programs: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ()
    copies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    embeds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    slices: Mapping[str, Sequence[str]] = field(default_factory=dict)


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


@cache
def parts() -> Mapping[str, Part]:
    """Every part by name."""
    return {name: _part(name, dict(row)) for name, row in _table()["parts"].items()}


def part(name: str) -> Part:
    """The part of that name; raises PartsError for an unknown one."""
    try:
        return parts()[name]
    except KeyError:
        raise PartsError(f"there is no part {name!r}; {PATH.name} has {', '.join(parts())}") from None


@cache
def builds() -> Mapping[str, Build]:
    """Every Go build by name."""
    return {name: Build(name=name, **row) for name, row in _table()["builds"].items()}  # type: ignore[arg-type]


def _part(name: str, row: dict[str, object]) -> Part:
    accept = row.pop("accept", None)
    bounds = (str(accept[0]), str(accept[1])) if isinstance(accept, list) else None
    return Part(name=name, accept=bounds, **row)  # type: ignore[arg-type]


def version_in(text: str) -> str:
    """The first version number in what a program prints, e.g. "3.250.0" or "15.18"; empty without one."""
    match = re.search(r"(?<![\d.])v?(\d+(?:\.\d+)+)", text)
    return match[1] if match else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
