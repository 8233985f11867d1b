"""The schema of the queue that replicas share: procrastinate's own, in a PostgreSQL schema of its own, `jobs`.

The library ships its whole schema, for a new database, and migrations, for one that an older version of it has made.
Which of them a database has is recorded beside its tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from database.errors import DatabaseFault, MigrationError
from database.pool import Connection, Database, fetch_all, fetch_one
from database.sql import query

SCHEMA = "jobs"
_UNRECORDED = "03.04.00_50"  # the last migration of procrastinate 3.10, whose schema was once applied without a record


@dataclass(frozen=True)
class Shipped:
    """What a `version` of the library brings: the whole schema, and by name the migrations that lead to it."""

    version: str
    schema: LiteralString
    migrations: Mapping[str, LiteralString]


def conninfo(url: str) -> str:
    """`url` for connections that find the queue's tables without naming their schema."""
    given = conninfo_to_dict(url).get("options")
    return make_conninfo(url, options=f"{given or ''} -c search_path={SCHEMA}".strip())


async def prepare(database: Database, shipped: Shipped) -> list[str]:
    """Bring the queue's tables to what the library ships; the migrations that ran.

    Each is a transaction, so that the next one may use what it adds to an enumeration. Replicas that start together
    wait for each other. Raise MigrationError if the tables are newer than the library, or a migration fails.
    """
    ran: list[str] = []
    while (name := await _migrate_once(database, shipped)) is not None:
        ran.append(name)
    return ran


async def _migrate_once(database: Database, shipped: Shipped) -> str | None:
    """Run the first migration that has not run, or make the tables; None if nothing was left to run."""
    name = None
    try:
        async with database.transaction() as connection:
            await connection.execute(query("queue.lock"))
            applied = await _applied(connection, shipped)
            _check_known(applied, shipped)
            name = min(shipped.migrations.keys() - applied, default=None)
            if name is not None:
                await connection.execute(query("queue.enter"))
                await connection.execute(shipped.migrations[name])
                await _record(connection, {name})
    except DatabaseFault as error:
        if name is None:
            raise
        raise MigrationError(f"migration {name} of procrastinate {shipped.version} failed: {error}") from error
    return name


async def _applied(connection: Connection, shipped: Shipped) -> set[str]:
    """The migrations that the tables have; a new database gets the tables with all of them."""
    there = await fetch_one(connection, query("queue.exists"))
    await connection.execute(query("queue.create"))
    await connection.execute(query("queue.create_record"))
    recorded = {row["name"] for row in await fetch_all(connection, query("queue.applied"))}
    if there and recorded:
        return recorded
    names = set(shipped.migrations)
    if there:
        names = {name for name in names if name[: len(_UNRECORDED)] <= _UNRECORDED}
    else:
        await connection.execute(query("queue.enter"))
        await connection.execute(shipped.schema)
    await _record(connection, names)
    return names


async def _record(connection: Connection, names: set[str]) -> None:
    await connection.execute(query("queue.record"), {"names": sorted(names)})


def _check_known(applied: set[str], shipped: Shipped) -> None:
    unknown = sorted(applied - shipped.migrations.keys())
    if unknown:
        raise MigrationError(
            f"the queue's tables have migrations {unknown} that procrastinate {shipped.version} does not know; start "
            "the checkout that made them, or a newer one"
        )
