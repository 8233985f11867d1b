"""Settings, one by one: read, set, unset, set back, and the kill switch of a flag."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from database import setting_history
from database import settings as rows
from database.settings import Change
from service import config_rules
from service.bodies import AskedReason
from service.config_bodies import Key, PutSetting, Rollback, Service, Why
from service.config_scope import Find, Scope
from service.config_views import Effective, effective
from service.draining import Draining
from service.preconditions import expected, named_version
from service.problems import Problem
from tenants import settings


def router(find: Find, draining: Draining, prefix: str) -> APIRouter:
    """The routes below `prefix`; `find` says whose settings they are, and who may."""
    routes = APIRouter(prefix=prefix + "/configs/{service}/{key}", tags=["settings"])
    readable, changeable = Depends(find("settings:read")), Depends(find("settings:change"))

    @routes.get("", summary="One setting in force")
    async def read(service: Service, key: Key, scope: Scope = readable) -> Response:
        """`ETag` is the version that a change names in `If-Match`; "0" if the value is not the scope's own yet."""
        async with scope.transaction() as connection:
            own, platform = await rows.one(connection, scope.org_id, service, key)
        if own is None and platform is None:
            config_rules.check_known(f"{service}/{key}")
        return _answer(effective(f"{service}/{key}", own, platform))

    @routes.put("", summary="Set it")
    async def put(
        request: Request, service: Service, key: Key, body: PutSetting, scope: Scope = changeable
    ) -> Response:
        """Needs `If-Match: "<version>"`, or `If-None-Match: *` for a first value. In force when this is answered."""
        draining.check()
        name = f"{service}/{key}"
        config_rules.check_known(name)
        change = Change(service, key, settings.stored(name, body.value), expected(request))
        config_rules.check_all([Change(service, key, body.value)], ["value"])
        config_rules.check_free(change)
        return await _changed(scope, body.reason, change)

    @routes.delete("", summary="Unset it: the platform's value, or the default, is in force again")
    async def unset(
        request: Request, service: Service, key: Key, reason: AskedReason, scope: Scope = changeable
    ) -> Response:
        """Needs `If-Match`. The version goes up; the history stays."""
        draining.check()
        change = Change(service, key, None, expected(request))
        config_rules.check_all([change], ["key"])
        config_rules.check_free(change)
        return await _changed(scope, reason, change)

    @routes.post("/rollback", summary="Have the value of an earlier version again")
    async def rollback(
        request: Request, service: Service, key: Key, body: Rollback, scope: Scope = changeable
    ) -> Response:
        """A new version with the old value. `If-Match` may be given."""
        draining.check()
        async with scope.transaction() as connection:
            found = await setting_history.value_at(connection, scope.org_id, service, key, body.to_version)
        if found is None:
            raise Problem(
                404, "no-such-version", "There is no such version",
                f"{service}/{key} has no version {body.to_version}; …/history lists what there is",
            )  # fmt: skip
        change = Change(service, key, found[0], named_version(request) or "any")
        config_rules.check_all([change], ["to_version"])
        config_rules.check_free(change)
        return await _changed(scope, body.reason, change)

    @routes.post("/kill", summary="Switch a flag off at once")
    async def kill(service: Service, key: Key, body: Why, scope: Scope = changeable) -> Response:
        """Its state is DISABLED from now on, whatever approvals or schedules there are: readers get their default."""
        name, one = f"{service}/{key}", settings.setting(f"{service}/{key}")
        config_rules.check_known(name)
        if one is None or one.type != "flag":
            raise Problem(422, "no-flag", "Only flags have a kill switch", f"{name} is no flag; set another value")
        async with scope.transaction(actor=scope.caller, reason=body.reason) as connection:
            await rows.lock(connection)
            now = effective(name, *await rows.one(connection, scope.org_id, service, key))
            killed = {**(now.value or settings.stored(name, False)), "state": "DISABLED"}
            (row,) = await rows.write(connection, scope.org_id, [Change(service, key, killed)])
        scope.announce([row])
        return _answer(effective(name, row, None))

    return routes


async def _changed(scope: Scope, reason: str, change: Change) -> Response:
    async with scope.transaction(actor=scope.caller, reason=reason) as connection:
        (row,) = await rows.write(connection, scope.org_id, [change])
        below = await rows.one(connection, scope.org_id, row.service, row.key) if change.value is None else (row, None)
    scope.announce([row])
    return _answer(effective(row.name, row, below[1]))


def _answer(setting: Effective) -> Response:
    return JSONResponse(setting.shown(), headers={"ETag": f'"{setting.version}"'})
