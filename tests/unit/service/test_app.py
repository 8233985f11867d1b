"""What every request meets, whatever it asks: its id, problems that teach, bounds, and who may call."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from fastapi import Request
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.access import Access
from service.app import create_app
from service.logs import JsonFormatter, Redaction
from service.problems import Problem
from service.services import Services
from service.settings import Settings
from tests.unit.cluster.fakes import FakeCluster
from tests.unit.database.fakes import FakeDatabase
from tests.unit.liveconfig.fake_users import FakePodUsers
from tests.unit.service.fakes import FakeEngines, FakeJobs
from tests.unit.service.identity.fakes import resting
from tests.unit.service.test_sweeper import FakePublisher

TOKEN = "the-operators-token"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
BODY = {"name": "Acme", "owner_email": "ada@acme.example"}


def services(**more: Any) -> Services:
    database, cluster = FakeDatabase(), FakeCluster()
    settings = Settings(TOKEN, sign_up_burst=2, sign_ups_per_minute=6)
    engines = FakeEngines(database, cluster)
    return Services(
        settings, database, FakeDatabase(), cluster, engines, FakePublisher(), FakePodUsers(), FakeJobs(),
        resting(database), **more
    )  # fmt: skip


def play(act: Callable[[httpx2.AsyncClient], Awaitable[None]], of: Services | None = None) -> None:
    """Run the act against an application without a server."""

    async def run() -> None:
        transport = httpx2.ASGITransport(create_app(of or services()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
            await act(client)

    asyncio.run(run())


def kind(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert set(answer.json()) >= {"type", "title", "status", "detail", "request_id"}, "RFC 9457, with the request's id"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


def test_a_requests_id_is_taken_or_made_and_told_again() -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        assert (await client.get("/healthz", headers={"X-Request-Id": "abc-1"})).headers["x-request-id"] == "abc-1"
        made = (await client.get("/healthz")).headers["x-request-id"]
        assert len(made) == 32, "one of ours"
        odd = await client.get("/nowhere", headers={"X-Request-Id": "a b\tc"})
        assert odd.json()["request_id"] == odd.headers["x-request-id"] != "a b\tc", "no foreign text reaches the logs"

    play(act)


def test_whatever_is_wrong_is_told_as_a_problem() -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        key = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        path = "/v1/organizations"
        assert kind(await client.get("/nowhere")) == (404, "not-found")
        assert kind(await client.put(path)) == (405, "method-not-allowed")
        assert kind(await client.post(path, content="{", headers=key)) == (400, "not-json")
        assert kind(await client.post(path, content="[]", headers=key)) == (400, "no-object")
        assert kind(await client.post(path, content="a=1", headers={"Idempotency-Key": "k"})) == (400, "no-object")
        assert kind(await client.post(path, json=BODY)) == (400, "no-idempotency-key")
        assert kind(await client.post(path, json=BODY, headers={"Idempotency-Key": "a b"})) == (
            400,
            "bad-idempotency-key",
        )
        wrong = await client.post(path, json={"nme": "x", "owner_email": 7}, headers=key)
        assert kind(wrong) == (422, "invalid-request")
        assert {error["field"] for error in wrong.json()["errors"]} == {"name", "nme", "owner_email"}, "all at once"

    play(act)


def test_a_body_that_is_too_large_is_refused_by_its_announcement_and_while_it_comes() -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        async def chunks() -> Any:
            for _ in range(40):
                yield b"x" * 1024

        assert kind(await client.post("/v1/organizations", content=b"x" * 20_000)) == (413, "body-too-large")
        assert kind(await client.post("/v1/organizations", content=chunks())) == (413, "body-too-large")

    play(act)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/organizations"), ("GET", "/v1/organizations/acme"), ("DELETE", "/v1/organizations/acme"),
        ("GET", "/v1/organizations/acme/quota"), ("GET", "/v1/organizations/acme/export"),
        ("GET", "/v1/operations/8b7c3a52-9a0e-4b0f-8f2b-0d1c2b3a4d5e"), ("GET", "/v1/operations/x/events"),
    ],
)  # fmt: skip
def test_everything_but_a_sign_up_needs_a_token(method: str, path: str) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic b3A6b3A="}):
            answer = await client.request(method, path, headers=given)
            assert kind(answer) == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"

    play(act)


def test_sign_ups_of_one_address_are_limited_and_the_operators_are_not(caplog: pytest.LogCaptureFixture) -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        body = {"name": "Acme", "owner_email": "ada@acme.example", "quota": {"cpu": "999"}}
        for number in range(6):
            given = {"Idempotency-Key": f"k{number}"} | (OPERATOR if number > 3 else {})
            answer = await client.post("/v1/organizations", json=body, headers=given)
            assert answer.status_code == (429 if number in (2, 3) else 422), answer.text
            if answer.status_code == 429:
                assert 1 <= int(answer.headers["retry-after"]) <= 10, "six a minute"

    play(act)


def test_what_nobody_expected_is_answered_without_its_text_and_logged_with_it(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeCluster):
        """Has a bug."""

        async def get(self, path: str) -> Any:
            raise RuntimeError("a secret place")

    broken = services()
    object.__setattr__(broken, "cluster", Broken())

    async def act(client: httpx2.AsyncClient) -> None:
        answer = await client.get("/readyz")
        assert kind(answer) == (500, "internal") and "secret" not in answer.text

    play(act, broken)
    assert "a secret place" in caplog.text, "for us"


def test_the_openapi_document_tells_every_route_and_its_problems() -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        assert {"/v1/organizations", "/v1/organizations/{slug}/quota", "/v1/operations/{operation_id}/events"} <= set(
            document["paths"]
        )
        sign_up = document["paths"]["/v1/organizations"]["post"]
        assert "application/problem+json" in sign_up["responses"]["4XX"]["content"]
        assert "adopt" not in json.dumps(document["components"]["schemas"]["SignUp"]), "a catalog's matter"
        assert not [name for name in document["components"]["schemas"] if "__" in name], "two models of one name"

    play(act)


def test_metrics_count_requests_by_route_and_show_the_pool() -> None:
    async def act(client: httpx2.AsyncClient) -> None:
        await client.get("/healthz")
        await client.get("/v1/organizations/some-slug")
        text = (await client.get("/metrics")).text
        assert 'http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in text
        assert 'route="/v1/organizations/{slug}",status="401"' in text, "by route: slugs would be without end"
        assert 'engines{state="parked"} 2.0' in text

    play(act)


def test_a_request_is_a_span_that_names_it() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def act(client: httpx2.AsyncClient) -> None:
        await client.get("/healthz", headers={"X-Request-Id": "me"})

    play(act, services(tracer=provider.get_tracer("test")))
    (span,) = exporter.get_finished_spans()
    assert (span.name, dict(span.attributes or {})) == ("GET /healthz", {"request.id": "me"})


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("connect to postgresql://app:hunter22@db/x failed", "hunter22"),
        ("rediss://publisher:p%2Fw@127.0.0.1:1/0", "p%2Fw"),
        ("Authorization: Bearer abc.DEF-123", "abc.DEF-123"),
        ('{"token": "s3cr3t-value"}', "s3cr3t-value"),
        ("password=letmein&x=1", "letmein"),
        ("PULUMI_CONFIG_PASSPHRASE: correct-horse", "correct-horse"),
        ("it said known-by-value-only", "known-by-value-only"),
    ],
)
def test_no_log_line_holds_a_secret(said: str, secret: str) -> None:
    formatter = JsonFormatter(Redaction(["known-by-value-only"]))
    for record in (
        logging.LogRecord("s", logging.INFO, "f", 1, said, None, None),
        logging.LogRecord("s", logging.INFO, "f", 1, "%s", (said,), None),
        logging.makeLogRecord({"msg": "m", "fields": {"what": said}}),
    ):
        line = formatter.format(record)
        assert secret not in line and json.loads(line), line


def test_an_ordinary_log_line_stays_as_it_is() -> None:
    record = logging.makeLogRecord({"msg": "operation 12 of acme: 3 attempts", "levelname": "INFO", "name": "service"})
    told = json.loads(JsonFormatter(Redaction()).format(record))
    assert told["message"] == "operation 12 of acme: 3 attempts"
    assert (told["level"], told["logger"]) == ("info", "service")


def test_each_operator_is_known_by_a_token_of_their_own() -> None:
    access = Access(TOKEN, {"ada": "token-of-ada-here"})

    def caller(token: str | None) -> str:
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        return access.caller(Request({"type": "http", "headers": headers})).name

    assert [caller(TOKEN), caller("token-of-ada-here"), caller(None)] == ["operator", "operator:ada", "sign-up"]
    with pytest.raises(Problem, match="401"):
        caller("another-token")
