"""The issuer's pages run nothing, load nothing, are framed by nobody, and show what they are given as text."""

from service.oidc import pages
from service.oidc.discovery import document

EVIL = '"><script>alert(1)</script>'


def test_whatever_a_page_is_given_is_text() -> None:
    made = (
        pages.log_in(f"/oauth2/log-in?state={EVIL}", EVIL, leads_to="https://a.example", wrong=EVIL),
        pages.ask_to_go_on(EVIL, EVIL, EVIL, leads_to=""), pages.refusal(EVIL),
        pages.ask_to_log_out(EVIL, leads_to=""), pages.ask_to_tell(EVIL, EVIL, EVIL, EVIL, leads_to=""),
        pages.logged_out_of(EVIL),
    )  # fmt: skip
    for page in made:
        text = bytes(page.body).decode()
        assert "<script" not in text, text
        assert "&quot;&gt;&lt;script&gt;" in text, "it is shown, and ends no attribute"


def test_a_pages_policy_lets_nothing_in_and_its_form_go_to_two_places() -> None:
    headers = pages.log_in("/oauth2/log-in", "wiki", leads_to="https://wiki.example").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and "script-src" not in policy
    assert policy["form-action"] == "'self' https://wiki.example"
    assert (policy["frame-ancestors"], policy["base-uri"]) == ("'none'", "'none'")
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
    assert "form-action 'none'" in pages.refusal("no").headers["content-security-policy"]


def test_discovery_names_what_there_is_and_denies_what_there_is_not() -> None:
    told = document("https://issuer.test")
    assert told["issuer"] == "https://issuer.test", "to the letter: clients compare it with iss"
    assert all(told[name].startswith("https://issuer.test/") for name in told if name.endswith(("_endpoint", "_uri")))
    assert told["code_challenge_methods_supported"] == ["S256"] and told["response_types_supported"] == ["code"]
    assert told["request_parameter_supported"] is False and told["request_uri_parameter_supported"] is False
