"""What the issuer publishes: what it can do, and the keys that its tokens are verified by."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from service.identity import Identity
from service.oidc.asking import PROMPTS, SCOPES
from service.oidc.pkce import METHOD
from service.oidc.token import GRANTS
from service.problems import Problem

_SECONDS = 300  # a new key is published for as long before it signs
_WITH_SECRET = ("client_secret_basic", "client_secret_post")
_CLAIMS = (
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "nonce", "email", "email_verified", "org_id", "org",
    "user_role", "permissions",
)  # fmt: skip


def router(identity: Identity) -> APIRouter:
    """Both documents."""
    routes = APIRouter(prefix="/.well-known", tags=["OpenID Connect"])
    told = document(identity.issuer_url)

    @routes.get("/openid-configuration", summary="What the issuer can do")
    async def configuration() -> JSONResponse:
        """OpenID Connect Discovery 1.0; what is not listed is not there."""
        return JSONResponse(told, headers={"Cache-Control": f"public, max-age={_SECONDS}"})

    @routes.get("/jwks.json", summary="The keys that tokens are verified by")
    async def keys() -> JSONResponse:
        """A JSON Web Key Set: those in use, those to come, and those whose tokens live on."""
        published = [key.jwk for key in identity.view.keys.values()]
        if not published:  # nobody is to remember that there are none
            raise Problem(503, "unavailable", "The keys were not read yet", "ask again", headers={"Retry-After": "2"})
        return JSONResponse({"keys": published}, headers={"Cache-Control": f"public, max-age={_SECONDS}"})

    return routes


def document(issuer: str) -> dict[str, Any]:
    """The discovery document."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth2/authorize",
        "token_endpoint": f"{issuer}/oauth2/token",
        "userinfo_endpoint": f"{issuer}/oauth2/userinfo",
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "end_session_endpoint": f"{issuer}/oauth2/logout",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": [METHOD],
        "scopes_supported": list(SCOPES),
        "prompt_values_supported": list(PROMPTS),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": [*_WITH_SECRET, "none"],
        "revocation_endpoint_auth_methods_supported": [*_WITH_SECRET, "none"],
        "introspection_endpoint_auth_methods_supported": list(_WITH_SECRET),
        "claims_supported": list(_CLAIMS),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
