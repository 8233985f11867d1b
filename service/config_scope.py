"""Whose settings a request is about: an organization's, or the platform's defaults."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import Request

from database.configs import ConfigVersion
from database.pool import Connection, Database
from database.settings import Row
from service.access import Access
from service.found import find_number
from service.services import Services

PLATFORM = 0
Find = Callable[..., Awaitable["Scope"]]


@dataclass(frozen=True)
class Scope:
    """Organization `org_id`, as the application's role, or the platform (0), as its own. `caller` asks from `path`."""

    services: Services
    org_id: int
    path: str
    caller: str

    @property
    def database(self) -> Database:
        """Its role's."""
        return self.services.application if self.org_id != PLATFORM else self.services.database

    def transaction(self, *, actor: str = "", reason: str = "") -> AbstractAsyncContextManager[Connection]:
        """A transaction that sees this organization, and the platform's defaults."""
        return self.database.transaction(org_id=self.org_id, actor=actor, reason=reason)

    def announce(self, rows: list[Row]) -> None:
        """Tell readers of what was committed."""
        self.services.announce([ConfigVersion(row.org_id, row.service, row.key, row.version) for row in rows])


def of_organizations(services: Services, access: Access) -> Find:
    """The scope of requests below /v1/organizations/{slug}; it raises Problems: 401, 404, 410."""

    async def find(request: Request, slug: str) -> Scope:
        caller = access.require_operator(request)
        return Scope(services, await find_number(services, slug), f"/v1/organizations/{slug}", caller)

    return find


def of_platform(services: Services, access: Access) -> Find:
    """The scope of requests below /v1/platform; it raises a Problem: 401."""

    async def find(request: Request) -> Scope:
        return Scope(services, PLATFORM, "/v1/platform", access.require_operator(request))

    return find
