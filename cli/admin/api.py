"""The API's calls about an organization's members, invitations, audit log and clients; and the platform's."""

from typing import Any

import httpx2

from cli.admin.answers import (
    Clients,
    Entries,
    Invitation,
    Invitations,
    Keys,
    Members,
    Registered,
    Staff,
    Verified,
)
from cli.answers import Accepted, Changed
from cli.config_api import PLATFORM
from cli.connection import Connection
from cli.reading import read, segment

Body = dict[str, Any]
ACCEPTED = 202
_PLATFORM = "/v1/platform"


class OrganizationApi:
    """What can be asked about one organization; or the platform, which is named `platform` and has no members."""

    def __init__(self, connection: Connection, slug: str) -> None:
        self._connection = connection
        self._base = _PLATFORM if slug == PLATFORM else f"/v1/organizations/{segment(slug)}"

    def members(self) -> Members:
        """Who belongs to it."""
        return read(Members, self._connection.call("GET", f"{self._base}/members"))

    def set_member(self, email: str, body: Body, key: str) -> Changed | Accepted:
        """Have somebody belong to it, in that role."""
        return _changed(self._connection.call("PUT", f"{self._base}/members/{segment(email)}", body=body, key=key))

    def remove_member(self, email: str, reason: str, key: str) -> Changed | Accepted:
        """Have somebody belong to it no more."""
        path = f"{self._base}/members/{segment(email)}"
        return _changed(self._connection.call("DELETE", path, query={"reason": reason}, key=key))

    def transfer(self, body: Body, key: str) -> Changed | Accepted:
        """Give it to another owner."""
        return _changed(self._connection.call("POST", f"{self._base}/members/transfer", body=body, key=key))

    def invite(self, body: Body) -> Invitation:
        """Mail somebody an invitation."""
        return read(Invitation, self._connection.call("POST", f"{self._base}/invitations", body=body))

    def invitations(self) -> Invitations:
        """Which of them wait."""
        return read(Invitations, self._connection.call("GET", f"{self._base}/invitations"))

    def withdraw(self, invitation: str) -> None:
        """Have an invitation count no more."""
        self._connection.call("DELETE", f"{self._base}/invitations/{segment(invitation)}")

    def audit(self, after: int, limit: int) -> Entries:
        """A page of its audit log."""
        return read(
            Entries, self._connection.call("GET", f"{self._base}/audit", query={"after": after, "limit": limit})
        )

    def export_audit(self) -> str:
        """All of its audit log, a JSON object a line."""
        return self._connection.call("GET", f"{self._base}/audit/export").text

    def verify_audit(self) -> Verified:
        """What the API finds when it computes every hash anew."""
        return read(Verified, self._connection.call("GET", f"{self._base}/audit/verify"))

    def clients(self) -> Clients:
        """Which services log people in."""
        return read(Clients, self._connection.call("GET", f"{self._base}/clients"))

    def put_client(self, client_id: str, body: Body) -> Registered:
        """Register a service, or change it."""
        return read(Registered, self._connection.call("PUT", f"{self._base}/clients/{segment(client_id)}", body=body))

    def remove_client(self, client_id: str, reason: str) -> None:
        """Have a service log nobody in any more."""
        self._connection.call("DELETE", f"{self._base}/clients/{segment(client_id)}", query={"reason": reason})


class PlatformApi:
    """What can be asked about the platform alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def staff(self) -> Staff:
        """Who has a role in it."""
        return read(Staff, self._connection.call("GET", f"{_PLATFORM}/staff"))

    def set_staff(self, email: str, body: Body) -> httpx2.Response:
        """Give somebody a role in it, or none."""
        return self._connection.call("PUT", f"{_PLATFORM}/staff/{segment(email)}", body=body)

    def keys(self) -> Keys:
        """Which signing keys are published."""
        return read(Keys, self._connection.call("GET", f"{_PLATFORM}/signing-keys"))

    def rotate(self, body: Body) -> httpx2.Response:
        """Have a new signing key."""
        return self._connection.call("POST", f"{_PLATFORM}/signing-keys/rotate", body=body)


def _changed(response: httpx2.Response) -> Changed | Accepted:
    return read(Accepted, response) if response.status_code == ACCEPTED else read(Changed, response)
