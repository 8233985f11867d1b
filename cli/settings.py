"""Where the API is and who calls it: `API_URL` and `OPERATOR_TOKEN`, from the environment and from nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx2

from cli.errors import Misused

SOURCE = "`. .local/env` in this shell sets it, after `make up`."
TOKEN = "OPERATOR_TOKEN"  # noqa: S105 (the variable's name)


@dataclass(frozen=True)
class Settings:
    """A checked address, and the operator's token or `""`. The token is in no `repr`."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raise Misused if a variable is missing or unusable; its text never holds the token or a password."""
        url, token = environment.get("API_URL", "").rstrip("/"), environment.get(TOKEN, "")
        if not url:
            raise Misused("API_URL is not set; it is where the API answers.", SOURCE)
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise Misused(f"{TOKEN} holds a blank or a character that no token has.", SOURCE)
        _check(url, with_token=bool(token))
        return cls(url, token)

    @property
    def is_local(self) -> bool:
        """Whether the API is on this machine; then no proxy of the environment is asked."""
        return _is_loopback(httpx2.URL(self.url).host)


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What must never be printed, whatever an answer holds."""
    return tuple(filter(None, [environment.get(TOKEN, "").strip()]))


def _check(url: str, *, with_token: bool) -> None:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as invalid:
        raise Misused("API_URL is no address.", SOURCE) from invalid
    if parsed.userinfo:
        raise Misused(f"API_URL holds a user or a password; it is an address only. {TOKEN} says who you are.", SOURCE)
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise Misused(f"API_URL is {url!r}; it is http(s)://host:port, perhaps with a path.", SOURCE)
    if with_token and parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise Misused(
            f"API_URL is {url!r}: {TOKEN} would travel unencrypted.",
            "Use https, or a port-forward to 127.0.0.1.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
