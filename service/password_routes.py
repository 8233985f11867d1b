"""/v1/auth/password: the first one, another one, a forgotten one."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from database import users
from database.users import User
from service.access import Access
from service.auth_bodies import ChangePassword, ResetPassword, SetPassword
from service.auth_routes import person
from service.draining import Draining
from service.limits import address_of
from service.problems import Problem
from service.services import Services, log

_RESET = "Somebody, perhaps you, asked for a new password for this address."


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes."""
    routes, identity = APIRouter(prefix="/v1/auth/password", tags=["identity"]), services.identity

    @routes.post("", status_code=204, summary="Set the password, by a mailed token")
    async def set_password(request: Request, body: SetPassword) -> Response:
        """Makes the account if there is none; else all its sessions end. 410 if the token does not count any more."""
        draining.check()
        await identity.sessions.set_password(body.token, body.password, address_of(request))
        return Response(status_code=204)

    @routes.post("/change", status_code=204, summary="Change the password")
    async def change(request: Request, body: ChangePassword) -> Response:
        """All other log-ins end."""
        draining.check()
        claims = person(access, request)
        user = User(claims.subject, claims.email)
        await identity.sessions.change_password(user, claims.session, body.current, body.new, address_of(request))
        return Response(status_code=204)

    @routes.post("/reset", status_code=202, summary="Have a token mailed that sets the password")
    async def reset(request: Request, body: ResetPassword) -> JSONResponse:
        """The answer is always the same; only the address of an account or a member gets a message."""
        draining.check()
        services.work.start(_reset(services, body.email, address_of(request)), "password reset")
        return JSONResponse({"status": "accepted"}, 202)

    return routes


async def _reset(services: Services, email: str, address: str) -> None:
    """Apart from the request, so that not even its time tells whether there is an account."""
    identity = services.identity
    async with services.database.statement() as connection:
        if not await users.is_somebody(connection, email):
            return
    try:
        await identity.resets.take(email, address)
    except Problem as problem:
        log.info("a password reset was asked for too often: %s", problem)
        return
    await identity.mailed.invite_to_set_password(email, "Your password", _RESET)
