"""What runs, where each part comes from, what is wrong and how to put it right; changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from localplane import external, identities, ports
from localplane.certificates import expires_soon
from localplane.console import DIM, GREEN, RED, YELLOW, Console, paint
from localplane.errors import NotReady
from localplane.external import Named
from localplane.layout import Layout
from localplane.parts import Found, locate
from localplane.pki import LEAVES, Pki
from localplane.plane import parts_of, wanted
from localplane.record import Record
from localplane.servers import SERVED, Ground, Server
from localplane.sources import cache_folder
from localplane.supervisor import Supervisor

LITTLE_DISK = 2_000_000_000
COLOURS = {"healthy": GREEN, "down": DIM, "dead": RED, "unhealthy": RED}


@dataclass(frozen=True)
class State:
    """One server now: healthy, unhealthy, dead (it was started and is gone) or down (it was not started)."""

    server: type[Server]
    word: str
    pid: int | None = None
    port: int | None = None
    since: float = 0.0
    reason: str = ""

    def describe(self) -> str:
        where = f"127.0.0.1:{self.port}" if self.port and self.pid else "-"
        who = f"pid {self.pid}, up {_age(time.time() - self.since)}" if self.pid else ""
        return f"{self.server.name:<24} {self.word:<10} {where:<16} {who}{self.reason and ': ' + self.reason}"


@dataclass(frozen=True)
class Problem:
    """Something wrong, and the way out."""

    what: str
    fix: str


class Doctor:
    """Examines one checkout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._record = Record(layout.record)
        self._named = Named.remembered(self._record.external)
        started = [server for server in SERVED if self._record.running(server.name)]
        self._servers = (*wanted(self._named), *started)
        self._found: dict[str, Found | None] = {}

    def states(self) -> list[State]:
        """Every server that this checkout starts itself, asked now."""
        supervisor = Supervisor(self._layout, self._record)
        return [self._state(server, supervisor) for server in self._servers]

    def status(self, console: Console) -> bool:
        """One line a server; True when all are healthy."""
        states = self.states()
        for state in states:
            console.line(_painted(state))
        for what, name in self._named.facts().items():
            console.line(f"{what:<24} {'named':<10} {external.without_password(name)}")
        return all(state.word == "healthy" for state in states)

    def report(self, console: Console) -> bool:
        """Everything; True when nothing is wrong."""
        console.line("Parts (make up takes the first source that works)")
        for name in parts_of(self._servers):
            console.line(f"  {self._part_line(name)}")
        console.line("\nServers")
        states = self.states()
        for state in states:
            console.line(f"  {_painted(state)}")
        for what, name in self._named.facts().items():
            console.line(f"  {what:<24} {'named':<10} {external.without_password(name)}")
        console.line("\nDisk")
        for label, folder in (("this checkout", self._layout.local), ("built tools", cache_folder())):
            console.line(f"  {label:<24} {_megabytes(folder):>7} MB   {folder}")
        problems = [*self._part_problems(), *self._server_problems(states), *self._file_problems()]
        console.line("\nProblems" if problems else "\nNothing is wrong.")
        for problem in problems:
            console.line(f"  {paint(problem.what, RED, sys.stdout)}\n    {problem.fix}")
        return not problems

    def _find(self, name: str) -> Found | None:
        if name not in self._found:
            self._found[name] = locate(name)
        return self._found[name]

    def _part_line(self, name: str) -> str:
        found = self._find(name)
        if found is None:
            return f"{name:<30} {paint('missing', YELLOW, sys.stdout)}"
        return f"{name:<30} {found.version:<12} {found.source:<10} {found.path}\n      {found.why}"

    def _state(self, kind: type[Server], supervisor: Supervisor) -> State:
        running = supervisor.alive(kind.name)
        port = self._record.ports.get(kind.port_names[0])
        if running is None:
            return State(kind, "dead" if self._record.running(kind.name) else "down", port=port)
        found = self._find(kind.part)
        pid, since = running.identity.pid, running.since
        if found is None:
            return State(kind, "unhealthy", pid, port, since, "its program is gone")
        ground = Ground(self._layout, self._record.ports, Pki(self._layout.pki), {kind.part: found})
        try:
            kind(ground).probe()
        except (NotReady, OSError) as problem:
            return State(kind, "unhealthy", pid, port, since, str(problem))
        return State(kind, "healthy", pid, port, since)

    def _part_problems(self) -> Iterator[Problem]:
        missing = [name for name in parts_of(self._servers) if self._find(name) is None]
        if missing:
            yield Problem(f"not there yet: {', '.join(missing)}", "make up finds, downloads or builds them.")

    def _server_problems(self, states: Sequence[State]) -> Iterator[Problem]:
        if all(state.word == "down" for state in states):
            return
        for state in states:
            log = self._layout.log(state.server.name)
            if state.word != "healthy":
                yield Problem(
                    f"{state.server.name} is {state.word}",
                    f"make up starts it again and keeps its data; see {log}",
                )
            if state.pid is None and state.port and not ports.is_free(state.port):
                yield Problem(
                    f"port {state.port} of {state.server.name} is held by {ports.holder(state.port)}",
                    "make up takes another port and tells everyone.",
                )

    def _file_problems(self) -> Iterator[Problem]:
        free = shutil.disk_usage(self._layout.root).free
        if free < LITTLE_DISK:
            yield Problem(f"only {free // 1_000_000} MB are free on the disk of {self._layout.root}", "Make room.")
        pki = Pki(self._layout.pki)
        for name in LEAVES:
            path = pki.certificate(name)
            if path.exists() and expires_soon(path.read_bytes()):
                yield Problem(f"{path} ends within 30 days, or has ended", "make up renews it.")
        for path in self._open_secrets():
            yield Problem(f"{path} can be read by others", f"chmod 600 {path}")
        if self._record.ports and not self._layout.env.exists():
            yield Problem(f"{self._layout.env} is missing", "make up writes it again.")
        if self._record.ports and not identities.present(self._layout):
            yield Problem(
                f"no manifests in {self._layout.identities}: Pulumi and the service may do nothing",
                "git checkout deploy/identity, then make up.",
            )

    def _open_secrets(self) -> Iterator[Path]:
        layout = self._layout
        named = [layout.record, layout.env, layout.passphrase, layout.kubeconfig]
        candidates = [*named, *layout.local.glob("kubeconfig-*"), *layout.pki.glob("*.key"),
                      *layout.secret("any").parent.glob("*")]  # fmt: skip
        return (path for path in candidates if path.is_file() and path.stat().st_mode & 0o077)


def _painted(state: State) -> str:
    text = state.describe()
    return text.replace(state.word, paint(state.word, COLOURS[state.word], sys.stdout), 1)


def _megabytes(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if not path.is_symlink() and path.exists():
                total += path.stat().st_size
    return total // 1_000_000


def _age(seconds: float) -> str:
    minutes = int(seconds) // 60
    return f"{int(seconds)} s" if minutes < 1 else f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
