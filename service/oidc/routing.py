"""Routes of the issuer: what they raise becomes JSON for clients and pages for people; caches keep none of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from service.oidc import pages
from service.oidc.errors import OAuthError, PageError
from service.oidc.parameters import FORM, Malformed
from service.problems import Problem

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_TEXT = {"type": "string"}
_ERROR = {
    "description": "RFC 6749, 5.2: which rule was broken and the way out; problem details for what is not OAuth's",
    "content": {
        "application/json": {
            "schema": {
                "type": "object", "required": ["error"], "properties": {"error": _TEXT, "error_description": _TEXT},
            }
        },
        "application/problem+json": {"schema": {"type": "object", "required": ["type", "title", "status", "detail"]}},
    },
}  # fmt: skip
#: How every form names its client.
CLIENT = {"client_id": "unless in Authorization", "client_secret": "unless in Authorization, or public"}
RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": _ERROR}
Handler = Callable[[Request], Awaitable[Response]]


class OAuthRoute(APIRoute):
    """For clients: errors are JSON."""

    def get_route_handler(self) -> Handler:  # type: ignore[override]  # a coroutine is what it wants
        """The handler with these answers around it."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Malformed as error:
                return _refused(OAuthError("invalid_request", str(error)))
            except OAuthError as error:
                return _refused(error)

        return answer


class PageRoute(APIRoute):
    """For people: errors are pages, from which nothing leads away."""

    def get_route_handler(self) -> Handler:  # type: ignore[override]
        """The handler with these answers around it."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Malformed as error:
                return pages.refusal(str(error))
            except PageError as error:
                return pages.refusal(error.detail, error.status)
            except Problem as problem:
                page = pages.refusal(problem.detail, problem.status)
                page.headers.update(problem.headers)
                return page

        return answer


def form(required: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """How OpenAPI describes a form: its fields with what they are, and the one that there must be."""
    properties = {name: {"type": "string", "description": about} for name, about in fields.items()}
    schema = {"type": "object", "required": [required], "properties": properties}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


def _refused(error: OAuthError) -> Response:
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, error.status, headers={**NO_STORE, **error.headers})
