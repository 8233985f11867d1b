"""GET and POST /oauth2/authorize, and the log-in behind it: who somebody is, once, and a code for the client."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from database import codes, members
from database.codes import Code
from service.identity import Identity
from service.identity.opaque import digest, new_token
from service.limits import address_of
from service.oidc import asking, browser, pages, redirects
from service.oidc.asking import Asked, Place
from service.oidc.errors import RedirectError
from service.oidc.parameters import Parameters, of_form, of_query
from service.oidc.routing import NO_STORE, PageRoute
from service.problems import Problem
from service.services import Services

CODE_SECONDS = 60
_LOG_IN, _GO_ON = "/oauth2/log-in", "/oauth2/go-on"


def router(services: Services, identity: Identity) -> APIRouter:
    """The routes. They are pages, which OpenAPI does not describe; discovery does."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/oauth2/authorize")
    @routes.get(_LOG_IN)
    async def authorize(request: Request) -> Response:
        """A code for whoever is logged in, and the form for whoever is not; also if its answer is loaded again."""
        return await _authorized(services, identity, request, of_query(request))

    @routes.post("/oauth2/authorize")
    async def authorize_by_form(request: Request) -> Response:
        """The same for clients that send a form (OpenID Connect Core, 3.1.2.1)."""
        return await _authorized(services, identity, request, await of_form(request))

    @routes.post(_LOG_IN)
    async def log_in(request: Request) -> Response:
        """What the form sends: the request's own parameters are the query, as they were."""
        browser.check_ours(request, identity.issuer_url)
        given, form = of_query(request), await of_form(request)
        place = await asking.place(services.database, given)
        try:
            return await _logged_in(services, identity, request, place, asking.asked(given), given, form)
        except RedirectError as error:
            return _back(place, identity, error=error.error, error_description=error.description)

    @routes.post(_GO_ON)
    async def go_on(request: Request) -> Response:
        """What the button sends that lets a public client go on: the request's own parameters, as they were."""
        browser.check_ours(request, identity.issuer_url)
        return await _authorized(services, identity, request, of_query(request), has_agreed=True)

    return routes


async def _authorized(
    services: Services, identity: Identity, request: Request, given: Parameters, *, has_agreed: bool = False
) -> Response:
    place = await asking.place(services.database, given)
    try:
        asked = asking.asked(given)
        found = await browser.logged_in(services.database, request) if asked.prompt != "login" else None
        if found is not None and await _is_welcome(services, place, found.user.email):
            if has_agreed or not place.client.is_public:
                return await _answer(services, identity, place, asked, found.session_id)
            return _ask(place, asked, given, found.user.email)
        if asked.prompt == "none":
            raise _not_welcome() if found else RedirectError("login_required", "nobody is logged in")
    except RedirectError as error:
        return _back(place, identity, error=error.error, error_description=error.description)
    return _form(place, given, f"{found.user.email} does not belong to this organization." if found else "")


async def _logged_in(
    services: Services, identity: Identity, request: Request, place: Place, asked: Asked, given: Parameters,
    form: Parameters,
) -> Response:  # fmt: skip
    try:
        account = await identity.sessions.authenticate(
            form.get("email", ""), form.get("password", ""), address_of(request)
        )
    except Problem as problem:
        response = _form(place, given, problem.detail, problem.status)
        response.headers.update(problem.headers)
        return response
    user = account.user
    if not await _is_welcome(services, place, user.email):
        raise _not_welcome()
    cookie = new_token()
    session = await identity.sessions.begin_by(account, browser.CLIENT, browser_hash=digest(cookie))
    response = await _answer(services, identity, place, asked, session.id)
    browser.keep(request, response, cookie, identity.issuer_url)
    return response


async def _is_welcome(services: Services, place: Place, email: str) -> bool:
    """Whether the address belongs to the client's organization, if it is an organization's."""
    owner = place.client.org_id
    if owner is None:
        return True
    async with services.database.statement() as connection:
        return await members.belongs(connection, owner, email)


def _ask(place: Place, asked: Asked, given: Parameters, email: str) -> Response:
    """Whether a public client may go on: anything on the person's machine could have asked in its name.

    Raise a RedirectError if nobody may be asked (RFC 8252, 8.6).
    """
    if asked.prompt == "none":
        raise RedirectError("interaction_required", "somebody has to agree first")
    action, leads_to = redirects.with_parameters(_GO_ON, given), redirects.form_source(place.redirect_uri)
    return pages.ask_to_go_on(action, place.client.name, email, leads_to=leads_to)


def _not_welcome() -> RedirectError:
    return RedirectError("access_denied", "the account that is logged in does not belong to this organization")


async def _answer(services: Services, identity: Identity, place: Place, asked: Asked, root: str) -> Response:
    """Send the browser back with a code, which stands for the log-in `root`."""
    code = new_token()
    kept = Code(place.redirect_uri, asked.code_challenge, asked.nonce, asked.scope)
    async with services.database.transaction() as connection:
        await codes.add(connection, digest(code), place.client.client_id, root, kept, seconds=CODE_SECONDS)
    return _back(place, identity, code=code)


def _form(place: Place, given: Parameters, wrong: str, status: int = 200) -> Response:
    return pages.log_in(
        redirects.with_parameters(_LOG_IN, given), place.client.name,
        leads_to=redirects.form_source(place.redirect_uri), wrong=wrong, status=status,
    )  # fmt: skip


def _back(place: Place, identity: Identity, **answer: str) -> Response:
    # 303: a browser that has just sent a password does not send it on (RFC 9700, 4.12).
    return RedirectResponse(place.back(identity.issuer_url, **answer), 303, headers=NO_STORE)
