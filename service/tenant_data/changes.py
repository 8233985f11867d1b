"""Changes of one row at the version that the caller has seen."""

from typing import Any, TypeVar

from database.tenant_rows import Kept, Rows
from service.problems import Problem
from service.tenant_data.preconditions import outdated
from service.tenant_data.scope import Scope

Row = TypeVar("Row", bound=Kept)


async def change(
    scope: Scope, rows: Rows[Row], missing: Problem, version: int | None, values: dict[str, Any], **key: Any
) -> Row:
    """The row with those values; raise `missing`, or a Problem: 412 at another version, 409 for a taken name."""
    async with scope.transaction() as connection:
        changed = await rows.change(connection, version=version, **values, **key)
        if changed is None:
            raise _why(await rows.read(connection, **key), missing)
    return changed


async def remove(scope: Scope, rows: Rows[Row], missing: Problem, version: int | None, **key: Any) -> None:
    """Hide the row; raise `missing`, or a Problem (412) at another version."""
    async with scope.transaction() as connection:
        if await rows.remove(connection, version=version, **key) is None:
            raise _why(await rows.read(connection, **key), missing)


async def read(scope: Scope, rows: Rows[Row], missing: Problem, **key: Any) -> Row:
    """The living row; raise `missing`."""
    async with scope.transaction() as connection:
        found = await rows.read(connection, **key)
    if found is None:
        raise missing
    return found


async def restore(scope: Scope, rows: Rows[Row], missing: Problem, **key: Any) -> Row:
    """The row, living again, or as it is if it lives; raise `missing`, or a Problem (409) if its name was taken."""
    async with scope.transaction() as connection:
        found = await rows.restore(connection, **key) or await rows.read(connection, **key)
    if found is None:
        raise missing
    return found


def _why(now: Kept | None, missing: Problem) -> Problem:
    return missing if now is None else outdated(now)
