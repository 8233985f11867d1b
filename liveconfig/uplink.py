"""The pod's side of the relay: one connection, kept up for ever, over which states come."""

import asyncio
import random
import socket
import ssl

from liveconfig.core import Core
from liveconfig.errors import Gap, ProtocolError, RelayAway
from liveconfig.health import Health, Status
from liveconfig.lines import Lines
from liveconfig.pace import Backoff
from liveconfig.protocol import FROM_RELAY, PING, PING_SECONDS, SILENCE_SECONDS, Hello, health_of, said, state_of

CONNECT_SECONDS = 10.0


class Uplink:
    """Follows the relay until `run` is cancelled. After each connection the relay sends what the pod lacks."""

    def __init__(self, core: Core) -> None:
        self._core, self._settings = core, core.settings
        self._trust = core.settings.trust()

    async def run(self) -> None:
        """Follow."""
        backoff = Backoff(self._settings.pace)
        while True:
            try:
                connection = await self._connected()
                try:
                    await connection.stay(backoff)
                finally:
                    connection.close()
            except (RelayAway, OSError, TimeoutError) as error:
                why = str(error) or "no answer in time"
                self._core.say(Health(Status.NOT_READY, f"relay {self._settings.relay}: {why}"))
            await asyncio.sleep(backoff.next())

    async def _connected(self) -> "_Connection":
        loop, address = asyncio.get_running_loop(), self._settings.relay
        if address is None:
            raise RelayAway("none is named")
        async with asyncio.timeout(CONNECT_SECONDS):
            problem: OSError = OSError(f"{address.host} has no address")
            found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            for family, kind, protocol, _, where in found:
                sock = socket.socket(family, kind, protocol)
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, where)
                    return _Connection(sock, self._trust, address.host, self._core)
                except OSError as error:
                    problem = error
                    sock.close()
                except BaseException:
                    sock.close()
                    raise
            raise problem


class _Connection:
    """One connection's life."""

    def __init__(self, sock: socket.socket, trust: ssl.SSLContext, host: str, core: Core) -> None:
        self._core, self._loop = core, asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._heard = self._loop.time()
        self._health: Health | None = None
        self._served = False
        self._lines = Lines(sock, trust, self, limit=FROM_RELAY, host=host)

    async def stay(self, backoff: Backoff) -> None:
        """Until it ends. Raise RelayAway, which says why."""
        while True:
            pause = PING_SECONDS * random.uniform(0.7, 1.0)  # noqa: S311 - spreads load, guards nothing
            done, _ = await asyncio.wait([self._over], timeout=pause if self._served else CONNECT_SECONDS)
            if done:
                self._over.result()
            if not self._served or self._loop.time() > self._heard + SILENCE_SECONDS:
                raise RelayAway("no answer in time")
            backoff.reset()
            self._lines.write(PING)

    def close(self) -> None:
        """Close; nothing more comes."""
        self._lines.close()
        if not self._over.cancel() and not self._over.cancelled():
            self._over.exception()  # it was told already, or nobody needs to know

    def opened(self) -> None:
        """Say who we are, and what we have."""
        settings, snapshot = self._core.settings, self._core.held
        revisions = snapshot.epoch, snapshot.revision, snapshot.platform_revision
        hello = Hello(*settings.credentials(), settings.organization, *revisions)
        self._lines.write(hello.line())

    def line(self, line: bytes) -> None:
        """A line of the relay's."""
        self._heard = self._loop.time()
        try:
            name, content = said(line)
            if name == "state":
                self._core.advance(*state_of(content))
                if not self._served:
                    self._served = True
                    self._say()
            elif name == "health":
                self._health = health_of(content)
                self._say()
            elif name == "refused":
                self.lost(f"it refused: {content}")
            elif name == "leave":
                self.lost("it ends")
        except (ProtocolError, Gap) as error:
            self.lost(str(error))

    def drained(self) -> None:
        """Nothing waits for it."""

    def lost(self, why: str) -> None:
        """The connection is gone, or of no use."""
        if not self._over.done():
            self._over.set_exception(RelayAway(why))

    def _say(self) -> None:
        if self._served and self._health is not None:
            self._core.say(self._health)
