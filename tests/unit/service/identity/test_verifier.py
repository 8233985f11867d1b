"""What RFC 8725 warns of, one by one: no such token counts, and none is the reason for a fetch."""

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from service.identity.claims import API, KUBERNETES
from service.identity.errors import TokenRefused, ViewStale
from tests.unit.service.identity.fakes import ISSUER, KID, NOW, FixedView, claims, key, public, signed, verifier

ATTACKER = "attacker"


def refused(token: str, audience: str = API, at: float = NOW) -> str:
    """Why the token is refused."""
    with pytest.raises(TokenRefused) as caught:
        verifier(at=at).verify(token, audience)
    return caught.value.reason


def encoded(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def by_hand(header: Any, payload: Any = None, signature: str = "") -> str:
    return ".".join((encoded(header), encoded(payload if payload is not None else claims()), signature))


def resigned(header: str, payload: str) -> str:
    """Any two texts, signed by the good key: how their members are spelled is up to the test."""
    told = f"{encoded(header)}.{encoded(payload)}"
    raw = key().private_key.sign(told.encode(), PKCS1v15(), SHA256())
    return f"{told}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


HEADER = json.dumps({"alg": "RS256", "kid": KID, "typ": "at+jwt"})


def test_a_good_token_counts_and_says_who_may_do_what() -> None:
    said = verifier().verify(signed(claims()), API)
    assert (said.email, said.org_id, said.org, said.role) == ("ada@acme.example", 7, "acme", "admin")
    assert "members:change" in said.permissions and "members:govern" not in said.permissions, "the table decides"
    assert verifier().verify(resigned(HEADER, json.dumps(claims())), API) == said
    staff = verifier().verify(signed(claims(org_id=None, org=None, user_role="auditor")), API)
    assert "platform:read" in staff.permissions
    nobody = verifier().verify(signed(claims(org_id=None, org=None, user_role=None)), API)
    assert not nobody.permissions


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
def test_none_is_no_algorithm(alg: str) -> None:
    token = by_hand({"alg": alg, "kid": KID, "typ": "at+jwt"})
    for unsigned in (token, token + "AA", token.rstrip(".")):
        refused(unsigned)


@pytest.mark.parametrize("secret", ["pem", "der", "n", "jwk"])
def test_the_public_key_is_no_hmac_secret(secret: str) -> None:
    spellings = {
        "pem": key().as_pem(private=False), "der": key().as_der(private=False), "n": public()["n"].encode(),
        "jwk": json.dumps(public()).encode(),
    }  # fmt: skip
    told = by_hand({"alg": "HS256", "kid": KID, "typ": "at+jwt"}).rstrip(".")
    mac = base64.urlsafe_b64encode(hmac.digest(spellings[secret], told.encode(), "sha256")).rstrip(b"=").decode()
    assert "algorithm" in refused(f"{told}.{mac}")


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256", 256, None, ["RS256"]])
def test_another_algorithm_is_refused_whatever_signs(alg: Any) -> None:
    token = by_hand({"alg": alg, "kid": KID, "typ": "at+jwt"}, signature=signed(claims()).rsplit(".", 1)[1])
    assert "algorithm" in refused(token)


INJECTED: dict[str, Any] = {
    "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "jku": "https://attacker.example/keys",
    "x5u": "https://attacker.example/certificate", "x5c": ["MIIB"], "x5t": "x", "crit": ["exp"], "b64": False,
    "zip": "DEF", "cty": "JWT", "exp": NOW, "unknown": 1,
}  # fmt: skip


@pytest.mark.parametrize("member", INJECTED)
def test_a_header_that_brings_more_is_refused_also_when_rightly_signed(member: str) -> None:
    header = {"alg": "RS256", "kid": KID, "typ": "at+jwt", member: INJECTED[member]}
    assert "other members" in refused(resigned(json.dumps(header), json.dumps(claims())))


def test_a_key_that_the_token_brings_counts_for_nothing() -> None:
    header = {"alg": "RS256", "kid": ATTACKER, "typ": "at+jwt", "jwk": public(ATTACKER)}
    refused(signed(claims(), by=ATTACKER, jwk=public(ATTACKER)))
    refused(by_hand(header, signature=signed(claims(), by=ATTACKER).rsplit(".", 1)[1]))
    assert "signature" in refused(signed(claims(), by=ATTACKER)), "under the good key's name neither"


@pytest.mark.parametrize(
    "kid", ["key-2", "", "../key-1", "key-1\u0000", "https://attacker.example", 1, None, ["key-1"]]
)
def test_an_unknown_kid_is_refused_and_nothing_is_fetched(kid: Any) -> None:
    """The fake database would count a statement; there is nothing else that could be asked."""
    view = FixedView()
    token = by_hand({"alg": "RS256", "kid": kid, "typ": "at+jwt"}, signature="AAAA")
    with pytest.raises(TokenRefused, match="no published key"):
        verifier(view).verify(token, API)


def test_what_is_not_three_parts_in_base64url_is_refused() -> None:
    good = signed(claims())
    head, payload, signature = good.split(".")
    for odd in (
        "", ".", "..", "...", head, f"{head}.{payload}", f"{head}.{payload}.", f".{payload}.{signature}",
        f"{good}.{signature}", f"{good}.", f" {good}", f"{good} ", f"{good}\n", f"{good}=", good.replace(".", ",", 1),
        f"{head}=.{payload}.{signature}", f"{head}.{payload}.{signature[:-1]}", f"{head}.{payload}.{signature}A",
        good.replace("-", "+").replace("_", "/") if "-" in good or "_" in good else "+", f"{head}.{payload}.é",
        f"Bearer {good}", json.dumps({"payload": payload, "protected": head, "signature": signature}),
    ):  # fmt: skip
        refused(odd)


def test_a_signature_has_one_spelling() -> None:
    """The last character of 256 bytes in Base64 holds four bits that say nothing."""
    good = signed(claims())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [good[:-1] + character for character in alphabet if character != good[-1]]
    for other in others:
        refused(other)


def test_members_are_named_once() -> None:
    payload = json.dumps(claims())
    twice = payload[:-1] + ', "user_role": "owner"}'
    assert "named once" in refused(resigned(HEADER, twice))
    assert "named once" in refused(resigned(HEADER[:-1] + ', "alg": "none"}', payload))
    assert "named once" in refused(resigned('{"alg": "none", ' + HEADER[1:], payload))


@pytest.mark.parametrize("text", ["", "[]", '"x"', "1", "null", "{", "[" * 2000, '{"a":' * 900, "NaN", '{"exp": NaN}'])
def test_what_is_no_json_object_is_refused_wherever_it_stands(text: str) -> None:
    refused(resigned(text, json.dumps(claims())))
    refused(resigned(HEADER, text))


def test_a_long_token_is_refused_before_anything_is_read() -> None:
    assert "longer" in refused("A" * 8193)
    assert "longer" in refused(signed(claims(permissions=["x" * 100] * 100)))


@pytest.mark.parametrize("aud", [KUBERNETES, "console", "", [API], [API, KUBERNETES], {"x": API}, 1, True, None])
def test_another_audience_is_refused_and_so_is_a_list(aud: Any) -> None:
    refused(signed(claims(aud=aud)))


def test_a_token_of_one_kind_never_passes_for_another() -> None:
    identity = signed(claims(aud="console"), typ="JWT")
    assert verifier().verify(identity, "console").audience == "console"
    assert "typ" in refused(signed(claims(aud="console")), "console"), "an access token is no ID token"
    assert "typ" in refused(signed(claims(), typ="JWT")), "nor the other way round"
    for typ in ("AT+JWT", "application/at+jwt", "", 1, None):
        refused(signed(claims(), typ=typ) if typ != 1 else by_hand({"alg": "RS256", "kid": KID, "typ": 1}))
    cluster = signed(claims(aud=KUBERNETES, exp=NOW + 600), typ="JWT")
    assert verifier().verify(cluster, KUBERNETES)
    refused(cluster)
    refused(cluster, "console")


@pytest.mark.parametrize(
    "iss", ["https://issuer.test/", "https://ISSUER.test", "http://issuer.test", "", 1, [ISSUER], None]
)
def test_another_issuer_is_refused(iss: Any) -> None:
    refused(signed(claims(iss=iss)))


def odd_times() -> Iterator[str]:
    """Times as no clock writes them, as JSON."""
    yield from ("-1", "1.8e9", f"{NOW + 3600}.0", f'"{NOW + 3600}"', "true", "null", "[]", "{}", "1e400", "-1e400")
    yield from (str(1 << 40), str(1 << 63), "9" * 400, "9" * 5000, f"{NOW + 3600}e0", '"now"', '""')


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("text", list(odd_times()), ids=lambda text: text[:12])
def test_times_are_whole_seconds_of_this_age(name: str, text: str) -> None:
    payload = json.dumps(claims(**{name: 424242424242})).replace("424242424242", text)
    refused(resigned(HEADER, payload))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "sub", "email", "jti", "sid", "iss", "aud"])
def test_a_claim_that_is_missing_is_not_assumed(name: str) -> None:
    refused(signed(claims(**{name: None})))


def test_clocks_may_differ_by_five_seconds_and_no_more() -> None:
    token = signed(claims())
    for at in (NOW - 5, NOW, NOW + 3604):
        assert verifier(at=at).verify(token, API)
    assert "not valid yet" in refused(token, at=NOW - 6)
    assert "expired" in refused(token, at=NOW + 3605)
    assert "not valid yet" in refused(signed(claims(iat=NOW + 6, exp=NOW + 3000))), "made in the future"
    assert "not valid yet" in refused(signed(claims(nbf=NOW + 6)))
    assert "longer" in refused(signed(claims(exp=NOW + 3601))), "no such token is ever issued"
    assert "longer" in refused(signed(claims(iat=NOW + 4, exp=NOW + 3)), at=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"user_role": "god"}, {"user_role": ["admin"]}, {"user_role": None}, {"org_id": None}, {"org": None},
        {"org_id": "7"}, {"org_id": True}, {"org_id": 7.0}, {"org": 7}, {"user_role": "operator"},
        {"org_id": None, "org": None}, {"org_id": None, "org": None, "user_role": "owner"}, {"sub": "ada"},
        {"jti": "x"}, {"sid": ""}, {"email": 1},
    ],
)  # fmt: skip
def test_a_standing_is_whole_or_not_there(changes: dict[str, Any]) -> None:
    refused(signed(claims(**changes)))


def test_a_revoked_token_is_refused_and_a_stale_view_refuses_all() -> None:
    view, token = FixedView(), signed(claims())
    view.is_fresh = False
    with pytest.raises(ViewStale):
        verifier(view).verify(token, API)
    view.is_fresh = True
    assert verifier(view).verify(token, API)
    view.revoke(claims()["jti"])
    with pytest.raises(TokenRefused, match="revoked"):
        verifier(view).verify(token, API)


def test_a_reason_holds_nothing_of_the_token() -> None:
    for token in ("secret-part.x.y", signed(claims(iss="secret-part")), signed(claims(email=5, sub="secret-part"))):
        assert "secret" not in refused(token)
