"""What the service is told from outside, read once from the environment."""

import os
import re
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from service.errors import NotConfigured
from service.issuer_settings import IssuerSettings


@dataclass(frozen=True)
class Settings:
    """Times are seconds, sizes bytes. `replica` names this process in leases and logs.

    `proxies` are the addresses whose `X-Forwarded-For` is believed: nobody's, unless somebody is named, because
    throttles go by it. `operators` are the tokens of further operators by name: who approves a change is told from who
    asked for it.
    """

    operator_token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    proxies: str = ""
    replica: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}")
    wait_limit: float = 10.0
    lease: float = 15.0
    retry_pause: float = 10.0
    attempts: int = 3
    namespace_timeout: float = 60.0
    drain: float = 30.0
    sign_ups_per_minute: float = 30.0
    sign_up_burst: int = 10
    largest_body: int = 16 * 1024
    largest_settings: int = 1024 * 1024
    jobs_at_once: int = 4
    drift_every: float = 3600.0
    operators: Mapping[str, str] = field(default_factory=dict, repr=False)
    issuer: IssuerSettings = field(default_factory=IssuerSettings)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """From `.local/env` or its like; raise NotConfigured with the variable that is missing or wrong."""
        token = environment.get("OPERATOR_TOKEN", "")
        if len(token) < 16:
            raise NotConfigured("OPERATOR_TOKEN is missing or shorter than 16 characters; `. .local/env` sets it")
        address = urlsplit(environment.get("API_URL", "http://127.0.0.1:8080"))
        return cls(
            operator_token=token,
            host=environment.get("API_HOST") or address.hostname or "127.0.0.1",
            proxies=environment.get("FORWARDED_ALLOW_IPS", ""),
            port=address.port or 8080,
            operators=_operators(environment.get("OPERATOR_TOKENS", "")),
            issuer=IssuerSettings.of(environment),
        ).with_numbers(environment)

    def largest_at(self, path: str) -> int:
        """Bytes of a body that are read at that path: settings may be many, and flags large."""
        return self.largest_settings if _MANY.search(path) else self.largest_body

    def with_numbers(self, environment: Mapping[str, str]) -> "Settings":
        """The same with the numbers that the environment gives."""
        given = {key: _number(environment, name) for key, name in _NUMBERS.items() if environment.get(name)}
        return replace(self, **given)  # type: ignore[arg-type]  # each of them is a float


_MANY = re.compile(r"/(configs/.*|change-sets|flags/import|(notes|documents)(/[^/]+)?)$")
_OPERATOR = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")
_NUMBERS = {
    "wait_limit": "SIGN_UP_WAIT_LIMIT",
    "lease": "OPERATION_LEASE",
    "sign_ups_per_minute": "SIGN_UPS_PER_MINUTE",
    "drain": "DRAIN_SECONDS",
    "drift_every": "DRIFT_EVERY",
}


def _operators(text: str) -> dict[str, str]:
    """Tokens by name, from `ada=… grace=…`."""
    pairs = [pair.partition("=") for pair in text.split()]
    if any(not _OPERATOR.fullmatch(name) or len(token) < 16 for name, _, token in pairs):
        raise NotConfigured(
            "OPERATOR_TOKENS is not of the form `ada=<token> grace=<token>`, with names in a-z, 0-9, . _ @ - "
            "and tokens of at least 16 characters"
        )
    return {name: token for name, _, token in pairs}


def _number(environment: Mapping[str, str], name: str) -> float:
    try:
        number = float(environment[name])
    except ValueError as error:
        raise NotConfigured(f"{name} is {environment[name]!r}; write a number") from error
    if not 0 < number < 1e6:
        raise NotConfigured(f"{name} is {number}; write a number above 0 and below a million")
    return number
