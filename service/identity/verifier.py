"""Judging a token by what this process knows: nothing that a token names is ever fetched (RFC 8725)."""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable
from typing import Any

from joserfc.jws import JWSRegistry

from service.identity.claims import API, LIFETIME, Claims, counts
from service.identity.errors import TokenRefused, ViewStale
from service.identity.view import View

LARGEST = 8192  # bytes
LEEWAY = 5  # seconds that clocks may differ
_HEADER = {"alg", "kid", "typ"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RS256 = JWSRegistry(algorithms=["RS256"]).get_alg("RS256")  # alone: what it verifies has been read here, once
_TEXT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class Verifier:
    """Judges tokens of `issuer` by the view alone. `clock` gives seconds since 1970."""

    def __init__(self, issuer: str, view: View, *, clock: Callable[[], float] = time.time) -> None:
        self._issuer, self._view, self._clock = issuer, view, clock

    def verify(self, token: str, audience: str) -> Claims:
        """The token's claims; raise TokenRefused, or ViewStale if what was revoked is not known."""
        if not self._view.fresh:
            raise ViewStale("what was revoked could not be read for 5 seconds")
        if len(token) > LARGEST:
            raise TokenRefused(f"it is longer than {LARGEST} bytes")
        if not _TEXT.fullmatch(token):
            raise TokenRefused("it is not three parts in Base64url, joined by dots")
        self._check_signature(token, audience)
        claims = _claims(_object(token.split(".")[1], "its payload"))
        self._check(claims, audience)
        return claims.said

    def _check_signature(self, token: str, audience: str) -> None:
        head, _, signature = token.split(".")
        header = _object(head, "its header")
        if header.keys() != _HEADER:
            raise TokenRefused("its header holds other members than alg, kid and typ")
        key = self._view.keys.get(header["kid"]) if isinstance(header["kid"], str) else None
        if key is None:
            raise TokenRefused("no published key has its kid")
        if header["alg"] != "RS256" or key.row.algorithm != "RS256":
            raise TokenRefused("its algorithm is not the key's")
        if header["typ"] != typ_of(audience):
            raise TokenRefused(f"its typ is not {typ_of(audience)!r}")
        signed = token[: -len(signature) - 1].encode("ascii")
        if not _RS256.verify(signed, _decoded(signature, "its signature"), key.key):
            raise TokenRefused("its signature is not that of its key")

    def _check(self, claims: "_Judged", audience: str) -> None:
        said, now = claims.said, self._clock()
        if claims.issuer != self._issuer:
            raise TokenRefused("another issuer made it")
        if said.audience != audience:
            raise TokenRefused(f"it is not for {audience}")
        if said.expires_at <= now - LEEWAY:
            raise TokenRefused("it has expired")
        if max(said.issued_at, claims.not_before) > now + LEEWAY:
            raise TokenRefused("it is not valid yet")
        if not 0 < said.expires_at - said.issued_at <= LIFETIME:
            raise TokenRefused(f"it lives longer than {LIFETIME} seconds")
        if self._view.is_revoked(said.jti):
            raise TokenRefused("it was revoked")


def typ_of(audience: str) -> str:
    """What `typ` a token for the audience has: one of another kind never passes for an access token."""
    return "at+jwt" if audience == API else "JWT"


def unverified(token: str) -> dict[str, Any]:
    """What a token says of itself, which is worth nothing yet; nothing if it cannot be read."""
    try:
        encoded = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, LookupError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class _Judged:
    """Claims whose types are right."""

    def __init__(self, said: Claims, issuer: str, not_before: int) -> None:
        self.said, self.issuer, self.not_before = said, issuer, not_before


def _claims(payload: dict[str, Any]) -> _Judged:
    def text(name: str, form: re.Pattern[str] | None = None) -> str:
        value = payload.get(name)
        if not isinstance(value, str) or (form and not form.fullmatch(value)):
            raise TokenRefused(f"its {name} is not as this issuer writes it")
        return value

    def whole(name: str) -> int:
        value = payload.get(name)
        if type(value) is not int or not 0 <= value < 1 << 40:  # True is an int too, and 1e400 no number to compare
            raise TokenRefused(f"its {name} is no whole number of seconds")
        return value

    org_id, org, role = _standing(payload)
    said = Claims(
        text("sub", _UUID), text("email"), text("aud"), text("jti", _UUID), text("sid", _UUID), org_id, org, role,
        whole("iat"), whole("exp"),
    )  # fmt: skip
    return _Judged(said, text("iss"), whole("nbf"))


def _standing(payload: dict[str, Any]) -> tuple[int | None, str | None, str | None]:
    org_id, org, role = (payload.get(name) for name in ("org_id", "org", "user_role"))
    is_nobody = org_id is None and org is None and role is None
    is_member = type(org_id) is int and isinstance(org, str) and isinstance(role, str) and counts(role, org_id)
    is_staff = org_id is None and org is None and isinstance(role, str) and counts(role, None)
    if not (is_nobody or is_member or is_staff):
        raise TokenRefused("there is no such role")
    return org_id, org, role


def _object(part: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(part, what), object_pairs_hook=_members, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise TokenRefused(f"{what} is not JSON whose members are named once") from error
    if not isinstance(found, dict):
        raise TokenRefused(f"{what} is no JSON object")
    return found


def _decoded(part: str, what: str) -> bytes:
    """Base64url in its one spelling: no padding, and no bits left over that could be anything."""
    try:
        plain = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise TokenRefused(f"{what} is not in Base64url") from error
    if base64.urlsafe_b64encode(plain).rstrip(b"=").decode() != part:
        raise TokenRefused(f"{what} is not in Base64url as one writes it")
    return plain


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is named twice")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")
