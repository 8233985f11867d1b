"""Logging in: what it gives, what it costs, how often one may guess, and that nobody else is locked out by that."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from service.identity import sessions
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
    leave,
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


async def me(replica: Replica, token: str) -> int:
    return (await replica.client.get("/v1/auth/me", headers=bearer(token))).status_code


def test_a_log_in_speaks_for_the_usual_organization_or_the_named_one(stage: Stage) -> None:
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
        assert open_ended.organization is not None and len(open_ended.organizations) == 2
        assert open_ended.organization.slug == first, "of two it is the last one"
        chosen = await post(replica, "/refresh", {"refresh_token": open_ended.refresh_token, "organization": second})
        assert chosen.json()["organization"]["role"] == "viewer", "and switches by a refresh"
        me = (await replica.client.get("/v1/auth/me", headers=bearer(chosen.json()["access_token"]))).json()
        assert me["role"] == "viewer" and "data:read" in me["permissions"] and "data:change" not in me["permissions"]

    stage.play(act)


def test_whoever_makes_somebody_a_member_changes_nothing_for_them(stage: Stage) -> None:
    """Anybody can, by a sign-up in their name: what they log in to stays what they used last, else what is oldest."""
    email, (own, own_id), (junk, junk_id), (third, third_id) = account(stage), *(committed(stage) for _ in range(3))
    join(stage, own_id, email, "owner")
    join(stage, junk_id, email, "owner")

    async def usual(replica: Replica) -> str | None:
        standing = (await logged_in(replica, email)).organization
        return standing and standing.slug

    async def act(replica: Replica) -> None:
        assert await usual(replica) == own, "who has never logged in: the oldest"
        join(stage, third_id, email, "viewer")
        assert await usual(replica) == own, "then the last one"
        await logged_in(replica, email, third)
        assert await usual(replica) == third
        stage.write("update tenancy.sessions set ended_at = now(), ended_why = 'test' where org_id = %s", third_id)
        assert await usual(replica) == third, "whether it has ended or not"
        session_id = (await logged_in(replica, email, junk)).session_id
        stage.write("update tenancy.sessions set client_id = %s where id = %s", f"{junk}.app", session_id)
        assert await usual(replica) == third, "what a stranger's client asked for says nothing"
        leave(stage, third_id, email)
        assert await usual(replica) == own, "of those that they still belong to"
        leave(stage, own_id, email)
        assert await usual(replica) == junk, "never nobody while there is any"
        leave(stage, junk_id, email)
        assert await usual(replica) is None

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

        authenticate = replica.services.identity.sessions.authenticate
        with pytest.raises(Problem) as caught:
            for _ in range(11):
                await authenticate(email, "guess", "198.51.100.7")
        assert caught.value.status in (401, 429)

    stage.play(act)


def test_right_passwords_use_up_what_their_network_has_alone(stage: Stage) -> None:
    emails = [account(stage) for _ in range(6)]

    async def act(replica: Replica) -> None:
        statuses = [await attempt(replica, email, PASSWORD, "198.51.100.30") for email in emails for _ in range(9)]
        assert statuses[:50] == [200] * 50 and 429 in statuses[50:52], "log-ins are work, whoever knows a password"
        assert await attempt(replica, emails[0], PASSWORD, "198.51.100.31") == 200, "elsewhere nothing has happened"

    stage.play(act)


def test_the_oldest_log_ins_end_when_there_are_too_many(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    email, other = account(stage), account(stage)

    async def act(replica: Replica) -> None:
        mine = replica.services.identity.sessions
        others = await logged_in(replica, other)
        granted = [await logged_in(replica, email) for _ in range(3)]
        below = await mine.grant(await mine.begin(granted[1].user, "console", root=granted[1].session_id))
        granted.append(await logged_in(replica, email))
        assert [await me(replica, one.access_token) for one in granted] == [401, 200, 200, 200], "the oldest alone"
        browser = await mine.begin_by(await mine.authenticate(email, PASSWORD, "198.51.100.40"), "browser")
        assert [await me(replica, one.access_token) for one in granted] == [401, 401, 200, 200], "browsers count too"
        assert await me(replica, below.access_token) == 401, "with all that came from it"
        assert await me(replica, (await mine.grant(browser)).access_token) == 200
        assert await me(replica, others.access_token) == 200

    stage.play(act)


def test_right_passwords_use_nothing_of_the_pair_up_and_wrong_ones_after_ten(stage: Stage) -> None:
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
        assert [row["action"] for row in audited] == ["account made", *["password changed"] * 2]

    stage.play(act)


def meanwhile(replica: Replica, monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[object]]) -> None:
    """Have that happen once, after the next password was found to be right and before anything is given for it."""
    passwords = replica.services.identity.passwords
    verify = passwords.verify

    async def verified(hashed: str | None, password: str, network: str | None = None) -> bool:
        is_right = await verify(hashed, password, network)
        monkeypatch.setattr(passwords, "verify", verify)
        await act()
        return is_right

    monkeypatch.setattr(passwords, "verify", verified)


def test_whoever_knows_the_password_from_before_gets_no_session_by_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, passwords = account(stage), [PASSWORD, *(f"quiet-harbour-trumpet-{number}" for number in range(4))]
    assert stage.mail is not None
    mail = stage.mail

    async def act(replica: Replica) -> None:
        mine = replica.services.identity.sessions
        granted = await mine.log_in(email, passwords[0], HERE, None)

        async def reset() -> None:
            await replica.services.identity.mailed.invite_to_set_password(email, "Your password", "")
            await mine.set_password(mailed_token(letters(mail, email)[-1]), passwords[1], HERE)

        async def change(to: int) -> None:
            await mine.change_password(granted.user, granted.session_id, passwords[to - 1], passwords[to], HERE)

        meanwhile(replica, monkeypatch, reset)
        with pytest.raises(Problem) as caught:
            await mine.log_in(email, passwords[0], HERE, None)
        assert caught.value.kind == "login-refused" and await mine.listed(granted.user.id) == []

        granted = await mine.log_in(email, passwords[1], HERE, None)
        meanwhile(replica, monkeypatch, lambda: change(2))
        with pytest.raises(Problem) as caught:
            await mine.log_in(email, passwords[1], HERE, None)
        assert caught.value.kind == "login-refused"

        account_before = await mine.authenticate(email, passwords[2], HERE)  # as the issuer's form does
        meanwhile(replica, monkeypatch, lambda: change(3))
        with pytest.raises(Problem) as caught:
            await mine.change_password(granted.user, granted.session_id, passwords[2], passwords[4], HERE)
        assert caught.value.kind == "login-refused", "nor another password"
        with pytest.raises(Problem) as caught:
            await mine.begin_by(account_before, "browser", browser_hash=email)
        assert caught.value.kind == "login-refused"
        assert [one.id for one in await mine.listed(granted.user.id)] == [granted.session_id]
        assert (await mine.log_in(email, passwords[3], HERE, None)).user.email == email

    stage.play(act)


def test_a_token_that_was_mailed_before_a_change_counts_no_more(stage: Stage) -> None:
    email = account(stage)
    assert stage.mail is not None
    mail = stage.mail

    async def act(replica: Replica) -> None:
        await replica.services.identity.mailed.invite_to_set_password(email, "Your password", "")
        token, mine = mailed_token(letters(mail, email)[0]), await logged_in(replica, email)
        body = {"current": PASSWORD, "new": "quiet-harbour-trumpet-7"}
        assert (await post(replica, "/password/change", body, by=mine)).status_code == 204
        late = await post(replica, "/password", {"token": token, "password": "another-harbour-trumpet-8"})
        assert (late.status_code, late.json()["type"].rsplit("/")[-1]) == (410, "token-used-up")

    stage.play(act)
