"""The API's calls, one method each: paths and bodies in, models out. Errors are the connection's."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx2

from cli.answers import (
    Accepted,
    Changed,
    Described,
    Drift,
    Operation,
    Organization,
    OrganizationPage,
    Preview,
    Quota,
    Readiness,
    SignedUp,
)
from cli.config_api import PLATFORM, ConfigApi
from cli.connection import Connection
from cli.reading import read, segment

Body = dict[str, Any]
ACCEPTED = 202
_ORGANIZATIONS = "/v1/organizations"


class Api:
    """What can be asked of the API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sign_up(self, body: Body, key: str) -> SignedUp | Accepted:
        """The organization, or the operation that goes on when it takes longer than the API waits."""
        response = self._connection.call("POST", _ORGANIZATIONS, body=body, key=key)
        return read(Accepted, response) if response.status_code == ACCEPTED else read(SignedUp, response)

    def organizations(self, after: str | None, limit: int) -> OrganizationPage:
        """One page; `after` is the `next` of the page before."""
        response = self._connection.call("GET", _ORGANIZATIONS, query={"after": after, "limit": limit})
        return read(OrganizationPage, response)

    def organization(self, slug: str) -> Organization:
        """One organization."""
        return read(Organization, self._connection.call("GET", _of(slug)))

    def described(self, slug: str) -> tuple[Described, str | None]:
        """One organization with all that can be changed, and the tag of this version of it."""
        response = self._connection.call("GET", _of(slug))
        return read(Described, response), response.headers.get("etag")

    def change(self, slug: str, body: Body, key: str, version: str | None) -> Changed | Accepted:
        """What was changed, or the operation that changes it; raise Outdated unless it is the `version`, if given."""
        response = self._connection.call("PATCH", _of(slug), body=body, key=key, version=version)
        return read(Accepted, response) if response.status_code == ACCEPTED else read(Changed, response)

    def delete(self, slug: str, key: str, *, confirm: bool) -> Accepted:
        """The operation that deletes; `confirm` overrules protection."""
        query = {"confirm": slug if confirm else None}
        return read(Accepted, self._connection.call("DELETE", _of(slug), query=query, key=key))

    def quota(self, slug: str) -> Quota:
        """Sizes in force."""
        return read(Quota, self._connection.call("GET", _of(slug, "quota")))

    def change_quota(self, slug: str, body: Body, key: str) -> Quota | Accepted:
        """The sizes now in force, or the operation that changes them."""
        response = self._connection.call("PATCH", _of(slug, "quota"), body=body, key=key)
        return read(Accepted, response) if response.status_code == ACCEPTED else read(Quota, response)

    def preview(self, slug: str, body: Body) -> Preview:
        """What the change would do; nothing is changed."""
        return read(Preview, self._connection.call("POST", _of(slug, "preview"), body=body))

    def export(self, slug: str) -> str:
        """The organization as a catalog file, YAML."""
        return self._connection.call("GET", _of(slug, "export")).text

    def operation(self, operation_id: str, token: str | None = None) -> Operation:
        """An operation's state now."""
        return read(Operation, self._connection.call("GET", _operation(operation_id), token=token))

    def events(
        self, operation_id: str, *, token: str | None, last: str
    ) -> AbstractContextManager[Iterator[httpx2.ServerSentEvent]]:
        """An operation's events from the one after `last` on."""
        return self._connection.events(f"{_operation(operation_id)}/events", token=token, last=last)

    def drift(self, slug: str | None) -> Drift:
        """What differs from what was deployed, for one organization or all."""
        return read(Drift, self._connection.call("GET", "/v1/drift", query={"slug": slug}))

    def repair(self, slug: str, key: str) -> Accepted:
        """The operation that makes an organization as it was deployed."""
        return read(Accepted, self._connection.call("POST", f"/v1/drift/{segment(slug)}/repair", key=key))

    def configs(self, slug: str) -> ConfigApi:
        """The settings of an organization, or of the platform, which is named `platform`."""
        return ConfigApi(self._connection, "/v1/platform" if slug == PLATFORM else _of(slug))

    def drain(self) -> None:
        """Ask the service to take no more work and to finish what it has."""
        self._connection.call("POST", "/v1/drain")

    def healthy(self) -> bool:
        """Whether the process says that it is well."""
        return self._connection.call("GET", "/healthz", also=frozenset({503})).is_success

    def readiness(self) -> Readiness:
        """Whether the service takes work; also when it says no."""
        return read(Readiness, self._connection.call("GET", "/readyz", also=frozenset({503})))


def _of(slug: str, *rest: str) -> str:
    return "/".join([_ORGANIZATIONS, segment(slug), *rest])


def _operation(operation_id: str) -> str:
    return f"/v1/operations/{segment(operation_id)}"
