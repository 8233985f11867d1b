"""All settings at once, now and at an earlier time; histories and differences; export and import."""

import json
from typing import Annotated, Any, Literal

import yaml
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from database import setting_history
from database import settings as rows
from service import config_files, config_rules, importing
from service.bodies import AskedReason
from service.config_bodies import NEWEST, Key, Service, as_time
from service.config_scope import Find, Scope
from service.config_views import all_effective, differences, shown_past, shown_version, tag
from service.draining import Draining
from service.problems import Problem

At = Annotated[str, Query(max_length=40, description="Everything of its own as it was at that time, ISO 8601")]
Revision = Annotated[int | None, Query(ge=0, le=NEWEST, description="The same, at that revision")]
Before = Annotated[int, Query(ge=1, le=NEWEST, description="Only versions below that one")]
Limit = Annotated[int, Query(ge=1, le=500)]
From = Annotated[int, Query(alias="from", ge=0, le=NEWEST, description="The earlier revision; 0: nothing was set")]
To = Annotated[int | None, Query(ge=0, le=NEWEST, description="The later revision; the newest when left out")]
Format = Annotated[Literal["yaml", "json"], Query(description="Of the document")]
Replace = Annotated[bool, Query(description="Unset whatever the document does not name")]


def router(find: Find, draining: Draining, prefix: str) -> APIRouter:
    """The routes below `prefix`; `find` says whose settings they are, and who may."""
    routes = APIRouter(prefix=prefix + "/configs", tags=["settings"])
    readable, changeable = Depends(find("settings:read")), Depends(find("settings:change"))

    @routes.get("", summary="Every setting in force, or as it was")
    async def everything(request: Request, scope: Scope = readable, at: At = "", revision: Revision = None) -> Response:
        """With `ETag`; 304 if nothing has changed. `at` or `revision` answer from the history, own values only."""
        if at or revision is not None:
            return JSONResponse(await _as_it_was(scope, at, revision))
        async with scope.transaction() as connection:
            snapshot = await rows.snapshot(connection, scope.org_id)
        headers = {"ETag": tag(snapshot)}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        items = [one.shown() for one in all_effective(scope.org_id, snapshot.rows)]
        heads = {name: getattr(snapshot, name) for name in ("epoch", "revision", "platform_revision")}
        return JSONResponse({**heads, "items": items}, headers=headers)

    @routes.get("/diff", summary="What changed between two revisions")
    async def diff(since: From, scope: Scope = readable, to: To = None) -> dict[str, Any]:
        """Of its own values, each with the change that made it so."""
        async with scope.transaction() as connection:
            before = await setting_history.as_of(connection, scope.org_id, since)
            after = await setting_history.as_of(connection, scope.org_id, NEWEST if to is None else to)
        newest = max((one.revision for one in after), default=0)
        return {"from": since, "to": newest if to is None else to, "items": differences(before, after)}

    @routes.get("/export", summary="Its own values as a document", response_class=Response)
    async def export(scope: Scope = readable, format: Format = "yaml") -> Response:
        async with scope.transaction() as connection:
            snapshot = await rows.snapshot(connection, scope.org_id)
        document = config_files.document(scope.org_id, snapshot)
        if format == "json":
            return Response(json.dumps(document, indent=2) + "\n", media_type="application/json")
        return Response(yaml.safe_dump(document, allow_unicode=True), media_type="application/yaml")

    @routes.post("/import", status_code=201, summary="Have the values of a document, as one change set")
    async def import_(
        request: Request, reason: AskedReason, scope: Scope = changeable, replace: Replace = False
    ) -> Response:
        """The body is what `export` answers, YAML or JSON. What is so already is left alone; 200 if all of it is."""
        draining.check()
        return await importing.take_over(scope, config_files.read(await request.body()), reason, replace=replace)

    @routes.get("/{service}/{key}/history", summary="Every change of one setting, newest first")
    async def history(
        service: Service, key: Key, scope: Scope = readable, before: Before = NEWEST, limit: Limit = 50
    ) -> dict[str, Any]:
        """Who, when, from what to what, why."""
        async with scope.transaction() as connection:
            found = await setting_history.history(connection, scope.org_id, service, key, before=before, most=limit)
        if not found:
            config_rules.check_known(f"{service}/{key}")
        more = found[-1].version if len(found) == limit and found[-1].version > 1 else None
        return {"items": [shown_version(one) for one in found], "next": more}

    return routes


async def _as_it_was(scope: Scope, at: str, revision: int | None) -> dict[str, Any]:
    if at and revision is not None:
        raise Problem(422, "invalid-request", "Two times are named", "give `at` or `revision`, not both")
    async with scope.transaction() as connection:
        if revision is None:
            revision = await setting_history.revision_at(connection, scope.org_id, as_time(at))
        found = await setting_history.as_of(connection, scope.org_id, revision)
    return {"revision": revision, "items": [shown_past(one) for one in found]}
