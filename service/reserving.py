"""Reserving an operation on an organization that exists: one at a time changes it, the others wait their turn."""

import asyncio
import time

from database import operations
from database.errors import Busy
from database.operations import Reserved, Wanted
from service import steps
from service.services import Services

_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds


async def reserve_when_free(services: Services, wanted: Wanted, org_id: int) -> Reserved:
    """Reserve it as soon as nothing else changes the organization or its stack; raise Busy after the wait limit."""
    deadline, pause = time.monotonic() + services.settings.wait_limit, _PAUSE
    while True:
        try:
            async with services.step(steps.RESERVE, wanted.id):
                return await operations.reserve(services.database, wanted, services.holder, org_id=org_id)
        except Busy:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
