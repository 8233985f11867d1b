"""A browser is sent to a registered address to the letter, or nowhere."""

import pytest

from service.oidc.redirects import form_source, is_registered, problem_of, with_parameters

REGISTERED = ["https://wiki.example/oauth2/callback", "https://wiki.example/cb?x=1"]
LOOPBACK = ["http://127.0.0.1/callback", "http://localhost"]


@pytest.mark.parametrize(
    "uri",
    [
        "https://wiki.example/oauth2/callback/", "https://wiki.example/oauth2/callback?next=1",
        "https://wiki.example/oauth2/callback#x", "https://wiki.example/oauth2/../oauth2/callback",
        "https://wiki.example:443/oauth2/callback", "https://WIKI.example/oauth2/callback",
        "http://wiki.example/oauth2/callback", "https://wiki.example.evil.example/oauth2/callback",
        "https://wiki.example@evil.example/oauth2/callback", "https://evil.example/https://wiki.example/oauth2/callback",
        "https://wiki.example/oauth2%2Fcallback", "https://wiki.example/cb", "https://wiki.example/cb?x=2",
        "//wiki.example/oauth2/callback", "javascript:alert(1)", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("public", [True, False])
def test_an_address_that_only_looks_like_a_registered_one_is_not_it(uri: str, public: bool) -> None:
    assert not is_registered(uri, REGISTERED, public=public)
    assert all(is_registered(one, REGISTERED, public=public) for one in REGISTERED)


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        ("http://127.0.0.1:49152/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://localhost:8000", True),
        ("http://localhost:8000/", False),
        ("http://127.0.0.1:49152/callback/x", False),
        ("http://127.0.0.1:49152/callback?x=1", False),
        ("https://127.0.0.1:49152/callback", False),
        ("http://127.0.0.2:49152/callback", False),
        ("http://127.0.0.1:999999/callback", False),
        ("http://127.0.0.1:1@evil.example/callback", False),
        ("http://127.0.0.1.evil.example:80/callback", False),
    ],
)
def test_on_loopback_a_public_client_has_any_port_and_nothing_else_is_free(uri: str, fits: bool) -> None:
    assert is_registered(uri, LOOPBACK, public=True) is fits
    assert is_registered(uri, LOOPBACK, public=False) is (uri in LOOPBACK), "one with a secret has its own port"


@pytest.mark.parametrize(
    "uri",
    [
        "http://wiki.example/cb", "https://*.example/cb", "https://user@wiki.example/cb", "https:///cb",
        "wiki.example/cb", "https://wiki.example/cb#part", "https://wiki.example/c b", "https://wiki.example/\\cb",
        "custom:/cb",
        "https://wiki.example:99999/cb", "https://wiki.example/" + "x" * 512, "https://wiki.example/\u00e9",
        "https://[::1/cb", "https://a;form-action/cb", "https://a,b/cb", "https://'self'/cb", "https://a_b.example/cb",
        "https://a%2eexample/cb", "https://[::1%25x]/cb", "https://[v1.x]/cb", "https://a.example:/cb",
    ],
)  # fmt: skip
def test_what_could_lead_to_somebody_else_is_not_registered(uri: str) -> None:
    assert problem_of(uri), uri


@pytest.mark.parametrize(
    "uri",
    [
        "https://wiki.example/cb",
        "https://WIKI-1.example:8443/cb",
        "https://[2001:db8::1]:8443/cb",
        "http://127.0.0.1:8080/cb",
        "http://[::1]/",
        "http://localhost",
    ],
)
def test_https_and_this_very_machine_may_be_registered(uri: str) -> None:
    assert problem_of(uri) is None


def test_an_answer_is_added_behind_what_the_address_has() -> None:
    assert (
        with_parameters("https://a.example/cb", {"code": "a b&c", "state": None}) == "https://a.example/cb?code=a+b%26c"
    )
    assert with_parameters("https://a.example/cb?x=1", {"code": "c"}) == "https://a.example/cb?x=1&code=c"


def test_a_pages_form_may_lead_to_the_address_alone() -> None:
    assert form_source("https://a.example:8443/cb?x=1") == "https://a.example:8443"
    assert form_source("http://[::1]:80/cb") == "http:", "the policy's grammar has no IPv6"
