"""Which stack has deployed what: the record by which unchanged stacks are passed by."""

from collections.abc import Sequence
from dataclasses import dataclass

from database.pool import Database, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Deployment:
    """One stack's record. `digest` is None while an update runs, and after one that did not finish."""

    stack: str
    digest: str | None
    slugs: tuple[str, ...]


async def read_all(database: Database, environment: str) -> list[Deployment]:
    """Every stack's record; none before the schema exists."""
    async with database.transaction() as connection:
        found = await fetch_one(connection, query("deployments.exists"))
        if not found or not found["there"]:
            return []
        rows = await fetch_all(connection, query("deployments.all"), environment=environment)
    return [Deployment(row["stack"], row["digest"], tuple(row["slugs"])) for row in rows]


async def begin(database: Database, environment: str, stack: str, slugs: Sequence[str]) -> None:
    """Record that an update of `stack` starts: from now on its digest is unknown, and these organizations are its."""
    await _write(database, "deployments.begin", environment=environment, stack=stack, slugs=list(slugs))


async def finish(database: Database, environment: str, stack: str, digest: str, slugs: Sequence[str]) -> None:
    """Record that the update of `stack` has deployed exactly this."""
    await _write(database, "deployments.finish", environment=environment, stack=stack, digest=digest, slugs=list(slugs))


async def hand_over(database: Database, environment: str, slug: str, source: str, destination: str) -> None:
    """Record that `slug` is now held by `destination`; both stacks have something to confirm in their next update."""
    values = {"environment": environment, "slug": slug, "source": source, "destination": destination}
    await _write(database, "deployments.hand_over", **values)


async def forget(database: Database, environment: str, stack: str) -> None:
    """Forget a stack that holds nothing any more."""
    await _write(database, "deployments.forget", environment=environment, stack=stack)


async def _write(database: Database, name: str, **values: object) -> None:
    """Run one statement; nothing before the schema exists."""
    async with database.transaction() as connection:
        found = await fetch_one(connection, query("deployments.exists"))
        if found and found["there"]:
            await connection.execute(query(name), values)
