"""Projects, notes and documents: an organization's own data, below /v1/organizations/{slug} (ADR 0018).

Here belongs what HTTP says about them: bodies, pages, preconditions, answers. Whose rows they are is not:
a transaction carries the caller's organization, and row-level security finds its rows alone.
"""

from fastapi import APIRouter

from service.access import Access
from service.draining import Draining
from service.services import Services
from service.tenant_data import document_routes, note_routes, project_routes
from service.tenant_data.scope import Scopes


def router(services: Services, access: Access, draining: Draining) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1/organizations/{slug}", tags=["data"])
    scopes = Scopes(services, access, draining)
    for part in (project_routes, note_routes, document_routes):
        routes.include_router(part.router(scopes))
    return routes
