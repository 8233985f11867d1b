"""Kubernetes: a token for a member's kubectl, and their kubeconfig."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service import kubeconfig
from service.access import Access
from service.found import find_number
from service.identity import Identity
from service.identity.claims import KUBERNETES, KUBERNETES_LIFETIME
from service.oidc.routing import NO_STORE
from service.problems import Problem
from service.services import Services


class Exchanged(BaseModel):
    """A token for the API server, and when it expires."""

    token: str = Field(repr=False)
    expires_at: datetime


def router(services: Services, access: Access, identity: Identity) -> APIRouter:
    """Both of them."""
    routes = APIRouter(prefix="/v1", tags=["kubernetes"])

    @routes.post("/auth/kubernetes", summary="A token for kubectl")
    async def exchange(request: Request, response: Response) -> Exchanged:
        """Of ten minutes, by the session of the access token; it ends with that session."""
        caller = access.require(request, "cluster:use")
        if caller.claims is None:
            raise Problem(403, "forbidden", "Only people have a session", "log in (`POST /v1/auth/login`)")
        issued = await identity.sessions.issue(caller.claims.session, KUBERNETES, seconds=KUBERNETES_LIFETIME)
        response.headers.update(NO_STORE)
        return Exchanged(token=issued.token, expires_at=datetime.fromtimestamp(issued.expires_at, UTC))

    @routes.get(
        "/organizations/{slug}/kubeconfig", summary="A kubeconfig for the organization's namespace",
        response_class=Response, responses={200: {"content": {kubeconfig.MEDIA_TYPE: {"schema": {"type": "object"}}}}},
    )  # fmt: skip
    async def config(request: Request, slug: str) -> Response:
        """There is no secret in it: kubectl runs `agent-ready token`, which asks for one with the caller's session."""
        access.require(request, "cluster:use", slug)
        await find_number(services, slug)
        return Response(kubeconfig.of(services.settings.issuer, slug), media_type=kubeconfig.MEDIA_TYPE)

    return routes
