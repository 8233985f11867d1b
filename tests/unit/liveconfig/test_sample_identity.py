"""The sample believes the issuer alone: no header that names somebody, and no answer that is old."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from liveconfig import LiveConfig, NotConfigured, Settings
from liveconfig.sample.app import create_app
from liveconfig.sample.identity import Introspection, Issuer, Unavailable

ADA = {"active": True, "email": "ada@acme.example", "org": "acme", "user_role": "owner", "exp": 2**31}
URL = "https://issuer.test/oauth2/introspect"


class FakeIssuer:
    """Knows tokens; `away` answers nothing."""

    def __init__(self) -> None:
        self.known: dict[str, Mapping[str, Any]] = {"adas": ADA}
        self.asked: list[str] = []
        self.away = False

    def __call__(self, token: str) -> Mapping[str, Any]:
        self.asked.append(token)
        if self.away:
            raise Unavailable("away")
        return self.known.get(token, {"active": False})


@pytest.fixture
def config() -> Iterator[LiveConfig]:
    with LiveConfig(Settings(organization=7)) as made:
        yield made


def answers(config: LiveConfig, issuer: FakeIssuer, *requests: tuple[str, dict[str, str]]) -> list[httpx2.Response]:
    async def run() -> list[httpx2.Response]:
        app = create_app(config, lambda address: False, Introspection(issuer))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://sample.test") as client:
            return [await client.get(path, headers=headers) for path, headers in requests]

    return asyncio.run(run())


def test_a_request_is_of_whom_the_issuer_says_and_not_of_whom_a_header_names(config: LiveConfig) -> None:
    forged = {"X-Forwarded-Email": "eve@evil.example", "X-Forwarded-User": "eve"}
    token = {"Authorization": "Bearer adas"}
    found = answers(config, FakeIssuer(), ("/whoami", token | forged), ("/whoami", forged), ("/answer", forged),
                    ("/answer", token), ("/answer", {"Authorization": "Basic adas"}), ("/healthz", {}))  # fmt: skip
    assert [answer.status_code for answer in found] == [200, 401, 401, 200, 401, 200]
    assert found[0].json() == {"email": "ada@acme.example", "organization": "acme", "role": "owner"}
    assert found[1].headers["www-authenticate"] == "Bearer"


def test_nobody_is_let_in_while_the_issuer_is_away(config: LiveConfig) -> None:
    issuer = FakeIssuer()
    issuer.away = True
    (answer,) = answers(config, issuer, ("/answer", {"Authorization": "Bearer adas"}))
    assert answer.status_code == 503 and answer.headers["retry-after"] == "2"


def test_an_answer_is_kept_for_two_seconds_from_when_it_was_asked() -> None:
    now, issuer = [0.0], FakeIssuer()
    introspection = Introspection(issuer, now=lambda: now[0])
    assert introspection.person("adas") and introspection.person("adas")
    issuer.known.clear()
    now[0] = 1.99
    assert introspection.person("adas") and len(issuer.asked) == 1
    now[0] = 2.0
    assert introspection.person("adas") is None, "logged out"
    issuer.known["adas"] = ADA
    assert introspection.person("adas") is None and len(issuer.asked) == 2, "a refusal is kept as long"


@pytest.mark.parametrize("told", [{}, {"active": "true", "email": "a@b.example"}, {"active": 1}, {"active": True}])
def test_an_answer_that_does_not_say_whose_it_is_lets_nobody_in(told: Mapping[str, Any]) -> None:
    issuer = FakeIssuer()
    issuer.known["odd"] = told
    assert Introspection(issuer).person("odd") is None


def test_what_is_kept_is_bounded() -> None:
    introspection = Introspection(FakeIssuer())
    for number in range(2500):
        introspection.person(f"guess {number}")
    assert len(introspection._kept) <= 1000


def test_the_issuers_place_and_secret_come_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret\n")
    told = {"INTROSPECTION_URL": URL, "CLIENT_ID": "acme.wiki", "CLIENT_SECRET_FILE": str(secret)}
    issuer = Issuer.from_env(told)
    assert issuer == Issuer(URL, "acme.wiki", "a secret") and "a secret" not in repr(issuer)
    assert Issuer.from_env({}) is None, "everybody is served, as before"
    for wrong, says in (
        ({"CLIENT_ID": ""}, "go together"), ({"INTROSPECTION_URL": "http://issuer.test"}, "https"),
        ({"CLIENT_SECRET_FILE": str(tmp_path / "none")}, "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(NotConfigured, match=says):
            Issuer.from_env(told | wrong)
