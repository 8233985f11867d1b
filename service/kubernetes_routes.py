"""Kubernetes: a token for a member's kubectl, their kubeconfig, and what the API server asks of such a token."""

import hmac
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from database import browsers
from service import kubeconfig
from service.access import Access
from service.found import find_number
from service.identity import Identity
from service.identity.claims import KUBERNETES, Claims
from service.oidc.judging import judged
from service.oidc.routing import NO_STORE
from service.problems import Problem
from service.services import Services
from tenants import names

SECONDS = 600
_KIND = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}


class Exchanged(BaseModel):
    """A token for the API server, and when it expires."""

    token: str = Field(repr=False)
    expires_at: datetime


class Review(BaseModel):
    """What is asked of a token; the API server adds metadata that say nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    class Spec(BaseModel):
        """The token, and for whom it is to be good."""

        model_config = ConfigDict(extra="ignore", frozen=True)

        token: str = Field("", repr=False)
        audiences: tuple[str, ...] = ()

    api_version: str = Field(alias="apiVersion", pattern=r"^authentication\.k8s\.io/v1$")
    kind: str = Field(pattern=r"^TokenReview$")
    spec: Spec


def router(services: Services, access: Access, identity: Identity) -> APIRouter:
    """The three of them."""
    routes = APIRouter(prefix="/v1", tags=["kubernetes"])

    @routes.post("/auth/kubernetes", summary="A token for kubectl")
    async def exchange(request: Request, response: Response) -> Exchanged:
        """Of ten minutes, by the session of the access token; it ends with that session."""
        caller = access.require(request, "cluster:use")
        if caller.claims is None:
            raise Problem(403, "forbidden", "Only people have a session", "log in (`POST /v1/auth/login`)")
        issued = await identity.sessions.issue(caller.claims.session, KUBERNETES, seconds=SECONDS)
        response.headers.update(NO_STORE)
        return Exchanged(token=issued.token, expires_at=datetime.fromtimestamp(issued.expires_at, UTC))

    @routes.get(
        "/organizations/{slug}/kubeconfig", summary="A kubeconfig for the organization's namespace",
        response_class=Response, responses={200: {"content": {kubeconfig.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    )  # fmt: skip
    async def config(request: Request, slug: str) -> Response:
        """There is no secret in it: kubectl runs `agent-ready token`, which asks for one with the caller's session."""
        access.require(request, "cluster:use", slug)
        await find_number(services, slug)
        return Response(kubeconfig.of(services.settings.issuer, slug), media_type=kubeconfig.MEDIA_TYPE)

    @routes.post("/kubernetes/token-review", summary="For the API server: whose token this is")
    async def review(request: Request, body: Review) -> dict[str, Any]:
        """TokenReview v1, for who shows TOKEN_WEBHOOK_SECRET. Only tokens of the audience `kubernetes` count."""
        _check_server(request, services.settings.issuer.webhook_secret)
        claims = judged(identity, body.spec.token, KUBERNETES)
        if claims is None or not await browsers.is_enabled(services.database, claims.subject):
            return {**_KIND, "status": {"authenticated": False, "error": "the token does not count; log in again"}}
        return {**_KIND, "status": _accepted(claims, body.spec.audiences)}

    return routes


def _accepted(claims: Claims, asked: tuple[str, ...]) -> dict[str, Any]:
    """Without `audiences`, the API server takes it for one of its own audiences and for no other.

    So a token that a member shows to some service in the cluster, which asks for its own audience, is good for nothing
    there. Nothing is said of groups: the RoleBindings name members.
    """
    user = {"username": names.cluster_user(claims.email), "uid": claims.subject}
    fitting = {"audiences": [KUBERNETES]} if KUBERNETES in asked else {}
    return {"authenticated": True, "user": user, **fitting}


def _check_server(request: Request, secret: str) -> None:
    """Raise a Problem: 501 without a secret to compare with, 401 for whoever does not show it."""
    if not secret:
        raise Problem(501, "not-configured", "Nobody may ask this", "set TOKEN_WEBHOOK_SECRET for the service")
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), secret.encode()):
        raise Problem(
            401, "unauthorized", "The caller is not known", "this is for the API server, which shows a secret",
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
