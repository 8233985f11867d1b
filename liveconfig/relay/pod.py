"""One pod's connection: hello first, then states out and pings in."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from liveconfig.errors import ProtocolError
from liveconfig.lines import Lines
from liveconfig.postgres import Credential
from liveconfig.protocol import FROM_POD, PONG, Hello, refused, said

if TYPE_CHECKING:
    from liveconfig.relay.hub import Hub

HELLO_SECONDS = 5.0  # for handshake, hello and the look at the credentials together
QUEUE = 2**18  # bytes that may wait for a pod, beside what the kernel holds
Admit = Callable[["Pod", Hello], Coroutine[Any, Any, None]]


class Pod:
    """A connection. `behind`: it did not take what it was told, and will be told everything once it does."""

    def __init__(self, sock: socket.socket, address: str, context: ssl.SSLContext, hub: Hub, admit: Admit) -> None:
        self._hub, self._admit, self._loop = hub, admit, asyncio.get_running_loop()
        self.address = address
        self.hello: Hello | None = None
        self.credential: Credential | None = None
        self.behind = False
        self.heard = self._loop.time()
        self._admission: asyncio.Task[None] | None = None
        self._patience = self._loop.call_later(HELLO_SECONDS, self.end, "no hello in time")
        self._lines = Lines(sock, context, self, limit=FROM_POD, queue=QUEUE)

    def tell(self, line: bytes) -> None:
        """Write a line, or leave the pod to the newest full state if it takes none."""
        if not self.behind and not self._lines.write(line):
            self.behind = True
            self._hub.metrics.behind.inc()

    def end(self, reason: str, why: str = "") -> None:
        """Close; `reason` is counted, `why` is what the pod is told, if anything."""
        if self._lines.closed:
            return
        if why:
            self._lines.write(refused(why))
        self._lines.close()
        self._hub.metrics.ended.labels(reason).inc()
        self.lost(reason)

    def came_in(self, credential: Credential) -> None:
        """The hello was good."""
        self._patience.cancel()
        self.credential = credential

    @property
    def open(self) -> bool:
        """Whether the connection is there."""
        return not self._lines.closed

    def opened(self) -> None:
        """The handshake is done; the hello comes next."""

    def line(self, line: bytes) -> None:
        """A line of the pod's: its hello, then pings."""
        self.heard = self._loop.time()
        try:
            name, content = said(line)
            if self.hello is not None:
                if name == "ping" and self.credential is not None:
                    self._lines.write(PONG)
            elif name != "hello":
                raise ProtocolError("the first line is a hello")
            else:
                self.hello = Hello.of(content)
                self._admission = self._loop.create_task(self._admit(self, self.hello))
        except ProtocolError as error:
            self.end("malformed line", str(error))

    def drained(self) -> None:
        """It took everything; if something was kept from it, it gets the newest state instead."""
        if self.behind and self.hello:
            self.behind = False
            self._lines.write(self._hub.whole(self.hello.organization))

    def lost(self, why: str) -> None:
        """It is gone."""
        self._patience.cancel()
        if self._admission is not None and self.credential is None:
            self._admission.cancel()
        self._hub.leave(self)
