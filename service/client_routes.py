"""OAuth clients: services that log people in by our issuer, of an organization or of the platform."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from database import clients
from database.clients import Client, Registered
from service.access import Access, Caller
from service.bodies import AskedReasonOrNone
from service.client_bodies import PutClient
from service.draining import Draining
from service.found import find_number
from service.identity.opaque import digest, new_token
from service.oidc.builtin import RESERVED
from service.oidc.routing import NO_STORE
from service.problems import Problem
from service.services import Services

MOST = 50  # clients of one owner
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class _Owner:
    """Whose clients a request is about: an organization's, or the platform's (None)."""

    caller: Caller
    org_id: int | None
    slug: str | None

    def full(self, client_id: str) -> str:
        """The id as it is everywhere else, `<slug>.<name>` of an organization's; raise a Problem (422)."""
        prefix = f"{self.slug}." if self.slug else ""
        name = client_id.removeprefix(prefix)
        if not _NAME.fullmatch(name) or prefix + name in RESERVED:
            raise Problem(
                422, "invalid-request", "This is no client's id",
                f"{client_id!r}: use a-z, 0-9 and hyphens, at most 63, and none of {', '.join(sorted(RESERVED))}",
            )  # fmt: skip
        return prefix + name


Find = Callable[..., Awaitable[_Owner]]


def routers(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes of organizations and of the platform."""

    async def of_organization(request: Request, slug: str) -> _Owner:
        caller = access.require(request, "clients:change", slug)
        return _Owner(caller, await find_number(services, slug), slug)

    async def of_platform(request: Request) -> _Owner:
        return _Owner(access.require(request, "platform:identity"), None, None)

    both = APIRouter()
    both.include_router(_router(services, of_organization, draining, "/v1/organizations/{slug}/clients"))
    both.include_router(_router(services, of_platform, draining, "/v1/platform/clients"))
    return both


def _router(services: Services, find: Find, draining: Draining, prefix: str) -> APIRouter:
    routes = APIRouter(prefix=prefix, tags=["clients"])
    owned = Depends(find)

    @routes.get("", summary="Services that log people in by our issuer")
    async def read(owner: _Owner = owned) -> dict[str, Any]:
        """All of them, without their secrets."""
        return {"items": [_shown(client) for client in await clients.of_owner(services.database, owner.org_id)]}

    @routes.put("/{client_id}", summary="Register or change one", responses={201: {"description": "It is new"}})
    async def put(client_id: str, body: PutClient, owner: _Owner = owned) -> JSONResponse:
        """201 with `client_secret`, which is shown once, if it is new; a change has one only with `new_secret`."""
        draining.check()
        full = owner.full(client_id)
        secret = new_token()
        is_new = await _put(
            services, owner, Registered(full, body.name, body.redirect_uris, owner.org_id, digest(secret)), body
        )
        shown = {"client_id": full, "name": body.name, "redirect_uris": list(body.redirect_uris)}
        told = {"client_secret": secret} if is_new or body.new_secret else {}
        return JSONResponse(shown | told, 201 if is_new else 200, headers=NO_STORE)

    @routes.delete("/{client_id}", status_code=204, summary="Remove one")
    async def remove(client_id: str, reason: AskedReasonOrNone = "", owner: _Owner = owned) -> Response:
        """From then on it is nobody: no code, no token and no introspection. Its people stay logged in elsewhere."""
        draining.check()
        full = owner.full(client_id)
        async with services.database.transaction(**owner.caller.acting(reason)) as connection:
            was_there = await clients.remove(connection, full, owner.org_id)
        if not was_there:
            raise Problem(404, "no-such-client", "There is no such client", f"nobody registered {full!r} here")
        return Response(status_code=204)

    return routes


async def _put(services: Services, owner: _Owner, registered: Registered, body: PutClient) -> bool:
    """Whether it is new; raise a Problem (409) beyond the bound."""
    async with services.database.transaction(**owner.caller.acting(body.reason)) as connection:
        if owner.org_id is not None:
            await clients.lock_owner(connection, owner.org_id)
        kept = registered if body.new_secret else Registered(**{**vars(registered), "secret_hash": None})
        if await clients.change(connection, kept):
            return False
        if await clients.count(connection, owner.org_id) >= MOST:
            raise Problem(
                409, "too-many-clients", "There are enough clients", f"at most {MOST}; remove one that is old"
            )
        if not await clients.add(connection, registered, created_by=owner.caller.name):
            raise Problem(409, "busy", "Somebody else registers it right now", "send the request again")
        return True


def _shown(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id, "name": client.name, "redirect_uris": list(client.redirect_uris),
        "public": client.is_public, "created_by": client.created_by, "created_at": client.created_at.isoformat(),
    }  # fmt: skip
