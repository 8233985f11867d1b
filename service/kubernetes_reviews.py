"""What the API server asks: whose a token is, and, before its roles decide, whether that token still counts.

The API server remembers for 10 seconds who showed a token, whatever cache its token webhook is given. What members
do with a token is therefore judged once more, by the token's id, each time (ADR 0017).
"""

import hmac
import re
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from database import users
from service.bearer import bearer
from service.identity import Identity
from service.identity.claims import KUBERNETES, Claims
from service.oidc.judging import judged
from service.problems import Problem
from service.services import Services
from tenants import names

_CREDENTIAL = "authentication.kubernetes.io/credential-id"
_JTI = re.compile(r"JTI=([0-9a-f-]{36})")
_TOKEN_REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
_ACCESS_REVIEW = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}


class _Asked(BaseModel):
    """The API server adds metadata that say nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TokenReviewSpec(_Asked):
    """The token, and for whom it is to be good."""

    token: str = Field("", repr=False)
    audiences: tuple[str, ...] = ()


class TokenReview(_Asked):
    """Whose this token is."""

    api_version: str = Field(alias="apiVersion", pattern=r"^authentication\.k8s\.io/v1$")
    kind: str = Field(pattern=r"^TokenReview$")
    spec: TokenReviewSpec


class AccessReviewSpec(_Asked):
    """`extra` says by which token."""

    extra: dict[str, tuple[str, ...]] = {}


class AccessReview(_Asked):
    """Whether somebody may do something; only who asks matters here."""

    api_version: str = Field(alias="apiVersion", pattern=r"^authorization\.k8s\.io/v1$")
    kind: str = Field(pattern=r"^SubjectAccessReview$")
    spec: AccessReviewSpec


def router(services: Services, identity: Identity) -> APIRouter:
    """Both reviews, for who shows TOKEN_WEBHOOK_SECRET."""
    routes = APIRouter(prefix="/v1/kubernetes", tags=["kubernetes"])

    @routes.post("/token-review", summary="For the API server: whose token this is")
    async def whose(request: Request, body: TokenReview) -> dict[str, Any]:
        """TokenReview v1. Only tokens of the audience `kubernetes` count."""
        _check_server(request, services.settings.issuer.webhook_secret)
        claims = judged(identity, body.spec.token, KUBERNETES)
        if claims is None or not await _is_enabled(services, claims):
            return {
                **_TOKEN_REVIEW,
                "status": {"authenticated": False, "error": "the token does not count; log in again"},
            }
        return {**_TOKEN_REVIEW, "status": _accepted(claims, body.spec.audiences)}

    @routes.post("/access-review", summary="For the API server: whether a member's token still counts")
    async def counts(request: Request, body: AccessReview) -> dict[str, Any]:
        """SubjectAccessReview v1. It denies or has no opinion, and never allows: that is for the RoleBindings."""
        _check_server(request, services.settings.issuer.webhook_secret)
        reason = _why_not(identity, body.spec.extra.get(_CREDENTIAL, ()))
        return {**_ACCESS_REVIEW, "status": {"allowed": False} | ({"denied": True, "reason": reason} if reason else {})}

    return routes


async def _is_enabled(services: Services, claims: Claims) -> bool:
    async with services.database.statement() as connection:
        return await users.is_enabled(connection, claims.subject)


def _accepted(claims: Claims, asked: tuple[str, ...]) -> dict[str, Any]:
    """Without `audiences`, the API server takes it for one of its own audiences and for no other.

    So a token that a member shows to some service in the cluster, which asks for its own audience, is good for nothing
    there. Nothing is said of groups: the RoleBindings name members.
    """
    user = {
        "username": names.cluster_user(claims.email), "uid": claims.subject,
        "extra": {_CREDENTIAL: [f"JTI={claims.jti}"]},
    }  # fmt: skip
    fitting = {"audiences": [KUBERNETES]} if KUBERNETES in asked else {}
    return {"authenticated": True, "user": user, **fitting}


def _why_not(identity: Identity, credentials: tuple[str, ...]) -> str:
    """Why a token of these ids does not count; empty if it does."""
    if not identity.view.fresh:
        return "what was revoked could not be read for 5 seconds; try again"
    found = [_JTI.fullmatch(credential) for credential in credentials]
    if not found or any(match is None or identity.view.is_revoked(match[1]) for match in found):
        return "the token was revoked; log in again"
    return ""


def _check_server(request: Request, secret: str) -> None:
    """Raise a Problem: 404 without a secret to compare with, 401 for whoever does not show it."""
    if not secret:
        raise Problem(404, "not-configured", "Nobody may ask this", "set TOKEN_WEBHOOK_SECRET for the service")
    if not hmac.compare_digest(bearer(request).encode(), secret.encode()):
        raise Problem(
            401, "unauthorized", "The caller is not known", "this is for the API server, which shows a secret",
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
