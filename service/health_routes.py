"""/healthz: the process answers. /readyz: it takes requests, and PostgreSQL and Kubernetes do too. /metrics, drain."""

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from cluster.errors import ClusterError
from database import drift, migrations, operations, outbox, sessions
from database.errors import DatabaseError
from service.access import Access, Caller
from service.config_scope import PLATFORM
from service.draining import Draining
from service.services import Services, log

_TIMEOUT = 3.0  # seconds


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes; all but the drain are open to everybody."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        wrong = ["this replica is draining"] if draining.begun else await _wrong(services)
        body: dict[str, Any] = {
            "ready": not wrong, "reasons": wrong, "running": len(services.work),
            "pool": asdict(services.engines.status()),
        }  # fmt: skip
        if not wrong:
            counts = await operations.counts(services.database)
            body["operations"] = {f"{kind} {state}": count for (kind, state), count in sorted(counts.items())}
        return JSONResponse(body, 503 if wrong else 200)

    @routes.post("/v1/drain", status_code=202, summary="Take nothing new, and bring what is at work to its end")
    async def drain(request: Request) -> dict[str, int | str]:
        """Of the replica that is asked. It stays up, and not ready, until it is ended."""
        caller = access.require(request, "platform:change")
        draining.begun = True
        services.work.start(draining.begin(), "drain")
        await _note_drain(services, caller)
        return {"status": "draining", "running": len(services.work)}

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        try:
            counts, drifted = await operations.counts(services.database), await drift.count(services.database)
            oldest = await outbox.oldest(services.database)
        except DatabaseError:
            counts, drifted, oldest = {}, 0, 0.0  # what is known here is told all the same
        text = services.metrics.render(services.engines.status(), counts, drifted, len(services.work), oldest)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return routes


async def _note_drain(services: Services, caller: Caller) -> None:
    """Write it into the platform's audit log; a replica can be drained while PostgreSQL is away, too."""
    try:
        async with asyncio.timeout(_TIMEOUT), services.database.transaction(**caller.acting("")) as connection:
            await sessions.audit(connection, PLATFORM, "drain requested", services.settings.replica)
    except (DatabaseError, TimeoutError) as error:
        log.warning("the drain that %s asked for is not in the audit log: %s", caller.name, error)


async def _wrong(services: Services) -> list[str]:
    checks = (_database(services), _cluster(services))
    return [text for text in await asyncio.gather(*checks) if text]


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT):
            version = await migrations.current_version(services.database)
    except (DatabaseError, TimeoutError):
        return "PostgreSQL does not answer"
    wanted = migrations.latest()
    return "" if version >= wanted else f"the schema is at version {version}, {wanted} is needed; run `make up`"


async def _cluster(services: Services) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT):
            await services.cluster.get("/version")
    except (ClusterError, TimeoutError):
        return "the Kubernetes API does not answer"
    return ""
