"""Refreshing and ending: a lost answer logs nobody out, a stolen token everybody, an end counts on every replica."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx2
import pytest
import redis

from service.identity import Identity
from service.identity.claims import API, KUBERNETES
from service.identity.errors import TokenRefused
from service.identity.hints import Revoked, listen
from service.identity.standing import Granted
from service.problems import Problem
from tests.integration.service.conftest import OPERATOR, Replica, Stage
from tests.integration.service.identity_stage import account, bearer, committed, join, leave, logged_in, post

SOON = 5.0  # seconds within which an end counts everywhere


def identity(replica: Replica) -> Identity:
    return replica.services.identity


def counts(replica: Replica, token: str, audience: str = API) -> bool:
    """Whether that replica takes the token."""
    try:
        identity(replica).verifier.verify(token, audience)
    except TokenRefused:
        return False
    return True


async def refused_within(replica: Replica, token: str, audience: str = API) -> float:
    """Seconds until that replica refuses the token, of which it hears nothing but what it reads by itself."""
    began = time.monotonic()
    while counts(replica, token, audience):
        assert time.monotonic() - began < SOON, "an end counts everywhere in under 5 seconds"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def refreshed(replica: Replica, token: str) -> httpx2.Response:
    return await post(replica, "/refresh", {"refresh_token": token})


def age(stage: Stage, granted: Granted, seconds: int) -> None:
    """Have the session's refresh tokens be used that much earlier."""
    stage.write(
        "update tenancy.refresh_tokens set used_at = used_at - make_interval(secs => %s) where session_id = %s",
        seconds, granted.session_id,
    )  # fmt: skip


def unused(stage: Stage, granted: Granted) -> int:
    (row,) = stage.rows(
        "select count(*) filter (where used_at is null) as n from tenancy.refresh_tokens where session_id = %s",
        granted.session_id,
    )
    return int(row["n"])


def has_ended(stage: Stage, granted: Granted) -> bool:
    (row,) = stage.rows("select ended_at from tenancy.sessions where id = %s", granted.session_id)
    return row["ended_at"] is not None


def test_fifty_refreshes_at_once_leave_one_lineage(stage: Stage) -> None:
    email = account(stage)

    async def act(replicas: list[Replica]) -> None:
        granted = await logged_in(replicas[0], email)
        answers = await asyncio.gather(
            *(refreshed(replicas[number % 2], granted.refresh_token) for number in range(50))
        )
        assert {answer.status_code for answer in answers} == {200}, "nobody is logged out"
        following = {answer.json()["refresh_token"] for answer in answers}
        assert len(following) == 1 and unused(stage, granted) == 1, "all of them go on from the same one"
        assert (await refreshed(replicas[1], following.pop())).status_code == 200
        assert not has_ended(stage, granted)

    play(stage, act)


def test_a_lost_answer_is_asked_for_again_and_a_stolen_token_ends_the_log_in(stage: Stage) -> None:
    email = account(stage)

    async def act(replicas: list[Replica]) -> None:
        one, other = replicas
        granted = await logged_in(one, email)
        below = await identity(one).sessions.begin(granted.user, "console", root=granted.session_id)
        child = await identity(one).sessions.grant(below)
        first = (await refreshed(one, granted.refresh_token)).json()
        again = (await refreshed(other, granted.refresh_token)).json()
        assert again["refresh_token"] == first["refresh_token"], "a replica more, the same answer"
        second = (await refreshed(one, first["refresh_token"])).json()
        assert not has_ended(stage, granted)

        assert (await refreshed(one, granted.refresh_token)).status_code == 401, "its next one was used"
        assert has_ended(stage, granted) and has_ended(stage, child), "the whole log-in ends"
        for token in (second["access_token"], child.access_token):
            assert not counts(one, token), "with every token, here at once"
            await refused_within(other, token)
        assert (await refreshed(one, second["refresh_token"])).status_code == 401

        late = await logged_in(one, email)
        await refreshed(one, late.refresh_token)
        age(stage, late, 31)
        assert (await refreshed(one, late.refresh_token)).status_code == 401, "nobody waits for an answer so long"
        assert has_ended(stage, late)

    play(stage, act)


def test_ends_count_on_a_second_replica(stage: Stage) -> None:
    """Log-out, one token, all of a user, all of an organization, a membership: by polling alone."""
    ada, eve, (slug, org_id) = account(stage), account(stage), committed(stage)
    join(stage, org_id, ada, "admin")
    join(stage, org_id, eve)

    async def act(replicas: list[Replica]) -> None:
        one, other = replicas
        out = await logged_in(one, ada)
        assert (await post(one, "/logout", by=out)).status_code == 204
        assert not counts(one, out.access_token)
        admin, hers = await logged_in(one, ada), await logged_in(one, eve)
        kubectl = await identity(one).sessions.issue(hers.session_id, KUBERNETES, seconds=600)
        body = {"token": kubectl.token, "reason": "lost a laptop"}
        assert (await post(one, "/revoke", body, by=hers)).json() == {"revoked": 1}, "one's own"
        strangers = await post(one, "/revoke", {"token": admin.access_token, "reason": "why not"}, by=hers)
        assert strangers.status_code == 404, "and nobody else's, of which nothing is told"
        assert counts(other, hers.access_token), "the others of the session stay"
        await refused_within(other, kubectl.token, KUBERNETES)

        everybody = {"organization": slug, "reason": "an incident"}
        assert (await post(one, "/revoke", everybody, by=hers)).status_code == 403, "a member may not"
        elsewhere = await post(one, "/revoke", {"organization": "elsewhere", "reason": "x"}, by=admin)
        assert elsewhere.status_code == 404
        assert (await post(one, "/revoke", everybody, by=admin)).json() == {"revoked": 2}
        for token in (hers.access_token, admin.access_token):
            await refused_within(other, token)
        assert (await refreshed(other, hers.refresh_token)).status_code == 401, "sessions end with their tokens"

        again = await logged_in(one, eve)
        leave(stage, org_id, eve)  # whoever writes it
        await refused_within(other, again.access_token)
        renewed = (await refreshed(other, again.refresh_token)).json()
        assert renewed["organization"] is None and renewed["organizations"] == [], "and speaks for nobody from then on"

        body = {"email": eve, "reason": "she asked for it"}
        answer = await one.client.post("/v1/auth/revoke", json=body, headers=OPERATOR)
        assert answer.json() == {"revoked": 1}, answer.text
        await refused_within(other, renewed["access_token"])
        made, entry = stage.rows("select * from tenancy.audit_log where org_id = 0 and target = %s order by seq", eve)
        assert made["action"] == "account made"
        assert (entry["action"], entry["actor"], entry["reason"]) == ("sessions ended", "operator", "she asked for it")
        assert entry["request_id"] == answer.headers["x-request-id"]

    play(stage, act)


def test_who_ends_what_is_another_s_is_written_down_with_the_reason(stage: Stage) -> None:
    ada, eve, (_, org_id) = account(stage), account(stage), committed(stage)
    join(stage, org_id, ada, "admin")
    join(stage, org_id, eve)

    async def ended(replica: Replica, body: dict[str, str], headers: dict[str, str]) -> list[object]:
        """The newest entry about her, without its hashes."""
        before = len(entries())
        answer = await replica.client.post("/v1/auth/revoke", json=body, headers=headers)
        assert answer.json() == {"revoked": 1}, answer.text
        written = entries()[before:]
        assert all(entry["request_id"] == answer.headers["x-request-id"] for entry in written)
        return [[entry[name] for name in ("org_id", "actor", "action", "reason", "new")] for entry in written]

    def entries() -> list[dict[str, object]]:
        told = "select * from tenancy.audit_log where target = %s and action in ('token revoked', 'session ended')"
        return stage.rows(f"{told} order by at", eve)

    async def act(replica: Replica) -> None:
        by_ada, hers = bearer(await logged_in(replica, ada)), await logged_in(replica, eve)
        more = [await identity(replica).sessions.issue(hers.session_id, API, seconds=600) for _ in range(2)]
        body = {"token": more[0].token, "reason": "a leak"}
        (entry,) = await ended(replica, body, by_ada)
        assert entry == [org_id, ada, "token revoked", "a leak", {"jti": more[0].jti}]
        assert await ended(replica, {"token": more[1].jti, "reason": "mine"}, bearer(hers)) == [], "one's own is not"
        body = {"session": hers.session_id, "reason": "an incident"}
        (entry,) = await ended(replica, body, OPERATOR)
        assert entry == [org_id, "operator", "session ended", "an incident", {"session": hers.session_id}]

        leave(stage, org_id, eve)
        nobodys = await logged_in(replica, eve)
        (entry,) = await ended(replica, {"session": nobodys.session_id, "reason": "again"}, OPERATOR)
        assert entry == [0, "operator", "session ended", "again", {"session": nobodys.session_id}], "the platform's"

    stage.play(act)


def test_a_changed_role_or_a_disabled_account_ends_tokens(stage: Stage) -> None:
    email = account(stage, platform_role="auditor")

    async def act(replica: Replica) -> None:
        granted = await logged_in(replica, email)
        stage.write("update tenancy.users set platform_role = null where email = %s", email)
        await refused_within(replica, granted.access_token)
        renewed = await identity(replica).sessions.refresh(granted.refresh_token, client_id="agent-ready-cli")
        stage.write("update tenancy.users set disabled_at = now() where email = %s", email)
        await refused_within(replica, renewed.access_token)
        for attempt in (
            logged_in(replica, email),
            identity(replica).sessions.refresh(renewed.refresh_token, client_id="agent-ready-cli"),
        ):
            with pytest.raises(Problem) as caught:
                await attempt
            assert caught.value.status == 401

    stage.play(act)


def test_whatever_is_issued_while_everything_is_revoked_is_dead_afterwards(stage: Stage) -> None:
    email, (_, org_id) = account(stage), committed(stage)
    join(stage, org_id, email)

    async def act(replicas: list[Replica]) -> None:
        issued: list[str] = []
        many = asyncio.Event()

        async def issue(replica: Replica, granted: Granted) -> None:
            try:
                while True:
                    token = await identity(replica).sessions.issue(granted.session_id, API, seconds=600)
                    issued.append(token.token)
                    if len(issued) > 20:
                        many.set()
            except Problem as problem:
                assert problem.kind == "session-ended"

        for end in (
            lambda: identity(replicas[0]).sessions.end_all(email=email, why="test"),
            lambda: identity(replicas[0]).sessions.end_all(org_id=org_id, why="test"),
        ):
            issued.clear()
            many.clear()
            granted = [await logged_in(replicas[0], email) for _ in range(2)]
            issuing = [asyncio.create_task(issue(*pair)) for pair in zip(replicas, granted, strict=True)]
            await many.wait()
            await end()
            await asyncio.gather(*issuing)
            await identity(replicas[0]).view.read_now()
            assert not [token for token in issued if counts(replicas[0], token)], "none slipped through"

    play(stage, act)


def test_a_hint_is_enough(stage: Stage) -> None:
    """With the real Redis: the view is read because of it, long before it would be by itself."""
    environment = stage.prepared.environment
    listener, ca_file = environment["REDIS_LISTENER_URL"], environment["REDIS_CA_FILE"]

    async def run() -> None:
        heard: asyncio.Queue[int] = asyncio.Queue()
        task = asyncio.create_task(listen(listener, heard.put_nowait, ca_file=ca_file))
        publisher = redis.Redis.from_url(environment["REDIS_URL"], ssl_ca_certs=ca_file, driver_info=None)
        try:
            async with asyncio.timeout(SOON):
                while heard.empty():  # until it has subscribed
                    await asyncio.to_thread(publisher.publish, Revoked(7).channel, Revoked(7).payload)
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(publisher.publish, Revoked(7).channel, "version=DROP")
                await asyncio.to_thread(publisher.publish, Revoked(7).channel, Revoked(8).payload)
                while (number := await heard.get()) == 7:
                    pass
            assert number == 8, "what is no hint is passed by"
        finally:
            publisher.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_replica_reads_upon_a_hint_and_says_so_to_others(stage: Stage) -> None:
    email = account(stage)

    async def act(replicas: list[Replica]) -> None:
        one, other = replicas
        granted = await logged_in(one, email)
        one_publisher = one.services.publisher
        await identity(one).sessions.end(granted.session_id, "test")
        hint = one_publisher.published[-1]  # type: ignore[attr-defined]
        assert hint == Revoked(identity(one).view.seen)
        identity(other).view.hint(hint.version)
        await refused_within(other, granted.access_token)
        assert identity(other).view.seen == hint.version

        again = await logged_in(one, email)
        one_publisher.fails = 1  # type: ignore[attr-defined]
        assert await identity(one).sessions.end(again.session_id, "test") == 1, "Redis may be away"
        assert not counts(one, again.access_token)

    play(stage, act)


def test_a_restart_keeps_sessions_and_tokens(stage: Stage) -> None:
    email = account(stage)

    async def run() -> None:
        async with stage.replicas() as (before,):
            granted = await logged_in(before, email)
        async with stage.replicas() as (after,):
            assert counts(after, granted.access_token), "the key is the same"
            assert (await refreshed(after, granted.refresh_token)).status_code == 200
            listed = await after.client.get("/v1/auth/sessions", headers=bearer(granted))
            assert [(one["id"], one["current"]) for one in listed.json()["items"]] == [(granted.session_id, True)]

    asyncio.run(run())


def play(stage: Stage, act: Callable[[list[Replica]], Awaitable[None]]) -> None:
    """Run the act on two replicas."""

    async def run() -> None:
        async with stage.replicas(2) as replicas:
            await act(replicas)

    asyncio.run(run())
