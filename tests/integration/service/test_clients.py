"""Clients of organizations and of the platform, and the console, which is one."""

from dataclasses import replace
from typing import Any

from database import clients
from service.issuer_settings import IssuerSettings
from service.oidc import builtin
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug
from tests.integration.service.oidc_stage import WIKI, Flow, address, browser, headers_of, organization, registered

CONSOLE = IssuerSettings(console_url="https://console.test", console_client_secret="the secret of the console")
BODY = {"name": "Wiki", "redirect_uris": [WIKI], "reason": "to read"}


def test_an_organizations_client_is_its_own_and_its_secret_is_shown_once(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug, neighbour = [await organization(replica, ada="admin", bob="member") for _ in range(2)]
        ada, path = await headers_of(replica, address("ada", slug), slug), f"/v1/organizations/{slug}/clients"
        made = await replica.client.put(f"{path}/wiki", json=BODY, headers=ada)
        assert (made.status_code, made.json()["client_id"]) == (201, f"{slug}.wiki")
        assert len(made.json()["client_secret"]) >= 43 and made.headers["cache-control"] == "no-store"
        theirs = await headers_of(replica, address("ada", neighbour), neighbour)
        same = await replica.client.put(f"/v1/organizations/{neighbour}/clients/wiki", json=BODY, headers=theirs)
        assert same.status_code == 201, "a neighbour's name is neither taken nor told"
        changed = await replica.client.put(f"{path}/{slug}.wiki", json=BODY | {"name": "Notes"}, headers=ada)
        assert changed.status_code == 200 and "client_secret" not in changed.json(), "it keeps the one it has"
        fresh = await replica.client.put(f"{path}/wiki", json=BODY | {"new_secret": True}, headers=ada)
        assert fresh.json()["client_secret"] != made.json()["client_secret"]
        listed = await replica.client.get(path, headers=ada)
        assert [one["client_id"] for one in listed.json()["items"]] == [f"{slug}.wiki"]
        assert made.json()["client_secret"] not in listed.text
        bob = await headers_of(replica, address("bob", slug), slug)
        assert (await replica.client.put(f"{path}/x", json=BODY, headers=bob)).status_code == 403
        assert (await replica.client.get(path, headers=theirs)).status_code == 404
        assert (await replica.client.delete(f"{path}/wiki?reason=old", headers=ada)).status_code == 204
        assert (await replica.client.delete(f"{path}/wiki", headers=ada)).status_code == 404
        acts = stage.rows("select actor, action, reason, new from tenancy.audit_log where target = %s order by seq",
                          f"{slug}.wiki")  # fmt: skip
        assert [one["action"] for one in acts] == ["client registered", *["client changed"] * 2, "client removed"]
        assert ["secret_changed" in (one["new"] or {}) for one in acts] == [False, False, True, False]
        assert "secret_hash" not in str(acts) and fresh.json()["client_secret"] not in str(acts)
        assert (acts[0]["actor"], acts[-1]["reason"]) == (address("ada", slug), "old")

    stage.play(act)


def test_what_could_lead_people_elsewhere_is_not_registered(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        for body in (
            {"redirect_uris": ["http://wiki.example/cb"]}, {"redirect_uris": []}, {"redirect_uris": [WIKI, WIKI]},
            {"redirect_uris": ["https://*.example/cb"]}, {"secret": "mine"}, {"name": ""},
        ):  # fmt: skip
            answer = await replica.client.put("/v1/platform/clients/wiki", json=BODY | body, headers=OPERATOR)
            assert answer.status_code == 422, (body, answer.text)
        for name in ("console", "kubernetes", "agent-ready-api", "agent-ready-browser", "a.b", "A", "x" * 64):
            answer = await replica.client.put(f"/v1/platform/clients/{name}", json=BODY, headers=OPERATOR)
            assert answer.status_code == 422, f"{name} is an audience, another owner's, or no name"

    stage.play(act)


def test_a_client_that_was_removed_gets_nothing_more(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        flow = Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            tokens = await flow.tokens(ours, address("ada", slug))
            gone = await replica.client.delete(f"/v1/platform/clients/{flow.client_id}", headers=OPERATOR)
            assert gone.status_code == 204
            assert (await flow.refresh(tokens["refresh_token"])).status_code == 401
            assert (await flow.post("/oauth2/introspect", token=tokens["id_token"])).status_code == 401
            userinfo = {"Authorization": f"Bearer {tokens['access_token']}"}
            assert (await replica.client.get("/oauth2/userinfo", headers=userinfo)).status_code == 401
            assert (await ours.asks(**flow.request())).status_code == 400

    stage.play(act)


def test_the_console_believes_its_own_id_token_and_no_header(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada = address("ada", slug)
        flow = Flow(replica, "console", CONSOLE.console_client_secret, f"{CONSOLE.console_url}/oauth2/callback")
        async with browser(replica) as ours:
            tokens = await flow.tokens(ours, ada)
            other = Flow(replica, *await registered(replica))
            theirs = (await other.tokens(ours, ada))["id_token"]
        page = await console(replica, tokens["id_token"])
        assert page.status_code == 200 and all(part in page.text for part in (ada, slug, "owner", "/oauth2/sign_out"))
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        forged = await replica.client.get("/console", headers={"X-Forwarded-Email": ada, "X-Forwarded-User": ada})
        at_api = (await headers_of(replica, ada, slug))["Authorization"].removeprefix("Bearer ")
        assert forged.status_code == 401
        assert {(await console(replica, wrong)).status_code for wrong in (theirs, at_api, "", "a.b.c")} == {401}
        await replica.client.get("/oauth2/logout", params={"id_token_hint": tokens["id_token"]})
        assert (await console(replica, tokens["id_token"])).status_code == 401, "logged out"

    replace(stage, settings=replace(stage.settings, issuer=CONSOLE)).play(act)


async def console(replica: Replica, token: str) -> Any:
    return await replica.client.get("/console", headers={"Authorization": f"Bearer {token}"})


def test_built_in_clients_follow_the_environment_and_are_written_only_when_they_change(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        database = replica.services.database
        told = [replace(CONSOLE, console_url=f"https://{new_slug('console')}.test") for _ in range(2)]
        for settings in (told[0], told[0], told[1], IssuerSettings()):
            await builtin.tend(database, settings)
        found = await clients.find(database, "console")
        assert found is not None and found.redirect_uris[0] == f"{told[1].console_url}/oauth2/callback"
        kubectl = await clients.find(database, "kubernetes")
        assert kubectl is not None and kubectl.is_public
        written = stage.rows("select new from tenancy.audit_log where target = 'console' order by seq desc limit 3")
        named = [row["new"]["redirect_uris"][0] for row in written]
        assert named[:2] == [f"{one.console_url}/oauth2/callback" for one in reversed(told)], "once each"

    stage.play(act)
