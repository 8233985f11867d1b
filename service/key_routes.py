"""/v1/platform/signing-keys: the keys that tokens are signed by, and their replacement."""

from typing import Any

from fastapi import APIRouter, Request

from service.access import Access
from service.auth_bodies import Rotate
from service.draining import Draining
from service.identity.keys import PublishedKey
from service.services import Services


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """The routes, for operators."""
    routes, identity = APIRouter(prefix="/v1/platform/signing-keys", tags=["identity"]), services.identity

    @routes.get("", summary="The signing keys that are published")
    async def everything(request: Request) -> dict[str, Any]:
        """The newest first; times are seconds since 1970."""
        access.require(request, "platform:identity")
        return {"items": [_shown(key) for key in identity.view.keys.values()]}

    @routes.post("/rotate", summary="Replace the signing key")
    async def rotate(request: Request, body: Rotate) -> dict[str, str]:
        """The new one signs in 5 minutes, and the old one counts until what it signed has expired; or `at_once`."""
        draining.check()
        caller = access.require(request, "platform:identity")
        who = caller.acting(body.reason)
        kid = await identity.keys.rotate(at_once=body.at_once, **who)
        await identity.view.read_now()
        return {"kid": kid}

    return routes


def _shown(key: PublishedKey) -> dict[str, Any]:
    row = key.row
    return {
        "kid": row.kid, "algorithm": row.algorithm, "signs": row.is_active and row.sealed is not None,
        "active_from": row.active_from, "remove_at": row.remove_at,
    }  # fmt: skip
