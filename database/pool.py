"""Connections: one pool a process, and the transaction that carries who acts and for which organization."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from database.errors import DatabaseFault

Connection = AsyncConnection[DictRow]
_SET: LiteralString = "select set_config(name, value, true) from unnest(%s::text[], %s::text[]) as given (name, value)"


class Database:
    """A pool of connections as one role. Use as an async context manager, or call `close()`.

    `url` is a libpq connection string; it holds a password, so it is never logged. `size` bounds the connections,
    `ready` are kept open.
    """

    def __init__(self, url: str, *, size: int = 8, ready: int = 1) -> None:
        self._pool = AsyncConnectionPool(
            url, connection_class=AsyncConnection[DictRow], kwargs={"row_factory": dict_row},
            min_size=ready, max_size=size, open=False, name="database", timeout=15,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Return and close every connection; waits for the ones in use."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(
        self, *, org_id: int | None = None, actor: str = "", reason: str = "", request_id: str = ""
    ) -> AsyncIterator[Connection]:
        """One transaction, committed on success and rolled back on any error; raise DatabaseFault for PostgreSQL's.

        `org_id` is the tenant context that row-level security judges by; `actor`, `reason` and `request_id` reach the
        histories and the audit log. All of them last for this transaction only.
        """
        context = {
            "app.current_org": org_id, "app.actor": actor, "app.reason": reason, "app.request_id": request_id
        }  # fmt: skip
        try:
            await self._pool.open()
            async with self._pool.connection() as connection, connection.transaction():
                given = [(name, str(value)) for name, value in context.items() if value not in (None, "")]
                if given:
                    names, values = zip(*given, strict=True)
                    await connection.execute(_SET, (list(names), list(values)))
                yield connection
        except psycopg.Error as error:
            raise DatabaseFault(f"PostgreSQL: {error}") from error

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Connection]:
        """A connection for one statement without context, which commits by itself: one round trip instead of three."""
        try:
            await self._pool.open()
            async with self._pool.connection() as connection:
                await connection.set_autocommit(True)
                try:
                    yield connection
                finally:
                    await connection.set_autocommit(False)
        except psycopg.Error as error:
            raise DatabaseFault(f"PostgreSQL: {error}") from error


async def fetch_one(connection: Connection, statement: LiteralString, **parameters: Any) -> DictRow | None:
    """The first row of `statement`, or None."""
    cursor = await connection.execute(statement, parameters)
    return await cursor.fetchone()


async def fetch_all(connection: Connection, statement: LiteralString, **parameters: Any) -> list[DictRow]:
    """Every row of `statement`."""
    cursor = await connection.execute(statement, parameters)
    return await cursor.fetchall()
