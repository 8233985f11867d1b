"""Hearing hints: one connection to Redis, subscribed by pattern, which ends with HintsAway when it breaks.

Redis allows a pattern only if it is literally one of the user's: a pod's are `config:<org>:*` and `config:0:*`, a
relay's is `config:*`. redis-py's own retries would hide an outage, after which everything has to be compared.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis
from redis.asyncio.connection import ConnectionPool
from redis.credentials import CredentialProvider

from liveconfig.errors import HintsAway
from liveconfig.snapshot import PLATFORM
from liveconfig.wire import Hint, WireError, parse

EVERYBODY = ("config:*",)


def patterns(org_id: int) -> tuple[str, ...]:
    """What an organization's pod may hear."""
    return tuple(f"config:{org}:*" for org in dict.fromkeys((org_id, PLATFORM)))


class _Asked(CredentialProvider):
    """User and password as they are at each connection."""

    def __init__(self, ask: Callable[[], tuple[str, str]]) -> None:
        self._ask = ask

    def get_credentials(self) -> tuple[str, str]:
        return self._ask()


class RedisHints:
    """Hints of the given patterns. `url` is a `rediss://` URL, `ca_file` the CA that signed the server.
    `credentials` gives user and password at each connection, if they do not stand in the URL.

    Redis is asked for a sign of life every `ping` seconds; two without one, or `timeout` to connect, and it is away.
    """

    def __init__(
        self, url: str, heard: Iterable[str], *, credentials: Callable[[], tuple[str, str]] | None = None,
        ca_file: str | None = None, ping: float = 10.0, timeout: float = 3.0,
    ) -> None:  # fmt: skip
        provider = _Asked(credentials) if credentials else None
        given = {"credential_provider": provider, "ssl_ca_certs": ca_file, "socket_connect_timeout": timeout}
        self._patterns, self._ping_seconds, self._timeout = tuple(heard), ping, timeout
        # RESP 2, and no CLIENT SETINFO: Redis 7.0's ACL does not know it. Silence is judged by our own pings: redis-py
        # would take five seconds in which nothing is said for a Redis that is away.
        wanted = {name: value for name, value in given.items() if value}
        self._pool = ConnectionPool.from_url(url, protocol=2, driver_info=None, socket_timeout=None, **wanted)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncIterator[Hint]]:
        """Subscribed; the iterator gives what is heard. Raise HintsAway, and close, when Redis is away."""
        connection: Any = self._pool.make_connection()  # type: ignore[no-untyped-call]
        pinging = None
        try:
            async with asyncio.timeout(self._timeout):
                await connection.connect()
                await connection.send_command("PSUBSCRIBE", *self._patterns)
                for _ in self._patterns:
                    await connection.read_response()
            pinging = asyncio.create_task(self._ping(connection), name="redis-ping")
            yield self._hints(connection)
        except (redis.RedisError, OSError, TimeoutError) as error:
            raise HintsAway(f"Redis: {error or 'no answer in time'}") from error
        finally:
            if pinging:
                pinging.cancel()
            with suppress(redis.RedisError):  # it takes `timeout` at most
                await connection.disconnect()

    async def _hints(self, connection: Any) -> AsyncIterator[Hint]:
        while True:
            async with asyncio.timeout(2 * self._ping_seconds):
                # Left to redis-py, a cancelled reading would not wait until the connection is closed.
                reply = await connection.read_response(disconnect_on_error=False)
            if reply[0] == b"pmessage":
                with suppress(WireError, UnicodeDecodeError):  # somebody else's message is not ours to judge
                    yield parse(reply[2].decode(), reply[3].decode())

    async def _ping(self, connection: Any) -> None:
        with suppress(redis.RedisError, OSError):  # who reads notices as well
            while True:
                await asyncio.sleep(self._ping_seconds)
                await connection.send_command("PING")
