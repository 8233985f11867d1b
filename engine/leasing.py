"""One engine a stack, whichever replica runs it: the stack's lease, kept while its engine runs.

An engine whose replica has lost the lease must write nothing more. So it is ended before the lease can be taken by
somebody else, and who has the lease knows that an engine of another machine has gone, whatever lock it has left.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from database import leases
from database.leases import StackLease
from database.pool import Database

log = logging.getLogger("engine")
LASTS = 10.0  # seconds; an engine that lost its service ends within two


class Ending(Protocol):
    """An engine, as far as it can be ended."""

    def interrupt(self) -> None:
        """It stops before the next resource, and saves what it has."""

    def kill(self) -> None:
        """It ends at once and saves nothing."""


@asynccontextmanager
async def leased(database: Database, stack: str, holder: str, engine: Ending) -> AsyncIterator[StackLease]:
    """The stack's lease, prolonged meanwhile; `engine` does not outlive it. Raise LeaseTaken."""
    until = time.monotonic() + LASTS
    lease = await leases.take(database, stack, holder, seconds=LASTS)
    keeper = asyncio.create_task(keep(lambda: leases.prolong(database, lease, seconds=LASTS), engine, stack, until))
    try:
        yield lease
    finally:
        keeper.cancel()
        await leases.release(database, lease)


async def keep(
    prolong: Callable[[], Awaitable[bool]], engine: Ending, stack: str, until: float, *, lasts: float = LASTS
) -> None:
    """Prolong a lease that ends at `until` (monotonic) for `lasts` seconds at a time.

    Once it is lost the engine is killed. While nobody answers it may be: at two thirds of it the engine is interrupted,
    and before its end killed.
    """
    pause = lasts / 3
    while True:
        await asyncio.sleep(pause)
        asked = time.monotonic()
        try:
            async with asyncio.timeout(max(until - lasts / 3 - asked, 0)):
                held = await prolong()
        except Exception as error:  # noqa: BLE001 - the database may be away for a moment
            log.warning("the lease on %s could not be prolonged: %r", stack, error)
            if time.monotonic() < until - lasts / 3:
                pause = lasts / 20
                continue
            engine.interrupt()
            await asyncio.sleep(max(until - lasts / 20 - time.monotonic(), 0))
            held = False
        if not held:
            log.error("the lease on %s was lost; its engine is stopped", stack)
            engine.kill()
            return
        pause, until = lasts / 3, asked + lasts
