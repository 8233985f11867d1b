"""What the README shows in two terminals: a value changed over the API is in the sample's next answer."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from localplane.record import Record
from tests.e2e.checkout import Checkout
from tests.e2e.replicas import until

SLUG = "shown"
CONFIGS = f"/v1/organizations/{SLUG}/configs"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A platform of its own with one organization, the API and the relay."""
    made = Checkout(tmp_path_factory.mktemp("sample"))
    for path in made.catalog.glob("*.yaml"):
        path.unlink()
    members = [{"email": "ada@shown.example", "role": "owner"}]
    made.edit(SLUG, name=SLUG, members=members, configs={"ai/threshold": 0.7})
    try:
        made.plane("up").ok()
        made.up()
        made.plane("serve").ok()
        yield made
    finally:
        made.plane("down")


@pytest.fixture
def api(platform: Checkout) -> Iterator[httpx2.Client]:
    environment = platform.environment
    headers = {"Authorization": f"Bearer {environment['OPERATOR_TOKEN']}"}
    with httpx2.Client(base_url=environment["API_URL"], headers=headers, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def sample(platform: Checkout) -> Iterator[httpx2.Client]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = platform.folder / ".local" / "logs" / "sample.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "liveconfig.sample.local", SLUG], cwd=platform.folder, stdout=out, stderr=out,
            env={**platform.environment, "SAMPLE_LISTEN": f"127.0.0.1:{port}"},
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
    platform: Checkout, api: httpx2.Client, sample: httpx2.Client
) -> None:
    before = threshold(sample)
    relay = Record(platform.folder / ".local" / "plane.json").running("relay")
    assert relay is not None
    os.kill(relay.identity.pid, signal.SIGKILL)
    until(lambda: threshold(sample)["stale"], 5, "the sample to notice")
    assert threshold(sample)["value"] == before["value"], "the last good value"
    version = before["version"]
    assert put(api, "ai/threshold", 0.25, If_Match=f'"{version}"').status_code == 200
    assert "restarted" in platform.plane("serve").ok().out
    began = time.monotonic()
    until(lambda: threshold(sample)["value"] == 0.25, 20, "the sample to catch up")
    assert threshold(sample)["stale"] is False, f"after {time.monotonic() - began:.1f} s"
