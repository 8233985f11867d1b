"""The HTTP application, put together from its collaborators; nothing is started here but what its lifespan starts."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from cluster.errors import ClusterError
from database.errors import Busy, DatabaseError, InvitationOver, LeaseLost, TokenRevoked, VersionMismatch
from engine.errors import EngineError
from service import (
    audit_routes,
    auth_routes,
    change_set_routes,
    client_routes,
    config_history_routes,
    config_routes,
    console_routes,
    drift_routes,
    flag_routes,
    health_routes,
    invitation_routes,
    key_routes,
    kubernetes_reviews,
    kubernetes_routes,
    member_routes,
    oidc,
    operation_routes,
    organization_routes,
    password_routes,
    quota_routes,
    sign_up_routes,
    staff_routes,
    tenant_data,
)
from service.access import Access, unauthorized
from service.change_sets import mismatch
from service.config_scope import of_organizations, of_platform
from service.draining import Draining
from service.invitations import over
from service.limits import RateLimit
from service.middleware import BodyLimit, Requests, answer
from service.problems import Problem, invalid
from service.services import Services, log

_NO_OBJECT = frozenset({"missing", "model_type", "model_attributes_type", "dict_type"})
_SOON = {"Retry-After": "2"}


def create_app(services: Services, draining: Draining | None = None) -> FastAPI:
    """The application. Its lifespan starts and closes the engines; the rest is its caller's."""
    draining, settings = draining or Draining(), services.settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await services.engines.start()
        yield
        await draining.drain(services)
        await services.engines.close()

    app = FastAPI(
        title="agent-ready-k8s", version="1", description="Self-service for isolated organizations.", lifespan=lifespan,
        docs_url=None, redoc_url=None, responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
    )  # fmt: skip
    access = Access(settings.operator_token, settings.operators, services.identity.verifier)
    limit = RateLimit(
        services.database, settings.operator_token,
        per_minute=settings.sign_ups_per_minute, burst=settings.sign_up_burst,
    )  # fmt: skip
    app.include_router(sign_up_routes.router(services, access, limit, draining))
    app.include_router(organization_routes.router(services, access, draining))
    app.include_router(quota_routes.router(services, access, draining))
    app.include_router(drift_routes.router(services, access, draining))
    app.include_router(member_routes.router(services, access, draining))
    app.include_router(invitation_routes.router(services, access, draining))
    app.include_router(staff_routes.router(services, access))
    app.include_router(client_routes.routers(services, access, draining))
    app.include_router(kubernetes_routes.router(services, access, services.identity))
    app.include_router(kubernetes_reviews.router(services, services.identity))
    app.include_router(oidc.router(services, services.identity))
    app.include_router(console_routes.router(services, services.identity))
    app.include_router(audit_routes.router(services, access))
    for find, prefix in (
        (of_organizations(services, access), "/v1/organizations/{slug}"),
        (of_platform(services, access), "/v1/platform"),
    ):
        for part in (config_history_routes, config_routes, change_set_routes):
            app.include_router(part.router(find, draining, prefix))
    app.include_router(flag_routes.router(of_organizations(services, access), draining))
    for identity_part in (auth_routes, password_routes, key_routes):
        app.include_router(identity_part.router(services, access, draining))
    app.include_router(tenant_data.router(services, access, draining))
    app.include_router(operation_routes.router(services, access))
    app.include_router(health_routes.router(services, access, draining))
    for kind, problem in _HANDLED.items():
        app.add_exception_handler(kind, _handler(problem))
    app.add_middleware(BodyLimit, most=settings.largest_at)
    app.add_middleware(Requests, services=services)
    return app


def _handler(problem: Callable[[Any], Problem]) -> Callable[[Request, Exception], Response]:
    def handle(request: Request, error: Exception) -> Response:
        told = problem(error)
        if told.status >= 500:
            log.warning("%s %s: %s", request.method, request.url.path, error)
        return answer(told)

    return handle


def _http(error: HTTPException) -> Problem:
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
    detail = "look into /openapi.json for what there is" if error.status_code in (404, 405) else str(error.detail)
    return Problem(error.status_code, kind, str(error.detail), detail, headers=dict(error.headers or {}))


def _away(who: str) -> Callable[[Exception], Problem]:
    """Errors that go by; their own words stay in the log, where addresses and statements may stand."""
    detail = "nothing was lost; send the request again with the same Idempotency-Key"
    return lambda error: Problem(503, "unavailable", f"{who} does not answer as it should", detail, headers=_SOON)


def _invalid(error: RequestValidationError) -> Problem:
    found = error.errors()
    for one in found:
        if one["type"] == "json_invalid":
            where = f"{one['ctx']['error']} at character {one['loc'][-1]}"
            return Problem(400, "not-json", "The body is not JSON", where)
        if tuple(one["loc"]) == ("body",) and one["type"] in _NO_OBJECT:
            detail = "send one, with `Content-Type: application/json`"
            return Problem(400, "no-object", "The body is no JSON object", detail)
    return invalid(found)


def _busy(error: Busy) -> Problem:
    return Problem(409, "busy", "The organization is being changed", str(error), headers=_SOON)


_HANDLED: Mapping[type[Exception], Callable[[Any], Problem]] = {
    Problem: lambda problem: problem,
    RequestValidationError: _invalid,
    HTTPException: _http,
    Busy: _busy,
    VersionMismatch: mismatch,
    TokenRevoked: lambda error: unauthorized(f"{error}; log in again"),
    InvitationOver: lambda _: over(),
    LeaseLost: _away("The operation's worker"),
    DatabaseError: _away("PostgreSQL"),
    ClusterError: _away("The Kubernetes API"),
    EngineError: lambda error: Problem(502, "engine-failed", "The engine failed", str(error)),
}
_PROBLEM: dict[str, Any] = {
    "description": "RFC 9457 problem details: what went wrong and the way out",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": {"type": "string", "format": "uri"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "request_id": {"type": "string"},
                    "operation_id": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
                        },
                    },
                },
            }
        }
    },
}
