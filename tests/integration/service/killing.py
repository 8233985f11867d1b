"""Ending a replica at a named point of a saga, and letting another one find what it has left."""

import asyncio
from typing import Any

from database import operations
from service import recovery, steps
from tests.integration.service.conftest import Replica

_OPEN = """
select id, kind, slug, state, attempt from tenancy.operations
where ended_at is null or state = 'COMMITTED' and saved_at is null
"""


class Killed(BaseException):
    """The process ends here."""


def points(steps: tuple[str, ...]) -> list[str]:
    """Before and after each of the steps."""
    return [f"{when} {step}" for step in steps for when in ("before", "after")]


def dies_at(replica: Replica, point: str) -> Replica:
    """The replica, whose process ends at this point, once."""
    left = [point]

    async def checkpoint(reached: str) -> None:
        if reached in left:
            left.remove(reached)
            raise Killed(reached)

    object.__setattr__(replica.services, "checkpoint", checkpoint)  # the application holds these very services
    return replica


def waiting_for_its_turn(replica: Replica) -> asyncio.Event:
    """Set when a request has been let in and begins to wait until its organization is free."""
    reached = asyncio.Event()

    async def checkpoint(point: str) -> None:
        if point == f"before {steps.RESERVE}":
            reached.set()

    object.__setattr__(replica.services, "checkpoint", checkpoint)
    return reached


async def recovered(replica: Replica, *, within: float = 10.0) -> None:
    """Let the replica look for what nobody works on until there is nothing."""
    deadline = asyncio.get_running_loop().time() + within
    while asyncio.get_running_loop().time() < deadline:
        for operation_id in await operations.recoverable(replica.services.database):
            await recovery.resume(replica.services, operation_id)
        await replica.settled()
        await asyncio.sleep(0.1)
        if not await _open(replica):
            return
    raise AssertionError(f"still open after {within} s: {await _open(replica)}")


async def _open(replica: Replica) -> list[Any]:
    async with replica.services.database.transaction() as connection:
        found = await connection.execute(_OPEN)
        return await found.fetchall()
