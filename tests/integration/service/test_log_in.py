"""Logging in: what it gives, what it costs, how often one may guess, and that nobody else is locked out by that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from service.identity.claims import API
from service.problems import Problem
from tests.integration.service.conftest import Replica, Stage
from tests.integration.service.identity_stage import (
    HERE,
    PASSWORD,
    account,
    bearer,
    committed,
    join,
    letters,
    logged_in,
    mailed_token,
    new_email,
    post,
)


@asynccontextmanager
async def coming_from(replica: Replica, address: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client at that address."""
    transport = httpx2.ASGITransport(replica.app, client=(address, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield client


async def attempt(replica: Replica, email: str, password: str, address: str) -> int:
    async with coming_from(replica, address) as client:
        return (await client.post("/v1/auth/login", json={"email": email, "password": password})).status_code


def test_a_log_in_speaks_for_the_only_organization_or_the_named_one(stage: Stage) -> None:
    email, (first, first_id), (second, second_id) = account(stage), committed(stage), committed(stage)
    join(stage, first_id, email, "owner")

    async def act(replica: Replica) -> None:
        answer = await post(replica, "/login", {"email": email.upper(), "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store", "tokens are kept nowhere on the way"
        body = answer.json()
        claims = replica.services.identity.verifier.verify(body["access_token"], API)
        assert (claims.email, claims.org, claims.org_id, claims.role) == (email, first, first_id, "owner")
        assert body["organization"] == {"slug": first, "name": first.upper(), "role": "owner"}

        refused = await post(replica, "/login", {"email": email, "password": PASSWORD, "organization": second})
        assert refused.status_code == 403, "one belongs to it or not"
        absent = await post(replica, "/login", {"email": email, "password": PASSWORD, "organization": "never-there"})
        assert absent.json() | {"detail": "", "request_id": ""} == refused.json() | {"detail": "", "request_id": ""}

        join(stage, second_id, email, "viewer")
        open_ended = await logged_in(replica, email)
        assert open_ended.organization is None and len(open_ended.organizations) == 2, "of two, one chooses"
        chosen = await post(replica, "/refresh", {"refresh_token": open_ended.refresh_token, "organization": second})
        assert chosen.json()["organization"]["role"] == "viewer", "and switches by a refresh"
        me = (await replica.client.get("/v1/auth/me", headers=bearer(chosen.json()["access_token"]))).json()
        assert me["role"] == "viewer" and "data:read" in me["permissions"] and "data:change" not in me["permissions"]

    stage.play(act)


def test_staff_speak_for_the_platform_unless_they_name_an_organization(stage: Stage) -> None:
    email, (slug, org_id) = account(stage, platform_role="operator"), committed(stage)
    join(stage, org_id, email, "viewer")

    async def act(replica: Replica) -> None:
        verify = replica.services.identity.verifier.verify
        everywhere = verify((await logged_in(replica, email)).access_token, API)
        assert (everywhere.role, everywhere.org_id) == ("operator", None)
        inside = verify((await logged_in(replica, email, slug)).access_token, API)
        assert (inside.role, inside.org) == ("viewer", slug)
        assert "platform:identity" not in inside.permissions, "a role never adds to another"

    stage.play(act)


def test_an_unknown_address_costs_the_same_and_is_answered_the_same(stage: Stage) -> None:
    known, without, unknown = account(stage), new_email("no-password"), new_email("nobody")
    stage.write("insert into tenancy.users (email) values (%s)", without)

    async def act(replica: Replica) -> None:
        passwords, told = replica.services.identity.passwords, set()
        for email in (known, without, unknown):
            before = passwords.verified
            answer = await post(replica, "/login", {"email": email, "password": "not-it-at-all"})
            assert passwords.verified == before + 1, "one Argon2id whoever asks"
            told.add((answer.status_code, answer.json()["type"], answer.json()["detail"]))
        assert len(told) == 1 and told.pop()[0] == 401, "nothing tells who has an account"

    stage.play(act)


def test_guesses_from_elsewhere_lock_nobody_out_where_they_are_known(stage: Stage) -> None:
    email = account(stage)

    async def act(replica: Replica) -> None:
        assert await attempt(replica, email, PASSWORD, "198.51.100.7") == 200, "known there from now on"
        statuses = [
            await attempt(replica, email, "guess", f"203.0.113.{number}") for number in range(1, 5) for _ in range(8)
        ]
        assert statuses[:30] == [401] * 30 and statuses[30:] == [429] * 2, "all strange networks share one bucket"
        assert await attempt(replica, email, PASSWORD, "203.0.113.99") == 429, "the right password waits there too"
        assert await attempt(replica, email, PASSWORD, "198.51.100.7") == 200, "where one is known nothing has happened"

        sessions = replica.services.identity.sessions
        with pytest.raises(Problem) as caught:
            for _ in range(11):
                await sessions.authenticate(email, "guess", "198.51.100.7")
        assert caught.value.status in (401, 429)

    stage.play(act)


def test_right_passwords_use_nothing_up_and_wrong_ones_a_pair_after_ten(stage: Stage) -> None:
    email = account(stage)

    async def act(replica: Replica) -> None:
        assert [await attempt(replica, email, PASSWORD, "198.51.100.20") for _ in range(12)] == [200] * 12
        wrong = [await attempt(replica, email, "guess", "198.51.100.20") for _ in range(12)]
        assert wrong == [401] * 10 + [429] * 2
        async with coming_from(replica, "198.51.100.20") as client:
            answer = await client.post("/v1/auth/login", json={"email": email, "password": "guess"})
        assert int(answer.headers["retry-after"]) in range(1, 61), "and one is told how long to wait"

    stage.play(act)


def test_a_mailed_token_makes_the_account_and_counts_once(stage: Stage) -> None:
    email, (slug, org_id) = new_email("owner"), committed(stage)
    join(stage, org_id, email, "owner")
    assert stage.mail is not None
    mail = stage.mail

    async def act(replica: Replica) -> None:
        reset = await post(replica, "/password/reset", {"email": email})
        nobody = await post(replica, "/password/reset", {"email": new_email("nobody")})
        assert (reset.status_code, reset.json()) == (nobody.status_code, nobody.json()), "nothing tells who is there"
        await replica.settled()
        (text,) = letters(mail, email)
        assert len(list(mail.glob("*.eml"))) == 1, "and nobody else got mail"
        token = mailed_token(text)
        weak = await post(replica, "/password", {"token": token, "password": "password1234"})
        assert weak.status_code == 422 and weak.json()["errors"][0]["field"] == "password"
        assert (await post(replica, "/password", {"token": token, "password": PASSWORD})).status_code == 204
        assert (await post(replica, "/password", {"token": token, "password": PASSWORD})).status_code == 410
        granted = await replica.services.identity.sessions.log_in(email, PASSWORD, HERE, slug)
        assert granted.organization is not None and granted.organization.role == "owner"

    stage.play(act)


def test_a_changed_or_reset_password_ends_the_other_log_ins(stage: Stage) -> None:
    email, better = account(stage), "quiet-harbour-trumpet-7"
    assert stage.mail is not None
    mail = stage.mail

    async def me(replica: Replica, token: str) -> int:
        return (await replica.client.get("/v1/auth/me", headers=bearer(token))).status_code

    async def act(replica: Replica) -> None:
        mine, other = await logged_in(replica, email), await logged_in(replica, email)
        wrong = await post(replica, "/password/change", {"current": "guess", "new": better}, by=mine)
        assert wrong.status_code == 401 and await me(replica, other.access_token) == 200
        changed = await post(replica, "/password/change", {"current": PASSWORD, "new": better}, by=mine)
        assert changed.status_code == 204, changed.text
        assert (await me(replica, mine.access_token), await me(replica, other.access_token)) == (200, 401)
        ended = await post(replica, "/refresh", {"refresh_token": other.refresh_token})
        assert (ended.status_code, ended.json()["type"].rsplit("/")[-1]) == (401, "session-ended")

        await post(replica, "/password/reset", {"email": email})
        await replica.settled()
        token = mailed_token(letters(mail, email)[0])
        assert (await post(replica, "/password", {"token": token, "password": PASSWORD})).status_code == 204
        assert await me(replica, mine.access_token) == 401, "whoever forgot it may have lost it"
        audited = stage.rows("select action from tenancy.audit_log where org_id = 0 and target = %s", email)
        assert [row["action"] for row in audited] == ["password changed"] * 2

    stage.play(act)
