"""/v1/auth: logging in and out, refreshing, who one is, and the end of tokens before their time."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from database import denylist, sessions, users
from database.sessions import Standing
from database.users import User
from service.access import Access, Caller, acting, check
from service.auth_bodies import LogIn, Refresh, Revoke, jti_of
from service.draining import Draining
from service.found import find_number
from service.identity.claims import CLI, Claims
from service.identity.endings import Act
from service.identity.standing import Granted
from service.limits import address_of
from service.oidc.routing import NO_STORE
from service.problems import Problem
from service.services import Services


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes."""
    routes, identity = APIRouter(prefix="/v1/auth", tags=["identity"]), services.identity

    @routes.post("/login", summary="Log in with a password")
    async def log_in(request: Request, body: LogIn) -> JSONResponse:
        """An access token for an hour and a refresh token. 401 never tells whether there is such an account."""
        draining.check()
        granted = await identity.sessions.log_in(body.email, body.password, address_of(request), body.organization)
        return tokens(granted)

    @routes.post("/refresh", summary="The next tokens")
    async def refresh(body: Refresh) -> JSONResponse:
        """A lost answer may be asked for again within 30 seconds; a refresh token that comes later ends its log-in."""
        draining.check()
        return tokens(
            await identity.sessions.refresh(body.refresh_token, organization=body.organization, client_id=CLI)
        )

    @routes.post("/logout", status_code=204, summary="Log out")
    async def log_out(request: Request) -> Response:
        """The log-in ends with all its sessions and tokens, everywhere in under 5 seconds."""
        await identity.sessions.end(person(access, request).session, "logged out")
        return Response(status_code=204)

    @routes.get("/me", summary="Who one is")
    async def me(request: Request) -> dict[str, Any]:
        """And what one may do with this token."""
        claims = person(access, request)
        mine = await identity.sessions.standings(claims.email)
        speaks_for = next((one for one in mine if one.org_id == claims.org_id), None)
        async with services.database.statement() as connection:
            account = await users.by_email(connection, claims.email)
        return {
            "user": _user(account.user if account else User(claims.subject, claims.email)),
            "organization": speaks_for and _standing(speaks_for), "role": claims.role,
            "permissions": sorted(claims.permissions), "organizations": [_standing(one) for one in mine],
            "session": claims.session, "jti": claims.jti, "expires_at": claims.expires_at,
        }  # fmt: skip

    @routes.get("/sessions", summary="Where one is logged in")
    async def own_sessions(request: Request) -> dict[str, Any]:
        """The newest first; `current` is the one of this token."""
        claims = person(access, request)
        return {"items": [_listed(one, claims) for one in await identity.sessions.listed(claims.subject)]}

    @routes.post("/revoke", summary="End tokens or log-ins")
    async def revoke(request: Request, body: Revoke) -> dict[str, int]:
        """One's own, those of the organization's members, or anybody's for an operator."""
        caller = access.known(request)
        if body.token is not None:
            revoked = await _revoke_token(services, caller, jti_of(body.token), body.reason)
        elif body.session is not None:
            revoked = await _end_session(services, caller, body.session, body.reason)
        else:
            org_id = await _organization(services, access, request, body)
            who = acting(caller.name, body.reason)
            revoked = await identity.sessions.end_all(
                email=body.email, org_id=org_id, why=body.reason, actor=who["actor"], request_id=who["request_id"]
            )
        return {"revoked": revoked}

    return routes


def person(access: Access, request: Request) -> Claims:
    """Whose session the request comes from; raise a Problem (401), also for an operator's static token."""
    caller = access.known(request)
    if caller.claims is None:
        raise Problem(
            401, "no-person", "This token is nobody's in person", "log in (`POST /v1/auth/login`); static tokens have "
            "no session", headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
    return caller.claims


def tokens(granted: Granted) -> JSONResponse:
    """What a log-in or a refresh is answered with."""
    body = {
        "access_token": granted.access_token, "token_type": "Bearer", "expires_in": granted.expires_in,
        "refresh_token": granted.refresh_token, "user": _user(granted.user),
        "organization": granted.organization and _standing(granted.organization),
        "organizations": [_standing(one) for one in granted.organizations],
    }  # fmt: skip
    return JSONResponse(body, headers=NO_STORE)


def _user(user: User) -> dict[str, Any]:
    return {"id": user.id, "email": user.email, "platform_role": user.platform_role}


def _standing(standing: Standing) -> dict[str, Any]:
    return {"slug": standing.slug, "name": standing.name, "role": standing.role}


def _listed(one: sessions.Listed, claims: Claims) -> dict[str, Any]:
    return {
        "id": one.id, "client_id": one.client_id, "organization": one.organization, "log_in": one.root,
        "created_at": one.created_at.isoformat(), "last_used_at": one.last_used_at.isoformat(),
        "expires_at": one.expires_at.isoformat(), "current": one.id == claims.session,
    }  # fmt: skip


async def _revoke_token(services: Services, caller: Caller, jti: str, why: str) -> int:
    async with services.database.statement() as connection:
        issued = await denylist.issued(connection, jti)
    is_ours = issued is not None and issued.org_id is not None and issued.org_id == caller.org_id
    if issued is None or not (_is_own(caller, issued.user_id) or (is_ours and caller.may("tokens:revoke"))):
        raise Problem(404, "no-such-token", "There is no such token", "it has expired, or is not yours to revoke")
    act = _act(caller, why, issued, "token revoked", {"jti": jti})
    return await services.identity.sessions.revoke(jti, why, act)


async def _end_session(services: Services, caller: Caller, session_id: str, why: str) -> int:
    async with services.database.statement() as connection:
        found = await sessions.owner(connection, session_id)
    if found is None or not _is_own(caller, found.user_id):
        raise Problem(404, "no-such-session", "There is no such session", "GET /v1/auth/sessions lists yours")
    act = _act(caller, why, found, "session ended", {"session": session_id})
    return await services.identity.sessions.end(session_id, why, act=act)


def _act(
    caller: Caller, why: str, whose: denylist.Issued | sessions.Owner, action: str, what: dict[str, str]
) -> Act | None:  # fmt: skip
    """What the audit log tells of the end of something that is another's."""
    if caller.claims is not None and caller.claims.subject == whose.user_id:
        return None
    who = acting(caller.name, why)
    return Act(who["actor"], who["request_id"], whose.email, whose.org_id, action, what)


async def _organization(services: Services, access: Access, request: Request, body: Revoke) -> int | None:
    """Where sessions are to end, if the caller may end them; raise a Problem."""
    if body.organization is not None:
        access.require(request, "tokens:revoke", body.organization)
        return await find_number(services, body.organization)
    caller = access.known(request)
    if not (caller.claims and caller.claims.email == body.email):
        check(caller, "platform:identity")
    return None


def _is_own(caller: Caller, user_id: str) -> bool:
    return caller.may("platform:identity") or (caller.claims is not None and caller.claims.subject == user_id)
