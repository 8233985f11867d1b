"""The API against its own OpenAPI document: whatever is sent, no 5xx, and no answer that is not described there.

Requests are made by schemathesis, valid and invalid ones, to a real server on the real PostgreSQL and API server;
engines are in memory. Callers are nobody, an operator, the API server, and the owner of an organization that exists.
FUZZ_EXAMPLES (default 12) is the number of requests for each operation.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks

from cluster.api import ClusterApi
from tests.integration.prepared import Prepared
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug, signed_up
from tests.integration.service.oidc_stage import account, headers_of
from tests.integration.service.test_kubernetes import SERVER, TOLD

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
#: What a request of the fuzzer's must not do to the fuzzer.
LEFT_OUT = {
    ("post", "/v1/drain"): "it would end the replica that is being asked",
    ("post", "/v1/auth/logout"): "it would end the owner's session",
    ("post", "/v1/platform/signing-keys/rotate"): "at once, it would end every token",
}
JUDGES = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Where the server listens, the slug of an organization that exists, and who may call."""

    url: str
    slug: str
    callers: tuple[dict[str, str], ...]


@pytest.fixture(scope="module")
def target(prepared: Prepared) -> Iterator[Target]:
    """A replica with an organization, served from a thread with a loop of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ready, made = threading.Event(), list[Target]()
        servers = list[uvicorn.Server]()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        async def serve() -> None:
            stage = Stage(prepared, connect=lambda: ClusterApi(prepared.kubeconfig))
            stage.settings = replace(stage.settings, issuer=TOLD)
            async with stage.replicas() as (replica,):
                made.append(await _target(replica, url))
                server = uvicorn.Server(uvicorn.Config(replica.app, log_config=None, lifespan="off"))
                servers.append(server)
                ready.set()
                await server.serve(sockets=[listening])

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="fuzzed")
        thread.start()
        assert ready.wait(60), "the server did not start"
        yield made[0]
        servers[0].should_exit = True
        thread.join(60)


async def _target(replica: Replica, url: str) -> Target:
    slug = new_slug("fuzzed")
    await signed_up(replica, slug)
    owner = await account(replica, "ada@acme.example")
    return Target(url, slug, ({}, OPERATOR, SERVER, await headers_of(replica, owner, slug)))


def test_no_request_makes_the_api_fail_or_answer_outside_its_document(target: Target) -> None:
    load_all_checks()
    judges = [check for name in JUDGES for check in CHECKS.get_by_names([name])]
    schema = schemathesis.openapi.from_url(f"{target.url}/openapi.json")
    asked, problems = 0, list[str]()
    for found in schema.get_all_operations():
        operation = found.ok()
        if (operation.method, operation.path) in LEFT_OUT:
            continue

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], derandomize=True,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(), caller=st.sampled_from(target.callers), ours=st.booleans())
        def attempt(case: schemathesis.Case, caller: dict[str, str], ours: bool) -> None:
            nonlocal asked
            asked += 1
            if ours and "slug" in (case.path_parameters or {}):
                case.path_parameters["slug"] = target.slug
            case.call_and_validate(base_url=target.url, headers=caller, checks=judges, timeout=30)

        try:
            attempt()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - each is judged, then all are told
            problems.append(f"{operation.label}: {error!s:.2000}")
    assert not problems, "\n\n".join(problems)
    assert asked >= 100, f"only {asked} requests were made"
