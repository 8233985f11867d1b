"""The pool of parked engines, with engines that are no processes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from engine.errors import EngineError
from engine.parked import Engine
from engine.pool import Parked, Pool


class FakeEngine:
    """Runs until its work is there, or until it is killed."""

    def __init__(self, name: str, parked: Parked[str]) -> None:
        self.stack, self._parked = name, parked
        self._killed = asyncio.Event()

    @property
    def running(self) -> bool:
        return not self._killed.is_set() and not self._parked.work.done()

    def kill(self) -> None:
        self._killed.set()

    interrupt = kill

    async def wait(self) -> None:
        killed = asyncio.create_task(self._killed.wait())
        await asyncio.wait([killed, self._parked.work], return_when=asyncio.FIRST_COMPLETED)
        killed.cancel()


class Yard:
    """Where engines are started and discarded; `broken` engines end before they are warm."""

    def __init__(self) -> None:
        self.started: list[FakeEngine] = []
        self.discarded: list[str] = []
        self.broken = self.crowded = False

    async def start(self, parked: Parked[str]) -> Engine:
        engine = FakeEngine(f"slot-{len(self.started)}", parked)
        self.started.append(engine)
        if self.broken:
            engine.kill()
        else:
            parked.warm.set()
        return cast(Engine, engine)

    async def discard(self, stack: str) -> None:
        self.discarded.append(stack)

    def pool(self, size: int = 2, oldest: float = 600.0) -> Pool[str]:
        return Pool(self.start, self.discard, size=size, oldest=oldest, crowded=lambda waiting: self.crowded)


def run(scenario: Callable[[Yard], Awaitable[Any]]) -> None:
    asyncio.run(asyncio.wait_for(cast("Any", scenario(Yard())), 10))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the pool says nothing that could be waited for
        await asyncio.sleep(0.01)


def test_it_fills_itself_and_refills_behind() -> None:
    async def scenario(yard: Yard) -> None:
        pool = yard.pool()
        pool.open()
        await until(lambda: pool.parked == 2)
        taken = pool.take()
        assert taken and taken.engine and taken.engine.stack == "slot-0", "the one that has waited longest"
        await until(lambda: pool.parked == 2)
        assert len(yard.started) == 3
        await pool.close()
        assert sorted(yard.discarded) == ["slot-1", "slot-2"], "the one that was taken is not the pool's any more"

    run(scenario)


def test_when_none_waits_there_is_none_to_take() -> None:
    async def scenario(yard: Yard) -> None:
        pool = yard.pool()
        assert pool.take() is None

    run(scenario)


def test_an_engine_that_died_while_it_waited_is_replaced_and_its_stack_discarded() -> None:
    async def scenario(yard: Yard) -> None:
        pool = yard.pool(size=1)
        pool.open()
        await until(lambda: pool.parked == 1)
        yard.started[0].kill()
        assert pool.take() is None, "it can do no work"
        await until(lambda: pool.parked == 1)
        assert yard.discarded == ["slot-0"]
        await pool.close()

    run(scenario)


def test_one_that_is_too_old_goes_home_without_work() -> None:
    async def scenario(yard: Yard) -> None:
        pool = yard.pool(size=1, oldest=0.0)
        first = await pool.park()
        pool._parked.append(first)
        pool._drop_unusable()
        assert await first.work is None
        await until(lambda: yard.discarded == ["slot-0"])

    run(scenario)


def test_an_engine_that_ends_before_it_is_warm_is_an_error_and_leaves_no_stack() -> None:
    async def scenario(yard: Yard) -> None:
        yard.broken = True
        with pytest.raises(EngineError, match="was not ready for work"):
            await yard.pool().park()
        assert yard.discarded == ["slot-0"]

    run(scenario)


def test_parking_that_fails_is_tried_again_later() -> None:
    async def scenario(yard: Yard) -> None:
        yard.broken = True
        pool = yard.pool(size=1)
        pool.open()
        await until(lambda: yard.discarded == ["slot-0"])
        yard.broken = False
        await until(lambda: pool.parked == 1)
        await pool.close()

    run(scenario)


def test_nothing_is_parked_while_sign_ups_need_the_machine() -> None:
    async def scenario(yard: Yard) -> None:
        yard.crowded = True
        pool = yard.pool(size=1)
        pool.open()
        await asyncio.sleep(0.3)
        assert yard.started == []
        yard.crowded = False
        await until(lambda: pool.parked == 1)
        await pool.close()

    run(scenario)
