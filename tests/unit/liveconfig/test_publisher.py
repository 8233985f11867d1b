"""The publisher sends every hint in one round trip, and lets Redis's errors through to who decides."""

import pytest
import redis

from liveconfig.publisher import Publisher
from liveconfig.wire import Hint

HINTS = [Hint(1, "ai", "x", 2), Hint(1, "ai", "y", 1)]


class FakePipeline:
    """Collects commands until they are executed together."""

    def __init__(self, server: "FakeRedis") -> None:
        self.server, self.queued = server, []  # type: ignore[var-annotated]

    def publish(self, channel: str, payload: str) -> None:
        self.queued.append((channel, payload))

    def execute(self) -> list[int]:
        if self.server.away:
            raise redis.ConnectionError("away")
        self.server.round_trips.append(self.queued)
        return [0] * len(self.queued)


class FakeRedis:
    """What a publisher needs of a Redis client."""

    def __init__(self) -> None:
        self.round_trips: list[list[tuple[str, str]]] = []
        self.away, self.closed = False, False

    def pipeline(self, transaction: bool) -> FakePipeline:
        assert transaction is False, "the publisher's ACL user may only PUBLISH; MULTI would be refused"
        return FakePipeline(self)

    def close(self) -> None:
        self.closed = True


def publisher(server: FakeRedis) -> Publisher:
    made = Publisher("redis://localhost:1")
    made._redis = server  # type: ignore[assignment]
    return made


def test_all_hints_go_out_in_one_round_trip_and_in_order() -> None:
    server = FakeRedis()
    assert publisher(server).publish(HINTS) == 2, "the number of hints is answered"
    assert server.round_trips == [[("config:1:ai:x", "version=2"), ("config:1:ai:y", "version=1")]], (
        "channel and version only"
    )


def test_redis_being_away_is_told_to_the_caller() -> None:
    server = FakeRedis()
    server.away = True
    with pytest.raises(redis.RedisError):
        publisher(server).publish(HINTS)


def test_closing_closes_the_connection() -> None:
    server = FakeRedis()
    publisher(server).close()
    assert server.closed, "a hook makes one publisher an update: none may leak"


def test_a_publisher_connects_only_when_it_publishes_and_never_waits_long() -> None:
    made = Publisher("rediss://user:secret@redis.invalid:6380", ca_file="/ca.pem", timeout=1.5)
    settings = made._redis.connection_pool.connection_kwargs
    assert (settings["socket_timeout"], settings["socket_connect_timeout"]) == (1.5, 1.5), (
        "an update must not hang on Redis"
    )
    assert settings["ssl_ca_certs"] == "/ca.pem", "the server is checked against the platform's CA"
    assert settings["driver_info"] is None, "CLIENT SETINFO is not known to Redis 7.0's ACL"
