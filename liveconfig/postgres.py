"""Reading PostgreSQL, the truth: one statement, one consistent reading. Needs the extra `postgresql`.

The only module of this library that imports psycopg.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection

from liveconfig.errors import StoreAway
from liveconfig.snapshot import Change, Entry, State

# Who is at another epoch gets everything. `offset 0` keeps the planner from asking for the epoch once a row.
_NEWER: LiteralString = """
with asked as (
  select e.epoch, a.org_id, case when e.epoch = %(epoch)s then a.revision else 0 end as since
  from (select tenancy.config_epoch() as epoch offset 0) e,
       unnest(%(organizations)s::bigint[], %(revisions)s::bigint[]) a (org_id, revision)
)
select a.epoch, a.org_id, a.since, coalesce(h.revision, 0), c.service || '/' || c.key, c.value, c.version, c.revision
from asked a
left join tenancy.config_heads h on h.org_id = a.org_id
left join tenancy.service_configs c on c.org_id = a.org_id and c.revision > a.since
"""
_CREDENTIALS: LiteralString = """
select org_id, username, password_sha256 from tenancy.pod_credentials where org_id = any(%(organizations)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Credential:
    """By what an organization's pods are known. The password has 256 random bits: nothing slower adds anything."""

    username: str
    password_sha256: str

    @staticmethod
    def of(username: str, password: str) -> "Credential":
        """What the database would hold of this password."""
        return Credential(username, hashlib.sha256(password.encode()).hexdigest())


class PostgresStore:
    """One connection, made when it is needed and again when it broke; one statement at a time.

    `url` is a libpq connection string. `lost` is called when the connection ends while nothing runs, as it does when
    the database fails over: whoever follows should compare everything. `timeout` bounds connecting and each statement.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self._url, self._timeout = url, timeout
        self._connection: AsyncConnection[Any] | None = None
        self._watched: int | None = None  # its descriptor, which a connection that broke no longer tells
        self._one = asyncio.Lock()
        self.lost: Callable[[], None] = lambda: None

    async def newer(self, epoch: int, revisions: Mapping[int, int]) -> State:
        """All that is newer than these revisions, by organization, of that epoch. Raise StoreAway."""
        asked = {"epoch": epoch, "organizations": list(revisions), "revisions": list(revisions.values())}
        return _state(await self._rows(_NEWER, asked))

    async def credentials(self, organizations: Collection[int]) -> dict[int, Credential]:
        """Those of these organizations' pods; none for an organization that has none. Raise StoreAway."""
        rows = await self._rows(_CREDENTIALS, {"organizations": list(organizations)})
        return {org_id: Credential(username, sha256) for org_id, username, sha256 in rows}

    async def close(self) -> None:
        """Close the connection; the next reading would make another."""
        connection, self._connection = self._connection, None
        self._unwatch()
        if connection is not None:
            await connection.close()

    async def _rows(self, statement: LiteralString, parameters: Mapping[str, Any]) -> list[Any]:
        async with self._one, self._used() as connection:
            cursor = await connection.execute(statement, parameters, prepare=True)
            return await cursor.fetchall()

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The connection, not watched meanwhile. An error closes it."""
        connection, self._connection = self._connection, None
        self._unwatch()
        try:
            async with asyncio.timeout(self._timeout):
                connection = connection or await self._connect()
                yield connection
            self._watch(connection)
            connection = None
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise StoreAway(f"PostgreSQL: {error or 'no answer in time'}") from error
        finally:
            if connection is not None:
                await connection.close()

    async def _connect(self) -> AsyncConnection[Any]:
        return await AsyncConnection.connect(self._url, autocommit=True, connect_timeout=max(2, int(self._timeout)))

    def _spoke(self) -> None:
        """The server says something unasked: a notice, or its end."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.pgconn.consume_input()
        except psycopg.Error:
            self._connection = None
            self._unwatch()
            connection.pgconn.finish()
            self.lost()

    def _watch(self, connection: AsyncConnection[Any]) -> None:
        watched = connection.fileno()
        asyncio.get_running_loop().add_reader(watched, self._spoke)
        self._connection, self._watched = connection, watched

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            asyncio.get_running_loop().remove_reader(watched)


def _state(rows: list[Any]) -> State:
    heads: dict[int, tuple[int, int]] = {}
    entries: dict[int, dict[str, Entry]] = {}
    for _, org_id, since, head, name, value, version, revision in rows:
        heads[org_id] = since, head
        found = entries.setdefault(org_id, {})
        if name is not None:
            found[name] = Entry(value, version, revision)
    changes = (Change(org_id, since, head, entries[org_id]) for org_id, (since, head) in heads.items())
    return State(rows[0][0], tuple(changes))
