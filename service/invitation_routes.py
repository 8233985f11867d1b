"""Invitations of an organization, and their acceptance by whoever they were mailed to."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from database import invitations as rows
from database.invitations import Invitation
from service import invitations
from service.access import Access
from service.bodies import Reason, Strict, request_hash
from service.carrying_out import carried_out
from service.draining import Draining
from service.found import find_number
from service.idempotency import Asking
from service.logs import REQUEST_ID
from service.services import Services
from tenants.fields import Email
from tenants.permissions import RoleName

Id = Annotated[str, Path(pattern="^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$", description="Of the invitation")]


class Invite(Strict):
    """Who is to join, as what."""

    email: Email
    role: RoleName
    reason: Reason = "invited"


class Accept(Strict):
    """The mailed token, and what the new account is to log in with."""

    token: str = Field(min_length=1, max_length=200, repr=False)
    password: str | None = Field(None, max_length=1024, repr=False, description="If there is no account yet")


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["members"])
    prefix = "/v1/organizations/{slug}/invitations"

    @routes.post(prefix, status_code=201, summary="Invite somebody by mail")
    async def invite(request: Request, slug: str, body: Invite) -> dict[str, Any]:
        """For seven days. A second invitation of the same address replaces the first."""
        caller = access.require(request, "members:change", slug)
        draining.check()
        return _shown(await invitations.invite(services, caller, slug, body.email, body.role, body.reason))

    @routes.get(prefix, summary="Invitations that wait")
    async def waiting(request: Request, slug: str) -> dict[str, Any]:
        access.require(request, "members:read", slug)
        org_id = await find_number(services, slug)
        async with services.database.transaction() as connection:
            found = await rows.waiting(connection, org_id)
        return {"items": [_shown(one) for one in found]}

    @routes.delete(prefix + "/{invitation_id}", status_code=204, summary="Take an invitation back")
    async def withdraw(request: Request, slug: str, invitation_id: Id) -> Response:
        caller = access.require(request, "members:change", slug)
        await invitations.withdraw(services, caller, slug, await find_number(services, slug), invitation_id)
        return Response(status_code=204)

    @routes.post("/v1/auth/invitations/accept", summary="Join, by a mailed token")
    async def accept(body: Accept) -> JSONResponse:
        """`password` makes the account, if there is none. 200 once it is so, 202 while it goes on."""
        draining.check()
        accepted = await invitations.accept(services, body.token, body.password)
        invited = accepted.invited
        asked = Asking(
            invited.email, f"invitation-{invited.id}", request_hash("accept", {"id": invited.id}), REQUEST_ID.get(),
            invitation_id=invited.id,
        )  # fmt: skip
        return await carried_out(services, invited.slug, asked, lambda entry, now: accepted.wish(asked, entry, now))

    return routes


def _shown(one: Invitation) -> dict[str, Any]:
    return vars(one) | {"created_at": one.created_at.isoformat(), "expires_at": one.expires_at.isoformat()}
