"""One Pulumi stack of this checkout: made once, configured from the committed file, run by the Pulumi CLI.

Pulumi writes a stack's encryption salt into its configuration file. The committed `Pulumi.<stack>.yaml` must stay
clean, so the engine is given a copy under `.local/stack/` that holds both.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml

from engine.errors import EngineError, NotConfigured

# The commands that read or write the stack's configuration file.
_CONFIGURED = frozenset({"up", "update", "preview", "destroy", "refresh", "import", "config", "watch"})
# What Pulumi itself keeps in that file; everything else comes from the committed one.
_PULUMIS_OWN = ("encryptionsalt", "encryptedkey", "secretsprovider")


class Stack:
    """One stack. `root` is the checkout, `name` the stack; the environment says where the state is."""

    def __init__(self, root: Path, name: str = "dev") -> None:
        self._root, self._name = root, name
        self._committed = root / f"Pulumi.{name}.yaml"
        self._folder = root / ".local" / "stack"
        self._configured = self._folder / f"Pulumi.{name}.yaml"

    def pulumi(self, arguments: Sequence[str]) -> int:
        """Run `pulumi` with these arguments on the stack, making the stack if needed; return its exit code."""
        command = [_executable(), *arguments, "--stack", self._name]
        self.prepare()
        if arguments and arguments[0] in _CONFIGURED:
            command += ["--config-file", str(self._configured)]
        with subprocess.Popen(command, cwd=self._root) as process:
            return _wait(process)

    def prepare(self) -> None:
        """Have the stack and its configuration file, and no lock of a process that is gone."""
        committed = self._committed_configuration()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(self._root / "Pulumi.yaml", self._folder / "Pulumi.yaml")
        if not self._exists():
            self._init(committed.get("secretsprovider"))
        kept = _read_yaml(self._configured)
        own = {key: kept[key] for key in _PULUMIS_OWN if key in kept}
        self._configured.write_text(yaml.safe_dump({**committed, **own}, sort_keys=False))
        self._configured.chmod(0o600)
        self._forget_dead_locks()

    def _committed_configuration(self) -> dict[str, object]:
        if not self._committed.is_file():
            raise NotConfigured(
                f"{self._committed} does not exist, so that the stack {self._name!r} has no configuration; "
                f"copy Pulumi.dev.yaml to Pulumi.{self._name}.yaml and edit it"
            )
        return _read_yaml(self._committed)

    def _exists(self) -> bool:
        listed = self._ask("stack", "ls", "--json")
        return any(stack["name"] == self._name for stack in json.loads(listed))

    def _init(self, secrets_provider: object) -> None:
        key_service = ["--secrets-provider", str(secrets_provider)] if secrets_provider else []
        self._ask("stack", "init", self._name, "--no-select", "--non-interactive", *key_service)
        print(f"stack {self._name} made; its state is in {os.environ['PULUMI_BACKEND_URL']}", flush=True)

    def _ask(self, *arguments: str) -> str:
        """What a Pulumi command prints, run where it may write the stack's file."""
        done = subprocess.run(
            [_executable(), "-C", str(self._folder), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EngineError(f"`pulumi {' '.join(arguments)}` failed:\n{done.stderr.strip()}")
        return done.stdout

    def _forget_dead_locks(self) -> None:
        """Remove locks of the file backend whose process, on this machine, is gone: a killed run leaves its lock."""
        state = Path(os.environ["PULUMI_BACKEND_URL"].removeprefix("file://"))
        for path in state.glob(f".pulumi/locks/**/{self._name}/*.json"):
            lock = json.loads(path.read_text())
            if lock.get("hostname") == socket.gethostname() and not _is_pulumi(int(lock.get("pid", 0))):
                path.unlink(missing_ok=True)
                print(f"lock of an earlier run removed: its process {lock['pid']} is gone", flush=True)


def _executable() -> str:
    found = shutil.which("pulumi")
    if found is None or "PULUMI_BACKEND_URL" not in os.environ:
        raise NotConfigured("pulumi or PULUMI_BACKEND_URL is missing; run `make up`, then `. .local/env`")
    return found


def _read_yaml(path: Path) -> dict[str, object]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def _is_pulumi(pid: int) -> bool:
    try:
        return b"pulumi" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _wait(process: "subprocess.Popen[bytes]") -> int:
    """Wait for Pulumi. The terminal's Ctrl-C reaches it directly; a signal to us alone is passed on. It ends cleanly
    by itself, so that we only ever wait."""
    previous = signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
    try:
        while True:
            try:
                code = process.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                continue
    finally:
        signal.signal(signal.SIGTERM, previous)
