"""kubectl by way of our tokens: exchanged for a session, judged for the API server, described in a kubeconfig."""

from dataclasses import replace
from typing import Any

import httpx2
import yaml

from service.issuer_settings import IssuerSettings
from tests.integration.service.conftest import OPERATOR, Replica, Stage
from tests.integration.service.oidc_stage import (
    Flow,
    account,
    address,
    browser,
    claims,
    headers_of,
    organization,
    remove,
)

SECRET = "what-the-api-server-shows"
SERVER = {"Authorization": f"Bearer {SECRET}"}
TOLD = IssuerSettings(
    "https://api.test", webhook_secret=SECRET, kubernetes_url="https://cluster.test:6443", kubernetes_ca="the authority"
)


def play(stage: Stage, act: Any) -> None:
    replace(stage, settings=replace(stage.settings, issuer=TOLD)).play(act)


async def review(replica: Replica, token: str, *audiences: str, by: dict[str, str] = SERVER) -> httpx2.Response:
    spec = {"token": token, **({"audiences": audiences} if audiences else {})}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec,
            "metadata": {"creationTimestamp": None}, "status": {"user": {}}}  # fmt: skip
    return await replica.client.post("/v1/kubernetes/token-review", json=body, headers=by)


async def status(replica: Replica, token: str, *audiences: str) -> dict[str, Any]:
    answer = await review(replica, token, *audiences)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["apiVersion"], answer.json()["kind"]) == ("authentication.k8s.io/v1", "TokenReview")
    found: dict[str, Any] = answer.json()["status"]
    return found


def test_a_session_gives_a_token_for_kubectl_and_the_api_server_is_told_whose_it_is(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner", bob="viewer")
        for name in ("ada", "bob"):
            answer = await replica.client.post(
                "/v1/auth/kubernetes", headers=await headers_of(replica, address(name, slug))
            )
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
            token, said = answer.json()["token"], claims(answer.json()["token"])
            assert (said["aud"], said["exp"] - said["iat"]) == ("kubernetes", 600)
            user = {
                "username": f"agent-ready:{address(name, slug)}", "uid": said["sub"],
                "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={said['jti']}"]},
            }  # fmt: skip
            assert await status(replica, token) == {"authenticated": True, "user": user}, "no groups"
            own = ("https://cluster.test:6443",)
            assert await status(replica, token, *own) == {"authenticated": True, "user": user}, (
                "the API server's own audiences: without an answer to them it takes the token for itself alone"
            )
            found = await status(replica, token, "kubernetes", "some-service")
            assert found["audiences"] == ["kubernetes"], "what was asked for and is true"
        await replica.services.identity.sessions.end(said["sid"], "logged out")
        assert (await status(replica, token))["authenticated"] is False

    play(stage, act)


def test_what_is_done_with_a_token_is_denied_from_its_end_on_and_never_allowed_here(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        bearer = await headers_of(replica, address("ada", slug))
        said = claims((await replica.client.post("/v1/auth/kubernetes", headers=bearer)).json()["token"])

        async def judged(*ids: str, by: dict[str, str] = SERVER) -> tuple[int, Any]:
            spec = {"user": "agent-ready:x", "extra": {"authentication.kubernetes.io/credential-id": ids}}
            body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
            answer = await replica.client.post("/v1/kubernetes/access-review", json=body, headers=by)
            return answer.status_code, answer.json().get("status")

        own = f"JTI={said['jti']}"
        assert await judged(own) == (200, {"allowed": False}), "no opinion: the RoleBindings decide"
        for strange in ((), ("X509SHA256=00",), (own, "JTI=1")):
            assert (await judged(*strange))[1]["denied"] is True, f"{strange} is no token of ours"
        assert (await judged(own, by=OPERATOR))[0] == 401
        await replica.services.identity.sessions.end(said["sid"], "logged out")
        assert (await judged(own))[1]["denied"] is True

    play(stage, act)


def test_no_other_token_gets_into_the_cluster_and_nobody_else_may_ask(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        bearer = await headers_of(replica, address("ada", slug))
        for wrong in (bearer["Authorization"].removeprefix("Bearer "), "", "x", "a.b.c", "ey" * 5000):
            assert (await status(replica, wrong))["authenticated"] is False
        token = (await replica.client.post("/v1/auth/kubernetes", headers=bearer)).json()["token"]
        unknown: tuple[dict[str, str], ...] = ({}, OPERATOR, bearer, {"Authorization": f"Bearer {SECRET}x"})
        for by in unknown:
            assert (await review(replica, token, by=by)).status_code == 401
        answer = await replica.client.get("/v1/organizations", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, "a token for kubectl does not act at the API"
        assert (await replica.client.post("/v1/auth/kubernetes", headers=OPERATOR)).status_code == 403
        stage.rows("update tenancy.users set disabled_at = now() where email = %s returning 1", address("ada", slug))
        assert (await status(replica, token))["authenticated"] is False, "disabled"

    play(stage, act)


def test_who_belongs_to_nothing_gets_no_token_for_kubectl(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        stranger = await account(replica, f"eve@{slug}.other.example")
        answer = await replica.client.post("/v1/auth/kubernetes", headers=await headers_of(replica, stranger))
        assert answer.status_code == 403, answer.text
        bearer = await headers_of(replica, address("ada", slug))
        token = (await replica.client.post("/v1/auth/kubernetes", headers=bearer)).json()["token"]
        await remove(replica, address("ada", slug))
        assert (await status(replica, token))["authenticated"] is False, "it spoke by the membership that ended"

    play(stage, act)


def test_a_members_kubeconfig_holds_no_secret_and_leads_to_the_namespace(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug, neighbour = [await organization(replica, ada="viewer") for _ in range(2)]
        bearer = await headers_of(replica, address("ada", slug))
        answer = await replica.client.get(f"/v1/organizations/{slug}/kubeconfig", headers=bearer)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
        found = yaml.safe_load(answer.text)
        assert found["contexts"][0]["context"]["namespace"] == f"org-{slug}"
        cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
        assert cluster == {"server": TOLD.kubernetes_url, "certificate-authority-data": "dGhlIGF1dGhvcml0eQ=="}
        run = user.pop("exec")
        assert not user and (run["command"], run["args"], run["interactiveMode"]) == ("agent-ready", ["token"], "Never")
        assert run["env"] == [{"name": "API_URL", "value": "https://api.test"}]
        foreign, none = [
            await replica.client.get(f"/v1/organizations/{other}/kubeconfig", headers=bearer)
            for other in (neighbour, "there-is-none")
        ]
        assert foreign.status_code == none.status_code == 404
        assert foreign.json()["type"] == none.json()["type"], "the neighbour is not told from nobody"

    play(stage, act)


def test_a_client_that_logs_in_by_itself_gets_id_tokens_for_the_cluster(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        flow = Flow(replica, "kubernetes", redirect_uri="http://localhost:8000")  # as kubelogin does
        async with browser(replica) as ours:
            tokens = await flow.tokens(ours, address("ada", slug))
            again = (await flow.refresh(tokens["refresh_token"])).json()
        for token in (tokens["id_token"], again["id_token"]):
            said = claims(token)
            assert (said["aud"], said["exp"] - said["iat"]) == ("kubernetes", 600)
            assert (await status(replica, token))["authenticated"] is True

    play(stage, act)
