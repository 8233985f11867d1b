"""Start, keep, restart and stop single servers; remembers each process the moment it exists."""

from __future__ import annotations

import signal
import threading
import time

from localplane import processes
from localplane.errors import Interrupted, NotReady, StartFailed, StopFailed
from localplane.files import rotate, tail
from localplane.layout import Layout
from localplane.processes import Identity
from localplane.record import Record, Running
from localplane.servers.base import Server

POLL_SECONDS = 0.05
#: How long a server that runs may fail to answer before it is restarted; longer than a busy machine pauses.
GRACE_SECONDS = 10.0
KILL_SECONDS = 10.0


class Supervisor:
    """The processes of one checkout."""

    def __init__(self, layout: Layout, record: Record, cancelled: threading.Event | None = None) -> None:
        self._layout = layout
        self._record = record
        self._cancelled = cancelled or threading.Event()

    def alive(self, server: str) -> Running | None:
        """The remembered process of this name, if it is the one that runs, and runs for this checkout."""
        running = self._record.running(server)
        if running is None or not processes.is_alive(running.identity):
            return None
        return running if processes.works_below(running.identity, self._layout.data(server)) else None

    def bring_up(self, server: Server) -> str:
        """Have this server ready, touching nothing that is; says what was done."""
        fingerprint = server.fingerprint()
        reason = self._reason_to_start(server, fingerprint)
        if reason is None:
            server.settle()
            return "runs"
        self.stop(type(server))
        self._start(server, fingerprint)
        self._wait(server, server.start_seconds)
        server.settle()
        return reason

    def stop(self, server: type[Server]) -> bool:
        """Stop the remembered process and whatever else carries its mark; True if there was something."""
        running = self.alive(server.name)
        if running is not None:
            self._end(server, running.identity)
        stray = self.clear_strays(server)
        self._record.remember_running(server.name, None)
        return running is not None or stray

    def clear_strays(self, server: type[Server]) -> bool:
        """End processes of ours that the record does not know: it was lost, or their parent was killed."""
        if self.alive(server.name) is not None:
            return False
        strays = processes.marked(self._layout.root, server.name)
        for identity in strays:
            self._end(server, identity)
        return bool(strays)

    def _reason_to_start(self, server: Server, fingerprint: str) -> str | None:
        running = self.alive(server.name)
        if running is None:
            return "restarted (it had ended)" if self._record.running(server.name) else "started"
        if running.fingerprint != fingerprint:
            return "restarted (its configuration changed)"
        try:
            self._wait(server, GRACE_SECONDS)
        except StartFailed:
            return "restarted (it did not answer)"
        return None

    def _start(self, server: Server, fingerprint: str) -> None:
        server.clear()
        log = self._layout.log(server.name)
        rotate(log)
        mark = (self._layout.root, server.name)
        identity = processes.spawn(server.command(), server.environment(), server.data, log, mark)
        self._record.remember_running(server.name, Running(identity, fingerprint, time.time()))

    def _wait(self, server: Server, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            if self._cancelled.is_set():
                raise Interrupted(f"{server.name} was not waited for")
            try:
                return server.probe()
            except NotReady as problem:
                reason = str(problem)
            if self.alive(server.name) is None:
                raise self._failure(server, "ended by itself")
            if time.monotonic() > deadline:
                raise self._failure(server, f"was not ready within {seconds:.0f} s ({reason})")
            self._cancelled.wait(POLL_SECONDS)

    def _failure(self, server: Server, what: str) -> StartFailed:
        log = self._layout.log(server.name)
        return StartFailed(
            f"{server.name} {what}. The end of {log}:\n{tail(log)}\n"
            "`make up` tries again; `make doctor` says more; `make clean` begins anew, without the data."
        )

    def _end(self, server: type[Server], identity: Identity) -> None:
        """Ask kindly, wait, then kill."""
        processes.send(identity, signal.SIGCONT)
        processes.send(identity, server.stop_signal)
        if processes.wait_gone(identity, server.stop_seconds):
            return
        processes.send(identity, signal.SIGKILL)
        if not processes.wait_gone(identity, KILL_SECONDS):
            raise StopFailed(
                f"{server.name} (pid {identity.pid}) is still there {KILL_SECONDS:.0f} s after SIGKILL.\n"
                "It hangs in the kernel, usually in disk or network storage: look there, then try again."
            )
