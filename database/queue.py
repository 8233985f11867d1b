"""The schema of the queue that replicas share: procrastinate's own, in a PostgreSQL schema of its own, `jobs`."""

from typing import LiteralString

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from database.pool import Database, fetch_one
from database.sql import query

SCHEMA = "jobs"


def conninfo(url: str) -> str:
    """`url` for connections that find the queue's tables without naming their schema."""
    given = conninfo_to_dict(url).get("options")
    return make_conninfo(url, options=f"{given or ''} -c search_path={SCHEMA}".strip())


async def prepare(database: Database, schema: LiteralString) -> bool:
    """Make the queue's tables by the library's `schema` unless they are there; whether they were made.

    Replicas that start together wait for each other.
    """
    async with database.transaction() as connection:
        await connection.execute(query("queue.lock"))
        if await fetch_one(connection, query("queue.exists")):
            return False
        await connection.execute(query("queue.create"))
        await connection.execute(query("queue.enter"))
        await connection.execute(schema)
    return True
