"""The sweeper: what waits goes out and is marked, at least once; Redis or PostgreSQL being away only delays it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
import redis

from database import configs
from database.errors import DatabaseFault
from database.pool import Connection
from liveconfig.publisher import Publisher
from liveconfig.wire import Hint
from service import sweeper
from tests.unit.database.fakes import FakeDatabase


class FakePublisher(Publisher):
    """Keeps what was published. `fails` says how often Redis is away first; `after` is called after each success."""

    def __init__(self, fails: int = 0, after: Callable[[], None] = lambda: None) -> None:
        self.published: list[Hint] = []
        self.fails, self.after = fails, after

    def publish(self, hints: Iterable[Hint]) -> int:
        if self.fails:
            self.fails -= 1
            raise redis.ConnectionError("connection refused")
        sent = list(hints)
        self.published += sent
        self.after()
        return len(sent)


def waiting(count: int = 2) -> FakeDatabase:
    """A database whose outbox holds `count` hints of organization 1."""
    database = FakeDatabase()

    async def fill() -> None:
        async with database.transaction() as connection:
            await configs.put_defaults(connection, 1, {("ai", f"k{i:03}"): "1" for i in range(count)})

    asyncio.run(fill())
    assert len(database.waiting()) == count, "else the test shows nothing"
    database.contexts.clear()
    return database


def test_waiting_hints_are_published_in_order_and_marked() -> None:
    database, publisher = waiting(2), FakePublisher()
    assert asyncio.run(sweeper.sweep(database, publisher)) == 2, "the number of hints is answered"
    assert publisher.published == [Hint(1, "ai", "k000", 1), Hint(1, "ai", "k001", 1)], "oldest first, versions only"
    assert database.waiting() == [], "marked"
    assert database.contexts == [(None, "sweeper", "")], "as the sweeper, in one transaction"


def test_nothing_goes_out_twice_and_an_empty_outbox_needs_no_redis() -> None:
    database, publisher = waiting(1), FakePublisher()
    asyncio.run(sweeper.sweep(database, publisher))
    publisher.fails = 1
    assert asyncio.run(sweeper.sweep(database, publisher)) == 0, "nothing waits, nothing is sent"
    assert publisher.fails == 1, "Redis was not asked"


def test_redis_being_away_leaves_every_hint_waiting() -> None:
    database = waiting(2)
    with pytest.raises(redis.RedisError):
        asyncio.run(sweeper.sweep(database, FakePublisher(fails=1)))
    assert len(database.waiting()) == 2, "the outbox guarantees: nothing is marked that was not sent"


def test_a_crash_between_sending_and_marking_sends_again() -> None:
    database, publisher = waiting(1), FakePublisher()

    def crash() -> None:
        raise DatabaseFault("connection lost")

    publisher.after = crash
    with pytest.raises(DatabaseFault):
        asyncio.run(sweeper.sweep(database, publisher))
    publisher.after = lambda: None
    asyncio.run(sweeper.sweep(database, publisher))
    assert publisher.published == [Hint(1, "ai", "k000", 1)] * 2, "at least once: a hint is only a number"
    assert database.waiting() == [], "and then marked"


def test_a_long_outbox_is_sent_in_batches() -> None:
    database, publisher = waiting(501), FakePublisher()
    assert [asyncio.run(sweeper.sweep(database, publisher)) for _ in range(3)] == [500, 1, 0], "bounded transactions"


def sweep_until_done(database: FakeDatabase, fails: int = 0) -> FakePublisher:
    """Run the sweeper's loop until it has published once more after `fails` failures."""
    publisher = FakePublisher(fails)

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        publisher.after = lambda: loop.call_soon_threadsafe(stop.set) and None
        await asyncio.wait_for(sweeper.sweep_until(stop, database, publisher), 5)

    asyncio.run(run())
    return publisher


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "PAUSE", 0.001)
    monkeypatch.setattr(sweeper, "LONGEST_PAUSE", 0.004)


@pytest.mark.usefixtures("impatient")
def test_the_loop_goes_on_after_failures_and_tells_of_each(caplog: pytest.LogCaptureFixture) -> None:
    database = waiting(1)
    with caplog.at_level(logging.WARNING, "sweeper"):
        publisher = sweep_until_done(database, fails=4)
    assert publisher.published == [Hint(1, "ai", "k000", 1)], "sent in the end"
    assert database.waiting() == [], "and marked"
    pauses = [record.args[0] for record in caplog.records if isinstance(record.args, tuple)]
    assert pauses == [0.002, 0.004, 0.004, 0.004], "each failure doubles the pause, up to the longest"
    assert all("connection refused" in record.getMessage() for record in caplog.records), "the cause is told"


@pytest.mark.usefixtures("impatient")
def test_the_loop_outlives_a_database_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    class Away(FakeDatabase):
        """Fails its first transaction."""

        failed = False

        @asynccontextmanager
        async def transaction(
            self, *, org_id: int | None = None, actor: str = "", reason: str = "", request_id: str = ""
        ) -> AsyncIterator[Connection]:
            if not self.failed:
                self.failed = True
                raise DatabaseFault("PostgreSQL: away")
            async with super().transaction(
                org_id=org_id, actor=actor, reason=reason, request_id=request_id
            ) as connection:
                yield connection

    database = Away()
    database.state = waiting(1).state
    with caplog.at_level(logging.WARNING, "sweeper"):
        assert sweep_until_done(database).published, "sent once PostgreSQL was back"
    assert "PostgreSQL: away" in caplog.text, "the cause is told"


def test_a_loop_that_was_stopped_does_not_start_again() -> None:
    database = waiting(1)

    async def run() -> None:
        stop = asyncio.Event()
        stop.set()
        await sweeper.sweep_until(stop, database, FakePublisher())

    asyncio.run(run())
    assert len(database.waiting()) == 1, "stopped means stopped"


def test_a_full_outbox_is_emptied_without_pausing_between_batches() -> None:
    database, batches = waiting(1001), 0
    publisher = FakePublisher()

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def count() -> None:
            nonlocal batches
            batches += 1
            if batches == 3:
                loop.call_soon_threadsafe(stop.set)

        publisher.after = count
        await asyncio.wait_for(sweeper.sweep_until(stop, database, publisher), 0.9)

    asyncio.run(run())
    assert len(publisher.published) == 1001, "three batches in less than one pause of a second"
