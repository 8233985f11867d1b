"""Identity at rest, and signed tokens without a database."""

import json
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

from database.pool import Database
from database.signing_keys import KeyRow
from service.identity import Identity, making
from service.identity.claims import API
from service.identity.keys import PublishedKey
from service.identity.settings import IdentitySettings
from service.identity.verifier import Verifier
from service.identity.view import View
from service.metrics import Metrics
from tests.unit.database.fakes import FakeDatabase
from tests.unit.service.test_sweeper import FakePublisher

ISSUER = "https://issuer.test"
SEAL_KEY = "c2VhbCBrZXkgb2YgdGhlc2UgdGVzdHMsIDMyIGJ5dGU="
NOW = 1_800_000_000
KID = "key-1"


def settings(mail: Path | None = None) -> IdentitySettings:
    return IdentitySettings(ISSUER, (SEAL_KEY,), api_url="http://api.test", mail_folder=mail)


def resting(database: Database) -> Identity:
    """The parts, of which nothing runs and whose view was never read."""
    return making.made(settings(), database, FakePublisher(), Metrics())


def key(name: str = KID) -> RSAKey:
    """A private key, the same each time."""
    return _made(name)


@cache
def _made(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name})


def public(name: str = KID) -> dict[str, Any]:
    """What is published of it."""
    return {member: value for member, value in key(name).as_dict(private=False).items() if member in ("kty", "n", "e")}


class FixedView(View):
    """A view of one key that is as fresh as it is told."""

    def __init__(self) -> None:
        super().__init__(FakeDatabase())
        row = KeyRow(KID, "RS256", public(), True, 0.0, None, None)
        self._keys = {KID: PublishedKey.of(row)}
        self.is_fresh = True

    @property
    def fresh(self) -> bool:
        return self.is_fresh

    def publish(self, *keys: PublishedKey) -> None:
        """These and no others."""
        self._keys = {key.kid: key for key in keys}

    def revoke(self, jti: str) -> None:
        self._revoked.add(jti)


def verifier(view: View | None = None, at: float = NOW) -> Verifier:
    """One that takes KID's tokens, at that time."""
    return Verifier(ISSUER, view or FixedView(), clock=lambda: at)


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good access token, with changes; None takes a claim away."""
    good = {
        "iss": ISSUER, "sub": str(uuid.UUID(int=1)), "email": "ada@acme.example", "email_verified": True, "aud": API,
        "exp": NOW + 3600, "nbf": NOW, "iat": NOW, "jti": str(uuid.UUID(int=2)), "sid": str(uuid.UUID(int=3)),
        "org_id": 7, "org": "acme", "user_role": "admin", "permissions": ["data:read"],
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: Mapping[str, Any] | str | bytes, by: str = KID, **header: Any) -> str:
    """A token that KID, or another key, has signed, with changes of its header; None takes a member away."""
    protected = {"alg": "RS256", "kid": KID, "typ": "at+jwt", **header}
    text = payload if isinstance(payload, str | bytes) else json.dumps(payload)
    registry = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    kept = {name: value for name, value in protected.items() if value is not None}
    return jws.serialize_compact(kept, text, key(by), registry=registry)
