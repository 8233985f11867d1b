"""Whose settings a request is about: an organization's, or the platform's defaults."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from database.configs import ConfigVersion
from database.pool import Connection, Database
from database.settings import Row
from service.access import Access
from service.found import find_number
from service.logs import REQUEST_ID
from service.services import Services

PLATFORM = 0
Permission = Literal["settings:read", "settings:change", "settings:approve"]
Find = Callable[[Permission], Callable[..., Awaitable["Scope"]]]  # what it takes, then the dependency of a route
_OF_PLATFORM: Mapping[Permission, str] = {
    "settings:read": "platform:read",
    "settings:change": "platform:change",
    "settings:approve": "platform:change",
}


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
        return self.database.transaction(org_id=self.org_id, actor=actor, reason=reason, request_id=REQUEST_ID.get())

    def announce(self, rows: list[Row]) -> None:
        """Tell readers of what was committed."""
        self.services.announce([ConfigVersion(row.org_id, row.service, row.key, row.version) for row in rows])


def of_organizations(services: Services, access: Access) -> Find:
    """The scope of requests below /v1/organizations/{slug}; it raises Problems: 401, 403, 404, 410."""

    def finder(permission: Permission) -> Callable[..., Awaitable[Scope]]:
        async def find(request: Request, slug: str) -> Scope:
            caller = access.require(request, permission, slug)
            return Scope(services, await find_number(services, slug), f"/v1/organizations/{slug}", caller.name)

        return find

    return finder


def of_platform(services: Services, access: Access) -> Find:
    """The scope of requests below /v1/platform; it raises Problems: 401, 403."""

    def finder(permission: Permission) -> Callable[..., Awaitable[Scope]]:
        async def find(request: Request) -> Scope:
            caller = access.require(request, _OF_PLATFORM[permission])
            return Scope(services, PLATFORM, "/v1/platform", caller.name)

        return find

    return finder
