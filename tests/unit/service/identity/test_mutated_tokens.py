"""A hundred thousand mutated tokens, judged by ours, by PyJWT and by jwcrypto under the same rules.

None that ours takes is refused by either of the two, and each takes all that were not mutated. Ours judges all;
the two judge what ours takes, and one in ten of the rest, to show that they look at the same rules. With SAMPLED = 1
each judges every token, in 40 s instead of 10.
"""

import base64
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
from jwcrypto import jws as other_jws
from jwcrypto import jwt as other_jwt
from jwcrypto.jwk import JWK
from jwt.algorithms import RSAAlgorithm

from service.identity.claims import API
from service.identity.errors import TokenRefused
from service.identity.verifier import Verifier
from tests.unit.service.identity.fakes import ISSUER, KID, FixedView, claims, key, public, signed

MANY, SAMPLED = 100_000, 10
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
Parts = list[str]
Mutation = Callable[[random.Random, Parts, list[Parts]], None]

_PYJWT_KEY = RSAAlgorithm.from_jwk(json.dumps(public()))
_JWCRYPTO_KEY = JWK(**public(), kid=KID)
OURS = Verifier(ISSUER, FixedView())  # by the clock, as the two libraries


def ours(token: str) -> bool:
    try:
        OURS.verify(token, API)
    except TokenRefused:
        return False
    return True


def pyjwt(token: str) -> bool:
    try:
        jwt.decode(
            token, _PYJWT_KEY, algorithms=["RS256"], audience=API, issuer=ISSUER, leeway=5,
            options={"require": ["exp", "nbf", "iat", "iss", "aud"], "strict_aud": True},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False
    return True


def jwcrypto(token: str) -> bool:
    judge = other_jwt.JWT(
        algs=["RS256"], check_claims={"iss": ISSUER, "aud": API, "exp": None, "nbf": None, "iat": None}
    )  # fmt: skip
    judge.leeway = 5
    try:
        judge.deserialize(token, _JWCRYPTO_KEY)
    except (other_jwt.JWTMissingKey, other_jwt.JWException, ValueError, TypeError, RecursionError):
        return False
    return True


def originals() -> list[str]:
    """Tokens as they are issued, signed by the published key, some minutes or some seconds ago."""
    changes: list[dict[str, Any]] = [
        {}, {"user_role": "viewer"}, {"org_id": None, "org": None, "user_role": None},
        {"org_id": None, "org": None, "user_role": "operator"}, {"email": "grace@acme.example"},
    ]  # fmt: skip
    now = int(time.time())
    return [
        signed(claims(iat=now - age, nbf=now - age, exp=now - age + 3600, **change))
        for change in changes for age in (0, 5, 1800)
    ]  # fmt: skip


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(raw: bytes | str) -> str:
    return base64.urlsafe_b64encode(raw if isinstance(raw, bytes) else raw.encode()).rstrip(b"=").decode()


def flip_a_bit(chance: random.Random, parts: Parts, _: list[Parts]) -> None:
    which = chance.randrange(3)
    raw = bytearray(decoded(parts[which]))
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    parts[which] = encoded(bytes(raw))


def change_a_character(chance: random.Random, parts: Parts, _: list[Parts]) -> None:
    which = chance.randrange(3)
    at = chance.choice((0, len(parts[which]) - 1, chance.randrange(len(parts[which]))))
    parts[which] = parts[which][:at] + chance.choice(BASE64 + "+/=. \né") + parts[which][at + 1 :]


def cut_or_add(chance: random.Random, parts: Parts, _: list[Parts]) -> None:
    which = chance.randrange(len(parts))
    text = parts[which]
    parts[which] = chance.choice(
        (text[: chance.randrange(len(text))], text + chance.choice(BASE64), text + "=", "", text + text, text[::-1])
    )


def swap_parts(chance: random.Random, parts: Parts, others: list[Parts]) -> None:
    """A part of another token that is good."""
    parts[chance.randrange(3)] = chance.choice(others)[chance.randrange(3)]


def reorder(chance: random.Random, parts: Parts, _: list[Parts]) -> None:
    chance.shuffle(parts)
    if chance.random() < 0.5:
        parts.insert(chance.randrange(4), chance.choice(("", *parts)))


HEADERS: list[dict[str, Any]] = [
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"alg": "PS256"}, {"alg": None}, {"typ": "JWT"}, {"kid": "x"},
    {"kid": None}, {"jwk": public("attacker")}, {"jku": "https://attacker.example"}, {"x5c": ["MIIB"]},
    {"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"x5u": "https://attacker.example"}, {"zip": "DEF"},
]  # fmt: skip


def change_the_header(chance: random.Random, parts: Parts, _: list[Parts]) -> None:
    header = json.loads(decoded(parts[0])) | chance.choice(HEADERS)
    parts[0] = encoded(json.dumps(header))


CLAIMS: list[dict[str, Any]] = [
    {"user_role": "owner"}, {"org_id": 8}, {"exp": 2**33}, {"exp": 1e300}, {"iat": -1}, {"nbf": "0"},
    {"aud": [API]},
    {"sub": "00000000-0000-0000-0000-000000000009"}, {"iss": "https://attacker.example"}, {"email": "eve@x.example"},
    {"jti": None}, {"exp": None}, {"permissions": ["platform:identity"]},
]  # fmt: skip


def change_a_claim(chance: random.Random, parts: Parts, _: list[Parts]) -> None:
    payload = json.loads(decoded(parts[1])) | chance.choice(CLAIMS)
    parts[1] = encoded(json.dumps(payload))


def repeat_a_member(chance: random.Random, parts: Parts, _: list[Parts]) -> None:
    which = chance.randrange(2)
    text = decoded(parts[which]).decode()
    parts[which] = encoded(
        text[:-1] + chance.choice((', "alg": "none"}', ', "user_role": "owner"}', "} ", ',"kid":1}'))
    )


MUTATIONS: list[Mutation] = [
    flip_a_bit, change_a_character, cut_or_add, swap_parts, reorder, change_the_header, change_a_claim, repeat_a_member,
]  # fmt: skip


def mutated(good: list[str], count: int) -> Iterator[str]:
    """Tokens that one to three mutations have changed."""
    chance, split = random.Random(17), [token.split(".") for token in good]
    known = set(good)
    while count:
        parts = list(chance.choice(split))
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            if len(parts) == 3 and all(parts):
                try:
                    chance.choice(MUTATIONS)(chance, parts, split)
                except ValueError:  # what an earlier mutation has left cannot be read
                    continue
        token = ".".join(parts)
        if token not in known:
            count -= 1
            yield token


def attackers() -> Iterator[str]:
    """Rightly signed, by a key that nobody has published."""
    for change in CLAIMS:
        yield signed(claims(**change), by="attacker")
        yield signed(claims(**change), by="attacker", jwk=public("attacker"))


def test_ours_takes_no_mutated_token_that_another_library_refuses() -> None:
    good = originals()
    assert len(set(good)) == 15
    for token in good:
        assert ours(token) and pyjwt(token) and jwcrypto(token), "what was not mutated counts for all three"
    taken_by_them, sampled = 0, 0
    for number, token in enumerate([*attackers(), *mutated(good, MANY)]):
        if ours(token):
            assert pyjwt(token) and jwcrypto(token), f"ours takes what another refuses: {token}"
        elif number % SAMPLED == 0:
            sampled += 1
            taken_by_them += pyjwt(token) or jwcrypto(token)
    assert sampled > MANY / SAMPLED / 2
    assert taken_by_them < sampled / 20, "they refuse by the same rules, but for what ours is stricter with"


def test_the_judges_do_judge() -> None:
    """A rightly signed token that breaks one rule is refused by each of them: their options say what they should."""
    now = int(time.time())
    for change in ({"iss": "https://attacker.example"}, {"aud": "console"}, {"exp": now - 60}, {"nbf": now + 60}):
        token = signed(claims(iat=now - 100, **({"nbf": now - 100, "exp": now + 100} | change)))
        assert not (ours(token) or pyjwt(token) or jwcrypto(token)), f"{change} broke a rule"
    forged = other_jws.JWS(json.dumps(claims()))
    forged.add_signature(
        JWK(**json.loads(json.dumps(key("attacker").as_dict(private=True)))), "RS256", '{"alg":"RS256"}'
    )
    assert not (pyjwt(forged.serialize(True)) or jwcrypto(forged.serialize(True)))
