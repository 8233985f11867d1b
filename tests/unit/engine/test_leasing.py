"""An engine does not outlive its stack's lease, whether that is lost or nobody can tell."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from engine.leasing import keep

LASTS = 0.6  # seconds


class Engine:
    """Notes when it was told to end, in seconds since the lease was taken."""

    def __init__(self) -> None:
        self.began, self.interrupted, self.killed = time.monotonic(), 0.0, 0.0

    def interrupt(self) -> None:
        self.interrupted = time.monotonic() - self.began

    def kill(self) -> None:
        self.killed = time.monotonic() - self.began


def kept(prolong: Callable[[], Awaitable[bool]], *, most: float = 5.0) -> Engine:
    """An engine whose lease was kept until it ended, or for so long."""

    async def run() -> Engine:
        engine = Engine()
        keeping = asyncio.create_task(keep(prolong, engine, "slot-1", engine.began + LASTS, lasts=LASTS))
        await asyncio.wait([keeping], timeout=most)
        keeping.cancel()
        return engine

    return asyncio.run(run())


def test_it_is_killed_at_once_when_somebody_else_has_the_lease() -> None:
    async def lost() -> bool:
        return False

    engine = kept(lost)
    assert not engine.interrupted and 0 < engine.killed < LASTS * 0.9, "what it would save is not to be saved"


def test_it_is_ended_before_the_lease_is_when_nobody_answers() -> None:
    async def hanging() -> bool:
        await asyncio.sleep(60)
        return True

    async def failing() -> bool:
        raise OSError("the database is away")

    for prolong in (hanging, failing):
        engine = kept(prolong)
        assert 0 < engine.interrupted < engine.killed < LASTS + 0.1


def test_it_goes_on_while_the_lease_is_prolonged_and_over_a_moment_without_database() -> None:
    asked = []

    async def mostly() -> bool:
        asked.append(time.monotonic())
        if len(asked) == 2:
            raise OSError("the database is away for a moment")
        return True

    engine = kept(mostly, most=LASTS * 3)
    assert not engine.interrupted and not engine.killed and len(asked) > 5
