"""The checkout's Pulumi stack: made once, configured from the committed file, run with what ``.local/env`` says.

Pulumi writes a stack's encryption salt into its configuration file. The committed ``Pulumi.<stack>.yaml`` must stay
clean, so the engine is given a copy under ``.local/stack/`` that holds both.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from localplane.console import Console
from localplane.errors import PlaneError
from localplane.files import private_folder, write_private
from localplane.layout import Layout

#: The commands that read or write the stack's configuration file.
_CONFIGURED = frozenset({"up", "update", "preview", "destroy", "refresh", "import", "config", "watch"})
#: What Pulumi itself keeps in the file; everything else comes from the committed one.
_PULUMIS_OWN = ("encryptionsalt", "encryptedkey", "secretsprovider")


class Stack:
    """One stack of this checkout on the platform that ``.local/env`` describes."""

    def __init__(self, layout: Layout, name: str = "dev", console: Console | None = None) -> None:
        self._layout = layout
        self._name = name
        self._console = console or Console()
        self._committed = layout.root / f"Pulumi.{name}.yaml"
        self._folder = layout.local / "stack"
        self._configured = self._folder / f"Pulumi.{name}.yaml"

    def pulumi(self, arguments: Sequence[str]) -> int:
        """Run ``pulumi`` with these arguments on the stack, making the stack if needed; its exit code."""
        environment = self._environment()
        pulumi = shutil.which("pulumi", path=environment["PATH"])
        if pulumi is None:
            raise PlaneError("pulumi is not among the tools of .local/bin. `make up` finds or builds it.")
        self._prepare(pulumi, environment)
        own = ["--stack", self._name]
        if arguments and arguments[0] in _CONFIGURED:
            own += ["--config-file", str(self._configured)]
        command = [pulumi, *arguments, *own]
        with subprocess.Popen(command, cwd=self._layout.root, env=environment) as process:
            return _wait(process)

    def _environment(self) -> dict[str, str]:
        if not self._layout.env.exists():
            raise PlaneError(f"{self._layout.env} does not exist yet. `make up` writes it.")
        script = f'. "{self._layout.env}" && env -0'
        printed = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True).stdout.decode()
        return dict(line.split("=", 1) for line in printed.split("\0") if "=" in line)

    def _prepare(self, pulumi: str, environment: Mapping[str, str]) -> None:
        """Have the stack, its configuration file, and no lock of a process that is gone."""
        if not self._committed.is_file():
            raise PlaneError(f"{self._committed} does not exist: the stack {self._name!r} is not configured.\nCopy "
                             f"Pulumi.dev.yaml to Pulumi.{self._name}.yaml and edit it.")  # fmt: skip
        private_folder(self._folder)
        committed = yaml.safe_load(self._committed.read_text()) or {}
        shutil.copyfile(self._layout.root / "Pulumi.yaml", self._folder / "Pulumi.yaml")
        if not self._exists(pulumi, environment):
            self._init(pulumi, environment, committed.get("secretsprovider"))
        kept = yaml.safe_load(self._configured.read_text()) if self._configured.exists() else {}
        own = {key: kept[key] for key in _PULUMIS_OWN if key in (kept or {})}
        write_private(self._configured, yaml.safe_dump({**committed, **own}, sort_keys=False))
        self._forget_dead_locks(Path(environment["PULUMI_BACKEND_URL"].removeprefix("file://")))

    def _exists(self, pulumi: str, environment: Mapping[str, str]) -> bool:
        command = [pulumi, "-C", str(self._folder), "stack", "ls", "--json"]
        listed = subprocess.run(command, env=environment, capture_output=True, text=True)
        if listed.returncode:
            raise PlaneError(f"`pulumi stack ls` failed:\n{listed.stderr.strip()}")
        return any(stack["name"] == self._name for stack in json.loads(listed.stdout))

    def _init(self, pulumi: str, environment: Mapping[str, str], secrets_provider: str | None) -> None:
        command = [pulumi, "-C", str(self._folder), "stack", "init", self._name, "--no-select", "--non-interactive"]
        if secrets_provider:
            command += ["--secrets-provider", secrets_provider]
        made = subprocess.run(command, env=environment, capture_output=True, text=True)
        if made.returncode:
            raise PlaneError(f"the stack {self._name!r} cannot be made:\n{made.stderr.strip()}")
        self._console.note(f"stack {self._name} made; its state is in {environment['PULUMI_BACKEND_URL']}")

    def _forget_dead_locks(self, state: Path) -> None:
        """Remove locks of the file backend whose process, on this machine, is gone: a killed run leaves its lock."""
        for path in state.glob(f".pulumi/locks/**/{self._name}/*.json"):
            lock = json.loads(path.read_text())
            if lock.get("hostname") == socket.gethostname() and not _is_pulumi(int(lock.get("pid", 0))):
                path.unlink(missing_ok=True)
                self._console.note(f"lock of an earlier run removed: its process {lock['pid']} is gone")


def next_steps(layout: Layout) -> str:
    """What a newcomer can try once everything runs."""
    if not layout.env.exists():
        raise PlaneError(f"{layout.env} does not exist yet. `make up` writes it.")
    return """
Every organization of tenants/orgs/ is deployed. Try:

  . .local/env                                        # kubectl, psql and pulumi of this platform
  kubectl get namespaces -L isolation-ready           # one isolated namespace an organization
  psql "$PLATFORM_DATABASE_URL" -c 'table tenancy.organizations'
  kubectl -n org-contoso get pods --as agent-ready:grace@acme.example     # a stranger: forbidden

  edit tenants/orgs/bluebird-studio.yaml, then `make preview`, then `make up`
  make doctor | make down | make                      # what is wrong, stop, all commands
"""


def _is_pulumi(pid: int) -> bool:
    try:
        return b"pulumi" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for Pulumi; Ctrl-C reaches it from the terminal too, and it ends cleanly by itself."""
    while True:
        try:
            code = process.wait()
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:
            if os.getpgid(process.pid) != os.getpgid(0):
                process.send_signal(2)
