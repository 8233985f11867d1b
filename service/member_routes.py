"""Members of an organization: who belongs to it, in which role, and whose it is."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from database import members as rows
from database.directory import Entry
from database.operations import Wanted
from service import members
from service.access import Access, check
from service.bodies import AskedReason, Reason, Strict
from service.carrying_out import carried_out, changed
from service.draining import Draining
from service.found import find_number
from service.idempotency import asking
from service.problems import Problem
from service.services import Services
from tenants.fields import Email
from tenants.model import Organization
from tenants.permissions import RoleName

Address = Annotated[str, Path(max_length=254, description="The member's e-mail address, lower case")]


class HasRole(Strict):
    """What a member is to be."""

    role: RoleName
    reason: Reason


class Transfer(Strict):
    """Whose the organization is to be."""

    to: Email = Field(description="A member, an owner from now on")
    giver: Email | None = Field(None, alias="from", description="Who becomes an admin; the caller when left out")
    reason: Reason


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/organizations/{slug}/members", tags=["members"])

    @routes.get("", summary="Everybody who belongs to it")
    async def everybody(request: Request, slug: str) -> dict[str, Any]:
        access.require(request, "members:read", slug)
        org_id = await find_number(services, slug)
        async with services.database.transaction() as connection:
            found = await rows.page(connection, org_id)
        return {"items": [vars(one) | {"since": one.since.isoformat()} for one in found]}

    @routes.put("/{email}", summary="Give somebody a role, as a member from now on if they were none")
    async def put(request: Request, slug: str, email: Address, body: HasRole) -> JSONResponse:
        """In force before this is answered, and tokens that spoke by another role are not good any more.

        Owners and admins take `members:govern`. 200 when the stack has it too, 202 while that goes on.
        """
        caller = access.require(request, "members:change", slug)
        asked = asking(request, caller, "member", {"slug": slug, "email": email, **body.model_dump()})
        draining.check()

        def wish(_: Entry, now: Organization) -> Wanted:
            after = members.with_role(caller, now, email, body.role)
            return changed(now, members.described(after), asked, body.reason, email=email, role=body.role)

        return await carried_out(services, slug, asked, wish)

    @routes.delete("/{email}", summary="Remove somebody, or leave")
    async def remove(request: Request, slug: str, email: Address, reason: AskedReason) -> JSONResponse:
        """Out of API and cluster before this is answered. The last owner cannot be removed."""
        caller = access.require(request, "members:read", slug)
        if email != caller.name:
            check(caller, "members:change")
        asked = asking(request, caller, "remove-member", {"slug": slug, "email": email, "reason": reason})
        draining.check()

        def wish(_: Entry, now: Organization) -> Wanted:
            after = members.with_role(caller, now, email, None)
            return changed(now, members.described(after), asked, reason, email=email)

        return await carried_out(services, slug, asked, wish)

    @routes.post("/transfer", summary="Give the organization to somebody else")
    async def transfer(request: Request, slug: str, body: Transfer) -> JSONResponse:
        """`to`, a member, becomes an owner, `from` or the caller an admin. Other owners stay."""
        caller = access.require(request, "members:govern", slug)
        giver = body.giver or caller.name
        if "@" not in giver:
            raise Problem(422, "invalid-request", "Nobody is named to give it", "name an owner in `from`")
        asked = asking(request, caller, "transfer", {"slug": slug, "to": body.to, "from": giver, "reason": body.reason})
        draining.check()

        def wish(_: Entry, now: Organization) -> Wanted:
            after = members.transferred(now, giver, body.to)
            return changed(now, members.described(after), asked, body.reason, to=body.to)

        return await carried_out(services, slug, asked, wish)

    return routes
