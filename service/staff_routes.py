"""Who operates and audits the platform."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import Field, TypeAdapter, ValidationError

from database import staff
from service.access import Access
from service.bodies import Reason, Strict
from service.problems import invalid
from service.services import Services
from tenants.fields import Email
from tenants.permissions import PlatformRole

Address = Annotated[str, Path(max_length=254, description="An e-mail address, lower case")]
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class HasPlatformRole(Strict):
    """What somebody is to be on the platform."""

    role: PlatformRole | None = Field(description="operator, auditor, or null for neither")
    reason: Reason


def router(services: Services, access: Access) -> APIRouter:
    """Both routes."""
    routes = APIRouter(prefix="/v1/platform/staff", tags=["platform"])

    @routes.get("", summary="Who has a role on the platform")
    async def everybody(request: Request) -> dict[str, Any]:
        access.require(request, "platform:identity")
        async with services.database.transaction() as connection:
            return {"items": [vars(one) for one in await staff.everybody(connection)]}

    @routes.put("/{email}", summary="Give somebody a role on the platform, or take it away")
    async def put(request: Request, email: Address, body: HasPlatformRole) -> dict[str, Any]:
        """What they hold of tokens counts no more when this is answered. Who has no account yet is mailed a token."""
        caller = access.require(request, "platform:identity")
        _check(email)
        async with services.database.transaction(**caller.acting(body.reason)) as connection:
            is_new = await staff.put(connection, email, body.role)
        await services.identity.sessions.announce()
        if is_new:
            opening = f"{caller.name} has made you {body.role} of the platform."
            mailing = services.identity.mailed.invite_to_set_password(email, "Your account", opening)
            services.work.start(mailing, "mail to staff")
        return {"email": email, "role": body.role}

    return routes


def _check(email: str) -> None:
    try:
        _EMAIL.validate_python(email)
    except ValidationError as error:
        raise invalid([{**one, "loc": ("email",)} for one in error.errors()]) from error
