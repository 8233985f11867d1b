"""One `pulumi` process on a self-service organization's stack, whose program runs here and may wait for its work."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import EngineError
from engine.providers import tied
from engine.review_events import redact
from engine.runtime import Program, Runtime
from engine.stack import executable
from engine.workspaces import Workspaces

_OPTIONS = ("--non-interactive", "--suppress-outputs", "--color", "never", "--exec-kind", "auto.inline")
_UPDATING = ("--yes", "--skip-preview", "--suppress-progress", "--parallel", "64")
_QUICK = {
    "PULUMI_SKIP_CHECKPOINTS": "true",
    "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
    "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_CI_DETECTION": "true",
    "PULUMI_DEBUG_COMMANDS": "true",  # --event-log is hidden behind it
    "GOGC": "400",  # an engine lives for seconds; collecting its garbage costs more than keeping it
}


class Engine:
    """A `pulumi up`, `destroy` or `preview` on one stack; `program` is what it runs here."""

    def __init__(self, runtime: Runtime, workspaces: Workspaces, stack: str, program: Program) -> None:
        self.stack = stack
        self.errors: list[str] = []
        self.events: list[Mapping[str, Any]] = []
        self._runtime, self._workspaces, self._program = runtime, workspaces, program
        self._workspace = workspaces.folder / stack
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self, command: str, attached: str, *more: str) -> None:
        """Start `pulumi <command>`; `attached` are the providers that it is to use."""
        await self._workspaces.make(self.stack)
        self._runtime.expect(self.stack, self._program, self._note)
        arguments = [command, *_OPTIONS, *(() if command == "preview" else _UPDATING), *more]
        with (self._workspace / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tied([executable(), *arguments, *self._named()], "INT"),
                cwd=self._workspace, env=self._environment(attached), start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    async def wait(self) -> None:
        """Wait until the process has ended; raise EngineError with what the engine said if it failed."""
        assert self._process is not None  # noqa: S101 - start() comes first
        code = await self._process.wait()
        self._runtime.forget(self.stack)
        if code:
            said = "; ".join(dict.fromkeys(self.errors)) or self._log_tail()
            raise EngineError(redact(said) or f"pulumi ended with exit code {code} and said nothing")

    def interrupt(self) -> None:
        """Ask it to end: it stops before the next resource, and saves what it has."""
        if self._process is not None and self.running:
            self._process.terminate()

    def kill(self) -> None:
        """End it at once: it saves nothing more."""
        if self._process is not None and self.running:
            self._process.kill()

    def _named(self) -> Sequence[str]:
        file = self._workspace / f"Pulumi.{self.stack}.yaml"
        served = self._runtime.address
        return (
            "--stack",
            self.stack,
            "--config-file",
            str(file),
            f"--client={served}",
            "--event-log",
            f"tcp://{served}",
        )

    def _environment(self, attached: str) -> dict[str, str]:
        backend = self._workspaces.environment(self.stack)
        return {**os.environ, **_QUICK, **backend, "PULUMI_DEBUG_PROVIDERS": attached}

    def _note(self, event: Mapping[str, Any]) -> None:
        """Keep what went wrong; a preview's events are what it is asked for."""
        diagnostic = event.get("diagnosticEvent") or {}
        if diagnostic.get("severity") == "error":
            self.errors.append(" ".join(str(diagnostic.get("message", "")).split()))
        self.events.append(event)

    def _log_tail(self) -> str:
        return " ".join((self._workspace / "log").read_text(errors="replace").split())[-2000:]
