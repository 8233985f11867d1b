"""What every server answers."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from localplane.layout import Layout
from localplane.parts import Found
from localplane.pki import Pki


@dataclass(frozen=True)
class Ground:
    """What servers are built on: one checkout's paths, ports, keys and programs."""

    layout: Layout
    ports: Mapping[str, int]
    pki: Pki
    found: Mapping[str, Found]


class Server(ABC):
    """One process of the plane. All methods but ``clear`` may be called while it runs."""

    name: ClassVar[str]
    part: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    #: Seconds to become ready, generous for a machine busy with a build, and seconds to end before SIGKILL.
    start_seconds: ClassVar[float] = 120.0
    stop_seconds: ClassVar[float] = 15.0

    def __init__(self, ground: Ground) -> None:
        self.layout = ground.layout
        self.ports = ground.ports
        self.pki = ground.pki
        self.found = ground.found[self.part]
        self.data = ground.layout.data(self.name)

    @property
    def port(self) -> int:
        """The port that stands for the server, in messages."""
        return self.ports[self.port_names[0]]

    def prepare(self) -> None:  # noqa: B027
        """Write what the process reads; called on each ``up``."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments; nothing secret among them."""

    def inputs(self) -> Sequence[Path | str]:
        """Files, and texts, that the process reads only when it starts: a change means a restart."""
        return ()

    def clear(self) -> None:  # noqa: B027
        """Remove what a killed process left behind; called only when none runs."""

    @abstractmethod
    def probe(self) -> None:
        """Ready means that this returns; it raises NotReady with the reason."""

    def settle(self) -> None:  # noqa: B027
        """What the server must hold once it is ready; called on each ``up``, so it must be repeatable."""

    def environment(self) -> dict[str, str]:
        """The whole environment of the process; nothing is inherited from the shell."""
        return {
            "PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(self.data), **self.found.environment
        }  # fmt: skip

    def fingerprint(self) -> str:
        """Changes when the process has to be restarted: other program, arguments, keys or configuration."""
        texts = [item if isinstance(item, str) else _digest(item) for item in self.inputs()]
        facts = [list(self.command()), sorted(self.environment().items()), self.found.version, texts]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
