"""A temporary checkout, and what tests ask of the plane in it."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localplane.console import Console
from localplane.doctor import Doctor
from localplane.layout import Layout
from localplane.plane import Plane
from localplane.processes import Identity
from localplane.record import Record
from localplane.servers import ALL

REPOSITORY = Path(__file__).resolve().parents[3]
IDENTITY = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: test-identity
rules:
  - apiGroups: [""]
    resources: [namespaces]
    verbs: [get]
"""


@dataclass(frozen=True)
class Checkout:
    """A temporary checkout with this repository's ``localplane`` and an identity of its own to apply."""

    root: Path

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def record(self) -> Record:
        return Record(self.layout.record)

    def up(self, **named: str) -> str:
        """Run ``up``; what it printed."""
        printed = io.StringIO()
        Plane(self.root, Console(printed)).up(named)
        return printed.getvalue()

    def down(self) -> list[str]:
        return Plane(self.root, Console(io.StringIO())).down()

    def clean(self) -> None:
        Plane(self.root, Console(io.StringIO())).clean()

    def examine(self) -> tuple[bool, str]:
        """Whether the doctor is content, and what it printed."""
        printed = io.StringIO()
        return Doctor(self.layout).report(Console(printed)), printed.getvalue()

    def words(self) -> dict[str, str]:
        """What ``status`` says of each server."""
        return {state.server.name: state.word for state in Doctor(self.layout).states()}

    def identities(self) -> dict[str, Identity]:
        running = {server.name: self.record.running(server.name) for server in ALL}
        return {name: fact.identity for name, fact in running.items() if fact}

    def env(self) -> Mapping[str, str]:
        """The variables that ``.local/env`` sets in a shell that had none."""
        script = f". {shlex.quote(str(self.layout.env))}; env -0"
        shown = subprocess.run(
            ["sh", "-c", script], env={"PATH": os.defpath}, capture_output=True, text=True, check=True
        ).stdout
        return dict(line.split("=", 1) for line in shown.split("\0") if "=" in line)

    def run(self, *command: str, given: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program with the environment of ``.local/env``."""
        environment = {"HOME": str(self.root), **self.env()}
        return subprocess.run(
            command, env=environment, input=given, capture_output=True, text=True, check=check, timeout=60
        )

    def sql(self, statement: str, role: str = "PLATFORM_DATABASE_URL") -> str:
        return self.run("psql", "-XAtq", self.env()[role], given=statement).stdout.strip()


def make_checkout(root: Path) -> Checkout:
    root.mkdir(parents=True)
    (root / "localplane").symlink_to(REPOSITORY / "localplane")
    identity = root / "deploy" / "identity" / "test.yaml"
    identity.parent.mkdir(parents=True)
    identity.write_text(IDENTITY)
    return Checkout(root)
