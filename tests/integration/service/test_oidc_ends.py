"""How a log-in ends at the issuer: by a client, by a person, by one token; and what that reaches."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.service.conftest import Replica, Stage
from tests.integration.service.oidc_stage import (
    WIKI,
    Browser,
    Flow,
    address,
    browser,
    claims,
    headers_of,
    organization,
    registered,
)
from tests.unit.service.identity.fakes import ISSUER


async def logged_in(replica: Replica, ours: Browser) -> tuple[Flow, dict[str, Any], str]:
    slug = await organization(replica, ada="owner")
    flow = Flow(replica, *await registered(replica))
    return flow, await flow.tokens(ours, address("ada", slug)), address("ada", slug)


async def is_over(flow: Flow, ours: Browser, tokens: dict[str, Any]) -> bool:
    assert await flow.introspect(tokens["id_token"]) == {"active": False}
    assert (await flow.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    return (await ours.asks(**flow.request())).status_code == 200


def test_a_client_that_shows_an_id_token_ends_its_log_in_at_once(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        async with browser(replica) as ours:
            flow, tokens, ada = await logged_in(replica, ours)
            asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": WIKI, "state": "s"}
            answer = await replica.client.get("/oauth2/logout", params=asked)
            assert answer.headers["location"] == f"{WIKI}?state=s", "registered, to the letter"
            assert await is_over(flow, ours, tokens)
            tokens = await flow.tokens(ours, ada)
            evil = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://evil.example/"}
            answer = await replica.client.post("/oauth2/logout", data=evil)
            assert (answer.status_code, "location" in answer.headers) == (200, False), "logged out, and led nowhere"
            assert await is_over(flow, ours, tokens)

    stage.play(act)


def test_an_id_token_that_has_expired_still_ends_its_log_in(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(replica: Replica) -> None:
        async with browser(replica) as ours:
            flow, tokens, _ = await logged_in(replica, ours)
            later = time.time() + 7200
            monkeypatch.setattr(replica.services.identity.verifier, "_clock", lambda: later)
            assert await flow.introspect(tokens["id_token"]) == {"active": False}, "expired"
            head, body, signature = tokens["id_token"].split(".")
            for forged in (f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.e30.{signature}", f"{head}..", "x"):
                await replica.client.get("/oauth2/logout", params={"id_token_hint": forged})
            assert (await flow.refresh(tokens["refresh_token"])).status_code == 200, "nobody ends it with a forged one"
            await replica.client.get("/oauth2/logout", params={"id_token_hint": tokens["id_token"]})
            assert await is_over(flow, ours, tokens)

    stage.play(act)


def test_a_person_is_asked_before_a_link_logs_them_out(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        async with browser(replica) as ours:
            flow, tokens, _ = await logged_in(replica, ours)
            question = await ours.client.get("/oauth2/logout", params={"client_id": flow.client_id})
            assert "<form" in question.text and (await flow.introspect(tokens["id_token"]))["active"]
            evil = await ours.client.post("/oauth2/log-out", headers={"Origin": "https://evil.example"})
            assert evil.status_code == 403 and (await flow.introspect(tokens["id_token"]))["active"]
            done = await ours.client.post("/oauth2/log-out", headers={"Origin": ISSUER})
            assert done.status_code == 200 and "Max-Age=0" in done.headers["set-cookie"]
            assert await is_over(flow, ours, tokens)

    stage.play(act)


def test_a_client_ends_its_own_tokens_and_no_others(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        async with browser(replica) as ours:
            flow, tokens, ada = await logged_in(replica, ours)
            other = Flow(replica, *await registered(replica))
            theirs = await other.tokens(ours, ada)
            for token in (theirs["id_token"], theirs["refresh_token"], "nothing", "a.b.c"):
                assert (await flow.post("/oauth2/revoke", token=token)).status_code == 200, "it tells nothing"
                assert await flow.introspect(token) == {"active": False}, "not issued for this client"
            assert (await other.introspect(theirs["id_token"]))["active"] is True
            await flow.post("/oauth2/revoke", token=tokens["access_token"])
            assert await flow.introspect(tokens["access_token"]) == {"active": False}
            tokens = (await flow.refresh(tokens["refresh_token"])).json()
            assert (await flow.introspect(tokens["access_token"]))["jti"] == claims(tokens["access_token"])["jti"]
            await flow.post("/oauth2/revoke", token=tokens["refresh_token"])
            assert await is_over(flow, ours, tokens)

    stage.play(act)


async def doubled_code(flow: Flow, code: str, tokens: dict[str, Any]) -> None:
    assert (await flow.exchange(code)).status_code == 400


async def doubled_refresh(flow: Flow, code: str, tokens: dict[str, Any]) -> None:
    second = (await flow.refresh(tokens["refresh_token"])).json()
    assert (await flow.refresh(second["refresh_token"])).status_code == 200
    assert (await flow.refresh(tokens["refresh_token"])).status_code == 400


async def revoked(flow: Flow, code: str, tokens: dict[str, Any]) -> None:
    await flow.post("/oauth2/revoke", token=tokens["refresh_token"])


async def hinted(flow: Flow, code: str, tokens: dict[str, Any]) -> None:
    answer = await flow.replica.client.get("/oauth2/logout", params={"id_token_hint": tokens["id_token"]})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert "Your log-in here goes on" in answer.text


async def hinted_with_an_address(flow: Flow, code: str, tokens: dict[str, Any]) -> None:
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": WIKI}
    answer = await flow.replica.client.get("/oauth2/logout", params=asked)
    assert (answer.headers["location"], "set-cookie" in answer.headers) == (WIKI, False)


@pytest.mark.parametrize("ending", [doubled_code, doubled_refresh, revoked, hinted, hinted_with_an_address])
def test_an_organizations_client_ends_its_own_part_of_a_log_in_and_no_more(
    stage: Stage, ending: Callable[[Flow, str, dict[str, Any]], Awaitable[None]]
) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada, flow = address("ada", slug), Flow(replica, *await registered(replica, slug))
        others = [Flow(replica, *await registered(replica, owner)) for owner in (slug, None)]
        async with browser(replica) as ours:
            theirs = [await other.tokens(ours, ada) for other in others]
            code = (await flow.logs_in(ours, ada))["code"]
            tokens = (await flow.exchange(code)).json()
            await ending(flow, code, tokens)
            assert await flow.introspect(tokens["id_token"]) == {"active": False}
            assert (await flow.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
            for other, kept in zip(others, theirs, strict=True):
                assert (await other.introspect(kept["id_token"]))["active"] is True
                assert (await other.refresh(kept["refresh_token"])).status_code == 200
            assert "code" in flow.came_back(await ours.asks(**flow.request())), "the browser is logged in"

    stage.play(act)


def test_a_removed_clients_token_does_not_end_the_whole_log_in_either(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada, flow = address("ada", slug), Flow(replica, *await registered(replica, slug))
        async with browser(replica) as ours:
            tokens = await flow.tokens(ours, ada)
            by = await headers_of(replica, ada, slug)
            await replica.client.delete(f"/v1/organizations/{slug}/clients/{flow.client_id}", headers=by)
            await replica.client.get("/oauth2/logout", params={"id_token_hint": tokens["id_token"]})
            other = Flow(replica, *await registered(replica))
            assert "code" in other.came_back(await ours.asks(**other.request(prompt="none")))

    stage.play(act)


def test_a_code_that_comes_again_before_the_first_has_given_anything_gives_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada, flow = address("ada", slug), Flow(replica, *await registered(replica, slug))
        sessions = replica.services.identity.sessions
        begin = sessions.begin

        async def overtaken(*given: Any, **named: Any) -> Any:
            monkeypatch.setattr(sessions, "begin", begin)
            assert (await flow.exchange(code)).status_code == 400, "the second"
            return await begin(*given, **named)

        async with browser(replica) as ours:
            code = (await flow.logs_in(ours, ada))["code"]
            monkeypatch.setattr(sessions, "begin", overtaken)
            assert (await flow.exchange(code)).json()["error"] == "invalid_grant", "the first"
        living = "select from tenancy.sessions where client_id = %s and ended_at is null"
        assert stage.rows(living, flow.client_id) == []

    stage.play(act)


def test_a_log_out_at_the_api_reaches_every_client_of_the_log_in(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        async with browser(replica) as ours:
            flow, tokens, _ = await logged_in(replica, ours)
            userinfo = {"Authorization": f"Bearer {tokens['access_token']}"}
            assert (await replica.client.post("/oauth2/userinfo", headers=userinfo)).status_code == 200
            await replica.services.identity.sessions.end(claims(tokens["id_token"])["sid"], "logged out")
            assert await is_over(flow, ours, tokens)
            refused = await replica.client.get("/oauth2/userinfo", headers=userinfo)
            assert refused.status_code == 401 and "invalid_token" in refused.headers["www-authenticate"]
            assert (await replica.client.get("/oauth2/userinfo")).status_code == 401

    stage.play(act)
