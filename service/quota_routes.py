"""GET and PATCH of an organization's quota."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cluster.errors import ClusterError
from cluster.quota import read as read_quota
from database import operations
from database.errors import DatabaseError
from database.operations import Operation, Wanted
from service.access import Access
from service.bodies import QuotaChange, with_sizes
from service.draining import Draining
from service.driving import postpone
from service.found import find
from service.idempotency import Asking, asking, replay
from service.quota import change
from service.reserving import reserve_when_free
from service.services import Services, log
from service.sign_up_routes import accepted
from tenants.model import Organization
from tenants.plan import plan


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """Both routes."""
    routes = APIRouter(prefix="/v1/organizations/{slug}/quota", tags=["quota"])

    @routes.get("", summary="What is granted, enforced and in use")
    async def read(request: Request, slug: str) -> dict[str, Any]:
        access.require(request, "organization:read", slug)
        entry = await find(services, slug)
        live = await read_quota(services.cluster, slug)
        return {**entry.quota, "slug": slug, "plan": entry.plan, "managed_by": entry.managed_by, **live}

    @routes.patch("", summary="Change it, in force at once")
    async def patch(request: Request, slug: str, body: QuotaChange) -> JSONResponse:
        """200 once the cluster enforces it; 202 if it could not be told in time, and goes on by itself."""
        caller = access.require(request, "organization:plan", slug)
        draining.check()
        asked = asking(request, caller, "quota", {"slug": slug, **body.asked(), "reason": body.reason})
        reserved = await reserve_when_free(services, slug, lambda _, now: _wanted(now, body, asked))
        if not reserved.is_new:
            return replay(reserved.operation, asked.request_hash, status=200)
        return await _changed(services, reserved.operation)

    return routes


async def _changed(services: Services, operation: Operation) -> JSONResponse:
    try:
        return JSONResponse(await change(services, operation))
    except (ClusterError, DatabaseError) as error:
        log.warning("operation %s waits for recovery: %s", operation.id, error)
        await postpone(services, operation, error)
    async with services.database.transaction() as connection:
        now = await operations.read(connection, operation.id) or operation
    return accepted(now) if now.state == "PENDING" else replay(now, now.request_hash, status=200)


def _wanted(before: Organization, body: QuotaChange, asked: Asking) -> Wanted:
    operation_id, organization = str(uuid.uuid4()), with_sizes(before, body.asked())
    answer = {"slug": organization.slug, **plan(organization).sizes, "operation_id": operation_id}
    request = organization.model_dump(mode="json")
    return Wanted(operation_id, "quota", organization.slug, **vars(asked), request=request, answer=answer,
                  reason=body.reason)  # fmt: skip
