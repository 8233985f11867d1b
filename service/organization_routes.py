"""GET, PATCH and DELETE of organizations, their list, preview and export."""

import uuid
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from database import directory
from database.directory import Entry
from database.operations import Wanted
from database.settings import Change as SettingChange
from service import config_rules, preview
from service.access import Access, Caller, check
from service.bodies import AskedReasonOrNone, Change, PreviewOf
from service.carrying_out import carried_out, changed
from service.draining import Draining
from service.found import find, find_ours, shown, shown_whole
from service.idempotency import Asking, asking
from service.identity.opaque import digest, new_token
from service.problems import Problem
from service.reserving import begin
from service.services import Services
from tenants.model import Organization

Limit = Annotated[int, Query(ge=1, le=200, description="Organizations a page")]
After = Annotated[str, Query(max_length=20, pattern="^[0-9]*$", description="`next` of the page before")]
Confirm = Annotated[str, Query(max_length=63, description="The slug again, to delete a protected organization")]

IfMatch = Annotated[
    str | None, Header(max_length=100, description="`ETag` of what was read: 412 if it was changed since")
]

#: The permission that a change of each field takes; other exposed ports take network:expose beside it.
NEEDED = {
    "name": "organization:change",
    "labels": "organization:change",
    "retention_days": "organization:change",
    "configs": "organization:change",
    "plan": "organization:plan",
    "protected": "organization:protect",
    "members": "members:govern",
    "database": "organization:rotate",
    "network": "network:change",
}


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/organizations", tags=["organizations"])

    @routes.get("", summary="Living organizations, page by page")
    async def page(request: Request, limit: Limit = 50, after: After = "") -> dict[str, Any]:
        access.require(request, "platform:read")
        found = await directory.page(services.database, after=int(after or 0), most=limit + 1)
        more = len(found) > limit
        return {"items": [shown(one) for one in found[:limit]], "next": str(found[limit - 1].id) if more else None}

    @routes.get("/{slug}", summary="One organization")
    async def read(request: Request, response: Response, slug: str) -> dict[str, Any]:
        """With `ETag`, that a change may give as `If-Match`."""
        access.require(request, "organization:read", slug)
        entry = await find(services, slug)
        if entry.described_by:
            response.headers["ETag"] = _tag(entry)
        return shown_whole(entry)

    @routes.delete("/{slug}", summary="Delete an organization and everything in it", status_code=200)
    async def delete(
        request: Request, slug: str, confirm: Confirm = "", reason: AskedReasonOrNone = ""
    ) -> JSONResponse:
        """Protected organizations need `confirm=<slug>`. 200 when all is gone, 202 while it goes.

        With 202 comes a token that reads the operation: a member's own counts no more once the organization is gone.
        """
        caller = access.require(request, "organization:delete", slug)
        asked = asking(request, caller, "delete", {"slug": slug})
        token = new_token()
        draining.check()

        def wish(_: Entry, organization: Organization) -> Wanted:
            _check_confirmed(organization, confirm)
            return _deleted(organization, asked, reason, digest(token))

        return await carried_out(services, slug, asked, wish, begin, token=token)

    @routes.patch("/{slug}", summary="Change an organization", status_code=200)
    async def change(request: Request, slug: str, body: Change, if_match: IfMatch = None) -> JSONResponse:
        """Lists and maps replace what was there. 200 when all is as asked for, 202 while it goes on.

        Each field needs its own permission.
        """
        caller = access.require(request, "organization:read", slug)
        for field in body.changes():
            check(caller, NEEDED[field])
        asked = asking(request, caller, "change", {"slug": slug, **body.changes(), "reason": body.reason})
        draining.check()

        def wish(entry: Entry, organization: Organization) -> Wanted:
            _check_unchanged(entry, if_match)
            _check_exposure(caller, organization, body)
            _check_approvals(caller, organization, body)
            return changed(organization, body.changes(), asked, body.reason)

        return await carried_out(services, slug, asked, wish)

    @routes.post("/{slug}/preview", summary="What a change would do; changes nothing")
    async def look(request: Request, slug: str, body: PreviewOf) -> dict[str, Any]:
        access.require(request, "organization:read", slug)
        return await preview.look(services, slug, body)

    @routes.get("/{slug}/export", summary="The organization as a catalog file", response_class=Response)
    async def export(request: Request, slug: str) -> Response:
        access.require(request, "organization:read", slug)
        _, organization = await find_ours(services, slug)
        return Response(catalog_file(organization), media_type="application/yaml")

    return routes


def catalog_file(organization: Organization) -> str:
    """The organization as `tenants/orgs/<slug>.yaml` would say it."""
    described = organization.model_dump(mode="json", exclude_defaults=True)
    described = {"name": organization.name, "slug": organization.slug, **described}
    return yaml.safe_dump(described, sort_keys=False, allow_unicode=True)


def _tag(entry: Entry) -> str:
    return f'"{entry.described_by}"'


def _check_confirmed(organization: Organization, confirm: str) -> None:
    if organization.protected and confirm != organization.slug:
        raise Problem(
            409, "organization-protected", "The organization is protected",
            f"its namespace, data and logins would be lost for good; if that is meant, repeat the slug: "
            f"`DELETE /v1/organizations/{organization.slug}?confirm={organization.slug}`",
        )  # fmt: skip


def _check_exposure(caller: Caller, organization: Organization, body: Change) -> None:
    """Ports are opened to the world by whoever may, and left as they are by everybody."""
    if body.network is not None and set(body.network.expose) != set(organization.network.expose):
        check(caller, "network:expose")


def _check_approvals(caller: Caller, organization: Organization, body: Change) -> None:
    """What waits for a second person is not changed past them; an operator answers for what they do."""
    if body.configs is None or caller.everywhere:
        return
    before, after = organization.configs, body.configs
    for name in sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)):
        service, _, key = name.partition("/")
        config_rules.check_free(SettingChange(service, key, after.get(name)))


def _check_unchanged(entry: Entry, if_match: str | None) -> None:
    if if_match not in (None, "*", _tag(entry)):
        raise Problem(
            412, "changed-meanwhile", "The organization was changed meanwhile",
            f"it is no longer as the ETag {if_match} stands for; read it again, and send what it is to be now",
        )  # fmt: skip


def _deleted(organization: Organization, asked: Asking, reason: str, token_hash: str) -> Wanted:
    operation_id, slug = str(uuid.uuid4()), organization.slug
    request = organization.model_copy(update={"protected": False}).model_dump(mode="json")
    answer = {"slug": slug, "status": "DELETED", "operation_id": operation_id}
    return Wanted(operation_id, "delete", slug, **vars(asked), request=request, answer=answer,
                  reason=reason or "deleted", token_hash=token_hash)  # fmt: skip
