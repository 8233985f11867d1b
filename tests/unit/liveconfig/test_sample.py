"""The sample service: each answer is made with the settings of its moment, and says which those were."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from liveconfig import LiveConfig, Settings
from liveconfig.sample.app import create_app
from liveconfig.sample.limiting import RateLimit
from liveconfig.sample.local import NotFound, environment_of, secrets_of

Act = Callable[[httpx2.AsyncClient], Coroutine[Any, Any, None]]
SECRETS = {
    "live-configuration": {"LIVECONFIG_ORG": "7", "LIVECONFIG_PASSWORD": "word", "ca.crt": "of Redis and the relay"},
    "database": {"url": "postgresql://tenant:word@db/app?sslmode=verify-full", "ca.crt": "of PostgreSQL"},
}


@pytest.fixture
def config() -> Iterator[LiveConfig]:
    """A client with nothing to follow."""
    with LiveConfig(Settings(organization=7)) as made:
        yield made


def play(config: LiveConfig, act: Act, send: Callable[[str], bool] = lambda address: False) -> None:
    async def run() -> None:
        transport = httpx2.ASGITransport(create_app(config, send))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sample.test") as client:
            await act(client)

    asyncio.run(run())


def test_the_threshold_that_is_in_force_decides_the_next_answer(config: LiveConfig) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        first = (await client.get("/answer", params={"confidence": 0.6})).json()
        with config.override({"ai/threshold": 0.7}):
            second = (await client.get("/answer", params={"confidence": 0.6})).json()
        assert (first["answered"], second["answered"]) == (True, False)
        assert first["settings"]["ai/threshold"] == {"value": 0.5, "version": 0, "reason": "DEFAULT", "stale": True}
        assert second["settings"]["ai/threshold"]["value"] == 0.7

    play(config, act)


def test_a_delivery_is_tried_again_as_often_as_the_setting_says(config: LiveConfig) -> None:
    sent: list[str] = []

    async def act(client: httpx2.AsyncClient) -> None:
        with config.override({"email/max_retries": 1}):
            answer = (await client.post("/email", params={"address": "ada@acme.example"})).json()
        assert (answer["delivered"], answer["attempts"], len(sent)) == (False, 2, 2)

    play(config, act, lambda address: bool(sent.append(address)))


def test_a_delivery_that_succeeds_is_not_repeated(config: LiveConfig) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        answer = (await client.post("/email", params={"address": "ada@acme.example"})).json()
        assert (answer["delivered"], answer["attempts"]) == (True, 1)

    play(config, act, lambda address: True)


def test_the_flag_is_evaluated_for_each_user(config: LiveConfig) -> None:
    flag = {
        "state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off",
        "targeting": {"if": [{"in": [{"var": "targetingKey"}, ["ada"]]}, "on", None]},
    }  # fmt: skip

    async def act(client: httpx2.AsyncClient) -> None:
        assert (await client.get("/theme")).json()["theme"] == "light", "there is no such flag"
        with config.override({"features/dark_mode": flag}):
            found = [(await client.get("/theme", params={"user": user})).json() for user in ("ada", "bob")]
        assert [(one["theme"], one["reason"]) for one in found] == [("dark", "TARGETING_MATCH"), ("light", "DEFAULT")]

    play(config, act)


def test_the_rate_limit_that_is_in_force_holds_for_the_next_request(config: LiveConfig) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        with config.override({"api/rate_limit": 2}):
            answers = [await client.get("/answer") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert answers[-1].json()["detail"]["settings"]["api/rate_limit"]["value"] == 2, "it says by which setting"
        assert (await client.get("/answer")).status_code == 200, "raised again, at once"
        assert (await client.get("/healthz")).status_code == 200, "what Kubernetes asks is not limited"

    play(config, act)


def test_a_lower_limit_says_when_enough_is_forgotten() -> None:
    now = [0.0]
    limit = RateLimit(lambda: now[0])
    for second in range(5):
        now[0] = float(second)
        assert limit.take(5) == 0
    now[0] = 10.0
    assert limit.take(5) == 50, "the first of five ends after a minute"
    assert limit.take(2) == 53, "four of five have to"
    now[0] = 63.0
    assert limit.take(2) == 0
    assert limit.take(2) == 1


def test_it_is_ready_once_there_is_anything_to_serve_and_shows_its_metrics(config: LiveConfig) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        assert (await client.get("/readyz")).status_code == 503
        assert "config_stale_seconds" in (await client.get("/metrics")).text

    play(config, act)


def test_a_local_sample_gets_what_a_pod_gets(tmp_path: Path) -> None:
    environment = environment_of(SECRETS, tmp_path)
    live, database = tmp_path / "live.crt", tmp_path / "database.crt"
    assert environment == {
        "LIVECONFIG_ORG": "7", "LIVECONFIG_PASSWORD": "word", "LIVECONFIG_CA_FILE": str(live),
        "LIVECONFIG_DATABASE_URL": f"postgresql://tenant:word@db/app?sslmode=verify-full&sslrootcert={database}",
    }  # fmt: skip
    assert (live.read_text(), database.read_text()) == ("of Redis and the relay", "of PostgreSQL")


def test_the_secrets_are_read_with_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [
        {"metadata": {"name": name}, "data": {key: base64.b64encode(v.encode()).decode() for key, v in data.items()}}
        for name, data in SECRETS.items()
    ]
    (tmp_path / "answer").write_text(json.dumps({"items": items}))
    _kubectl(tmp_path, f'test "$2" = org-acme && cat {tmp_path}/answer && exit 0\necho not found >&2; exit 1\n')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert secrets_of("acme") == SECRETS
    with pytest.raises(NotFound, match="not found\nIs 'other' an organization here"):
        secrets_of("other")


def _kubectl(folder: Path, script: str) -> None:
    path = folder / "kubectl"
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o700)
