"""The workspaces of self-service organizations' stacks, and the stacks' state where that is files.

A workspace, `<folder>/<stack>/`, is made without Pulumi's help: an empty checkpoint, and a configuration with the salt
that all these stacks share, save a process and a key derivation each. What a killed engine left is told by evidence.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.stack import PROJECT, executable


@dataclass(frozen=True)
class Workspaces:
    """Where stacks live: `folder` on this machine, state below the URL `backend`; `salt` encrypts secrets in it."""

    folder: Path
    backend: str
    salt: str

    def state_of(self, stack: str) -> str:
        """The backend's URL of one stack: a folder of its own, since the backend walks all that is beside it."""
        return f"{self.backend}/{stack}?metadata=skip" if self.in_folders else self.backend

    @property
    def in_folders(self) -> bool:
        """Whether the state is files of this machine."""
        return self.backend.startswith("file://")

    def checkpoint(self, stack: str) -> Path:
        """The state's file, where it is one."""
        state = Path(self.backend.removeprefix("file://")) / stack / ".pulumi"
        return state / "stacks" / PROJECT / f"{stack}.json"

    def make(self, stack: str) -> None:
        """Have the workspace of a stack, and the stack."""
        workspace = self.folder / stack
        workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
        (workspace / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        (workspace / f"Pulumi.{stack}.yaml").write_text(f"encryptionsalt: {self.salt}\n")
        if self.in_folders and not self.checkpoint(stack).exists():
            empty = {"version": 3, "checkpoint": {"stack": f"organization/{PROJECT}/{stack}"}}
            self.checkpoint(stack).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.checkpoint(stack).parents[2] / "meta.yaml").write_text("version: 1\n")
            self.checkpoint(stack).write_text(json.dumps(empty))

    def locks(self, stack: str) -> list[Path]:
        """The locks that engines hold on the stack, or have left there; none where the state is not files here."""
        if not self.in_folders:
            return []
        return list((self.checkpoint(stack).parents[2] / "locks").glob(f"**/{stack}/*.json"))

    def held(self, stack: str) -> bool:
        """Whether a living process holds the stack."""
        return any(_lives(lock) for lock in self.locks(stack))

    def release_dead_locks(self, stack: str) -> None:
        """Remove the locks of engines that were killed: their processes, on this machine, are gone."""
        for lock in self.locks(stack):
            if not _lives(lock):
                lock.unlink(missing_ok=True)

    def forget(self, stack: str) -> None:
        """Remove the workspace, and the state where it is files of this machine; gone already is fine."""
        if not self.in_folders:
            self.make(stack)  # it may have been another host's, or be forgotten already
            subprocess.run(
                [executable(), "stack", "rm", stack, "--yes", "--force", "--non-interactive"],
                cwd=self.folder / stack, env={**os.environ, "PULUMI_BACKEND_URL": self.state_of(stack)},
                capture_output=True, check=False,
            )  # fmt: skip
        shutil.rmtree(self.folder / stack, ignore_errors=True)
        if self.in_folders:
            shutil.rmtree(self.checkpoint(stack).parents[3], ignore_errors=True)


def shared_salt(folder: Path) -> str:
    """The salt of all self-service stacks, made once by Pulumi itself."""
    kept = folder / "salt"
    if kept.exists():
        return kept.read_text().strip()
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        done = subprocess.run(
            [executable(), "stack", "init", "salt", "--non-interactive"], cwd=scratch, capture_output=True, text=True,
            check=False, env={**os.environ, "PULUMI_BACKEND_URL": f"file://{scratch}"},
        )  # fmt: skip
        if done.returncode:
            raise EngineError(f"`pulumi stack init` failed:\n{done.stderr.strip()}")
        made = (Path(scratch) / "Pulumi.salt.yaml").read_text()
    salt = next(line.split(":", 1)[1].strip() for line in made.splitlines() if line.startswith("encryptionsalt:"))
    kept.touch(mode=0o600)
    kept.write_text(salt)
    return salt


def _lives(lock: Path) -> bool:
    """Whether the process that a lock names runs on this machine, or the lock is another machine's."""
    try:
        held = json.loads(lock.read_text())
    except (OSError, ValueError):
        return False
    if held.get("hostname") != socket.gethostname():
        return True
    try:
        return b"pulumi" in Path(f"/proc/{int(held['pid'])}/cmdline").read_bytes()
    except (OSError, KeyError, ValueError):
        return False
