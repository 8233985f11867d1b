"""GET and DELETE of organizations, their list, preview and export: for the operator."""

import asyncio
import time
import uuid
from dataclasses import replace
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from database import directory, operations
from database.operations import Operation, Wanted
from service import preview
from service.access import Access
from service.bodies import PreviewOf, request_hash
from service.draining import Draining
from service.found import find, find_ours, shown
from service.idempotency import key_or_new, replay
from service.problems import Problem
from service.reserving import reserve_when_free
from service.services import Services
from service.sign_up_routes import accepted
from tenants.model import Organization

_POLL = 0.1  # seconds
Limit = Annotated[int, Query(ge=1, le=200, description="Organizations a page")]
After = Annotated[str, Query(max_length=20, pattern="^[0-9]*$", description="`next` of the page before")]
Confirm = Annotated[str, Query(max_length=63, description="The slug again, to delete a protected organization")]
Reason = Annotated[str, Query(max_length=200, description="Why; kept with the operation")]


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/organizations", tags=["organizations"])

    @routes.get("", summary="Living organizations, page by page")
    async def page(request: Request, limit: Limit = 50, after: After = "") -> dict[str, Any]:
        access.require_operator(request)
        found = await directory.page(services.database, after=int(after or 0), most=limit + 1)
        more = len(found) > limit
        return {"items": [shown(one) for one in found[:limit]], "next": str(found[limit - 1].id) if more else None}

    @routes.get("/{slug}", summary="One organization")
    async def read(request: Request, slug: str) -> dict[str, Any]:
        access.require_operator(request)
        return shown(await find(services, slug))

    @routes.delete("/{slug}", summary="Delete an organization and everything in it", status_code=200)
    async def delete(request: Request, slug: str, confirm: Confirm = "", reason: Reason = "") -> JSONResponse:
        """Protected organizations need `confirm=<slug>`. 200 when all is gone, 202 while it goes."""
        caller = access.require_operator(request)
        draining.check()
        wanted = _wanted(slug, caller, key_or_new(request), reason)
        earlier = await operations.find(services.database, caller, wanted.key)
        if earlier is None:
            entry, organization = await find_ours(services, slug)
            _check_confirmed(organization, confirm)
            asked = organization.model_copy(update={"protected": False})
            wanted = _with_request(wanted, asked)
            reserved = await reserve_when_free(services, wanted, entry.id)
            earlier = reserved.operation
            if reserved.is_new:
                await operations.prolong(services.database, earlier.lease, 0)
                await services.jobs.resume(earlier.id)
                earlier = await _ended(services, earlier)
                if earlier.state == "PENDING":
                    return accepted(earlier)
        return replay(earlier, wanted.request_hash, status=200)

    @routes.post("/{slug}/preview", summary="What a change would do; changes nothing")
    async def look(request: Request, slug: str, body: PreviewOf) -> dict[str, Any]:
        access.require_operator(request)
        return await preview.look(services, slug, body)

    @routes.get("/{slug}/export", summary="The organization as a catalog file", response_class=Response)
    async def export(request: Request, slug: str) -> Response:
        access.require_operator(request)
        _, organization = await find_ours(services, slug)
        return Response(catalog_file(organization), media_type="application/yaml")

    return routes


def catalog_file(organization: Organization) -> str:
    """The organization as `tenants/orgs/<slug>.yaml` would say it."""
    described = organization.model_dump(mode="json", exclude_defaults=True)
    described = {"name": organization.name, "slug": organization.slug, **described}
    return yaml.safe_dump(described, sort_keys=False, allow_unicode=True)


def _wanted(slug: str, caller: str, key: str, reason: str) -> Wanted:
    operation_id = str(uuid.uuid4())
    answer = {"slug": slug, "status": "DELETED", "operation_id": operation_id}
    digest = request_hash("delete", {"slug": slug})
    return Wanted(operation_id, "delete", slug, caller, key, digest, {}, answer, reason=reason or "deleted")


def _with_request(wanted: Wanted, organization: Organization) -> Wanted:
    return replace(wanted, request=organization.model_dump(mode="json"))


def _check_confirmed(organization: Organization, confirm: str) -> None:
    if organization.protected and confirm != organization.slug:
        raise Problem(
            409, "organization-protected", "The organization is protected",
            f"its namespace, data and logins would be lost for good; if that is meant, repeat the slug: "
            f"`DELETE /v1/organizations/{organization.slug}?confirm={organization.slug}`",
        )  # fmt: skip


async def _ended(services: Services, operation: Operation) -> Operation:
    """The operation when it has ended, or as it is after the wait limit."""
    deadline = time.monotonic() + services.settings.wait_limit
    while time.monotonic() < deadline:
        async with services.database.transaction() as connection:
            operation = await operations.read(connection, operation.id) or operation
        if operation.state != "PENDING":
            break
        await asyncio.sleep(_POLL)
    return operation
