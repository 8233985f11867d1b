"""What one checkout remembers, in ``.local/plane.json``: ports, named parts, running processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localplane.errors import PlaneError
from localplane.files import write_private
from localplane.processes import Identity


@dataclass(frozen=True)
class Running:
    """A server that was started: who it is, from which configuration, and when (seconds since the epoch)."""

    identity: Identity
    fingerprint: str
    since: float


class Record:
    """The remembered facts; a change is on disk before the call returns. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        facts = self._read()
        self._ports: dict[str, int] = facts.get("ports", {})
        self._external: dict[str, str] = facts.get("external", {})
        self._running = {name: _running(fact) for name, fact in facts.get("running", {}).items()}

    @property
    def ports(self) -> Mapping[str, int]:
        """Port by name; a copy."""
        with self._guard:
            return dict(self._ports)

    @property
    def external(self) -> Mapping[str, str]:
        """What was named on purpose, by kind; a copy."""
        with self._guard:
            return dict(self._external)

    def running(self, server: str) -> Running | None:
        """What was last started under this name, whether or not it still runs."""
        with self._guard:
            return self._running.get(server)

    def remember_ports(self, ports: Mapping[str, int]) -> None:
        with self._guard:
            self._ports = dict(ports)
            self._save()

    def remember_external(self, external: Mapping[str, str]) -> None:
        with self._guard:
            self._external = dict(external)
            self._save()

    def remember_running(self, server: str, running: Running | None) -> None:
        """Remember a started server, or with None that it was stopped."""
        with self._guard:
            if running is None:
                self._running.pop(server, None)
            else:
                self._running[server] = running
            self._save()

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self._path.exists():
            return {}
        try:
            facts = dict(json.loads(self._path.read_text()))
            return {key: dict(facts[key]) for key in ("ports", "external", "running") if key in facts}
        except (ValueError, TypeError) as problem:
            raise PlaneError(
                f"{self._path} cannot be read: {problem}.\n"
                "Delete it and run `make up`: servers that still run are found and restarted."
            ) from problem

    def _save(self) -> None:
        running = {name: asdict(fact) for name, fact in self._running.items()}
        facts = {"ports": self._ports, "external": self._external, "running": running}
        write_private(self._path, json.dumps(facts, indent=2, sort_keys=True) + "\n")


def _running(fact: dict[str, Any]) -> Running:
    return Running(Identity(**fact["identity"]), fact["fingerprint"], fact["since"])
