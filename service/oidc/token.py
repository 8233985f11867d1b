"""POST /oauth2/token: codes and refresh tokens become tokens (RFC 6749, OpenID Connect Core 3.1.3)."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from database import codes
from database.clients import Client
from database.codes import Taken
from service.identity import Identity
from service.identity.claims import CLI, KUBERNETES, KUBERNETES_LIFETIME, LIFETIME
from service.identity.opaque import digest
from service.identity.standing import Granted
from service.oidc import pkce
from service.oidc.authentication import authenticated
from service.oidc.errors import OAuthError
from service.oidc.judging import judged
from service.oidc.parameters import Parameters, of_form
from service.oidc.routing import CLIENT, NO_STORE, RESPONSES, OAuthRoute, form
from service.problems import Problem
from service.services import Services, log

GRANTS = ("authorization_code", "refresh_token")
_ENDED = "the code is unknown, has expired or was used before; begin again at /oauth2/authorize"
_FORM = form(
    "grant_type",
    {
        "grant_type": " or ".join(GRANTS), "code": "of /oauth2/authorize", "redirect_uri": "as it was there",
        "code_verifier": "of the code_challenge", "refresh_token": "of the last answer", **CLIENT,
    },
)  # fmt: skip


def router(services: Services, identity: Identity) -> APIRouter:
    """The one route."""
    routes = APIRouter(route_class=OAuthRoute, tags=["OpenID Connect"], responses=RESPONSES)

    @routes.post("/oauth2/token", summary="Tokens for a code or a refresh token", openapi_extra=_FORM)
    async def token(request: Request) -> JSONResponse:
        """`access_token` is for the API if the client is `agent-ready-cli`, else for /oauth2/userinfo and
        introspection by the client itself. `id_token` says who it is.
        """
        given = await of_form(request)
        client = await authenticated(services.database, request, given)
        try:
            return JSONResponse(await _granted(services, identity, client, given), headers=NO_STORE)
        except Problem as problem:
            if problem.status not in (401, 403):
                raise
            raise OAuthError("invalid_grant", problem.detail) from problem

    return routes


async def _granted(services: Services, identity: Identity, client: Client, given: Parameters) -> dict[str, Any]:
    kind = given.get("grant_type")
    if kind == "authorization_code":
        taken = await _taken(services, identity, client, given)
        session = await identity.sessions.begin(
            taken.browser.user, client.client_id, root=taken.browser.session_id, organization=client.org
        )
        await _check_once(services, identity, client, taken, given)
        granted = await identity.sessions.grant(session)
        return await _tokens(identity, client, granted, taken.code.nonce) | {"scope": taken.code.scope}
    if kind == "refresh_token":
        granted = await identity.sessions.refresh(
            _needed(given, "refresh_token"), organization=client.org, client_id=client.client_id, reach=client.reach
        )
        return await _tokens(identity, client, granted, None)
    if kind is None:
        raise OAuthError("invalid_request", f"grant_type is missing; send {' or '.join(GRANTS)}")
    raise OAuthError("unsupported_grant_type", f"grant_type can be {' or '.join(GRANTS)}")


async def _taken(services: Services, identity: Identity, client: Client, given: Parameters) -> Taken:
    """The code, which counts no more after this, whatever comes of it."""
    code, verifier = _needed(given, "code"), _needed(given, "code_verifier")
    async with services.database.transaction() as connection:
        taken = await codes.take(connection, digest(code), client.client_id)
        if taken is not None and taken.was_used:
            await codes.forget(connection, digest(code))
    if taken is not None and taken.was_used:
        await _end_doubled(identity, client, taken)
    if taken is None or taken.was_used or taken.is_old:
        raise OAuthError("invalid_grant", _ENDED)
    if given.get("redirect_uri") != taken.code.redirect_uri:
        raise OAuthError("invalid_grant", "redirect_uri is not the one of the authorization request; begin again")
    if not pkce.fits(verifier, taken.code.code_challenge):
        raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge; begin again")
    return taken


async def _check_once(
    services: Services, identity: Identity, client: Client, taken: Taken, given: Parameters
) -> None:  # fmt: skip
    """Raise an OAuthError if the code came again before its session began, which then nobody has ended yet."""
    async with services.database.statement() as connection:
        if await codes.is_kept(connection, digest(given["code"])):
            return
    await _end_doubled(identity, client, taken)
    raise OAuthError("invalid_grant", _ENDED)


async def _end_doubled(identity: Identity, client: Client, taken: Taken) -> None:
    log.warning("an authorization code of %s came a second time; what it gave ends", client.client_id)
    why = "an authorization code came a second time"
    await identity.sessions.end(taken.browser.session_id, why, client_id=client.reach)


async def _tokens(identity: Identity, client: Client, granted: Granted, nonce: str | None) -> dict[str, Any]:
    """The answer. What a client shows to others is of its own audience: nobody's service acts at the API."""
    seconds = KUBERNETES_LIFETIME if client.client_id == KUBERNETES else LIFETIME
    extra = {"nonce": nonce} if nonce is not None else {}
    id_token = await identity.sessions.issue(granted.session_id, client.client_id, seconds=seconds, extra=extra)
    said = judged(identity, id_token.token, client.client_id)
    if client.org_id is not None and (said is None or said.org_id != client.org_id):
        raise OAuthError("invalid_grant", "the account does not belong to the client's organization any more")
    access, expires_in = granted.access_token, granted.expires_in
    if client.client_id != CLI:
        access, expires_in = id_token.token, seconds
    return {
        "access_token": access, "token_type": "Bearer", "expires_in": expires_in, "id_token": id_token.token,
        "refresh_token": granted.refresh_token,
    }  # fmt: skip


def _needed(given: Parameters, name: str) -> str:
    if name not in given:
        raise OAuthError("invalid_request", f"{name} is missing")
    return given[name]
