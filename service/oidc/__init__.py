"""The OpenID Connect issuer over HTTP: what clients and browsers ask, and the pages that people see (ADR 0017).

Here belongs what the protocols say: parameters, redirects, proofs, answers. Who somebody is and what a token is worth
is decided in service/identity/.
"""

from fastapi import APIRouter

from service.identity import Identity
from service.oidc import authorize, discovery, inspecting, logout, token
from service.services import Services


def router(services: Services, identity: Identity) -> APIRouter:
    """Every route of the issuer."""
    routes = APIRouter()
    routes.include_router(discovery.router(identity))
    for part in (authorize, token, inspecting, logout):
        routes.include_router(part.router(services, identity))
    return routes
