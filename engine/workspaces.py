"""The workspaces of self-service organizations' stacks, on this machine, and what a killed engine left of a stack.

A workspace, `<folder>/<stack>/`, and the stack in it are made without Pulumi's help: an empty checkpoint, and a
configuration with the salt that all these stacks share, save a process and a key derivation each.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.stack import PROJECT, executable
from engine.states import States


@dataclass(frozen=True)
class Workspaces:
    """Where stacks live: `folder` on this machine, their state in `states`; `salt` encrypts secrets in it."""

    folder: Path
    states: States
    salt: str

    def environment(self, stack: str) -> Mapping[str, str]:
        """What Pulumi is told of the stack's backend."""
        return {**self.states.variables, "PULUMI_BACKEND_URL": self.states.url(stack)}

    async def make(self, stack: str) -> None:
        """Have the workspace of a stack, and the stack."""
        self.prepare(stack)
        if await self.states.read(stack, checkpoint(stack)) is None:
            empty = {"version": 3, "checkpoint": {"stack": f"organization/{PROJECT}/{stack}"}}
            await self.states.write(stack, "meta.yaml", "version: 1\n")
            await self.states.write(stack, checkpoint(stack), json.dumps(empty))

    def prepare(self, stack: str) -> None:
        """Have the workspace alone; the stack may be another machine's."""
        workspace = self.folder / stack
        workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
        (workspace / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        (workspace / f"Pulumi.{stack}.yaml").write_text(f"encryptionsalt: {self.salt}\n")

    async def held(self, stack: str) -> bool:
        """Whether a process that may live holds the stack: one of this machine that does, or any of another's."""
        return any(_may_live(lock) for lock in (await self._locks(stack)).values())

    async def release_locks(self, stack: str) -> None:
        """Remove the locks of engines that were killed. Whoever calls this has the stack's lease.

        An engine of this machine is gone if its process is. One of another machine is gone because we have the lease:
        its service stops it before the lease can be taken by anybody else.
        """
        for name, lock in (await self._locks(stack)).items():
            if _is_elsewhere(lock) or not _may_live(lock):
                await self.states.remove(stack, name)

    async def forget(self, stack: str) -> None:
        """Remove the workspace and the stack; gone already is fine."""
        await asyncio.to_thread(shutil.rmtree, self.folder / stack, ignore_errors=True)
        await self.states.forget(stack)

    async def _locks(self, stack: str) -> dict[str, "Lock"]:
        """The locks that engines hold on the stack, or have left there, by their names."""
        names = await self.states.names(stack, f"locks/organization/{PROJECT}/{stack}")
        return {name: _read(await self.states.read(stack, name)) for name in names}


def workspaces_of(root: Path) -> Path:
    """The folder of a checkout's workspaces."""
    return root / ".local" / "self-service"


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


def checkpoint(stack: str) -> str:
    """The name of a stack's state."""
    return f"stacks/{PROJECT}/{stack}.json"


@dataclass(frozen=True)
class Lock:
    """What Pulumi writes into a lock; one that is gone, or cut off, is nobody's."""

    hostname: str = ""
    pid: int = 0


def _read(text: str | None) -> Lock:
    try:
        told = json.loads(text or "{}")
        return Lock(str(told["hostname"]), int(told["pid"]))
    except (KeyError, TypeError, ValueError):
        return Lock()


def _is_elsewhere(lock: Lock) -> bool:
    return lock.hostname not in ("", socket.gethostname())


def _may_live(lock: Lock) -> bool:
    """Whether the process that a lock names is a Pulumi of this machine, or is another machine's."""
    if _is_elsewhere(lock):
        return True
    try:
        return bool(lock.pid) and b"pulumi" in Path(f"/proc/{lock.pid}/cmdline").read_bytes()
    except OSError:
        return False
