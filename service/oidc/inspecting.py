"""What may be asked of a token: introspection (RFC 7662), userinfo, and to end it (RFC 7009)."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from database import clients, refresh_tokens, sessions
from database.clients import Client
from service.bearer import bearer
from service.identity import Identity
from service.identity.claims import API, CLI, Claims
from service.identity.opaque import digest
from service.oidc.authentication import authenticated, with_secret
from service.oidc.errors import OAuthError
from service.oidc.judging import audience_of, judged
from service.oidc.parameters import Parameters, of_form
from service.oidc.routing import CLIENT, NO_STORE, RESPONSES, OAuthRoute, form
from service.services import Services

_TOKEN = form("token", {"token": "what it is about", "token_type_hint": "not needed", **CLIENT})


def router(services: Services, identity: Identity) -> APIRouter:
    """The three of them."""
    routes = APIRouter(route_class=OAuthRoute, tags=["OpenID Connect"], responses=RESPONSES)

    @routes.post("/oauth2/introspect", summary="Whether a token counts right now", openapi_extra=_TOKEN)
    async def introspect(request: Request) -> JSONResponse:
        """For clients with a secret, about tokens that were issued for them; `{"active": false}` for all others."""
        given = await of_form(request)
        client = await with_secret(services.database, request, given)
        claims = judged(identity, _token(given), client.client_id)
        if claims is None or client.org_id not in (None, claims.org_id):
            return JSONResponse({"active": False}, headers=NO_STORE)
        shown = {"active": True, **_shown(identity, client, claims)}
        return JSONResponse(shown, headers=NO_STORE)

    @routes.post("/oauth2/revoke", summary="End a token, or a refresh token with its log-in", openapi_extra=_TOKEN)
    async def revoke(request: Request) -> Response:
        """200 whatever it was: a token that does not count needs no end."""
        given = await of_form(request)
        client = await authenticated(services.database, request, given)
        await _revoke(services, identity, client, _token(given))
        return Response(headers=NO_STORE)

    @routes.get("/oauth2/userinfo", summary="Who a token's holder is", operation_id="userinfo")
    @routes.post("/oauth2/userinfo", summary="Who a token's holder is", operation_id="userinfo_by_post")
    async def userinfo(request: Request) -> JSONResponse:
        """For every token that counts, of the API or of a client."""
        claims = await _of_anybody(services, identity, bearer(request))
        return JSONResponse({**person(claims)}, headers=NO_STORE)

    return routes


def person(claims: Claims) -> dict[str, Any]:
    """The claims about whoever it is, and what they speak for."""
    return {
        "sub": claims.subject, "email": claims.email, "email_verified": True, "org_id": claims.org_id,
        "org": claims.org, "user_role": claims.role,
    }  # fmt: skip


def _shown(identity: Identity, client: Client, claims: Claims) -> dict[str, Any]:
    return {
        **person(claims), "iss": identity.issuer_url, "aud": claims.audience, "client_id": client.client_id,
        "username": claims.email, "token_type": "Bearer", "exp": claims.expires_at, "iat": claims.issued_at,
        "jti": claims.jti, "sid": claims.session, "permissions": sorted(claims.permissions),
    }  # fmt: skip


async def _revoke(services: Services, identity: Identity, client: Client, token: str) -> None:
    for audience in (client.client_id, API) if client.client_id == CLI else (client.client_id,):
        claims = judged(identity, token, audience)
        if claims is not None:
            await identity.sessions.revoke(claims.jti, f"revoked by {client.client_id}")
            return
    async with services.database.transaction() as connection:
        session_id = await refresh_tokens.session_of(connection, digest(token))
        session = await sessions.find(connection, session_id) if session_id else None
    if session is not None and session.client_id == client.client_id:
        await identity.sessions.end(session.id, f"ended by {client.client_id}", client_id=client.reach)


async def _of_anybody(services: Services, identity: Identity, token: str) -> Claims:
    """The token's claims, of whatever audience there is; raise an OAuthError (401)."""
    if not token:
        raise _unauthorized("send `Authorization: Bearer <token>`")
    claims = judged(identity, token, audience_of(token))
    if claims is None or (claims.audience != API and await clients.find(services.database, claims.audience) is None):
        raise _unauthorized("the token does not count; log in again")
    return claims


def _unauthorized(description: str) -> OAuthError:
    headers = {"WWW-Authenticate": 'Bearer realm="agent-ready", error="invalid_token"'}
    return OAuthError("invalid_token", description, 401, headers)


def _token(given: Parameters) -> str:
    if "token" not in given:
        raise OAuthError("invalid_request", "token is missing")
    return given["token"]
