"""GET and POST /oauth2/authorize, and the log-in behind it: who somebody is, once, and a code for the client."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from database import clients, codes, members
from database.browsers import Browser
from database.codes import Code
from database.users import User
from service.identity import Identity
from service.identity.opaque import digest, new_token
from service.limits import address_of
from service.oidc import asking, browser, pages, redirects
from service.oidc.asking import Asked, Place
from service.oidc.errors import PageError, RedirectError
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
            return await _told(services, identity, request, place, error)

    @routes.post(_GO_ON)
    async def go_on(request: Request) -> Response:
        """What the button sends that lets a client go on: the request's own parameters, as they were."""
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
            if has_agreed or not await _has_to_agree(services, place, found.user):
                return await _answer(services, identity, place, asked, found, has_agreed=has_agreed)
            return _ask(place, asked, given, found.user.email)
        if asked.prompt == "none":
            raise _not_welcome() if found else RedirectError("login_required", "nobody is logged in")
    except RedirectError as error:
        return await _told(services, identity, request, place, error)
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
    # Whoever has just typed a password for a client on their own machine has agreed.
    if not place.client.is_public and await _has_to_agree(services, place, user):
        response = _ask(place, asked, given, user.email)
    else:
        response = await _answer(services, identity, place, asked, Browser(session.id, user))
    browser.keep(request, response, cookie, identity.issuer_url)
    return response


async def _is_welcome(services: Services, place: Place, email: str) -> bool:
    """Whether the address belongs to the client's organization, if it is an organization's."""
    owner = place.client.org_id
    if owner is None:
        return True
    async with services.database.statement() as connection:
        return await members.belongs(connection, owner, email)


async def _has_to_agree(services: Services, place: Place, user: User) -> bool:
    """Whether the person is asked first.

    Each time for a public client: anything on their machine could ask in its name. Once for an organization's: others
    make them a member, and register a client.
    """
    client = place.client
    if client.is_public:
        return True
    return client.org_id is not None and not await clients.has_consent(services.database, client.client_id, user.id)


def _ask(place: Place, asked: Asked, given: Parameters, email: str) -> Response:
    """Whether the client may go on. Raise a RedirectError if nobody may be asked (RFC 8252, 8.6)."""
    if asked.prompt == "none":
        raise RedirectError("interaction_required", "somebody has to agree first")
    kept = {name: value for name, value in given.items() if name != "prompt"}  # to log in again has been done
    action, leads_to = redirects.with_parameters(_GO_ON, kept), redirects.form_source(place.redirect_uri)
    client = place.client
    if client.org is not None:
        return pages.ask_to_tell(action, client.name, client.org, email, leads_to=leads_to)
    return pages.ask_to_go_on(action, client.name, email, leads_to=leads_to)


def _not_welcome() -> RedirectError:
    return RedirectError("access_denied", "the account that is logged in does not belong to this organization")


async def _answer(
    services: Services, identity: Identity, place: Place, asked: Asked, whose: Browser, *, has_agreed: bool = False
) -> Response:
    """Send the browser back with a code, which stands for its log-in; remember that an organization's client may."""
    code, client = new_token(), place.client
    kept = Code(place.redirect_uri, asked.code_challenge, asked.nonce, asked.scope)
    async with services.database.transaction() as connection:
        if has_agreed and client.org_id is not None:
            await clients.add_consent(connection, client.client_id, whose.user.id)
        await codes.add(connection, digest(code), client.client_id, whose.session_id, kept, seconds=CODE_SECONDS)
    return _back(place, identity, code=code)


def _form(place: Place, given: Parameters, wrong: str, status: int = 200) -> Response:
    return pages.log_in(
        redirects.with_parameters(_LOG_IN, given), place.client.name,
        leads_to=redirects.form_source(place.redirect_uri), wrong=wrong, status=status,
    )  # fmt: skip


async def _told(
    services: Services, identity: Identity, request: Request, place: Place, error: RedirectError
) -> Response:  # fmt: skip
    """Send the browser back with the error.

    Raise a PageError for an organization's client unless somebody is logged in: whoever signs up has one, and a link
    to us would lead anybody to them.
    """
    if place.client.org_id is not None and await browser.logged_in(services.database, request) is None:
        raise PageError(f"This does not lead on to {place.client.name}: {error.description}.")
    return _back(place, identity, error=error.error, error_description=error.description)


def _back(place: Place, identity: Identity, **answer: str) -> Response:
    # 303: a browser that has just sent a password does not send it on (RFC 9700, 4.12).
    return RedirectResponse(place.back(identity.issuer_url, **answer), 303, headers=NO_STORE)
