"""A browser logs in at the issuer and a client gets its tokens: the whole flow on the real PostgreSQL."""

import asyncio
import random
from typing import Any

import jwt
import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet

from service.oidc.browser import COOKIE
from tests.integration.service.conftest import Replica, Stage
from tests.integration.service.oidc_stage import (
    WIKI,
    Flow,
    account,
    address,
    browser,
    claims,
    headers_of,
    organization,
    registered,
    remove,
)
from tests.unit.service.identity.fakes import ISSUER

LOOPBACK = "http://127.0.0.1:49152/callback"


def test_a_browser_logs_in_once_and_each_client_gets_tokens_of_its_own(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada, wiki = address("ada", slug), Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            tokens = await wiki.tokens(ours, ada)
            said = claims(tokens["id_token"])
            assert (said["aud"], said["nonce"], said["email"]) == (wiki.client_id, wiki.nonce, ada)
            assert (said["org"], said["user_role"], said["exp"] - said["iat"]) == (slug, "owner", 3600)
            notes = Flow(replica, *await registered(replica))
            assert "code" in notes.came_back(await ours.asks(**notes.request(prompt="none"))), "not asked again"
            cli = Flow(replica, "agent-ready-cli", redirect_uri=LOOPBACK)
            granted = (await cli.exchange((await cli.logs_in(ours, ada))["code"])).json()
            assert claims(granted["access_token"])["aud"] == "agent-ready-api"
            assert claims(tokens["access_token"])["aud"] == wiki.client_id, "a service does not act at the API"
            bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
            assert (await replica.client.get("/v1/organizations", headers=bearer)).status_code == 401
            told = await replica.client.get("/oauth2/userinfo", headers=bearer)
            assert (told.json()["sub"], told.json()["email"]) == (said["sub"], ada)
            again = await ours.asks(**notes.request(prompt="login"))
            assert again.status_code == 200 and "<form" in again.text, "asked again on purpose"
        await _judged_by_others(replica, tokens["id_token"], wiki)

    stage.play(act)


async def _judged_by_others(replica: Replica, token: str, flow: Flow) -> None:
    """Two libraries that know nothing of us take the token by discovery and the published keys alone."""
    told = (await replica.client.get("/.well-known/openid-configuration")).json()
    answer = await replica.client.get(told["jwks_uri"].removeprefix(ISSUER))
    assert answer.headers["cache-control"] == "public, max-age=300"
    published = answer.json()
    assert not any({"d", "p", "q"} & key.keys() for key in published["keys"]), "public parts alone"
    key = jwt.PyJWKSet.from_dict(published)[jwt.get_unverified_header(token)["kid"]]
    judged = jwt.decode(token, key, algorithms=told["id_token_signing_alg_values_supported"],
                        audience=flow.client_id, issuer=told["issuer"])  # fmt: skip
    assert judged["nonce"] == flow.nonce
    assert jose.decode(token, KeySet.import_key_set(published), algorithms=["RS256"]).claims == judged


def test_what_runs_on_a_persons_machine_gets_nothing_without_their_click(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        flow = Flow(replica, "agent-ready-cli", redirect_uri=LOOPBACK)
        async with browser(replica) as ours:
            assert "code" in await flow.logs_in(ours, address("ada", slug)), "who has just typed a password has agreed"
            told = flow.came_back(await ours.asks(**flow.request(prompt="none")))
            assert (told["error"], "code" in told) == ("interaction_required", False)
            page = await ours.asks(**flow.request())
            assert page.status_code == 200 and address("ada", slug) in page.text and "password" not in page.text
            evil = {"Origin": "https://evil.example"}
            assert (await ours.client.post("/oauth2/go-on", params=flow.request(), headers=evil)).status_code == 403
            assert "code" in flow.came_back(await ours.submits(page)), "the button"
        async with browser(replica) as another:
            page = await another.client.post("/oauth2/go-on", params=flow.request(), headers={"Origin": ISSUER})
            assert 'name="password"' in page.text, "nobody is logged in there"

    stage.play(act)


def test_the_cookie_is_the_issuers_alone_and_only_over_tls(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        flow = Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            page = await ours.asks(**flow.request())
            assert "set-cookie" not in page.headers, "nothing is set for who has not logged in"
            done = await ours.logs_in(page, address("ada", slug))
            cookie = done.headers["set-cookie"]
            for part in (f"{COOKIE}=", "HttpOnly", "Secure", "Path=/", "SameSite=lax"):
                assert part in cookie, cookie
            assert "Domain" not in cookie and done.headers["cache-control"] == "no-store"
            ours.client.base_url = "http://issuer.test"  # type: ignore[assignment]
            assert COOKIE in (await ours.logs_in(page, address("ada", slug))).headers["set-cookie"], "a proxy ended TLS"
            ours.client.base_url = "http://api.test"  # type: ignore[assignment]
            assert "set-cookie" not in (await ours.logs_in(page, address("ada", slug))).headers

    stage.play(act)


def test_an_answer_goes_nowhere_before_its_address_is_certain(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        flow = Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            for changed in (
                {"client_id": "nobody"}, {"client_id": None}, {"redirect_uri": None}, {"redirect_uri": WIKI + "/"},
                {"redirect_uri": "https://evil.example/oauth2/callback"}, {"redirect_uri": LOOPBACK},
                {"redirect_uri": WIKI + "?next=//evil.example"}, {"client_id": "agent-ready-cli"},
                {"state": "a\x00b"},
            ):  # fmt: skip
                answer = await ours.asks(**flow.request(**changed))
                assert (answer.status_code, "location" in answer.headers) == (400, False), changed
                assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            twice = [*flow.request().items(), ("redirect_uri", "https://evil.example/")]
            answer = await ours.client.get("/oauth2/authorize", params=twice)  # type: ignore[arg-type]
            assert (answer.status_code, "location" in answer.headers) == (400, False), "which of the two?"

    stage.play(act)


def test_what_is_wrong_with_a_request_is_told_to_its_client(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        flow = Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            for changed, error in (
                ({"response_type": "token"}, "unsupported_response_type"),
                ({"response_type": "code id_token"}, "unsupported_response_type"),
                ({"response_type": None}, "invalid_request"), ({"response_mode": "fragment"}, "invalid_request"),
                ({"scope": "email"}, "invalid_scope"), ({"scope": None}, "invalid_scope"),
                ({"code_challenge": None}, "invalid_request"), ({"code_challenge_method": None}, "invalid_request"),
                ({"code_challenge_method": "plain"}, "invalid_request"),
                ({"code_challenge": "x" * 42}, "invalid_request"),
                ({"prompt": "none"}, "login_required"), ({"prompt": "none login"}, "invalid_request"),
                ({"request": "e30."}, "request_not_supported"), ({"max_age": "1"}, "invalid_request"),
                ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
            ):  # fmt: skip
                told = flow.came_back(await ours.asks(**flow.request(**changed)))
                assert (told["error"], "code" in told) == (error, False), changed

    stage.play(act)


def test_a_code_is_worth_nothing_without_its_verifier_its_client_and_its_address(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada, flow, other = address("ada", slug), *[Flow(replica, *await registered(replica)) for _ in range(2)]
        async with browser(replica) as ours:
            for changed in (
                {"code_verifier": flow.verifier[:-1] + "x"}, {"code_verifier": None}, {"redirect_uri": None},
                {"redirect_uri": WIKI + "/"}, {"code": "x" * 43},
            ):  # fmt: skip
                code = (await flow.logs_in(ours, ada))["code"]
                answer = await flow.exchange(**{"code": code, **changed})
                assert (answer.status_code, "access_token" in answer.json()) == (400, False), changed
                assert answer.headers["cache-control"] == "no-store"
            code = (await flow.logs_in(ours, ada))["code"]
            assert (await other.exchange(code, code_verifier=flow.verifier)).json()["error"] == "invalid_grant"
            stage.rows("update tenancy.authorization_codes set expires_at = now() where used_at is null returning 1")
            assert (await flow.exchange(code)).json()["error"] == "invalid_grant", "60 seconds are over"

    stage.play(act)


def test_a_code_that_comes_again_ends_what_the_first_gave(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada, flow = address("ada", slug), Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            code = (await flow.logs_in(ours, ada))["code"]
            tokens = (await flow.exchange(code)).json()
            assert (await flow.introspect(tokens["access_token"]))["active"] is True
            assert (await flow.exchange(code)).json()["error"] == "invalid_grant"
            assert await flow.introspect(tokens["access_token"]) == {"active": False}
            assert (await flow.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
            assert (await ours.asks(**flow.request())).status_code == 200, "the browser has to log in again"
            code = (await flow.logs_in(ours, ada))["code"]
            answers = await asyncio.gather(*(flow.exchange(code) for _ in range(5)))
            good = [answer.json() for answer in answers if answer.status_code == 200]
            assert len(good) <= 1, "of several at once, one at most"
            for tokens in good:
                assert await flow.introspect(tokens["access_token"]) == {"active": False}

    stage.play(act)


def test_a_client_has_to_be_who_it_says(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        ada, flow = address("ada", slug), Flow(replica, *await registered(replica))
        cli = Flow(replica, "agent-ready-cli", redirect_uri=LOOPBACK)
        async with browser(replica) as ours:
            code = (await flow.logs_in(ours, ada))["code"]
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": WIKI,
                "code_verifier": flow.verifier,
            }
            named, secret = {"client_id": flow.client_id}, flow.secret or ""
            for more, auth, status in (
                ({}, None, 401), (named, None, 401), (named | {"client_secret": secret + "x"}, None, 401),
                ({"client_id": "nobody", "client_secret": secret}, None, 401), ({}, (flow.client_id, ""), 401),
                ({"client_secret": secret}, (flow.client_id, secret), 400),
                ({"client_id": "agent-ready-cli"}, (flow.client_id, secret), 400),
                ({"client_id": "agent-ready-cli", "client_secret": "x"}, None, 401),
            ):  # fmt: skip
                answer = await replica.client.post(
                    "/oauth2/token", data=form | more, **({"auth": auth} if auth else {})
                )
                assert answer.status_code == status, (more, answer.text)
                assert (status == 400) or "Basic" in answer.headers["www-authenticate"]
            answer = await replica.client.post("/oauth2/token", data=form | named | {"client_secret": secret})
            assert answer.status_code == 200, "no refusal above has used up the code: client_secret_post"
            assert (await cli.post("/oauth2/introspect", token="x")).status_code == 401, (
                "anybody can be a public client"
            )
            assert (await flow.token(grant_type="password", username=ada)).json()["error"] == "unsupported_grant_type"

    stage.play(act)


def test_an_organizations_client_logs_its_members_in_and_nobody_else(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner", bob="member")
        stranger = await account(replica, f"eve@{slug}.other.example")
        flow = Flow(replica, *await registered(replica, slug))
        async with browser(replica) as ours:
            refused = await ours.logs_in(await ours.asks(**flow.request()), stranger)
            assert (refused.status_code, "location" in refused.headers) == (400, False)
        async with browser(replica) as ours:
            tokens = await flow.tokens(ours, address("bob", slug))
            assert (await flow.introspect(tokens["id_token"]))["org"] == slug
            tokens = (await flow.refresh(tokens["refresh_token"])).json()
            await remove(replica, address("bob", slug))
            assert await flow.introspect(tokens["id_token"]) == {"active": False}
            assert (await flow.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
            assert flow.came_back(await ours.asks(**flow.request(prompt="none")))["error"] == "access_denied"
            page = await ours.asks(**flow.request())
            assert "does not belong" in page.text and "<form" in page.text, "another account may"

    stage.play(act)


def test_an_organizations_client_learns_who_somebody_is_once_they_have_agreed(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner", bob="member")
        bob, flow, anybodys = (
            address("bob", slug),
            Flow(replica, *await registered(replica, slug)),
            Flow(replica, *await registered(replica)),
        )
        async with browser(replica) as ours:
            assert "code" in await anybodys.logs_in(ours, bob), "the platform's asks nobody"
            told = flow.came_back(await ours.asks(**flow.request(prompt="none")))
            assert (told["error"], "code" in told) == ("interaction_required", False), "others made him a member"
            page = await ours.asks(**flow.request())
            assert page.status_code == 200 and "password" not in page.text
            assert all(part in page.text for part in (bob, slug, "Wiki")), "who learns what"
            assert "code" in flow.came_back(await ours.submits(page)), "the button"
            assert "code" in flow.came_back(await ours.asks(**flow.request(prompt="none"))), "asked once"
            other = Flow(replica, *await registered(replica, slug))
            assert "Go on?" in (await ours.asks(**other.request())).text, "for each client"
        async with browser(replica) as another:
            form = await another.asks(**flow.request(prompt="login"))
            page = await another.logs_in(form, address("ada", slug))
            assert "Go on?" in page.text and "password" not in page.text, "a password typed is no agreement"
            assert "code" in flow.came_back(await another.submits(page)), "and is not typed twice"
            again = await another.logs_in(form, address("ada", slug))
            assert "code" in flow.came_back(again)
        consents = "select from tenancy.client_consents where client_id = %s"
        assert len(stage.rows(consents, flow.client_id)) == 2
        by = await headers_of(replica, address("ada", slug), slug)
        await replica.client.delete(f"/v1/organizations/{slug}/clients/{flow.client_id}", headers=by)
        assert stage.rows(consents, flow.client_id) == [], "they go with the client"

    stage.play(act)


def test_an_organizations_client_leads_nobody_elsewhere_who_is_not_logged_in(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        flow = Flow(replica, *await registered(replica, slug))
        async with browser(replica) as ours:
            for changed in ({"scope": None}, {"prompt": "none"}, {"response_type": None}):
                answer = await ours.asks(**flow.request(**changed))
                assert (answer.status_code, "location" in answer.headers) == (400, False), changed
            form = await ours.client.post(
                "/oauth2/log-in", params=flow.request(scope=None), headers={"Origin": ISSUER}, data={"email": "x"}
            )
            assert (form.status_code, "location" in form.headers) == (400, False)
            await flow.logs_in(ours, address("ada", slug))
            assert flow.came_back(await ours.asks(**flow.request(scope=None)))["error"] == "invalid_scope"

    stage.play(act)


def test_a_log_in_that_fails_does_not_tell_why(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        flow = Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            page = await ours.asks(**flow.request(state="<i>"))
            wrong = [
                await ours.logs_in(page, email, "not this one, surely")
                for email in (address("ada", slug), "nobody@nowhere.example", "<script>@x.example")
            ]
            assert {answer.status_code for answer in wrong} == {401}
            assert len({answer.text for answer in wrong}) == 1, "to the letter the same page"
            assert "<i>" not in wrong[0].text and "set-cookie" not in wrong[0].headers
            evil = await ours.client.post(
                "/oauth2/log-in", params=flow.request(), data={"email": "eve@evil.example", "password": "x"},
                headers={"Origin": "https://evil.example"},
            )  # fmt: skip
            assert evil.status_code == 403, "nobody is logged in as somebody else by another site's form"

    stage.play(act)


@pytest.mark.parametrize("kind", ["form", "query"])
def test_a_request_may_come_as_a_form_and_is_judged_alike(stage: Stage, kind: str) -> None:
    async def act(replica: Replica) -> None:
        flow = Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            given: dict[str, Any] = {"data" if kind == "form" else "params": flow.request(prompt="none")}
            answer = await (ours.client.post if kind == "form" else ours.client.get)("/oauth2/authorize", **given)
            assert flow.came_back(answer)["error"] == "login_required"

    stage.play(act)


def test_whatever_is_sent_to_the_pages_they_do_not_fail_and_lead_to_registered_addresses_only(stage: Stage) -> None:
    chance = random.Random(7)
    odd = (
        "", "\x00", "\ud7ff", "%", "%00", "' or 1=1--", "<script>", "x" * 3000, "https://evil.example/", "-1", "[::1",
        "//evil.example", "http://[::1]:80/", "null", "a b", "\r\nLocation: https://evil.example/", "openid", "code",
    )  # fmt: skip

    async def act(replica: Replica) -> None:
        slug = await organization(replica, ada="owner")
        flow = Flow(replica, *await registered(replica))
        async with browser(replica) as ours:
            await flow.logs_in(ours, address("ada", slug))
            sane = flow.request() | {"id_token_hint": "a.b.c", "post_logout_redirect_uri": WIKI, "prompt": "none"}
            for _ in range(200):
                path = chance.choice(("/oauth2/authorize", "/oauth2/log-in", "/oauth2/logout", "/oauth2/log-out"))
                sent = {name: value for name, value in sane.items() if chance.random() < 0.9}
                for name in chance.sample([*sane, "request", "email", "password", "x"], 2):
                    sent[name] = chance.choice(odd)
                given: dict[str, Any] = {"params": sent} if chance.random() < 0.6 else {"params": sent, "data": sent}
                answer = await ours.client.request("POST" if "data" in given else "GET", path, **given)
                assert answer.status_code < 500, (path, given, answer.text)
                assert answer.headers.get("location", WIKI).partition("?")[0] == WIKI, (path, given)

    stage.play(act)
