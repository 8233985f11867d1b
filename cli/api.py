"""The API's calls, one method each: paths and bodies in, models out. Errors are the connection's."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import ValidationError

from cli.answers import (
    Accepted,
    Answer,
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
from cli.connection import Connection
from cli.errors import BadAnswer, Misused

Body = dict[str, Any]
A = TypeVar("A", bound=Answer)
ACCEPTED = 202
_ORGANIZATIONS = "/v1/organizations"


class Api:
    """What can be asked of the API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sign_up(self, body: Body, key: str) -> SignedUp | Accepted:
        """The organization, or the operation that goes on when it takes longer than the API waits."""
        response = self._connection.call("POST", _ORGANIZATIONS, body=body, key=key)
        return _read(Accepted, response) if response.status_code == ACCEPTED else _read(SignedUp, response)

    def organizations(self, after: str | None, limit: int) -> OrganizationPage:
        """One page; `after` is the `next` of the page before."""
        response = self._connection.call("GET", _ORGANIZATIONS, query={"after": after, "limit": limit})
        return _read(OrganizationPage, response)

    def organization(self, slug: str) -> Organization:
        """One organization."""
        return _read(Organization, self._connection.call("GET", _of(slug)))

    def described(self, slug: str) -> tuple[Described, str | None]:
        """One organization with all that can be changed, and the tag of this version of it."""
        response = self._connection.call("GET", _of(slug))
        return _read(Described, response), response.headers.get("etag")

    def change(self, slug: str, body: Body, key: str, version: str | None) -> Changed | Accepted:
        """What was changed, or the operation that changes it; raise Outdated unless it is the `version`, if given."""
        response = self._connection.call("PATCH", _of(slug), body=body, key=key, version=version)
        return _read(Accepted, response) if response.status_code == ACCEPTED else _read(Changed, response)

    def delete(self, slug: str, key: str, *, confirm: bool) -> Accepted:
        """The operation that deletes; `confirm` overrules protection."""
        query = {"confirm": slug if confirm else None}
        return _read(Accepted, self._connection.call("DELETE", _of(slug), query=query, key=key))

    def quota(self, slug: str) -> Quota:
        """Sizes in force."""
        return _read(Quota, self._connection.call("GET", _of(slug, "quota")))

    def change_quota(self, slug: str, body: Body, key: str) -> Quota | Accepted:
        """The sizes now in force, or the operation that changes them."""
        response = self._connection.call("PATCH", _of(slug, "quota"), body=body, key=key)
        return _read(Accepted, response) if response.status_code == ACCEPTED else _read(Quota, response)

    def preview(self, slug: str, body: Body) -> Preview:
        """What the change would do; nothing is changed."""
        return _read(Preview, self._connection.call("POST", _of(slug, "preview"), body=body))

    def export(self, slug: str) -> str:
        """The organization as a catalog file, YAML."""
        return self._connection.call("GET", _of(slug, "export")).text

    def operation(self, operation_id: str, token: str | None = None) -> Operation:
        """An operation's state now."""
        return _read(Operation, self._connection.call("GET", _operation(operation_id), token=token))

    def events(
        self, operation_id: str, *, token: str | None, last: str
    ) -> AbstractContextManager[Iterator[httpx2.ServerSentEvent]]:
        """An operation's events from the one after `last` on."""
        return self._connection.events(f"{_operation(operation_id)}/events", token=token, last=last)

    def drift(self, slug: str | None) -> Drift:
        """What differs from what was deployed, for one organization or all."""
        return _read(Drift, self._connection.call("GET", "/v1/drift", query={"slug": slug}))

    def repair(self, slug: str, key: str) -> Accepted:
        """The operation that makes an organization as it was deployed."""
        return _read(Accepted, self._connection.call("POST", f"/v1/drift/{_segment(slug)}/repair", key=key))

    def drain(self) -> None:
        """Ask the service to take no more work and to finish what it has."""
        self._connection.call("POST", "/v1/drain")

    def healthy(self) -> bool:
        """Whether the process says that it is well."""
        return self._connection.call("GET", "/healthz", also=frozenset({503})).is_success

    def readiness(self) -> Readiness:
        """Whether the service takes work; also when it says no."""
        return _read(Readiness, self._connection.call("GET", "/readyz", also=frozenset({503})))


def _read(model: type[A], response: httpx2.Response) -> A:
    return parse(model, response.content)


def parse(model: type[A], content: str | bytes) -> A:
    """A body's or an event's JSON as a model; raise BadAnswer, which names what is missing and no value."""
    try:
        return model.model_validate_json(content)
    except ValidationError as invalid:
        places = ", ".join(".".join(map(str, error["loc"])) or error["msg"] for error in invalid.errors()[:3])
        text = f"The answer is not what this command line knows as {model.__name__}: {places}."
        raise BadAnswer(
            text, "Is API_URL the address of this API, and is this checkout as new as the service?"
        ) from None


def _of(slug: str, *rest: str) -> str:
    return "/".join([_ORGANIZATIONS, _segment(slug), *rest])


def _operation(operation_id: str) -> str:
    return f"/v1/operations/{_segment(operation_id)}"


def _segment(name: str) -> str:
    """One segment of a path and no more, so that a name can never address something else."""
    if name in ("", ".", ".."):
        raise Misused(f"{name!r} is no name.", "`python -m cli list` shows slugs.")
    return quote(name, safe="")
