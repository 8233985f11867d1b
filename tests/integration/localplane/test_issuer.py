"""The API server and OAuth2-Proxy ask our issuer what they have to, and let nobody in whom it refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import yaml

from localplane.files import write_private
from localplane.parts import ProgressLine, obtain
from localplane.pki import Pki
from localplane.servers import ApiServer, Ground, OAuth2Proxy
from localplane.servers.apiserver import AUTHENTICATION
from localplane.servers.oauth2_proxy import OURS
from localplane.supervisor import Supervisor
from tests.integration.localplane.checkouts import REPOSITORY, Checkout
from tests.integration.localplane.stub_issuer import EMAIL, StubIssuer, listening

SOON = 5.0  # seconds in which a log-out has to count
RELOAD = 90.0  # seconds in which the API server has read its file again


@pytest.fixture
def issuer(plane: Checkout) -> Iterator[StubIssuer]:
    env = plane.env()
    stub = StubIssuer(env["ISSUER_URL"], env["TOKEN_WEBHOOK_SECRET"])
    with listening(stub, plane.record.ports["issuer"], (env["ISSUER_TLS_CERT"], env["ISSUER_TLS_KEY"])):
        yield stub


@pytest.fixture
def console(plane: Checkout) -> Iterator[str]:
    """Its address; it is started while its issuer is away."""
    server, supervisor = OAuth2Proxy(_ground(plane, "oauth2-proxy")), Supervisor(plane.layout, plane.record)
    server.prepare()
    assert supervisor.bring_up(server) == "started"
    yield plane.env()["CONSOLE_URL"]
    supervisor.stop(OAuth2Proxy)


def asked_of_cluster(plane: Checkout, token: str) -> tuple[int, str]:
    """How the API server answers a member's question: 403 is from somebody it knows, and its reason."""
    env = plane.env()
    answer = requests.get(
        f"{env['KUBERNETES_URL']}/api/v1/namespaces", headers={"Authorization": f"Bearer {token}"},
        verify=env["KUBERNETES_CA_FILE"], timeout=60,
    )  # fmt: skip
    return answer.status_code, answer.json()["message"]


def test_a_member_is_known_by_a_token_until_it_is_revoked(plane: Checkout, issuer: StubIssuer) -> None:
    status, said = asked_of_cluster(plane, "of-a-member")
    assert (status, f'User "agent-ready:{EMAIL}"' in said) == (403, True)
    issuer.revoked = True
    began = time.monotonic()
    refused = asked_of_cluster(plane, "of-a-member")
    assert time.monotonic() - began < SOON
    assert refused[0] == 401 or refused[1].endswith(": revoked"), "it goes by what it remembers"
    assert asked_of_cluster(plane, "of-somebody-else")[0] == 401


def test_while_the_issuer_is_away_its_tokens_are_refused_and_certificates_are_not(plane: Checkout) -> None:
    assert asked_of_cluster(plane, "shown-to-nobody")[0] == 401
    assert plane.run("kubectl", "get", "namespaces").returncode == 0


def test_the_committed_configuration_trusts_an_issuer_offline(plane: Checkout, issuer: StubIssuer) -> None:
    committed = yaml.safe_load((REPOSITORY / "deploy" / "apiserver" / "authentication.yaml").read_text())
    trusted = committed["jwt"][0]["issuer"]
    trusted |= {"url": issuer.url, "certificateAuthority": Path(plane.env()["ISSUER_CA_FILE"]).read_text()}
    issuer.revoked = True  # the webhook lets nobody in
    before = plane.identities()["kube-apiserver"]
    file = ApiServer(_ground(plane, "kube-apiserver")).authentication
    try:
        write_private(file, yaml.safe_dump(committed))
        _wait_until_known(plane, issuer)
        for wrong in ({"email_verified": False}, {"exp": int(time.time()) + 3600}, {"email": "pulumi"}):
            assert asked_of_cluster(plane, issuer.token("kubernetes", **wrong))[0] == 401, wrong
        assert asked_of_cluster(plane, issuer.token("agent-ready-api"))[0] == 401
        assert asked_of_cluster(plane, issuer.token("kubernetes"))[1].endswith(": revoked"), "the API was not asked"
    finally:
        write_private(file, AUTHENTICATION)
    assert plane.identities()["kube-apiserver"] == before
    _wait_until_known(plane, issuer, known=False)


def test_the_console_gets_the_id_token_of_whoever_logged_in_and_nothing_from_outside(
    plane: Checkout, console: str, issuer: StubIssuer
) -> None:
    behind = StubIssuer("", "")
    with listening(behind, plane.record.ports["api"], None), requests.Session() as browser:
        browser.verify, browser.trust_env = plane.env()["ISSUER_CA_FILE"], False
        sent = browser.get(console, allow_redirects=False, timeout=10)
        query = dict(parse_qsl(urlsplit(sent.headers["Location"]).query))
        assert sent.headers["Location"].startswith(f"{issuer.url}/oauth2/authorize?")
        assert (query["code_challenge_method"], query["redirect_uri"]) == ("S256", f"{console}/oauth2/callback")
        assert browser.get(console, timeout=10).status_code == 200
        for cookie in browser.cookies:
            assert cookie.name.startswith("__Host-agent-ready-console"), cookie
            assert cookie.secure and cookie.has_nonstandard_attr("HttpOnly"), cookie
        forged = dict.fromkeys(OURS, "forged") | {"x_forwarded_user": "forged"}
        assert browser.get(f"{console}/console", headers=forged, timeout=10).status_code == 200
        path, headers = behind.seen[-1]
        assert (path, headers["Authorization"].split(".")[0]) == ("/console", f"Bearer {_head(issuer)}")
        assert "forged" not in headers.values()
        assert browser.get(f"{console}/v1/organizations", timeout=10).status_code == 404, "only the console is served"
        browser.get(f"{console}/oauth2/sign_out", allow_redirects=False, timeout=10)
        assert issuer.seen[-1][0].startswith("/oauth2/logout?id_token_hint=ey")
        assert browser.get(console, allow_redirects=False, timeout=10).status_code == 302


def test_the_console_lets_nobody_in_with_a_token_of_their_own(
    plane: Checkout, console: str, issuer: StubIssuer
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token('console')}", "Accept": "application/json"}
    answer = requests.get(console, headers=headers, verify=plane.env()["ISSUER_CA_FILE"], timeout=10)
    assert answer.status_code == 401


def _ground(plane: Checkout, part: str) -> Ground:
    return Ground(plane.layout, plane.record.ports, Pki(plane.layout.pki), obtain([part], ProgressLine()))


def _wait_until_known(plane: Checkout, issuer: StubIssuer, known: bool = True) -> None:
    deadline = time.monotonic() + RELOAD
    while (asked_of_cluster(plane, issuer.token("kubernetes"))[0] == 403) != known:
        assert time.monotonic() < deadline, "the API server did not read its file again"
        time.sleep(0.5)


def _head(issuer: StubIssuer) -> str:
    return issuer.token("console").split(".")[0]
