"""Generations: a new one takes over when the present one cannot be trusted any more, and what is at work goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from engine.errors import Failed
from engine.generations import Generation, Generations

LARGEST = 1000


class FakeProviders:
    """Provider processes that run, and hold `memory` bytes, until told otherwise."""

    def __init__(self) -> None:
        self.alive, self.memory, self.closed = True, 10, False

    async def close(self) -> None:
        self.closed = True


class FakePool:
    """A pool without engines."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class Room:
    """Generations whose identity the test sets; `begun` are all that there were."""

    def __init__(self) -> None:
        self.identity, self.begun = "one", list[Generation[Any]]()
        self.generations: Generations[Any] = Generations(self._begin, self._now, at_once=2, largest=LARGEST)

    async def _begin(self, identity: str) -> Generation[Any]:
        self.begun.append(Generation(cast(Any, FakeProviders()), cast(Any, FakePool()), identity))
        return self.begun[-1]

    async def _now(self) -> str:
        return self.identity


def run(scenario: Callable[[Room], Awaitable[None]]) -> Room:
    async def within() -> Room:
        room = Room()
        await room.generations.start()
        try:
            await scenario(room)
        finally:
            await room.generations.close()
        return room

    return asyncio.run(asyncio.wait_for(within(), 10))


def test_what_can_be_trusted_stays() -> None:
    async def scenario(room: Room) -> None:
        room.begun[0].providers.memory = LARGEST  # type: ignore[misc]
        await room.generations.renew_if_needed()
        assert len(room.begun) == 1

    run(scenario)


@pytest.mark.parametrize("why", ["identity", "dead", "large"])
def test_a_new_one_takes_over_and_the_old_one_ends(why: str) -> None:
    async def scenario(room: Room) -> None:
        old = cast(Any, room.begun[0].providers)
        if why == "identity":
            room.identity = "two"
        old.alive, old.memory = why != "dead", LARGEST + 1 if why == "large" else 10
        await room.generations.renew_if_needed()
        assert room.generations.now is room.begun[1] and room.begun[1].identity == room.identity

    room = run(scenario)
    assert all(cast(Any, one).providers.closed and cast(Any, one).pool.closed for one in room.begun)


def test_what_is_at_work_keeps_its_generation_until_it_ends() -> None:
    async def scenario(room: Room) -> None:
        async with room.generations.at_work() as mine:
            room.identity = "two"
            await room.generations.renew_if_needed()
            await asyncio.sleep(0.01)
            assert cast(Any, mine.pool).closed, "its parked engines go at once"
            assert not cast(Any, mine.providers).closed, "its providers do not"
        await asyncio.sleep(0.01)
        assert cast(Any, mine.providers).closed

    run(scenario)


def test_before_it_is_started_and_after_it_is_closed_it_says_so() -> None:
    room = run(lambda room: asyncio.sleep(0))

    async def late() -> None:
        async with room.generations.looking():
            pytest.fail("closed")

    with pytest.raises(Failed, match="not started yet, or closed"):
        asyncio.run(late())
