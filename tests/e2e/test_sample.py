"""What the README shows in two terminals: a value changed over the API is in the sample's next answer."""

import base64
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from localplane.record import Record
from tests.e2e import people
from tests.e2e.checkout import Checkout
from tests.e2e.replicas import until

SLUG, OWNER = people.SHOWN, people.SHOWN_OWNER
STRANGER = "eve@elsewhere.example"
CALLBACK = "https://sample.example/oauth2/callback"
CONFIGS = f"/v1/organizations/{SLUG}/configs"


@pytest.fixture
def api(served: Checkout) -> Iterator[httpx2.Client]:
    environment = served.environment
    headers = {"Authorization": f"Bearer {environment['OPERATOR_TOKEN']}"}
    with httpx2.Client(base_url=environment["API_URL"], headers=headers, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def sample(served: Checkout) -> Iterator[httpx2.Client]:
    with running(served) as client:
        yield client


@contextmanager
def running(served: Checkout, **environment: str) -> Iterator[httpx2.Client]:
    """The sample with these variables besides; a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = served.folder / ".local" / "logs" / "sample.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "liveconfig.sample.local", SLUG], cwd=served.folder, stdout=out, stderr=out,
            env={**served.environment, "SAMPLE_LISTEN": f"127.0.0.1:{port}", **environment},
        )  # fmt: skip
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            until(lambda: process.poll() is not None or ready(client), 30, "the sample to load its settings")
            shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert shown.endswith(f"liveconfig.sample.local\0{SLUG}\0".encode()), "nothing secret is an argument"
            yield client
    finally:
        process.terminate()
        assert process.wait(20) == 0, log.read_text()


def ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 204
    except httpx2.TransportError:
        return False


def put(api: httpx2.Client, name: str, value: object, **headers: str) -> httpx2.Response:
    body = {"value": value, "reason": "to see it"}
    return api.put(f"{CONFIGS}/{name}", json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def threshold(sample: httpx2.Client) -> dict[str, object]:
    found: dict[str, object] = sample.get("/answer").json()["settings"]["ai/threshold"]
    return found


def test_a_value_changed_over_the_api_is_in_the_next_answer(api: httpx2.Client, sample: httpx2.Client) -> None:
    assert threshold(sample) == {"value": 0.7, "version": 1, "reason": "OWN", "stale": False}
    assert put(api, "ai/threshold", 0.6, If_Match='"1"').status_code == 200
    until(lambda: threshold(sample)["version"] == 2, 1, "the change")
    assert threshold(sample) == {"value": 0.6, "version": 2, "reason": "OWN", "stale": False}
    assert put(api, "ai/threshold", 0.5, If_Match='"1"').status_code == 412, "somebody else has changed it"
    assert put(api, "ai/threshold", 1.5, If_Match='"2"').status_code == 422, "0 to 1"
    assert threshold(sample)["version"] == 2


def test_the_rate_limit_is_enforced_as_it_is_set(api: httpx2.Client, sample: httpx2.Client) -> None:
    answer = put(api, "api/rate_limit", 1, If_None_Match="*")
    assert answer.status_code == 200, answer.text
    until(lambda: sample.get("/answer").status_code == 429, 5, "the limit")
    assert int(sample.get("/answer").headers["Retry-After"]) > 0
    assert put(api, "api/rate_limit", 1000, If_Match='"1"').status_code == 200
    until(lambda: sample.get("/answer").status_code == 200, 5, "the higher limit")


def test_the_sample_goes_on_while_the_relay_is_away_and_catches_up(
    served: Checkout, api: httpx2.Client, sample: httpx2.Client
) -> None:
    before = threshold(sample)
    relay = Record(served.folder / ".local" / "plane.json").running("relay")
    assert relay is not None
    os.kill(relay.identity.pid, signal.SIGKILL)
    until(lambda: threshold(sample)["stale"], 5, "the sample to notice")
    assert threshold(sample)["value"] == before["value"], "the last good value"
    version = before["version"]
    assert put(api, "ai/threshold", 0.25, If_Match=f'"{version}"').status_code == 200
    assert "restarted" in served.plane("serve").ok().out
    began = time.monotonic()
    until(lambda: threshold(sample)["value"] == 0.25, 20, "the sample to catch up")
    assert threshold(sample)["stale"] is False, f"after {time.monotonic() - began:.1f} s"


def test_the_sample_behind_a_log_in_knows_who_asks_until_they_log_out(
    served: Checkout, api: httpx2.Client, tmp_path: Path
) -> None:
    people.account(served, OWNER)
    body = {"name": "Sample", "redirect_uris": [CALLBACK], "reason": "to be behind a log-in"}
    token = api.post("/v1/auth/login", json={"email": OWNER, "password": people.PASSWORD}).json()["access_token"]
    by = {"Authorization": f"Bearer {token}"}
    made = api.put(f"/v1/organizations/{SLUG}/clients/sample", json=body, headers=by)
    assert made.status_code == 201, made.text
    client_id, secret = made.json()["client_id"], made.json()["client_secret"]
    (tmp_path / "secret").write_text(secret)
    issuer = served.environment["ISSUER_URL"]
    told = {
        "INTROSPECTION_URL": f"{issuer}/oauth2/introspect", "CLIENT_ID": client_id,
        "CLIENT_SECRET_FILE": str(tmp_path / "secret"), "INTROSPECTION_CA_FILE": served.environment["ISSUER_CA_FILE"],
    }  # fmt: skip
    with people.browser(served) as person, running(served, **told) as sample:
        tokens = code_flow(person, issuer, client_id, secret)
        bearer = {"Authorization": f"Bearer {tokens['id_token']}"}
        assert sample.get("/whoami", headers={"X-Forwarded-Email": OWNER}).status_code == 401
        assert sample.get("/whoami", headers=bearer).json() == {"email": OWNER, "organization": SLUG, "role": "owner"}
        assert sample.get("/answer", headers=by).status_code == 401, "a token for the API is none for the sample"
        assert person.get(f"{issuer}/oauth2/logout?id_token_hint={tokens['id_token']}").status_code == 200
        until(lambda: sample.get("/whoami", headers=bearer).status_code == 401, 5, "the log-out to count")
        asked = authorization(client_id, verifier())
        again = person.get(f"{issuer}/oauth2/authorize", params=asked)
        assert again.headers["location"].startswith(f"{CALLBACK}?"), "only the client's part has ended"
        assert people.submit(person, person.get(f"{issuer}/oauth2/logout")).status_code == 200
        assert "password" in person.get(f"{issuer}/oauth2/authorize", params=asked).text, "all of it has ended"


def code_flow(person: httpx2.Client, issuer: str, client_id: str, secret: str) -> dict[str, str]:
    """What the client gets for a person who logs in at the issuer's page."""
    proof = verifier()
    page = person.get(f"{issuer}/oauth2/authorize", params=authorization(client_id, proof))
    answer = people.log_in(person, page, OWNER)
    assert answer.headers["location"].startswith(f"{CALLBACK}?"), answer.text
    code = httpx2.URL(answer.headers["location"]).params["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": proof}
    found: dict[str, str] = person.post(f"{issuer}/oauth2/token", data=form, auth=(client_id, secret)).json()
    return found


def verifier() -> str:
    return secrets.token_urlsafe(48)


def authorization(client_id: str, proof: str) -> dict[str, str]:
    """What the client asks for, with the challenge of that verifier."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(proof.encode()).digest()).rstrip(b"=").decode()
    return {
        "response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "scope": "openid", "state": "s",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip


@contextmanager
def behind_login(served: Checkout) -> Iterator[str]:
    """The sample with OAuth2-Proxy in front of it; the proxy's address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    log = served.folder / ".local" / "logs" / "sample-login.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "liveconfig.sample.local", SLUG, "--login"], cwd=served.folder, stdout=out,
            stderr=out, env={**served.environment, "SAMPLE_LOGIN_LISTEN": listen},
        )  # fmt: skip
    try:
        with httpx2.Client(base_url=f"http://{listen}", trust_env=False) as anybody:
            until(lambda: process.poll() is not None or pings(anybody), 30, "OAuth2-Proxy to answer")
        assert process.poll() is None, log.read_text()
        yield f"http://{listen}"
    finally:
        process.terminate()
        assert process.wait(20) == 0, log.read_text()


def pings(client: httpx2.Client) -> bool:
    try:
        return client.get("/ping").status_code == 200
    except httpx2.TransportError:
        return False


def test_only_members_pass_oauth2_proxy_to_the_sample_and_no_header_is_forged(
    served: Checkout, api: httpx2.Client
) -> None:
    people.account(served, OWNER)
    elsewhere = {"name": "Elsewhere", "owner_email": STRANGER}
    assert api.post("/v1/organizations", json=elsewhere, headers={"Idempotency-Key": "stranger"}).status_code == 201
    with behind_login(served) as sample, people.browser(served) as person:
        page = people.follow(person, person.get(f"{sample}/whoami"))
        shown = people.follow(person, people.log_in(person, page, OWNER))
        assert shown.status_code == 200, shown.text
        assert shown.json() == {"email": OWNER, "organization": SLUG, "role": "owner"}
        forged = {
            "Authorization": "Bearer forged", "X-Forwarded-Email": "eve@evil.example", "X-Forwarded-User": "eve",
            "X-Forwarded-Access-Token": "forged",
        }  # fmt: skip
        again = person.get(f"{sample}/whoami", headers=forged)
        assert again.json() == shown.json(), "what comes from outside is dropped"
        assert person.get(f"{sample}/answer").status_code == 200
        issuer = served.environment["ISSUER_URL"]
        with people.browser(served) as stranger:
            assert stranger.get(f"{sample}/whoami", headers=forged).is_redirect, "a header is no log-in"
            people.account(served, STRANGER)
            page = people.follow(stranger, stranger.get(f"{sample}/whoami"))
            refused = people.follow(stranger, people.log_in(stranger, page, STRANGER))
            assert refused.status_code == 400 and "does not belong" in refused.text, "she owns another organization"
        out = people.submit(person, person.get(f"{issuer}/oauth2/logout"))
        assert out.status_code == 200, out.text
        until(lambda: person.get(f"{sample}/whoami").status_code == 401, 5, "the log-out to count")


def test_the_console_is_behind_oauth2_proxy_and_believes_no_header(served: Checkout) -> None:
    console = served.environment["CONSOLE_URL"]
    people.account(served, OWNER)
    with people.browser(served) as person:
        page = people.follow(person, person.get(f"{console}/console"))
        shown = people.follow(person, people.log_in(person, page, OWNER))
        assert shown.status_code == 200 and OWNER in shown.text and SLUG in shown.text, shown.text
        forged = {"Authorization": "Bearer forged", "X-Forwarded-Email": "eve@evil.example"}
        again = person.get(f"{console}/console", headers=forged)
        assert OWNER in again.text and "eve" not in again.text, "what comes from outside is dropped"
        out = people.follow(person, person.get(f"{console}/oauth2/sign_out"))
        assert "<form" in out.text, "logged out at the issuer too: it asks again"
    with httpx2.Client(base_url=served.environment["API_URL"], trust_env=False) as api:
        assert api.get("/console", headers=forged).status_code == 401, "who comes without OAuth2-Proxy"
