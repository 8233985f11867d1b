"""Keeping a lease for as long as the work takes, and stopping the work the moment it is lost."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from database import operations
from database.errors import DatabaseError, LeaseLost
from database.operations import Lease
from database.pool import Database

log = logging.getLogger("service")


@asynccontextmanager
async def kept(database: Database, lease: Lease, seconds: float) -> AsyncIterator[None]:
    """Prolong the lease by `seconds`, three times as often as needed; raise LeaseLost in the body once it is lost.

    It counts as lost as well when it could not be prolonged for its whole length: PostgreSQL is away, and somebody else
    may hold it as soon as it is back.
    """
    worker = asyncio.current_task()
    lost: list[str] = []

    async def prolong() -> None:
        good_until = time.monotonic() + seconds
        while True:
            await asyncio.sleep(seconds / 3)
            asked = time.monotonic()
            try:
                await operations.prolong(database, lease, seconds)
                good_until = asked + seconds
            except LeaseLost as error:
                lost.append(str(error))
            except DatabaseError as error:
                log.warning("the lease of operation %s was not prolonged: %s", lease.operation_id, error)
                if time.monotonic() > good_until:
                    lost.append(f"the lease of operation {lease.operation_id} ran out while PostgreSQL was away")
            if lost and worker:
                worker.cancel()
                return

    prolonging = asyncio.create_task(prolong(), name=f"lease of {lease.operation_id}")
    try:
        yield
    except asyncio.CancelledError:
        if lost and worker and worker.uncancel() == 0:
            raise LeaseLost(lost[0]) from None
        raise
    finally:
        prolonging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await prolonging
