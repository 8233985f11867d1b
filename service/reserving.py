"""Reserving an operation on an organization that exists: one at a time changes it, the others wait their turn."""

import asyncio
import time
from collections.abc import Callable

from database import operations
from database.directory import Entry
from database.errors import Busy
from database.operations import Operation, Reserved, Wanted
from service import steps
from service.found import find_ours
from service.services import Services
from tenants.model import Organization

Wish = Callable[[Entry, Organization], Wanted]  # what is wanted of the organization as it is
_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds
_POLL = 0.1  # seconds


async def reserve_when_free(services: Services, slug: str, wish: Wish) -> Reserved:
    """Reserve it as soon as nothing else changes the organization or its stack; raise Busy after the wait limit.

    Each attempt asks anew what is wished for of the organization as it is then: no change sets back another.
    """
    deadline, pause = time.monotonic() + services.settings.wait_limit, _PAUSE
    while True:
        entry, organization = await find_ours(services, slug)
        wanted = wish(entry, organization)
        try:
            async with services.step(steps.RESERVE, wanted.id):
                return await operations.reserve(
                    services.database, wanted, services.holder, org_id=entry.id, based_on=entry.described_by
                )
        except Busy:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


async def begin(services: Services, slug: str, wish: Wish) -> Reserved:
    """Reserve it and hand it to the queue: whichever replica takes the job does the work."""
    reserved = await reserve_when_free(services, slug, wish)
    if reserved.is_new:
        await operations.prolong(services.database, reserved.operation.lease, 0)
        await services.jobs.resume(reserved.operation.id)
    return reserved


async def ended(services: Services, operation: Operation) -> Operation:
    """The operation when it has ended, or as it is after the wait limit."""
    deadline = time.monotonic() + services.settings.wait_limit
    while time.monotonic() < deadline:
        async with services.database.transaction() as connection:
            operation = await operations.read(connection, operation.id) or operation
        if operation.state != "PENDING":
            break
        await asyncio.sleep(_POLL)
    return operation
