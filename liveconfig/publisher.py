"""Publishing hints. A lost hint is no harm: the outbox sends it again, and subscribers reconcile."""

from collections.abc import Iterable
from typing import Protocol

import redis


class Message(Protocol):
    """What goes over a channel: a hint of a setting, or of whatever else has changed."""

    @property
    def channel(self) -> str:
        """Where subscribers listen."""

    @property
    def payload(self) -> str:
        """What they hear."""


class Publisher:
    """Publishes hints over one connection. `url` is a `rediss://` URL, `ca_file` the CA that signed the server.

    Raises redis.RedisError when Redis is away; the caller decides whether that matters.
    """

    def __init__(self, url: str, *, ca_file: str | None = None, timeout: float = 2.0) -> None:
        tls = {"ssl_ca_certs": ca_file} if ca_file else {}
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            driver_info=None,
            **tls,
        )

    def publish(self, hints: Iterable[Message]) -> int:
        """Send the hints in one round trip; return how many there were."""
        pipeline = self._redis.pipeline(transaction=False)
        for hint in hints:
            pipeline.publish(hint.channel, hint.payload)
        return len(pipeline.execute())

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()
