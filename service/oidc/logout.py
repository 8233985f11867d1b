"""GET and POST /oauth2/logout: the end of a log-in, asked for by a client (OpenID Connect RP-Initiated Logout)."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from database import clients
from database.clients import Client
from service.identity import Identity
from service.identity.claims import Claims
from service.oidc import browser, pages, redirects
from service.oidc.errors import PageError
from service.oidc.judging import once_judged
from service.oidc.parameters import Parameters, of_form, of_query
from service.oidc.routing import NO_STORE, PageRoute
from service.services import Services

_PATH = "/oauth2/logout"
_CONFIRMED = "/oauth2/log-out"
_KEPT = ("client_id", "post_logout_redirect_uri", "state")
_WHY = "log-out at the issuer"


@dataclass(frozen=True)
class _End:
    """Where the browser goes when it is done, if that is somewhere."""

    uri: str | None
    state: str | None

    def response(self) -> Response:
        """There, or a page that says that it is done; the cookie goes either way."""
        if self.uri is None:
            response: Response = pages.logged_out()
        else:
            address = redirects.with_parameters(self.uri, {"state": self.state})
            response = RedirectResponse(address, 303, headers=NO_STORE)
        browser.forget(response)
        return response


def router(services: Services, identity: Identity) -> APIRouter:
    """The routes, which are pages."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get(_PATH)
    async def log_out(request: Request) -> Response:
        """At once with a token of the log-in, after a question without."""
        return await _log_out(services, identity, request, of_query(request))

    @routes.post(_PATH)
    async def log_out_by_form(request: Request) -> Response:
        """The same for clients that send a form."""
        return await _log_out(services, identity, request, await of_form(request))

    @routes.post(_CONFIRMED)
    async def confirmed(request: Request) -> Response:
        """The question's answer."""
        browser.check_ours(request, identity.issuer_url)
        end = await _end(services, of_query(request), None)
        found = await browser.logged_in(services.database, request)
        if found is not None:
            await identity.sessions.end(found.session_id, _WHY)
        return end.response()

    return routes


async def _log_out(services: Services, identity: Identity, request: Request, given: Parameters) -> Response:
    hint = given.get("id_token_hint")
    claims = once_judged(identity, hint) if hint else None
    end = await _end(services, given, claims)
    if claims is not None:
        await identity.sessions.end(claims.session, _WHY)
        return end.response()
    if await browser.logged_in(services.database, request) is None:
        return end.response()
    kept = {name: given[name] for name in _KEPT if name in given}
    leads_to = redirects.form_source(end.uri) if end.uri else ""
    return pages.ask_to_log_out(redirects.with_parameters(_CONFIRMED, kept), leads_to=leads_to)


async def _end(services: Services, given: Parameters, claims: Claims | None) -> _End:
    """Where it leads: only to an address that the client has registered. Raise a PageError if two clients are named."""
    named = given.get("client_id", claims.audience if claims else "")
    if claims is not None and named != claims.audience:
        raise PageError("The token was issued for another service than the one that is named (client_id).")
    client = await clients.find(services.database, named) if named else None
    wanted = given.get("post_logout_redirect_uri")
    return _End(wanted if wanted and client and _is_registered(wanted, client) else None, given.get("state"))


def _is_registered(uri: str, client: Client) -> bool:
    return redirects.is_registered(uri, client.redirect_uris, public=client.is_public)
