"""GET, PATCH and DELETE of organizations, their list, preview and export: for the operator."""

import uuid
from dataclasses import replace
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from database import directory, operations
from database.operations import Wanted
from service import preview
from service.access import Access
from service.bodies import Change, PreviewOf, request_hash, with_changes
from service.draining import Draining
from service.found import find, find_ours, shown
from service.idempotency import key_or_new, replay
from service.problems import Problem
from service.reserving import begin, ended
from service.services import Services
from service.sign_up_routes import accepted
from tenants.model import Organization

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
            return await _carried_out(services, wanted, entry.id)
        return replay(earlier, wanted.request_hash, status=200)

    @routes.patch("/{slug}", summary="Change an organization", status_code=200)
    async def change(request: Request, slug: str, body: Change) -> JSONResponse:
        """Lists and maps replace what was there. 200 when all is as asked for, 202 while it goes on."""
        caller = access.require_operator(request)
        draining.check()
        entry, organization = await find_ours(services, slug)
        return await _carried_out(services, _changed(organization, body, caller, key_or_new(request)), entry.id)

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


def _changed(organization: Organization, body: Change, caller: str, key: str) -> Wanted:
    operation_id, slug, asked = str(uuid.uuid4()), organization.slug, body.asked()
    request = with_changes(organization, asked).model_dump(mode="json")
    digest = request_hash("change", {"slug": slug, **asked, "reason": body.reason})
    answer = {"slug": slug, "operation_id": operation_id, "changed": sorted(asked)}
    return Wanted(operation_id, "change", slug, caller, key, digest, request, answer, reason=body.reason)


async def _carried_out(services: Services, wanted: Wanted, org_id: int) -> JSONResponse:
    """The operation's answer, or 202 if it takes longer than the wait limit."""
    reserved = await begin(services, wanted, org_id)
    operation = await ended(services, reserved.operation) if reserved.is_new else reserved.operation
    if reserved.is_new and operation.state == "PENDING":
        return accepted(operation)
    return replay(operation, wanted.request_hash, status=200)
