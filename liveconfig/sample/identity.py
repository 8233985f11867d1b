"""Who a request is of, by what the issuer says of its token right now (RFC 7662), and by no header that names somebody.

A log-out counts within two seconds: for as long an answer is kept. What cannot be asked is refused.
"""

import base64
import hashlib
import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

from liveconfig import NotConfigured

KEPT = 2.0  # seconds
_MOST = 1000  # answers that are kept
_PATIENCE = 5.0  # seconds
_VARIABLES = ("INTROSPECTION_URL", "CLIENT_ID", "CLIENT_SECRET_FILE")


class Unavailable(Exception):
    """The issuer does not say whether a token counts; nobody is let in."""


@dataclass(frozen=True)
class Person:
    """Whose token it is. `organization` and `role` are what it speaks for."""

    email: str
    organization: str | None
    role: str | None


class Ask(Protocol):
    """What asks the issuer."""

    def __call__(self, token: str) -> Mapping[str, Any]:
        """The answer of introspection; raise Unavailable."""


@dataclass(frozen=True)
class Issuer:
    """Asks the introspection endpoint as a client with a secret. `ca_file` is the authority of its certificate."""

    url: str
    client_id: str
    secret: str = field(repr=False)
    ca_file: str | None = None

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Issuer | None":
        """From the variables, None without any; raise NotConfigured with what is missing or wrong."""
        given = [environment.get(name, "") for name in _VARIABLES]
        if not any(given):
            return None
        url, client_id, secret_file = given
        if not all(given):
            raise NotConfigured(f"{', '.join(_VARIABLES)} go together; set all of them or none")
        if urlsplit(url).scheme != "https":
            raise NotConfigured(f"INTROSPECTION_URL is {url!r}; tokens and the secret go there, so it has to be https")
        try:
            secret = Path(secret_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise NotConfigured(f"CLIENT_SECRET_FILE is {secret_file!r}, which cannot be read") from error
        return cls(url, client_id, secret, environment.get("INTROSPECTION_CA_FILE"))

    def __call__(self, token: str) -> Mapping[str, Any]:
        """The answer of introspection; raise Unavailable."""
        shown = base64.b64encode(f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 (https was checked)
            self.url, urlencode({"token": token}).encode(), {"Authorization": f"Basic {shown}"}
        )
        trust = ssl.create_default_context(cafile=self.ca_file)
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust), _NoRedirect())
        try:
            with opener.open(request, timeout=_PATIENCE) as answer:
                told = json.load(answer)
        except (OSError, ValueError) as error:  # an HTTPError is an OSError too
            raise Unavailable(f"{self.url} does not say whether a token counts: {error}") from error
        return told if isinstance(told, dict) else {}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow none: the token and the secret are for this address."""


class Introspection:
    """Whose a token is, asked at most every two seconds. Safe in several threads; `now` counts seconds."""

    def __init__(self, ask: Ask, *, now: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._now = ask, now
        self._kept: dict[bytes, tuple[float, Person | None]] = {}
        self._lock = threading.Lock()

    def person(self, token: str) -> Person | None:
        """Whose it is, None if it does not count; raise Unavailable if that cannot be told."""
        key, began = hashlib.sha256(token.encode()).digest(), self._now()
        with self._lock:
            found = self._kept.get(key)
        if found is not None and began < found[0]:
            return found[1]
        person = _person(self._ask(token))
        with self._lock:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = (began + KEPT, person)
        return person


def _person(told: Mapping[str, Any]) -> Person | None:
    if told.get("active") is not True or not isinstance(told.get("email"), str):
        return None
    return Person(told["email"], told.get("org"), told.get("user_role"))
