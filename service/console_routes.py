"""The console: who somebody is and what they belong to, for a browser that comes by way of OAuth2-Proxy.

What OAuth2-Proxy passes on is judged here again: the ID token alone counts, and no header that says who it is.
"""

from html import escape

from fastapi import APIRouter, Request, Response

from database import sessions
from database.sessions import Standing
from service.bearer import bearer
from service.identity import Identity
from service.identity.claims import Claims
from service.oidc import pages
from service.oidc.builtin import CONSOLE
from service.oidc.errors import PageError
from service.oidc.judging import judged
from service.oidc.routing import PageRoute
from service.services import Services

#: OAuth2-Proxy's own: it ends its session, and has the issuer end the log-in.
_LOG_OUT = "/oauth2/sign_out"


def router(services: Services, identity: Identity) -> APIRouter:
    """The one page."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/console")
    async def console(request: Request) -> Response:
        """Who one is, one's organizations, and the way out; 401 without an ID token that counts."""
        claims = _holder(identity, request)
        async with services.database.statement() as connection:
            standings = await sessions.standings(connection, claims.email)
        return pages.page("Console", _body(claims, standings))

    return routes


def _holder(identity: Identity, request: Request) -> Claims:
    token = bearer(request)
    claims = judged(identity, token, CONSOLE) if token else None
    if claims is None:
        raise PageError("You are not logged in, or not any more. Open the console's own address again.", 401)
    return claims


def _body(claims: Claims, standings: tuple[Standing, ...]) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.slug)}</td><td>{escape(one.name)}</td><td>{escape(one.role)}</td></tr>"
        for one in standings
    )
    organizations = (
        f"<table><tr><th>Organization</th><th>Name</th><th>Role</th></tr>{rows}</table>"
        if standings else "<p>You belong to no organization yet.</p>"
    )  # fmt: skip
    speaks_for = (
        f" You speak for {escape(claims.org or 'the platform')} as {escape(claims.role)}." if claims.role else ""
    )
    return (
        f"<p>You are {escape(claims.email)}.{speaks_for}</p>{organizations}"
        f'<p><a href="{_LOG_OUT}">Log out</a></p>'
    )  # fmt: skip
