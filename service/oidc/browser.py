"""The issuer's cookie: a session of its own, so that who has logged in types no password for the next client."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from database import browsers
from database.browsers import Browser
from database.pool import Database
from service.identity.opaque import digest
from service.oidc.errors import PageError

COOKIE = "__Host-agent-ready"
#: The client that a browser's own session is of; nobody can register it.
CLIENT = "agent-ready-browser"


async def logged_in(database: Database, request: Request) -> Browser | None:
    """Whose browser it is, or None."""
    value = request.cookies.get(COOKIE)
    return await browsers.find(database, digest(value)) if value else None


def keep(request: Request, response: Response, value: str, issuer_url: str) -> None:
    """Set the cookie, until the browser is closed; only over TLS, which a proxy before the issuer may have ended."""
    if request.url.scheme == "https" or request.url.netloc == urlsplit(issuer_url).netloc:
        response.set_cookie(COOKIE, value, path="/", secure=True, httponly=True, samesite="lax")


def forget(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def check_ours(request: Request, issuer_url: str) -> None:
    """Raise a PageError (403) for a form that another site's page sent: browsers say whose page it was."""
    origin, ours = request.headers.get("origin"), urlsplit(issuer_url)
    if origin not in (None, f"{ours.scheme}://{ours.netloc}"):
        raise PageError("This form was not sent from our own page.", 403)
