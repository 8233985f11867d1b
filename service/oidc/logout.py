"""GET and POST /oauth2/logout: the end of a log-in, asked for by a client (OpenID Connect RP-Initiated Logout)."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from database import clients
from database.clients import Client
from service.identity import Identity
from service.identity.claims import API, Claims
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
    client: Client | None

    def response(self) -> Response:
        """There, or a page that says that it is done; the cookie goes either way."""
        response = self._back() or pages.logged_out()
        browser.forget(response)
        return response

    def response_of_part(self) -> Response:
        """The same when only what is the client's has ended: the log-in here goes on."""
        return self._back() or pages.logged_out_of(self.client.name if self.client else "the service")

    def _back(self) -> Response | None:
        if self.uri is None:
            return None
        return RedirectResponse(redirects.with_parameters(self.uri, {"state": self.state}), 303, headers=NO_STORE)


def router(services: Services, identity: Identity) -> APIRouter:
    """The routes, which are pages."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get(_PATH)
    async def log_out(request: Request) -> Response:
        """At once with a token of the log-in, after a question without; an organization's token ends its part alone."""
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
        part = _part(claims, end.client)
        await identity.sessions.end(claims.session, _WHY, client_id=part)
        return end.response() if part is None else end.response_of_part()
    if await browser.logged_in(services.database, request) is None:
        return end.response()
    kept = {name: given[name] for name in _KEPT if name in given}
    leads_to = redirects.form_source(end.uri) if end.uri else ""
    return pages.ask_to_log_out(redirects.with_parameters(_CONFIRMED, kept), leads_to=leads_to)


def _part(claims: Claims, client: Client | None) -> str | None:
    """Whose part of a log-in the token ends; None: all of it. A client that was removed may have been anybody's."""
    if claims.audience == API:
        return None
    return client.reach if client else claims.audience


async def _end(services: Services, given: Parameters, claims: Claims | None) -> _End:
    """Where it leads: only to an address that the client has registered. Raise a PageError if two clients are named."""
    named = given.get("client_id", claims.audience if claims else "")
    if claims is not None and named != claims.audience:
        raise PageError("The token was issued for another service than the one that is named (client_id).")
    client = await clients.find(services.database, named) if named else None
    wanted = given.get("post_logout_redirect_uri")
    uri = wanted if wanted and client and _is_registered(wanted, client) else None
    return _End(uri, given.get("state"), client)


def _is_registered(uri: str, client: Client) -> bool:
    return redirects.is_registered(uri, client.redirect_uris, public=client.is_public)
