"""The REST client over a transport in memory: what goes over the wire, and what each answer becomes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cluster.api import ClusterApi
from cluster.errors import ApiRefused, ClusterError, Unreachable

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: local, user: me}}]
clusters: [{name: local, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: me, user: {token: secret}}]
"""
Answer = Callable[[httpx2.Request], httpx2.Response]


def status(code: int, reason: str, message: str) -> httpx2.Response:
    """Kubernetes' own refusal."""
    return httpx2.Response(code, json={"kind": "Status", "reason": reason, "message": message})


def call(
    tmp_path: Path, answer: Answer, use: Callable[[ClusterApi], Awaitable[Any]]
) -> tuple[Any, list[httpx2.Request]]:
    """Let `use` talk to an API server that is `answer`; return its result and the requests that were made."""
    requests: list[httpx2.Request] = []
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)

    def handle(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return answer(request)

    async def run() -> Any:
        async with ClusterApi(path) as api:
            await api._client.aclose()
            api._client = httpx2.AsyncClient(transport=httpx2.MockTransport(handle), base_url="http://cluster")
            return await use(api)

    return asyncio.run(run()), requests


def test_a_missing_kubeconfig_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"make up"):
        ClusterApi(tmp_path / "nowhere")


def test_a_kubeconfig_without_a_context_says_how_to_set_one(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG.replace("current-context: here", ""))
    with pytest.raises(ClusterError, match=r"kubectl config use-context"):
        ClusterApi(path)


def test_getting_returns_the_object(tmp_path: Path) -> None:
    found, requests = call(
        tmp_path, lambda _: httpx2.Response(200, json={"kind": "Pod"}), lambda api: api.get("/api/v1/x")
    )
    assert found == {"kind": "Pod"}, "plain JSON, as the API server has it"
    assert (requests[0].method, requests[0].url.path) == ("GET", "/api/v1/x"), "the path is passed as it is"


def test_getting_what_is_not_there_is_none(tmp_path: Path) -> None:
    found, _ = call(tmp_path, lambda _: status(404, "NotFound", "no"), lambda api: api.get("/x"))
    assert found is None, "absence is an answer, not an error"


@pytest.mark.parametrize("code", [401, 403, 500])
def test_getting_what_may_not_be_read_is_an_error_and_never_absence(tmp_path: Path, code: int) -> None:
    with pytest.raises(ApiRefused) as refused:
        call(tmp_path, lambda _: status(code, "Forbidden", "you may not"), lambda api: api.get("/x"))
    assert (refused.value.code, refused.value.reason) == (code, "Forbidden"), "callers decide by code"
    assert str(refused.value) == "GET /x: you may not", "the text says what was tried and the server's reason"


def test_creating_posts_and_passes_a_conflict_on(tmp_path: Path) -> None:
    with pytest.raises(ApiRefused) as refused:
        call(tmp_path, lambda _: status(409, "AlreadyExists", "is there"), lambda api: api.create("/x", {"a": 1}))
    assert refused.value.code == 409, "claims live on this code"


def test_a_dry_run_says_so_to_the_server(tmp_path: Path) -> None:
    for use in (lambda api: api.create("/x", {}, dry_run=True), lambda api: api.patch("/x", {}, dry_run=True)):
        _, (request,) = call(tmp_path, lambda _: httpx2.Response(200, json={}), use)
        assert request.url.params["dryRun"] == "All", "without it the canary would be real"


def test_without_a_dry_run_nothing_of_it_is_sent(tmp_path: Path) -> None:
    _, (request,) = call(tmp_path, lambda _: httpx2.Response(201, json={}), lambda api: api.create("/x", {}))
    assert "dryRun" not in request.url.params, "a real creation must be real"


def test_a_patch_is_a_merge_patch_as_whom_it_says(tmp_path: Path) -> None:
    _, (request,) = call(
        tmp_path,
        lambda _: httpx2.Response(200, json={}),
        lambda api: api.patch("/x", {"a": None}, impersonate="agent-ready:canary"),
    )
    assert request.method == "PATCH", "a patch"
    assert request.headers["Content-Type"] == "application/merge-patch+json", "null removes a key only in a merge patch"
    assert request.headers["Impersonate-User"] == "agent-ready:canary", "the canary's identity"
    assert json.loads(request.content) == {"a": None}, "null must survive"


def test_without_impersonation_no_header_is_sent(tmp_path: Path) -> None:
    _, (request,) = call(tmp_path, lambda _: httpx2.Response(200, json={}), lambda api: api.patch("/x", {}))
    assert "Impersonate-User" not in request.headers, "an empty name is refused by the API server"


def test_what_a_patch_would_be_warned_of_is_asked_by_a_dry_run(tmp_path: Path) -> None:
    headers = [("Warning", r'299 - "pods in \"x\" violate, all of them"'), ("Warning", "nonsense")]
    said, (request,) = call(
        tmp_path, lambda _: httpx2.Response(200, json={}, headers=headers), lambda api: api.warnings("/x", {"a": 1})
    )
    assert said == ['pods in "x" violate, all of them'], "as the API server means it, without HTTP's quotes"
    assert (request.method, request.url.params["dryRun"]) == ("PATCH", "All"), "asking must change nothing"


def test_a_refused_question_for_warnings_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(ApiRefused, match="PATCH /x: no"):
        call(tmp_path, lambda _: status(409, "Conflict", "no"), lambda api: api.warnings("/x", {}))


def test_deleting_meets_exactly_one_uid(tmp_path: Path) -> None:
    _, (request,) = call(tmp_path, lambda _: httpx2.Response(200, json={}), lambda api: api.delete("/x", uid="uid-1"))
    assert json.loads(request.content)["preconditions"] == {"uid": "uid-1"}, "another object of that name must survive"


@pytest.mark.parametrize("code", [404, 409])
def test_deleting_what_is_gone_or_replaced_is_fine(tmp_path: Path, code: int) -> None:
    call(tmp_path, lambda _: status(code, "x", "x"), lambda api: api.delete("/x", uid="uid-1"))


def test_a_refused_deletion_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ApiRefused, match="DELETE /x: no"):
        call(tmp_path, lambda _: status(403, "Forbidden", "no"), lambda api: api.delete("/x", uid="uid-1"))


def test_a_server_that_does_not_answer_is_unreachable_and_named(tmp_path: Path) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused")

    with pytest.raises(Unreachable, match=r"http://cluster.*connection refused.*is it running"):
        call(tmp_path, refuse, lambda api: api.get("/x"))


@pytest.mark.parametrize(
    ("code", "text"), [(429, "Too many requests, please try again later.\n"), (502, "<html>Bad Gateway</html>")]
)
def test_a_refusal_in_plain_text_is_a_refusal_too(tmp_path: Path, code: int, text: str) -> None:
    with pytest.raises(ApiRefused) as refused:
        call(tmp_path, lambda _: httpx2.Response(code, text=text), lambda api: api.get("/x"))
    assert refused.value.code == code, "callers decide by code"


@pytest.mark.parametrize("text", ["<html>a proxy's page</html>", "[]", '"text"', ""])
def test_an_answer_that_is_no_object_is_a_refusal_whatever_its_status(tmp_path: Path, text: str) -> None:
    with pytest.raises(ApiRefused, match=r"GET /x: 200 ") as refused:
        call(tmp_path, lambda _: httpx2.Response(200, text=text), lambda api: api.get("/x"))
    assert refused.value.code == 200, "callers decide by code"


def test_a_long_page_is_cut_and_put_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(ApiRefused) as refused:
        call(tmp_path, lambda _: httpx2.Response(503, text="<p>\n" * 5000), lambda api: api.get("/x"))
    assert len(str(refused.value)) < 300 and "\n" not in str(refused.value), "a log line, not a page"
