"""Taking over many settings from a document: what differs becomes one change set."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse

from database import settings
from database.change_sets import Asked
from service import change_sets, config_files, config_rules
from service.change_set_routes import shown
from service.config_bodies import MOST, change_of
from service.config_scope import Scope
from service.problems import Problem


async def take_over(scope: Scope, wanted: Mapping[str, Any], reason: str, *, replace: bool = False) -> JSONResponse:
    """201 with the change set, or 200 if all of it is so already. With `replace`, what is not wanted is unset."""
    async with scope.transaction() as connection:
        snapshot = await settings.snapshot(connection, scope.org_id)
    asked = config_files.changes(scope.org_id, snapshot, wanted, replace=replace)
    if not asked:
        return JSONResponse({"state": "UNCHANGED", "revision": snapshot.revision, "changes": []})
    if len(asked) > MOST:
        raise Problem(
            422, "too-many-changes", "One change set would be too large",
            f"{len(asked)} settings differ, {MOST} may change together; split the document",
        )  # fmt: skip
    changes = [change_of(one) for one in asked]
    config_rules.check_all(changes, [change.name for change in changes])
    needs = config_rules.needs_approval(changes)
    made, rows = await change_sets.begin(scope, Asked(asked, reason, scope.caller, needs))
    return JSONResponse(shown(made, rows), 201)
