"""The state of self-service stacks in PostgreSQL: the tables that Pulumi's `postgres://` backend keeps.

They are Pulumi's; what is here is what saves a process of it: to make an empty stack, to look for locks, to forget a
stack. The role owns these tables and nothing else.
"""

import base64
from collections.abc import Sequence
from typing import LiteralString

from psycopg.sql import SQL, Composed, Identifier

from database.pool import Database, fetch_all
from database.sql import query


async def make(database: Database, table: str) -> None:
    """Have the table, exactly as Pulumi would make it; two that make it at once take turns, which Pulumi's do not."""
    async with database.transaction() as connection:
        await connection.execute(query("states.turn"), {"table": table})
        await connection.execute(_on(table, "states.table"))
        await connection.execute(_on(table, "states.index"))


async def tables(database: Database, family: str) -> list[str]:
    """The tables called `<family>_<one or two hexadecimal digits>`."""
    async with database.transaction() as connection:
        return [row["tablename"] for row in await fetch_all(connection, query("states.tables"), family=family)]


async def read(database: Database, table: str, key: str) -> str | None:
    """The text kept under the key, or None."""
    async with database.transaction() as connection:
        found = await (await connection.execute(_on(table, "states.read"), {"key": key})).fetchone()
    return base64.b64decode(found["text"]).decode() if found else None


async def write(database: Database, table: str, key: str, text: str) -> None:
    """Keep the text under the key."""
    kept = base64.b64encode(text.encode()).decode()
    async with database.transaction() as connection:
        await connection.execute(_on(table, "states.write"), {"key": key, "text": kept})


async def below(database: Database, table: str, prefix: str) -> dict[str, float]:
    """The keys that begin with the prefix, and for how many seconds each has been as it is."""
    async with database.transaction() as connection:
        found = await (await connection.execute(_on(table, "states.below"), {"prefix": prefix})).fetchall()
    return {row["key"]: row["age"] for row in found}


async def remove(database: Database, table: str, keys: Sequence[str]) -> None:
    """Forget what is kept under these keys; gone already is fine."""
    async with database.transaction() as connection:
        await connection.execute(_on(table, "states.remove"), {"keys": list(keys)})


def _on(table: str, name: LiteralString) -> Composed:
    return SQL(query(name)).format(table=Identifier(table), index=Identifier(f"{table}_key_prefix_idx"))
