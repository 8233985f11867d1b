"""One Pulumi stack of this checkout: made once, configured from the committed file, run by the Pulumi CLI.

Pulumi writes a stack's encryption salt into its configuration file. The committed `Pulumi.<stack>.yaml` must stay
clean, so the engine is given a copy under `.local/stack/` that holds both.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from engine.errors import EngineError, NotConfigured
from tenants.holding import VARIABLE as HOLDING
from tenants.holding import Holding
from tenants.shards import Shard

# The commands that read or write the stack's configuration file.
_CONFIGURED = frozenset({"up", "update", "preview", "destroy", "refresh", "import", "config", "watch"})
# What Pulumi itself keeps in that file; everything else comes from the committed one.
_PULUMIS_OWN = ("encryptionsalt", "encryptedkey", "secretsprovider")

# Requests a second that the kubernetes provider allows itself, beside an API server that has fairness of its own. Its
# default, 50, is less than three sign-ups. What the environment says counts more.
SWIFT = {"PULUMI_K8S_CLIENT_QPS": "300", "PULUMI_K8S_CLIENT_BURST": "600"}

WHOLE = Shard(1, 1)
PROJECT = "agent-ready-k8s"


class Stack:
    """One stack of an environment. `root` is the checkout; the process's environment says where the state is.

    `Pulumi.<environment>.yaml` configures all of an environment's shards.
    """

    def __init__(self, root: Path, environment: str = "dev", shard: Shard = WHOLE) -> None:
        self._root, self._shard = root, shard
        self._environment, self.name = environment, shard.stack(environment)
        self._committed = root / f"Pulumi.{environment}.yaml"
        self._folder = root / ".local" / "stack"
        self._configured = self._folder / f"Pulumi.{self.name}.yaml"

    async def run(self, arguments: Sequence[str], *, holding: Holding | None = None, log: Path | None = None) -> int:
        """Run `pulumi` with these arguments on the stack, making the stack if needed; return its exit code.

        The program registers what `holding` says, or everything that the catalog gives to the stack. What is said goes
        to `log` if there is one, so that several stacks may run at once.

        In the foreground the terminal's Ctrl-C reaches Pulumi directly; in the background, where it does not, we
        pass it on once. Either way Pulumi ends cleanly by itself, and is waited for: a second one would kill it.
        """
        await asyncio.to_thread(self.prepare)
        with self.environment(holding) as environment:
            return await self._run(arguments, environment, log)

    async def _run(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path | None) -> int:
        if log is None:
            foreground = await asyncio.create_subprocess_exec(
                *self._command(arguments), cwd=self._root, env=environment
            )
            return await self._wait(foreground)
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *self._command(arguments), cwd=self._root, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        return await self._wait(process, pass_on=True)

    async def _wait(self, process: asyncio.subprocess.Process, *, pass_on: bool = False) -> int:
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            if pass_on and process.returncode is None:
                process.send_signal(signal.SIGINT)
            await process.wait()
            raise
        return code if code >= 0 else 128 - code

    def _command(self, arguments: Sequence[str]) -> list[str]:
        configured = bool(arguments) and arguments[0] in _CONFIGURED
        file = ["--config-file", str(self._configured)] if configured else []
        return [executable(), *arguments, "--stack", self.name, *file]

    @contextmanager
    def environment(self, holding: Holding | None) -> Iterator[dict[str, str]]:
        """Ours, what the program is to register, and one write of the state at the end instead of two a resource.

        An update that is killed then knows nothing of what it did, and need not: docs/adr/0010-shards.md. What to
        register is said to this one process only: a file that told every later one could cost organizations.
        """
        said = {**SWIFT, **os.environ, "PULUMI_SKIP_CHECKPOINTS": "true"}
        if holding:
            # Of this run alone: a review that runs beside an update must not tell it what to register.
            file = self._folder / f"{self.name}.{secrets.token_hex(4)}.holding.json"
            holding.write(file)
            said[HOLDING] = str(file)
        try:
            yield said
        finally:
            if holding:
                file.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Have the stack and its configuration file, and no lock of a process that is gone."""
        committed = self._committed_configuration()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(self._root / "Pulumi.yaml", self._folder / "Pulumi.yaml")
        if not self.exists():
            self._init(committed.get("secretsprovider"))
        kept = _read_yaml(self._configured)
        own = {key: kept[key] for key in _PULUMIS_OWN if key in kept}
        self._configured.write_text(yaml.safe_dump({**own, **committed, "config": self._config(committed)}))
        self._configured.chmod(0o600)
        if self._forget_dead_locks():
            self._forget_pending_creates()

    def _config(self, committed: dict[str, Any]) -> dict[str, Any]:
        """The committed configuration, and which part of the environment this stack is."""
        part = {"environment": self._environment, "shard": str(self._shard)}
        return {**(committed.get("config") or {}), **{f"{PROJECT}:{key}": value for key, value in part.items()}}

    def _committed_configuration(self) -> dict[str, Any]:
        if not self._committed.is_file():
            raise NotConfigured(
                f"{self._committed} does not exist, so that the environment {self._environment!r} has no "
                f"configuration; copy Pulumi.dev.yaml to Pulumi.{self._environment}.yaml and edit it"
            )
        return _read_yaml(self._committed)

    def urns(self) -> frozenset[str]:
        """The resources in the stack's state."""
        return frozenset(resource["urn"] for resource in self._resources())

    def protected(self) -> frozenset[str]:
        """The names of the resources that the engine refuses to delete."""
        return frozenset(r["urn"].rsplit("::", 1)[-1] for r in self._resources() if r.get("protect"))

    def _resources(self) -> list[dict[str, Any]]:
        deployment = json.loads(self._ask("stack", "export", "--stack", self.name))["deployment"]
        return deployment.get("resources") or []

    def export(self) -> dict[str, Any]:
        """The stack's state, with its secrets in the clear: keep it in memory."""
        return export_state(self._folder, self.name, {})

    def replace(self, state: dict[str, Any]) -> None:
        """Make `state`, which `export` gave, the stack's; its secrets are encrypted again."""
        done = subprocess.run(
            [executable(), "-C", str(self._folder), "stack", "import", "--stack", self.name],
            input=json.dumps(state), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise EngineError(f"the state of {self.name} could not be replaced:\n{done.stderr.strip()}")

    def move(self, urn: str, destination: "Stack") -> None:
        """Move a resource and everything below it to another stack's state."""
        self._ask("state", "move", "--source", self.name, "--dest", destination.name, "--yes", urn)

    def exists(self) -> bool:
        """Whether the state backend knows the stack."""
        return self.name in known_stacks()

    def _init(self, secrets_provider: str | None) -> None:
        key_service = ["--secrets-provider", secrets_provider] if secrets_provider else []
        self._ask("stack", "init", self.name, "--no-select", "--non-interactive", *key_service)
        print(f"stack {self.name} made; its state is in {os.environ['PULUMI_BACKEND_URL']}", flush=True)

    def _ask(self, *arguments: str) -> str:
        """What a Pulumi command prints, run where it may write the stack's file."""
        return _ask(self._folder, *arguments)

    def _forget_dead_locks(self) -> bool:
        """Remove locks of the file backend whose process, on this machine, is gone: a killed run leaves its lock."""
        state, forgotten = _file_state(), False
        for path in state.glob(f".pulumi/locks/**/{self.name}/*.json") if state else ():
            lock = json.loads(path.read_text())
            if lock.get("hostname") == socket.gethostname() and not _is_pulumi(int(lock.get("pid", 0))):
                path.unlink(missing_ok=True)
                print(f"lock of an earlier run removed: its process {lock['pid']} is gone", flush=True)
                forgotten = True
        return forgotten

    def _forget_pending_creates(self) -> None:
        """Drop what a killed run had begun to create: the engine would warn of it for ever.

        Nothing is lost by that. Whatever was made is found again by the next update: rows and namespaces by their
        operation-id, other objects because they are applied, logins because they are cleared before they are made.
        """
        exported = json.loads(self._ask("stack", "export", "--stack", self.name))
        if exported["deployment"].pop("pending_operations", None):
            file = self._folder / f"{self.name}.settled.json"  # secrets in it are encrypted, as in the state itself
            file.write_text(json.dumps(exported))
            self._ask("stack", "import", "--stack", self.name, "--file", str(file))
            file.unlink()


def export_state(folder: Path, stack: str, backend: Mapping[str, str]) -> dict[str, Any]:
    """A stack's state with its secrets in the clear: keep it in memory. `folder` has the stack's configuration.

    `backend` are the variables that lead to its state, if not those of this process do.
    """
    done = subprocess.run(
        [executable(), "-C", str(folder), "stack", "export", "--stack", stack, "--show-secrets"],
        env={**os.environ, **backend}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise EngineError(f"the state of {stack} could not be read:\n{done.stderr.strip()}")
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def known_stacks() -> frozenset[str]:
    """The project's stacks that the state backend knows."""
    state = _file_state()
    if state is not None:
        return frozenset(path.stem for path in (state / ".pulumi" / "stacks" / PROJECT).glob("*.json"))
    listed = json.loads(_ask(Path.cwd(), "stack", "ls", "--json", "--project", PROJECT))
    return frozenset(stack["name"].rsplit("/", 1)[-1] for stack in listed)


def _ask(folder: Path, *arguments: str) -> str:
    done = subprocess.run([executable(), "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(f"`pulumi {' '.join(arguments)}` failed:\n{done.stderr.strip()}")
    return done.stdout


def executable() -> str:
    found = shutil.which("pulumi")
    if found is None or "PULUMI_BACKEND_URL" not in os.environ:
        raise NotConfigured("pulumi or PULUMI_BACKEND_URL is missing; run `make up`, then `. .local/env`")
    return found


def _file_state() -> Path | None:
    """The folder of the file backend, or None with another backend."""
    url = os.environ["PULUMI_BACKEND_URL"]
    return Path(url.removeprefix("file://")) if url.startswith("file://") else None


def _read_yaml(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def _is_pulumi(pid: int) -> bool:
    try:
        return b"pulumi" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
