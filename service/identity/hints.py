"""Hints on the Redis channel `revocations` that the denylist has grown: `version=<n>`, never more.

Losing one costs a second: the view is read every second anyway. Inventing one costs a reading.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.client import PubSub

CHANNEL = "revocations"
log = logging.getLogger("service.identity")
_PAYLOAD = re.compile(r"version=([1-9][0-9]{0,18})")
_AGAIN = 5.0  # seconds


@dataclass(frozen=True)
class Revoked:
    """That the denylist has reached a number."""

    version: int

    @property
    def channel(self) -> str:
        """Where replicas listen."""
        return CHANNEL

    @property
    def payload(self) -> str:
        """What they hear."""
        return f"version={self.version}"


async def listen(url: str, hint: Callable[[int], None], *, ca_file: str | None = None) -> None:
    """Pass on the number of each hint, until cancelled; while Redis is away, nothing comes. `url`: `rediss://`."""
    tls: dict[str, Any] = {"ssl_ca_certs": ca_file} if ca_file else {}
    client = redis.asyncio.Redis.from_url(url, driver_info=None, socket_connect_timeout=2.0, **tls)
    was_away = False
    try:
        while True:
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(CHANNEL)
                    was_away = False
                    await _pass_on(channel, hint)
            except (redis.RedisError, OSError) as error:
                if not was_away:
                    log.warning("no hints of revocations come, the denylist is read every second: %s", error)
                was_away = True
            await asyncio.sleep(_AGAIN)
    finally:
        await client.aclose()


async def _pass_on(channel: PubSub, hint: Callable[[int], None]) -> None:
    """Until the connection ends."""
    try:
        async for message in channel.listen():
            if match := _PAYLOAD.fullmatch(bytes(message["data"]).decode("utf-8", "replace")):
                hint(int(match[1]))
    finally:
        if channel.connection is not None:
            await channel.connection.disconnect()  # the library's own way does not wait until it is closed
