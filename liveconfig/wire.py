"""The wire format: channel `config:<org_id>:<service>:<key>`, payload `version=<n>`. Never a value, never a secret."""

import re
from dataclasses import dataclass

_SERVICE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")  # flags' keys are often spelled like-this or likeThis
_ORGANIZATION = re.compile(r"0|[1-9][0-9]{0,18}")
_PAYLOAD = re.compile(r"version=([1-9][0-9]{0,18})")


class WireError(ValueError):
    """A hint cannot be written or read; the text names the value and the rule."""


@dataclass(frozen=True)
class Hint:
    """That a setting of an organization (0: the platform's defaults) reached a version (1, 2, 3 …)."""

    org_id: int
    service: str
    key: str
    version: int

    def __post_init__(self) -> None:
        if not _SERVICE.fullmatch(self.service):
            raise WireError(f"{self.service!r} is no service; use a-z, 0-9 and _, at most 63 characters")
        if not _KEY.fullmatch(self.key):
            raise WireError(f"{self.key!r} is no key; use letters, digits, _, . and -, at most 63 characters")
        if self.org_id < 0 or self.version < 1:
            raise WireError(f"org {self.org_id} version {self.version}: both count up, the version from 1")

    @property
    def channel(self) -> str:
        """Where subscribers of this setting listen."""
        return f"config:{self.org_id}:{self.service}:{self.key}"

    @property
    def payload(self) -> str:
        """What they hear."""
        return f"version={self.version}"


def parse(channel: str, payload: str) -> Hint:
    """Read a hint off the wire; raise WireError if it is none."""
    kind, _, rest = channel.partition(":")
    parts, match = rest.split(":"), _PAYLOAD.fullmatch(payload)
    if kind != "config" or len(parts) != 3 or not _ORGANIZATION.fullmatch(parts[0]) or not match:
        raise WireError(f"{channel!r} {payload!r} is no hint; expected config:<org>:<service>:<key> version=<n>")
    return Hint(int(parts[0]), parts[1], parts[2], int(match[1]))
