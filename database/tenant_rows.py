"""What an organization keeps: rows that are hidden rather than gone, with versions, in pages from the newest on.

A connection's transaction carries the organization; row-level security finds its rows and no others. So none of these
statements names an organization, and what another one has is not there.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from psycopg.errors import UniqueViolation

from database.errors import NameTaken
from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Kept:
    """What every row has. `version` begins at 1 and counts its changes, whoever makes them."""

    id: UUID
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class Position:
    """Where a page ended: the next one has what is older."""

    at: datetime
    id: UUID


NEWEST = Position(datetime(9999, 1, 1, tzinfo=UTC), uuid.UUID(int=2**128 - 1))
Row = TypeVar("Row", bound=Kept, covariant=True)


@dataclass(frozen=True)
class Statements:
    """The names of a table's statements."""

    add: str
    read: str
    change: str
    remove: str
    restore: str
    living: str
    deleted: str


class Rows(Generic[Row]):
    """One table's. `key` names one row: an id, and what it is below."""

    def __init__(self, row: type[Row], statements: Statements) -> None:
        self._row, self._statements = row, statements

    async def add(self, connection: Connection, **values: Any) -> Row | None:
        """The new row; None if what it is to be below is not there. Raise NameTaken."""
        return await self._one(connection, self._statements.add, values)

    async def read(self, connection: Connection, **key: Any) -> Row | None:
        """The living row."""
        return await self._one(connection, self._statements.read, key)

    async def change(self, connection: Connection, *, version: int | None, **values: Any) -> Row | None:
        """The row with the values that are not None; None unless it lives at that version (None: at any).

        Raise NameTaken.
        """
        return await self._one(connection, self._statements.change, {"version": version, **values})

    async def remove(self, connection: Connection, *, version: int | None, **key: Any) -> Row | None:
        """The row, hidden from now on; None unless it lived at that version (None: at any)."""
        return await self._one(connection, self._statements.remove, {"version": version, **key})

    async def restore(self, connection: Connection, **key: Any) -> Row | None:
        """The row, living again; None if there is no such hidden row. Raise NameTaken."""
        return await self._one(connection, self._statements.restore, key)

    async def page(
        self, connection: Connection, *, deleted: bool, words: str | None, after: Position, most: int, **within: Any
    ) -> list[Row]:
        """The newest `most` rows older than `after`, living or deleted ones, that hold each of the words."""
        wanted = query(self._statements.deleted if deleted else self._statements.living)
        values = {"words": words, "at": after.at, "before": after.id, "most": most, **within}
        return [self._row(**row) for row in await fetch_all(connection, wanted, **values)]

    async def _one(self, connection: Connection, name: str, values: dict[str, Any]) -> Row | None:
        try:
            found = await fetch_one(connection, query(name), **values)
        except UniqueViolation as error:  # keys begin with the organization: it is a name of its own
            raise NameTaken(f"the organization has another {self._row.__name__.lower()} by that name") from error
        return self._row(**found) if found else None
