"""Lines over TLS, without a buffer or a task between: a write is one call into OpenSSL and one into the kernel.

asyncio's own TLS transport takes about four times as long for a short line, which counts when a thousand pods are told.
"""

import asyncio
import socket
import ssl
from collections import deque
from typing import Protocol

_READ = 16384  # bytes; a TLS record holds no more


class Handler(Protocol):
    """What happens on a connection. `lost` comes last, once, unless `close` was called first."""

    def opened(self) -> None:
        """The handshake is done."""

    def line(self, line: bytes) -> None:
        """A line came, without its end."""

    def drained(self) -> None:
        """The other side has taken everything that was written."""

    def lost(self, why: str) -> None:
        """The connection is gone."""


class Lines:
    """One connection; `sock` is connected and does not block.

    `limit` bounds a line that comes, `queue` what waits for the other side to take it, both in bytes.
    """

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, handler: Handler, *,
        limit: int, queue: int = 2**20, host: str | None = None,
    ) -> None:  # fmt: skip
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(
            sock, server_side=host is None, server_hostname=host, do_handshake_on_connect=False
        )
        self._handler, self._limit, self._most = handler, limit, queue
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._rest = bytearray()
        self.closed = False
        self._shake()

    def write(self, line: bytes) -> bool:
        """Send a line, its end included; False, and nothing sent, if too much waits to be taken by the other side."""
        if self.closed:
            return False
        if self._waiting:
            if self._waiting_bytes + len(line) > self._most:
                return False
            self._keep(line)
            return True
        try:
            sent = self._socket.send(line)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            sent = 0
        except OSError as error:
            self._lose(str(error))
            return False
        if sent < len(line):
            self._keep(line[sent:])
            self._loop.add_writer(self._socket, self._flush)
        return True

    def close(self) -> None:
        """Close at once; what waits is dropped."""
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._waiting.clear()
            self._socket.close()

    def _lose(self, why: str) -> None:
        if not self.closed:
            self.close()
            self._handler.lost(why)

    def _keep(self, line: bytes) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line)

    def _shake(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.add_reader(self._socket, self._shake)
        except ssl.SSLWantWriteError:
            self._loop.add_writer(self._socket, self._shake)
        except OSError as error:
            # Later, as everything else: who makes this object does not have it yet.
            self._loop.call_soon(self._lose, f"no TLS: {error}")
        else:
            self._loop.add_reader(self._socket, self._read)
            self._loop.call_soon(self._open)

    def _open(self) -> None:
        if not self.closed:
            self._handler.opened()

    def _read(self) -> None:
        try:
            while not self.closed:
                data = self._socket.recv(_READ)
                if not data:
                    self._lose("the other side closed")
                    return
                self._take(data)
                if self.closed or not self._socket.pending():
                    return
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            self._lose(str(error))

    def _take(self, data: bytes) -> None:
        if b"\n" in data:
            *lines, rest = (bytes(self._rest) + data).split(b"\n")
            self._rest = bytearray(rest)
            for line in lines:
                if not self.closed:
                    self._handler.line(line)
        else:
            self._rest += data
        if len(self._rest) > self._limit:
            self._lose(f"a line longer than {self._limit} bytes")

    def _flush(self) -> None:
        try:
            while self._waiting:
                head = self._waiting[0]
                sent = self._socket.send(head)
                self._waiting_bytes -= sent
                if sent < len(head):
                    self._waiting[0] = head[sent:]
                else:
                    self._waiting.popleft()
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self._lose(str(error))
            return
        self._loop.remove_writer(self._socket)
        self._handler.drained()
