"""What every source of parts shares: the answer, the progress, the errors, the cache, running a command.

::

    PlaneError
    └── PartsError        the root of everything that obtaining parts can raise
        ├── ToolMissing   a program that a source needs is not there, or too old
        └── StepFailed    a command failed; its text holds the part, the command, the end of its log, the way out
"""

from __future__ import annotations

import os
import queue
import re
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from localplane.errors import PlaneError

#: Seconds between two calls of a `tick`.
TICK = 1.0
#: Seconds a cancelled command has to end by itself.
GRACE = 10.0


class PartsError(PlaneError):
    """A part could not be obtained."""


class ToolMissing(PartsError):
    """A program that a source needs is not there, or too old."""


class StepFailed(PartsError):
    """A command failed."""


@dataclass(frozen=True)
class Found:
    """A part that is there. ``source`` is how it came to be:

    "path"     found ready on this machine, on PATH or in its usual folder
    "release"  fetched by the official Pulumi CLI that is on PATH
    "debian"   unpacked from the distribution's packages into the cache, installed nowhere
    "build"    built from Go modules into the cache
    """

    part: str
    version: str
    path: Path  #: the executable; PostgreSQL's other programs lie beside it
    source: str
    why: str  #: one line: where it came from and why no earlier source served
    environment: Mapping[str, str] = field(default_factory=dict)  #: needed to run it, e.g. LD_LIBRARY_PATH


@dataclass(frozen=True)
class Progress:
    """How far ``obtain`` is: part ``number`` of ``count``; ``done`` of ``total`` (0: unknown) in this step."""

    part: str
    number: int
    count: int
    step: str
    elapsed: float  #: seconds since ``obtain`` began
    done: int = 0
    total: int = 0

    def __str__(self) -> str:
        amount = f" {self.done}/{self.total}" if self.total else f" {self.done}" if self.done else ""
        minutes, seconds = divmod(int(self.elapsed), 60)
        what = f"part {self.number} of {self.count}, {self.part}"
        return f"{what}: {self.step}{amount} ({minutes}:{seconds:02})"


def cache_folder() -> Path:
    """The folder of obtained parts, shared by this user's checkouts."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "agent-ready-k8s" / "tools"


def run(
    command: Sequence[str | Path],
    *,
    part: str,
    log: Path,
    hint: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    tick: Callable[[], None] = lambda: None,
    limit: float = float("inf"),
    noise: re.Pattern[str] | None = None,
) -> None:
    """Run a command in a process group of its own; its output goes to ``log`` and, by lines, to ``on_line``.

    ``tick`` is called about once a second; ``environment`` replaces ours, but for PATH. After ``limit``
    seconds the command has failed. Lines that ``noise`` matches are left out of the error.
    Whatever interrupts the wait (Ctrl-C too) ends the whole group.
    Raises StepFailed when the command fails or cannot be started.
    """
    text = shlex.join(map(str, command))
    last: deque[str] = deque(maxlen=20)
    with log.open("a", encoding="utf-8") as record:
        record.write(f"$ {text}\n")
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=_surroundings(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
            )  # fmt: skip
        except OSError as problem:
            raise StepFailed(f"{part}: could not start `{text}`: {problem}\n{hint}") from problem
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            for line in _lines(process.stdout, _limited(tick, limit, text)):
                record.write(line)
                if noise is None or not noise.fullmatch(line.rstrip()):
                    last.append(line.rstrip())
                on_line(line.rstrip("\n"))
            code = process.wait()
        except BaseException:
            end_group(process)
            raise
    if code != 0:
        end = "\n".join(f"    {line}" for line in last)
        raise StepFailed(f"{part}: `{text[:200]}` ended with {code}; the end of {log}:\n{end}\n{hint}")


def _lines(stream: IO[str], tick: Callable[[], None]) -> Iterator[str]:
    """The lines as they come, with a ``tick`` about every second between them."""
    ready: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pump, args=(stream, ready), daemon=True).start()
    ticked = time.monotonic()
    while True:
        line: str | None = ""
        with suppress(queue.Empty):
            line = ready.get(timeout=TICK)
        if line is None:
            return
        if line:
            yield line
        if time.monotonic() - ticked >= TICK:
            ticked = time.monotonic()
            tick()


def _surroundings(environment: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return None if environment is None else {"PATH": os.environ.get("PATH", os.defpath), **environment}


def _limited(tick: Callable[[], None], limit: float, text: str) -> Callable[[], None]:
    end = time.monotonic() + limit

    def checked() -> None:
        if time.monotonic() > end:
            raise StepFailed(f"`{text}` took more than {limit:.0f} s")
        tick()

    return checked


def _pump(stream: IO[str], ready: queue.Queue[str | None]) -> None:
    with stream:
        for line in stream:
            ready.put(line)
    ready.put(None)


def end_group(process: subprocess.Popen[str]) -> None:
    """Interrupt the process and all its children, as Ctrl-C would; kill those that stay longer than GRACE."""
    for step in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, step)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return


def output_of(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    """What a short command prints; empty when it fails, is not there or takes more than 20 seconds."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=20, stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})}, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
