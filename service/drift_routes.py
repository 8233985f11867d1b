"""What differs from what was deployed, and its repair."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from database import drift
from database.drift import Item
from database.operations import Wanted
from service.access import Access
from service.draining import Draining
from service.drift import compare
from service.found import find_ours
from service.idempotency import Asking, asking, replay
from service.reserving import begin
from service.services import Services
from service.sign_up_routes import accepted
from tenants.model import Organization

OnlySlug = Annotated[str | None, Query(max_length=63, description="Compare this organization now")]


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """Both routes."""
    routes = APIRouter(prefix="/v1/drift", tags=["drift"])

    @routes.get("", summary="What differs between rows, stacks and cluster")
    async def read(request: Request, slug: OnlySlug = None) -> dict[str, Any]:
        """With `slug` it is compared now; else what the last comparison of each organization has found."""
        access.require(request, "platform:read")
        if slug is not None:
            found = await compare(services, *await find_ours(services, slug))
            return {"items": [_shown(slug, item) for item in found]}
        reports = await drift.reports(services.database)
        checked = {report.slug: report.checked_at.isoformat() for report in reports}
        return {"items": [_shown(one.slug, item) for one in reports for item in one.items], "checked_at": checked}

    @routes.post("/{slug}/repair", summary="Make what differs as it was deployed", status_code=202)
    async def repair(request: Request, slug: str) -> JSONResponse:
        caller = access.require(request, "platform:change")
        draining.check()
        asked = asking(request, caller, "repair", {"slug": slug})
        reserved = await begin(services, slug, lambda _, now: _wanted(now, asked))
        if reserved.is_new:
            return accepted(reserved.operation)
        return replay(reserved.operation, asked.request_hash, status=200)

    return routes


def _wanted(organization: Organization, asked: Asking) -> Wanted:
    operation_id, slug = str(uuid.uuid4()), organization.slug
    answer = {"slug": slug, "operation_id": operation_id}
    request = organization.model_dump(mode="json")
    return Wanted(operation_id, "repair", slug, **vars(asked), request=request, answer=answer, reason="repair")


def _shown(slug: str, item: Item) -> dict[str, str]:
    return {"slug": slug, **vars(item)}
