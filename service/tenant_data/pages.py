"""Pages: the newest rows first, of those that hold some words, living or deleted."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Query

from database.tenant_rows import NEWEST, Kept, Position, Rows
from service.bodies import STORABLE
from service.tenant_data.scope import Scope

Row = TypeVar("Row", bound=Kept)
Words = Annotated[
    str | None,
    Query(max_length=200, pattern=STORABLE, description="Only what holds each of these words, whatever their case"),
]
Deleted = Annotated[bool, Query(description="What is deleted instead of what lives")]
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(alias="cursor", max_length=100, description="`next` of the page before")]


@dataclass(frozen=True)
class Asked:
    """What a page is to hold."""

    words: str | None
    deleted: bool
    limit: int
    cursor: str | None


async def asked(q: Words = None, deleted: Deleted = False, limit: Limit = 50, cursor: After = None) -> Asked:
    """A dependency: the query's parameters."""
    return Asked(q or None, deleted, limit, cursor)


async def page(
    scope: Scope, rows: Rows[Row], wanted: Asked, shown: Callable[[Row], dict[str, Any]], kind: str, **within: Any
) -> dict[str, Any]:
    """`items`, and in `next` the cursor of the next page, or null; raise a Problem (400) for a wrong cursor.

    `kind` and `within` say what is listed: a cursor of one list fits no other.
    """
    query = json.dumps([kind, wanted.words, wanted.deleted, {name: str(value) for name, value in within.items()}])
    after = scope.cursors.read(wanted.cursor, query) if wanted.cursor is not None else NEWEST
    async with scope.transaction() as connection:
        found = await rows.page(
            connection, deleted=wanted.deleted, words=wanted.words, after=after, most=wanted.limit + 1, **within
        )
    items = found[: wanted.limit]
    more = scope.cursors.write(Position(items[-1].created_at, items[-1].id), query) if found != items else None
    return {"items": [shown(row) for row in items], "next": more}
