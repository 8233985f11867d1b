"""The follower against a store and hints that fail and lag on purpose, with time that jumps."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise

from liveconfig.errors import HintsAway, StoreAway
from liveconfig.follower import Follower
from liveconfig.health import Health, Status
from liveconfig.pace import Backoff, Pace
from liveconfig.snapshot import PLATFORM, Change, Entry, Layers, State
from liveconfig.wire import Hint
from tests.unit.liveconfig.warp import run

OURS, OTHER = 7, 8


@dataclass
class FakeStore:
    """A database in memory. `seconds`: how long a reading takes."""

    epoch: int = 1
    heads: dict[int, int] = field(default_factory=dict)
    rows: dict[tuple[int, str], Entry] = field(default_factory=dict)
    away: bool = False
    seconds: float = 0.01
    asked: list[tuple[float, set[int]]] = field(default_factory=list)

    def put(self, org_id: int, *names: str, value: object = None) -> list[Hint]:
        """One change set."""
        self.heads[org_id] = revision = self.heads.get(org_id, 0) + 1
        hints = []
        for name in names:
            held = self.rows.get((org_id, name))
            version = held.version + 1 if held else 1
            self.rows[org_id, name] = Entry(revision if value is None else value, version, revision)
            hints.append(Hint(org_id, *name.split("/"), version))
        return hints

    async def newer(self, epoch: int, revisions: Mapping[int, int]) -> State:
        self.asked.append((asyncio.get_running_loop().time(), set(revisions)))
        found = self._state(epoch, revisions)
        await asyncio.sleep(self.seconds)
        if self.away:
            raise StoreAway("PostgreSQL: away")
        return found

    def _state(self, epoch: int, revisions: Mapping[int, int]) -> State:
        changes = []
        for org, revision in revisions.items():
            since = revision if epoch == self.epoch else 0
            newer = {name: row for (owner, name), row in self.rows.items() if owner == org and row.revision > since}
            changes.append(Change(org, since, self.heads.get(org, 0), newer))
        return State(self.epoch, tuple(changes))


class FakeHints:
    """Redis in memory; `break_off` ends the connection."""

    def __init__(self) -> None:
        self.away, self.tried = False, list[float]()
        self._queue: asyncio.Queue[Hint | None] = asyncio.Queue()

    def say(self, *hints: Hint) -> None:
        for hint in hints:
            self._queue.put_nowait(hint)

    def break_off(self) -> None:
        self.away = True
        self._queue.put_nowait(None)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncIterator[Hint]]:
        self.tried.append(asyncio.get_running_loop().time())
        if self.away:
            raise HintsAway("Redis: away")
        self._queue = asyncio.Queue()
        yield self._heard()

    async def _heard(self) -> AsyncIterator[Hint]:
        while (hint := await self._queue.get()) is not None:
            yield hint
        raise HintsAway("Redis: it broke off")


@dataclass
class Told:
    """A sink that remembers."""

    states: list[State] = field(default_factory=list)
    health: list[Health] = field(default_factory=list)

    def advance(self, state: State, seconds: float | None) -> None:
        self.states.append(state)

    def say(self, health: Health) -> None:
        self.health.append(health)


class Scene:
    """A follower at work."""

    def __init__(self) -> None:
        self.store, self.hints, self.told = FakeStore(), FakeHints(), Told()
        self.follower = Follower(self.store, self.hints, self.told, [OURS, PLATFORM], pace=Pace())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.follower.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def value(self, name: str = "ai/threshold") -> object:
        return self.follower.layers.by_org[OURS].entries[name].value


def test_it_loads_everything_once_it_hears() -> None:
    async def work() -> None:
        scene = Scene()
        scene.store.put(OURS, "ai/threshold", value=0.5)
        async with scene.running():
            await asyncio.sleep(1)
            assert scene.value() == 0.5
            assert [asked for _, asked in scene.store.asked] == [{OURS, PLATFORM}], "one reading for both"
            assert [health.status for health in scene.told.health] == [Status.READY]

    run(work())


def test_what_is_heard_during_the_load_is_drained_after_it() -> None:
    async def work() -> None:
        scene = Scene()
        scene.store.seconds = 5.0
        async with scene.running():
            await asyncio.sleep(1)  # the first reading has looked, and is on its way
            scene.hints.say(*scene.store.put(OURS, "ai/threshold", value=0.9))
            await asyncio.sleep(15)
            assert scene.value() == 0.9, "a change between subscription and load was lost"

    run(work())


def test_hints_that_come_while_a_reading_runs_share_the_next_one() -> None:
    async def work() -> None:
        scene = Scene()
        async with scene.running():
            await asyncio.sleep(1)
            scene.store.seconds, before = 2.0, len(scene.store.asked)
            for _ in range(50):
                scene.hints.say(*scene.store.put(OURS, "ai/threshold", "ai/model"))
                await asyncio.sleep(0.01)
            await asyncio.sleep(10)
            assert scene.value() == 50
            assert len(scene.store.asked) - before == 2, "one that ran, one for all that came meanwhile"

    run(work())


def test_doubled_and_late_hints_cost_nothing() -> None:
    async def work() -> None:
        scene = Scene()
        async with scene.running():
            await asyncio.sleep(1)
            hints = [*scene.store.put(OURS, "ai/threshold"), *scene.store.put(OURS, "ai/threshold")]
            scene.hints.say(*hints)
            await asyncio.sleep(1)
            before = len(scene.store.asked)
            scene.hints.say(*reversed(hints), *hints)
            await asyncio.sleep(1)
            assert len(scene.store.asked) == before
            assert scene.follower.passed_by >= 4

    run(work())


def test_foreign_hints_are_not_ours() -> None:
    async def work() -> None:
        scene = Scene()
        async with scene.running():
            await asyncio.sleep(1)
            scene.hints.say(*scene.store.put(OTHER, "ai/threshold"))
            await asyncio.sleep(1)
            assert len(scene.store.asked) == 1

    run(work())


def test_a_lost_hint_is_found_by_the_comparison_within_ten_minutes() -> None:
    async def work() -> None:
        scene = Scene()
        async with scene.running():
            await asyncio.sleep(1)
            scene.store.put(OURS, "ai/threshold", value=0.3)
            await asyncio.sleep(290)
            assert len(scene.store.asked) == 1, "not before five minutes"
            await asyncio.sleep(320)
            assert scene.value() == 0.3

    run(work())


def test_redis_away_is_tried_ever_more_seldom_and_everything_is_compared_after() -> None:
    async def work() -> None:
        scene = Scene()
        async with scene.running():
            await asyncio.sleep(1)
            scene.hints.break_off()
            await asyncio.sleep(250)
            assert scene.follower.health == Health(Status.STALE, "Redis: away")
            tries = scene.hints.tried[1:]
            pauses = [later - sooner for sooner, later in pairwise(tries)]
            for pause, most in zip(pauses, (2, 4, 8, 16, 32, 60, 60), strict=False):
                assert most / 2 <= pause <= most, f"{pauses} is not 2, 4, 8 … 60 with jitter"
            scene.store.put(OURS, "ai/threshold", value=0.4)
            scene.hints.away = False
            await asyncio.sleep(61)
            assert scene.value() == 0.4
            assert scene.follower.health.status == Status.READY

    run(work())


def test_redis_away_at_the_start_leaves_the_database() -> None:
    async def work() -> None:
        scene = Scene()
        scene.hints.away = True
        scene.store.put(OURS, "ai/threshold", value=0.5)
        async with scene.running():
            await asyncio.sleep(1)
            assert scene.value() == 0.5
            assert scene.follower.health.status == Status.STALE

    run(work())


def test_the_database_away_at_the_start_is_waited_for() -> None:
    async def work() -> None:
        scene = Scene()
        scene.store.away = True
        async with scene.running():
            await asyncio.sleep(30)
            assert scene.follower.health == Health(Status.NOT_READY, "PostgreSQL: away")
            assert len(scene.store.asked) < 10, "it is not hammered"
            scene.store.put(OURS, "ai/threshold", value=0.6)
            scene.store.away = False
            await asyncio.sleep(61)
            assert (scene.value(), scene.follower.health.status) == (0.6, Status.READY)

    run(work())


def test_another_epoch_is_read_as_a_whole() -> None:
    async def work() -> None:
        scene = Scene()
        scene.store.put(OURS, "ai/threshold", value=0.1)
        scene.store.put(OURS, "ai/threshold", value=0.2)
        async with scene.running():
            await asyncio.sleep(1)
            scene.store.epoch, scene.store.heads, scene.store.rows = 5, {}, {}
            scene.hints.say(*scene.store.put(OURS, "ai/model", value="restored"))
            await asyncio.sleep(1)
            assert set(scene.follower.layers.by_org[OURS].entries) == {"ai/model"}, "the other history is gone"
            assert [asked for _, asked in scene.store.asked][-1] == {OURS, PLATFORM}
            assert scene.told.states[-1].epoch == 5

    run(work())


def test_a_database_of_an_older_epoch_is_not_believed() -> None:
    async def work() -> None:
        scene = Scene()
        scene.follower.layers = Layers().advance(
            State(9, (Change(OURS, 0, 3, {"ai/threshold": Entry(0.9, 3, 3)}), Change(PLATFORM, 0, 0, {})))
        )
        async with scene.running():
            await asyncio.sleep(5)
            assert scene.value() == 0.9
            assert "older epoch" in scene.follower.health.reason

    run(work())


def test_an_organization_followed_later_comes_whole_and_goes() -> None:
    async def work() -> None:
        scene = Scene()
        scene.store.put(OTHER, "ai/threshold", value="theirs")
        async with scene.running():
            await asyncio.sleep(1)
            scene.follower.follow(OTHER)
            await asyncio.sleep(1)
            assert scene.store.asked[-1][1] == {OTHER}, "only what is new is asked for"
            assert scene.told.states[-1].changes[0].org_id == OTHER
            scene.follower.unfollow(OTHER)
            scene.hints.say(*scene.store.put(OTHER, "ai/threshold"))
            await asyncio.sleep(1)
            assert OTHER not in scene.follower.layers.by_org

    run(work())


def test_pauses_double_to_a_minute_and_begin_again() -> None:
    backoff = Backoff(Pace())
    for most in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        assert most / 2 <= backoff.next() <= most
    backoff.reset()
    assert backoff.next() <= 1
