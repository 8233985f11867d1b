"""Measuring a command as a whole process tree, and printing tables."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.processes import tree

MIB = 2**20


@dataclass(frozen=True)
class Measured:
    """Wall time in seconds, and the largest memory of the process tree in bytes (PSS: shared pages counted once)."""

    seconds: float
    memory: int
    out: str


def measure(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Measured:
    """Run a command to its end; raise RuntimeError with its output if it fails."""
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        watch = _MemoryWatch(process.pid)
        out = process.communicate()[0]
    seconds = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{out[-4000:]}")
    return Measured(seconds, watch.stop(), out)


class _MemoryWatch:
    """Samples the tree's memory four times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._done.wait(0.25):
            self._peak = max(self._peak, sum(pss(pid) for pid in tree(self._pid)))


def pss(pid: int) -> int:
    """Bytes of memory of a process, shared pages counted by share; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with its title."""
    lines = [f"### {title}", "", "| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def machine() -> str:
    """One line on where and when the figures were taken."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown processor")  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {os.uname().release}"
    )


def as_json(name: str, rows: Sequence[dict[str, object]], folder: Path) -> None:
    """Keep the figures as JSON too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2))
