"""The API's calls about log-ins, passwords and what they give."""

from typing import Any

from cli.connection import Connection
from cli.identity.answers import ClusterToken, Joined, LogIns, Me, Revoked, Tokens
from cli.reading import read, segment

_AUTH = "/v1/auth"
Body = dict[str, Any]


class IdentityApi:
    """What somebody can ask for who has a password, a mailed token or a session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def log_in(self, email: str, password: str, organization: str | None) -> Tokens:
        """The tokens of a new session; raise Refused (`login-refused`) or Busy."""
        return self._tokens("login", {"email": email, "password": password}, organization)

    def refresh(self, refresh_token: str, organization: str | None) -> Tokens:
        """The next tokens, perhaps for another organization; raise Refused (`session-ended`, `not-a-member`)."""
        return self._tokens("refresh", {"refresh_token": refresh_token}, organization)

    def log_out(self) -> None:
        """End the session with all that came from the same log-in."""
        self._connection.call("POST", f"{_AUTH}/logout")

    def me(self) -> Me:
        """Who calls."""
        return read(Me, self._connection.call("GET", f"{_AUTH}/me"))

    def sessions(self) -> LogIns:
        """The caller's sessions."""
        return read(LogIns, self._connection.call("GET", f"{_AUTH}/sessions"))

    def revoke(self, body: Body) -> Revoked:
        """End tokens or sessions that `body` names."""
        return read(Revoked, self._connection.call("POST", f"{_AUTH}/revoke", body=body))

    def set_password(self, token: str, password: str) -> None:
        """The password of the address that the token was mailed to."""
        body = {"token": token, "password": password}
        self._connection.call("POST", f"{_AUTH}/password", body=body, anonymous=True)

    def change_password(self, current: str, new: str) -> None:
        """Another password; the caller's other sessions end."""
        self._connection.call("POST", f"{_AUTH}/password/change", body={"current": current, "new": new})

    def reset_password(self, email: str) -> None:
        """Mail a token to the address, if it has an account."""
        self._connection.call("POST", f"{_AUTH}/password/reset", body={"email": email}, anonymous=True)

    def accept(self, token: str, password: str | None) -> Joined:
        """Join what the invitation is for; `password` makes the account where there is none."""
        body = {"token": token} | ({"password": password} if password else {})
        return read(Joined, self._connection.call("POST", f"{_AUTH}/invitations/accept", body=body, anonymous=True))

    def cluster_token(self) -> ClusterToken:
        """A token for the Kubernetes API."""
        return read(ClusterToken, self._connection.call("POST", f"{_AUTH}/kubernetes"))

    def kubeconfig(self, slug: str) -> str:
        """A kubeconfig for the organization's namespace, YAML; no secret in it."""
        return self._connection.call("GET", f"/v1/organizations/{segment(slug)}/kubeconfig").text

    def _tokens(self, path: str, body: Body, organization: str | None) -> Tokens:
        named = {"organization": organization} if organization else {}
        return read(Tokens, self._connection.call("POST", f"{_AUTH}/{path}", body={**body, **named}, anonymous=True))
