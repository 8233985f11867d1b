"""Where the API is and who calls it, from the environment and from nowhere else.

`API_URL`, `OPERATOR_TOKEN`; `AGENT_READY_AS`, which of operator and session acts; `ISSUER_CA_FILE`, the authority of
the issuer's certificate; `XDG_STATE_HOME`, below which sessions are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import httpx2

from cli.errors import Misused

SOURCE = "`. .local/env` in this shell sets it, after `make up`."
TOKEN = "OPERATOR_TOKEN"  # noqa: S105 (the variable's name)
ACTS_AS = "AGENT_READY_AS"
_NAMED = "session", "operator"


@dataclass(frozen=True)
class Settings:
    """A checked address, and the operator's token or `""`. The token is in no `repr`.

    `acts_as` is `session`, `operator` or `""`; `state` the folder of sessions; `ca_file` a certificate, or None.
    """

    url: str
    token: str = field(repr=False)
    acts_as: str = ""
    state: Path = Path()
    ca_file: Path | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raise Misused if a variable is missing or unusable; its text never holds the token or a password."""
        url, token = environment.get("API_URL", "").rstrip("/"), environment.get(TOKEN, "")
        if not url:
            raise Misused("API_URL is not set; it is where the API answers.", SOURCE)
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise Misused(f"{TOKEN} holds a blank or a character that no token has.", SOURCE)
        _check(url)
        acts_as = environment.get(ACTS_AS, "")
        if acts_as not in ("", *_NAMED):
            raise Misused(f"{ACTS_AS} is {acts_as!r}; it is {' or '.join(_NAMED)}, or not set.")
        authority = environment.get("ISSUER_CA_FILE")
        settings = cls(url, token, acts_as, _state(environment), Path(authority) if authority else None)
        if token:
            settings.check_private(TOKEN)
        return settings

    def check_private(self, what: str) -> None:
        """Raise Misused if `what` would travel unencrypted."""
        if httpx2.URL(self.url).scheme == "http" and not self.is_local:
            raise Misused(
                f"API_URL is {self.url!r}: {what} would travel unencrypted.",
                "Use https, or a port-forward to 127.0.0.1.",
            )

    @property
    def session_file(self) -> Path:
        """Where the session of this API is kept; beside it, what belongs to it."""
        return self.state / f"{sha256(self.url.encode()).hexdigest()[:16]}.json"

    @property
    def is_local(self) -> bool:
        """Whether the API is on this machine; then no proxy of the environment is asked."""
        return is_loopback(httpx2.URL(self.url).host)


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What must never be printed, whatever an answer holds."""
    return tuple(filter(None, [environment.get(TOKEN, "").strip()]))


def _state(environment: Mapping[str, str]) -> Path:
    """The folder of sessions, as the XDG specification has it: what is not absolute there counts for nothing."""
    named = Path(environment.get("XDG_STATE_HOME", ""))
    home = Path(environment.get("HOME", "") or Path.home())
    return (named if named.is_absolute() else home / ".local" / "state") / "agent-ready"


def _check(url: str) -> None:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as invalid:
        raise Misused("API_URL is no address.", SOURCE) from invalid
    if parsed.userinfo:
        raise Misused(f"API_URL holds a user or a password; it is an address only. {TOKEN} says who you are.", SOURCE)
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise Misused(f"API_URL is {url!r}; it is http(s)://host:port, perhaps with a path.", SOURCE)


def is_loopback(host: str) -> bool:
    """Whether it is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
