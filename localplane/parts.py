"""The parts the platform is made of: found, fetched or built, each from the first source that works.

The sources, in this order: ``onpath`` (ready on this machine), ``release`` (by the official Pulumi CLI),
``debian`` (the distribution's packages, unpacked), ``gobuild`` (Go modules). ``parts.toml`` has the versions.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from localplane import debian, gobuild, onpath, release
from localplane.files import write_private
from localplane.sources import Found, PartsError, Progress, StepFailed, ToolMissing
from localplane.table import Part, part

__all__ = [
    "Found", "PartsError", "Progress", "ProgressLine", "StepFailed", "ToolMissing",
    "locate", "obtain", "pulumi_home",
]  # fmt: skip

#: Seconds between two lines of progress where there is no terminal.
QUIET = 15.0


def locate(name: str) -> Found | None:
    """The part if it is there already; runs at most a few ``--version``, and makes nothing.

    Raises PartsError for a name that is not in ``parts.toml``.
    """
    wanted = part(name)
    ready = onpath.find(wanted)
    if isinstance(ready, Found):
        return ready
    cached = release.find(wanted) if wanted.name.startswith(release.PREFIX) else None
    if cached is None:
        cached = debian.find(wanted) if wanted.debian else gobuild.find(wanted)
    return replace(cached, why=f"{cached.why}; {ready}") if cached else None


def obtain(names: Iterable[str], report: Callable[[Progress], None]) -> dict[str, Found]:
    """All these parts, after fetching or building what is missing; minutes the first time.

    ``report`` is called about once a second while there is work. Raises PartsError.
    """
    wanted = list(dict.fromkeys(names))
    found = {name: there for name in wanted if (there := locate(name))}
    missing = [part(name) for name in wanted if name not in found]
    work = _Work(len(wanted), len(found), report)
    missing = _fetch_providers(missing, work)
    for row in [row for row in missing if row.debian]:
        debian.obtain([row.name], work.reporter(row.name))
        work.finished += 1
    builds = [row.name for row in missing if row.build]
    if builds:
        label = builds[0] if len(builds) == 1 else f"{len(builds)} programs"
        gobuild.obtain(builds, work.reporter(label))
    for name in wanted:
        found[name] = found.get(name) or _there(name)
    return {name: found[name] for name in wanted}


def _there(name: str) -> Found:
    found = locate(name)
    if found is None:
        raise PartsError(f"{name} was obtained, but is gone again; repeat the command.")
    return found


def _fetch_providers(missing: list[Part], work: _Work) -> list[Part]:
    """Try the official CLI for the providers, if it is the one in use; what then is still missing."""
    pulumi = onpath.find(part("pulumi"))
    if isinstance(pulumi, str):
        return missing
    for row in [row for row in missing if row.name.startswith(release.PREFIX)]:
        report = work.reporter(row.name)
        with suppress(StepFailed):  # it is built instead; its log stays in the cache
            release.obtain(row, pulumi, lambda report=report: report("fetching", 0, 0, 0))  # type: ignore[misc]
            work.finished += 1
    return [row for row in missing if locate(row.name) is None]


class _Work:
    """Turns what the sources report into Progress; at most one call a second and step."""

    def __init__(self, count: int, finished: int, report: Callable[[Progress], None]) -> None:
        self.finished = finished
        self._count = count
        self._report = report
        self._began = time.monotonic()
        self._last = ("", -1.0)

    def reporter(self, name: str) -> Callable[[str, int, int, int], None]:
        """What one source calls: step, done, total, and how many parts it has finished meanwhile."""

        def report(step: str, done: int = 0, total: int = 0, finished: int = 0) -> None:
            elapsed = time.monotonic() - self._began
            if step == self._last[0] and elapsed - self._last[1] < 1.0:
                return
            self._last = (step, elapsed)
            number = min(self.finished + finished + 1, self._count)
            self._report(Progress(name, number, self._count, step, elapsed, done, total))

        return report


class ProgressLine:
    """The usual ``report``: one line that renews itself on a terminal, elsewhere a line every 15 seconds."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._said = ("", -QUIET)

    def __call__(self, progress: Progress) -> None:
        if self._stream.isatty():
            self._stream.write(f"\r\033[K{progress}")
        elif progress.step != self._said[0] or progress.elapsed - self._said[1] >= QUIET:
            self._said = (progress.step, progress.elapsed)
            self._stream.write(f"{progress}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the terminal's line."""
        if self._stream.isatty():
            self._stream.write("\r\033[K")


_NO_LOGS = "This file keeps Pulumi from logging each update, at debug level, into a folder of this name.\n"


def pulumi_home(home: Path, found: Mapping[str, Found]) -> None:
    """Lay the providers out below ``home`` ($PULUMI_HOME), so that the engine finds them there by version.

    It then neither looks for them on PATH (which it warns about) nor fetches them. The language host needs no
    place here: the engine finds it beside the CLI.

    Where the engine would keep its log of every update, at debug level and of everything, stands a file: it logs
    nothing, which is two fifths of its own work. Who wants the log removes that file, or calls Pulumi with
    `-v 9 --logtostderr`.
    """
    home.mkdir(parents=True, exist_ok=True)
    if (logs := home / "logs").is_dir():
        shutil.rmtree(logs)
    write_private(logs, _NO_LOGS)
    for name, there in found.items():
        if not name.startswith(release.PREFIX):
            continue
        folder = home / "plugins" / f"{name.removeprefix('pulumi-')}-v{there.version}"
        folder.mkdir(parents=True, exist_ok=True)
        link, fresh = folder / name, folder / f".{name}.{os.getpid()}"
        if link.is_symlink() and link.readlink() == there.path:
            continue
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(there.path)
        fresh.replace(link)
