"""Writing tokens: which claims they hold (ADR 0017), and the signature."""

import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

from database.sessions import Noted, Session, Standing
from service.identity.verifier import typ_of
from tenants.permissions import permissions_of


def claims_of(
    issuer: str, session: Session, standing: Standing | None, audience: str, noted: Noted
) -> dict[str, Any]:  # fmt: skip
    """The claims of a token that speaks for `standing`, for the platform, or for nobody yet."""
    role = role_of(session, standing)
    spoken_for = {"org_id": standing.org_id, "org": standing.slug} if standing else {}
    return {
        "iss": issuer, "sub": session.user.id, "email": session.user.email, "email_verified": True, "aud": audience,
        "exp": noted.expires_at, "nbf": noted.issued_at, "iat": noted.issued_at, "jti": noted.jti, "sid": session.id,
        **spoken_for, **({"user_role": role} if role else {}),
        "permissions": sorted(permissions_of(role)) if role else [],
    }  # fmt: skip


def role_of(session: Session, standing: Standing | None) -> str | None:
    """The role in the organization; the platform's only when the session speaks for no organization."""
    if session.org_id is None:
        return session.user.platform_role
    return standing.role if standing else None


def signed(claims: Mapping[str, Any], kid: str, key: RSAKey) -> str:
    """The token in its compact form."""
    header = {"alg": "RS256", "kid": kid, "typ": typ_of(claims["aud"])}
    return jws.serialize_compact(header, json.dumps(claims, separators=(",", ":")), key, algorithms=["RS256"])
