"""Leases on the stacks of self-service organizations: one engine a stack, whichever replica runs it."""

from dataclasses import dataclass

from database.errors import LeaseTaken
from database.pool import Database, fetch_one
from database.sql import query


@dataclass(frozen=True)
class StackLease:
    """A lease on `stack`; `number` only grows, so that an older holder is told from a newer one."""

    stack: str
    number: int


async def take(database: Database, stack: str, holder: str, *, seconds: float) -> StackLease:
    """Take the lease for so long; raise LeaseTaken while somebody else holds it."""
    async with database.statement() as connection:
        taken = await fetch_one(connection, query("leases.take"), stack=stack, holder=holder, seconds=seconds)
    if taken is None:
        async with database.statement() as connection:
            held = await fetch_one(connection, query("leases.holder"), stack=stack)
        raise LeaseTaken(f"{held['holder'] if held else 'somebody'} is at work on stack {stack}; try again later")
    return StackLease(stack, taken["number"])


async def prolong(database: Database, lease: StackLease, *, seconds: float) -> bool:
    """Hold it for so long from now; False if somebody else has it by now."""
    async with database.statement() as connection:
        found = await fetch_one(
            connection, query("leases.prolong"), stack=lease.stack, number=lease.number, seconds=seconds
        )
    return found is not None


async def release(database: Database, lease: StackLease) -> None:
    """Let others have it; one that was lost already is left alone."""
    async with database.statement() as connection:
        await connection.execute(query("leases.release"), {"stack": lease.stack, "number": lease.number})


async def forget(database: Database, stack: str) -> None:
    """Forget a stack that is no more."""
    async with database.statement() as connection:
        await connection.execute(query("leases.forget"), {"stack": stack})
