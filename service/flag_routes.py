"""Flags over HTTP: OpenFeature's Remote Evaluation Protocol (OFREP 0.2), and the report of stale flags."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from liveconfig.flags import Details, ErrorCode, FlagSet
from service import flag_sets, importing
from service.bodies import AskedReason
from service.config_scope import Find, Scope
from service.draining import Draining
from service.flag_sets import DEFAULT_SERVICE, AllFlags
from service.problems import MEDIA_TYPE

Service = Annotated[str, Query(pattern="^[a-z][a-z0-9_]{0,62}$", description="Whose flags they are to be")]
_PREFIX = "/v1/organizations/{slug}"
_STATUS = {ErrorCode.FLAG_NOT_FOUND: 404}
#: OFREP says no in its own words; who may not ask is told so in ours.
_SAYS_NO = {"type": "object", "required": ["key", "errorCode"]}
_OFREP: dict[int | str, dict[str, Any]] = {
    status: {
        "description": about,
        "content": {"application/json": {"schema": _SAYS_NO}, MEDIA_TYPE: {"schema": {"type": "object"}}},
    }
    for status, about in ((400, "the flag cannot be evaluated so"), (404, "there is no such flag"))
}


class Evaluation(BaseModel):
    """What a flag is evaluated for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    context: dict[str, Any] = Field({}, description="Attributes, `targetingKey` among them")


def router(find: Find, draining: Draining) -> APIRouter:
    """The routes of organizations."""
    routes = APIRouter(prefix=_PREFIX, tags=["flags"])
    readable, changeable = Depends(find("settings:read")), Depends(find("settings:change"))

    @routes.get("/flags/stale", summary="Flags that could go, and why")
    async def stale(scope: Scope = readable) -> dict[str, Any]:
        return {"items": flag_sets.stale(await flag_sets.read(scope))}

    @routes.post("/flags/import", status_code=201, summary="Take over the flags of a flagd file, as one change set")
    async def import_(
        request: Request, reason: AskedReason, scope: Scope = changeable, service: Service = "features"
    ) -> Response:
        """The body is the file. What is so already is left alone; 200 if all of it is."""
        draining.check()
        wanted = flag_sets.read_flagd(await request.body(), service)
        return await importing.take_over(scope, wanted, reason)

    @routes.post("/ofrep/v1/evaluate/flags", summary="Evaluate every flag (OFREP)")
    async def bulk(request: Request, body: Evaluation, scope: Scope = readable) -> Response:
        """With `ETag`; 304 if no setting has changed. The context has to be the same for that."""
        found = await flag_sets.read(scope)
        if request.headers.get("if-none-match") == found.tag:
            return Response(status_code=304, headers={"ETag": found.tag})
        return JSONResponse({"flags": _all(found, body.context)}, headers={"ETag": found.tag})

    @routes.post("/ofrep/v1/evaluate/flags/{key:path}", summary="Evaluate one flag (OFREP)", responses=_OFREP)
    async def one(key: str, body: Evaluation, scope: Scope = readable) -> JSONResponse:
        """`key` of the service `features`, or `service/key`. 404 and 400 are OFREP's own answers."""
        flags, own_key = (await flag_sets.read(scope)).of(key)
        answer = _evaluated(flags, own_key, key, body.context)
        status = _STATUS.get(answer["errorCode"], 400) if "errorCode" in answer else 200
        return JSONResponse(answer, status)

    return routes


def _all(found: AllFlags, context: dict[str, Any]) -> list[dict[str, Any]]:
    evaluated = []
    for service in found.services.values():
        flags = service.set()
        for key in flags:
            name = key if service.service == DEFAULT_SERVICE else f"{service.service}/{key}"
            evaluated.append(_evaluated(flags, key, name, context))
    return evaluated


def _evaluated(flags: FlagSet, key: str, name: str, context: dict[str, Any]) -> dict[str, Any]:
    """OFREP's success or failure. A value that is the code's default is left out: the caller has it."""
    details: Details[Any] = flags.evaluate(key, None, context)
    if details.error_code is not None:
        return {"key": name, "errorCode": details.error_code, "errorDetails": details.error_message or ""}
    answer = {"key": name, "reason": details.reason, "metadata": dict(details.metadata)}
    if details.variant is not None:
        answer |= {"value": details.value, "variant": details.variant}
    return answer
