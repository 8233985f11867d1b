"""Processes that outlive us: started apart from the terminal, signalled only while they are the same ones.

A pid alone names nobody: it is given out again. A process is known by its pid, its start (field 22 of
``/proc/<pid>/stat``, clock ticks since boot) and the boot it belongs to. Signals go through a pidfd, so the
identity that was checked is the one that is signalled. Every process of ours carries a mark in its
environment, which finds it again when the record was lost.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "AGENT_READY_PLANE"


@dataclass(frozen=True)
class Identity:
    """One process for as long as the machine runs: ``start`` in clock ticks since the boot ``boot``."""

    pid: int
    start: int
    boot: str


def boot_id() -> str:
    """The kernel's name for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> Identity | None:
    """Who has this pid now; None for nobody, and for a zombie, which only waits to be read by its parent."""
    _reap(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # The first thread of a killed process is a zombie at once; ports are held until the last one is.
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, start = fields[0], int(fields[19])
    return None if state in "ZX" and threads <= 1 else Identity(pid, start, boot_id())


def is_alive(identity: Identity) -> bool:
    """Whether exactly this process still runs."""
    return identify(identity.pid) == identity


def works_below(identity: Identity, folder: Path) -> bool:
    """Whether the process works in this folder or below: true in a moved checkout, false in a copy of it."""
    try:
        return Path(f"/proc/{identity.pid}/cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def send(identity: Identity, number: signal.Signals) -> bool:
    """Signal exactly this process; False when it is gone."""
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(identity):
            return False
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
        return True
    finally:
        os.close(handle)


def wait_gone(identity: Identity, seconds: float) -> bool:
    """Wait until exactly this process has ended; False when it is still there after ``seconds``."""
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return True
    try:
        if is_alive(identity):
            select.select([handle], [], [], seconds)
    finally:
        os.close(handle)
    return not is_alive(identity)


def spawn(
    argv: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path, mark: tuple[Path, str]
) -> Identity:
    """Start a process in a session of its own, with its output in ``log`` and nothing on its input.

    ``mark`` is the checkout and the server's name; ``marked`` finds the process by it.
    """
    marked_environment = {**environment, MARK: _mark(*mark)}
    with log.open("ab") as output:
        os.fchmod(output.fileno(), 0o600)
        process = subprocess.Popen(
            list(argv), env=marked_environment, cwd=folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    process.returncode = 0  # it is not ours to wait for: keeps Popen from warning that it still runs
    identity = identify(process.pid)
    return identity or Identity(process.pid, 0, boot_id())


def marked(root: Path, server: str) -> list[Identity]:
    """Every process that carries this mark, parents before the children they left the mark to."""
    mark = f"{MARK}={_mark(root, server)}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(identify(int(folder.name)))
    return sorted((who for who in found if who), key=lambda who: (who.start, who.pid))


def working_in(folder: Path, program: str) -> list[Identity]:
    """Every process of this program whose working folder is exactly this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == folder and (process / "comm").read_text().strip() == program:
                found.append(identify(int(process.name)))
    return [who for who in found if who]


def _mark(root: Path, server: str) -> str:
    return f"{root}:{server}"


def _reap(pid: int) -> None:
    """Let go of a child of this very process that has ended; a no-op for everyone else's."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
