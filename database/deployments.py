"""What an environment's stacks hold: the record by which an update runs only what changed and finishes killed ones.

An update that begins writes down what it means to do with each organization. When its engine has ended, whatever came
of it, the stack's own state knows what was done and the intent is forgotten. An intent that is found later was left by
an update that was killed: its state was never written.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from database.pool import Connection, Database, fetch_all, fetch_one
from database.sql import query

Phase = Literal["settled", "deploying", "deleting"]


@dataclass(frozen=True)
class Placement:
    """Which stack holds an organization, and how far it got.

    `digest` is of the plan that was deployed, None if that is not known. `intent` is the organization as JSON, of an
    update that began and has not ended; a phase other than `settled` means the same.
    """

    slug: str
    stack: str
    digest: str | None = None
    phase: Phase = "settled"
    intent: str | None = None


@dataclass(frozen=True)
class Record:
    """All of an environment: by stack, the digest of what it deploys beside its organizations; by slug, where it is."""

    frames: Mapping[str, str | None]
    placements: Mapping[str, Placement]

    @property
    def open(self) -> frozenset[str]:
        """The organizations with which an update has begun and not ended: it runs, or it was killed."""
        return frozenset(placed.slug for placed in self.placements.values() if placed.phase != "settled")


@asynccontextmanager
async def alone(database: Database, environment: str) -> AsyncIterator[bool]:
    """Hold the environment's lock; false, and nothing is held, if somebody else does. It goes with its connection."""
    async with database.transaction() as connection:
        found = await fetch_one(connection, query("deployments.lock"), environment=environment)
        yield bool(found and found["locked"])


async def is_kept(database: Database) -> bool:
    """Whether the database has a place for the record: not before its schema exists."""
    async with database.transaction() as connection:
        return await _is_kept(connection)


async def read(database: Database, environment: str) -> Record:
    """The environment's record; empty before the schema exists."""
    async with database.transaction() as connection:
        if not await _is_kept(connection):
            return Record({}, {})
        frames = await fetch_all(connection, query("deployments.frames"), environment=environment)
        placements = await fetch_all(connection, query("deployments.placements"), environment=environment)
    return Record(
        {row["stack"]: row["digest"] for row in frames}, {row["slug"]: Placement(**row) for row in placements}
    )


async def begin(
    database: Database,
    environment: str,
    stack: str,
    *,
    deploying: Mapping[str, str],
    deleting: Sequence[str],
    whole: bool,
) -> None:
    """Record, before its engine starts, what an update of `stack` means to do.

    `deploying` maps slugs to the organizations as JSON; `whole` says that everything else in the stack runs too.
    """
    async with database.transaction() as connection:
        await connection.execute(
            query("deployments.begin_stack"), {"environment": environment, "stack": stack, "whole": whole}
        )
        await connection.execute(
            query("deployments.begin_deploying"),
            {"environment": environment, "stack": stack, "slugs": list(deploying), "intents": list(deploying.values())},
        )
        await connection.execute(
            query("deployments.begin_deleting"), {"environment": environment, "slugs": list(deleting)}
        )


async def settle(database: Database, environment: str, slugs: Sequence[str]) -> None:
    """Record that an update has failed and its engine has ended: the stack's state knows what was done."""
    await _write(database, "deployments.settle", environment=environment, slugs=list(slugs))


async def finish(
    database: Database,
    environment: str,
    stack: str,
    *,
    frame: str | None,
    deployed: Mapping[str, str],
    deleted: Sequence[str],
) -> None:
    """Record that an update succeeded: `deployed` maps slugs to digests; `frame` is None if it ran in part only."""
    async with database.transaction() as connection:
        if not await _is_kept(connection):
            return
        await connection.execute(
            query("deployments.finish_stack"), {"environment": environment, "stack": stack, "digest": frame}
        )
        await connection.execute(
            query("deployments.finish_deployed"),
            {"environment": environment, "slugs": list(deployed), "digests": list(deployed.values())},
        )
        await connection.execute(
            query("deployments.finish_deleted"), {"environment": environment, "slugs": list(deleted)}
        )


async def hand_over(database: Database, environment: str, slug: str, destination: str) -> None:
    """Record that `slug` is now held by the stack `destination`, which confirms it in its next update."""
    await _write(database, "deployments.hand_over", environment=environment, slug=slug, destination=destination)


async def place(database: Database, environment: str, slug: str, stack: str) -> None:
    """Record that `stack` holds `slug` now, which its next update confirms."""
    await _write(database, "deployments.place", environment=environment, slug=slug, stack=stack)


async def forget(database: Database, environment: str, stack: str) -> None:
    """Forget a stack that was destroyed."""
    await _write(database, "deployments.forget", environment=environment, stack=stack)


async def _is_kept(connection: Connection) -> bool:
    found = await fetch_one(connection, query("deployments.exists"))
    return bool(found and found["there"])


async def _write(database: Database, name: str, **values: object) -> None:
    """Run one statement; nothing once the schema was dropped."""
    async with database.transaction() as connection:
        if await _is_kept(connection):
            await connection.execute(query(name), values)
