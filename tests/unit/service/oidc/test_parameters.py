"""Parameters of OAuth requests are read one way: what could be read in two is refused."""

import asyncio

import pytest
from starlette.requests import Request

from service.oidc import pkce
from service.oidc.parameters import Malformed, of_form, of_query


def query(text: bytes) -> Request:
    return Request({"type": "http", "query_string": text, "headers": []})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"state=a&state=b", "more than once"),
        (b"state=a&state=", "more than once"),
        (b"state=%00", "control character"),
        (b"st%0aate=1", "control character"),
        (b"state=%ff", "UTF-8"),
        (b"state=" + b"x" * 8193, "more than 8192"),
        (b"&".join(b"p%d=1" % number for number in range(41)), "more than 40"),
        (b"state=\xc3\xa9", "form-encoded"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        of_query(query(text))


def test_an_empty_parameter_counts_as_left_out() -> None:
    assert of_query(query(b"scope=openid+email&nonce=")) == {"scope": "openid email"}


def test_a_body_is_read_as_a_form_only_if_it_says_so() -> None:
    async def read(kind: str) -> object:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"code=a%20b"}

        return await of_form(Request({"type": "http", "headers": [(b"content-type", kind.encode())]}, receive))

    assert asyncio.run(read("application/x-www-form-urlencoded; charset=utf-8")) == {"code": "a b"}
    for kind in ("", "application/json", "multipart/form-data; boundary=x"):
        with pytest.raises(Malformed, match="Content-Type"):
            asyncio.run(read(kind))


def test_a_proof_fits_its_challenge_alone() -> None:
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert pkce.is_challenge(challenge) and pkce.fits(verifier, challenge), "RFC 7636, appendix B"
    assert not pkce.fits(verifier[:-1] + "l", challenge)
    assert not pkce.fits(challenge, challenge), "the method plain"
    for wrong in ("", verifier[:42], "x" * 129, verifier + "\n"):
        assert not pkce.fits(wrong, challenge)
    assert not pkce.is_challenge(challenge + "=") and not pkce.is_challenge(challenge[:-1] + "\n")
