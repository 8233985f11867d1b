"""Change sets: several settings at once, at a time, or after somebody else's approval."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from database import change_sets
from database.change_sets import State
from database.settings import Row
from service import change_sets as work
from service import config_rules
from service.config_bodies import ChangeSet, Why, as_time, change_of
from service.config_scope import Find, Scope
from service.draining import Draining
from service.problems import Problem

OfState = Annotated[State | None, Query(description="Only those in this state")]
Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[str, Query(max_length=40, description="`next` of the page before")]


def router(find: Find, draining: Draining, prefix: str) -> APIRouter:
    """The routes below `prefix`; `find` says whose settings they are, and who may."""
    routes = APIRouter(prefix=prefix + "/change-sets", tags=["settings"])
    readable, changeable = Depends(find("settings:read")), Depends(find("settings:change"))
    approvable = Depends(find("settings:approve"))

    @routes.post("", status_code=201, summary="Change several settings together, or not at all")
    async def create(body: ChangeSet, scope: Scope = changeable) -> JSONResponse:
        """APPLIED at once as one revision; SCHEDULED with `apply_at`; WAITING where a second person has to agree."""
        draining.check()
        changes = [change_of(one.model_dump(mode="json", exclude_defaults=True)) for one in body.changes]
        config_rules.check_all(changes, work.fields_of(len(changes)))
        needs = body.needs_approval or config_rules.needs_approval(changes)
        later = body.apply_at if body.apply_at and body.apply_at > datetime.now(UTC) else None
        made, rows = await work.begin(scope, body.asked(scope.caller, needs_approval=needs, apply_at=later))
        location = f"{scope.path}/change-sets/{made.id}"
        return JSONResponse(shown(made, rows), 201, headers={"Location": location})

    @routes.get("", summary="Change sets, newest first")
    async def page(
        scope: Scope = readable, state: OfState = None, limit: Limit = 50, before: Before = ""
    ) -> dict[str, Any]:
        until = as_time(before) if before else datetime.now(UTC)
        async with scope.transaction() as connection:
            found = await change_sets.page(connection, scope.org_id, state=state, before=until, most=limit)
        more = found[-1].created_at.isoformat() if len(found) == limit else None
        return {"items": [shown(one) for one in found], "next": more}

    @routes.get("/{change_set_id}", summary="One change set")
    async def read(change_set_id: str, scope: Scope = readable) -> dict[str, Any]:
        return shown(await _find(scope, change_set_id))

    @routes.post("/{change_set_id}/approve", summary="Agree to what somebody else asked for")
    async def approve(change_set_id: str, body: Why, scope: Scope = approvable) -> dict[str, Any]:
        """It is applied, or waits for its time. FAILED, with the problem, if the settings do not allow it any more."""
        draining.check()
        return shown(await work.approve(scope, await _find(scope, change_set_id), body.reason))

    @routes.post("/{change_set_id}/reject", summary="Refuse what waits for approval")
    async def reject(change_set_id: str, body: Why, scope: Scope = approvable) -> dict[str, Any]:
        return shown(await work.end(scope, await _find(scope, change_set_id), "REJECTED", body.reason))

    @routes.post("/{change_set_id}/cancel", summary="Take back what still waits")
    async def cancel(change_set_id: str, body: Why, scope: Scope = changeable) -> dict[str, Any]:
        return shown(await work.end(scope, await _find(scope, change_set_id), "CANCELLED", body.reason))

    return routes


async def _find(scope: Scope, change_set_id: str) -> change_sets.ChangeSet:
    found = None
    if _is_uuid(change_set_id):
        async with scope.transaction() as connection:
            found = await change_sets.read(connection, scope.org_id, change_set_id)
    if found is None:
        raise Problem(
            404, "no-such-change-set", "There is no such change set", f"GET {scope.path}/change-sets lists them"
        )
    return found


def shown(found: change_sets.ChangeSet, rows: list[Row] | None = None) -> dict[str, Any]:
    """A change set as its readers see it; with `versions` right after it was applied."""
    times = {name: at.isoformat() if (at := getattr(found, name)) else None for name in _TIMES}
    versions = {"versions": {row.name: row.version for row in rows}} if rows else {}
    hidden = {"org_id"}
    return {name: value for name, value in vars(found).items() if name not in hidden} | times | versions


_TIMES = ("apply_at", "created_at", "ended_at")


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
