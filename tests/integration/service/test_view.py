"""What a replica knows of revocations: when it is too old, after a restore, and what housekeeping forgets."""

import uuid

import pytest

from service.identity import housekeeping
from service.identity.claims import API
from service.identity.errors import ViewStale
from service.identity.opaque import digest
from service.identity.verifier import Verifier
from service.identity.view import View
from tests.integration.service.conftest import Replica, Stage
from tests.integration.service.identity_stage import account, bearer, logged_in
from tests.unit.service.identity.fakes import ISSUER


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_view_that_is_five_seconds_old_refuses_everybody(stage: Stage) -> None:
    email = account(stage)

    async def act(replica: Replica) -> None:
        clock, granted = Clock(), await logged_in(replica, email)
        view = View(replica.services.database, clock=clock)
        verifier = Verifier(ISSUER, view)
        with pytest.raises(ViewStale):
            verifier.verify(granted.access_token, API)
        await view.read_now()
        clock.now += 4.9
        assert verifier.verify(granted.access_token, API)
        clock.now += 0.1
        with pytest.raises(ViewStale):
            verifier.verify(granted.access_token, API)

        replica.services.identity.view._clock = lambda: 1e12  # type: ignore[method-assign]
        answer = await replica.client.get("/v1/auth/me", headers=bearer(granted))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), "a replica that is blind says so"

    stage.play(act)


def test_after_a_restore_the_whole_denylist_is_read_again(stage: Stage) -> None:
    email = account(stage)

    async def act(replica: Replica) -> None:
        granted, view = await logged_in(replica, email), View(replica.services.database)
        await replica.services.identity.sessions.end(granted.session_id, "test")
        await view.read_now()
        before = view.seen
        (row,) = stage.rows("select jti::text from tenancy.revoked_tokens where seq = %s", before)
        assert view.is_revoked(row["jti"])
        stage.write("delete from tenancy.revoked_tokens where seq = %s", before)
        stage.write("update tenancy.revocation_head set seq = seq - 1")
        await view.read_now()
        assert not view.is_revoked(row["jti"]), "as the backup has it: the runbook replaces the key at once"
        again = await logged_in(replica, email)
        await replica.services.identity.sessions.end(again.session_id, "test")
        await view.read_now()
        (other,) = stage.rows("select jti::text from tenancy.revoked_tokens where seq = %s", view.seen)
        assert view.seen == before and view.is_revoked(other["jti"]), "and the same number again is not passed by"

    stage.play(act)


def test_housekeeping_forgets_what_has_ended_and_nothing_else(stage: Stage) -> None:
    email = account(stage)

    async def act(replica: Replica) -> None:
        sessions, database = replica.services.identity.sessions, replica.services.database
        living, ended = await logged_in(replica, email), await logged_in(replica, email)
        await sessions.end(ended.session_id, "test")
        stage.write(
            "update tenancy.revoked_tokens set expires_at = now() - interval '2 minutes' where jti in "
            "(select jti from tenancy.issued_tokens where session_id = %s)", ended.session_id,
        )  # fmt: skip
        stage.write(
            "update tenancy.issued_tokens set expires_at = now() - interval '2 minutes' where session_id = %s",
            ended.session_id,
        )
        stage.write("update tenancy.sessions set ended_at = now() - interval '8 days' where id = %s", ended.session_id)
        stage.write(
            "insert into tenancy.password_tokens (token_hash, email, expires_at) "
            "values (%s, %s, now() - interval '2 days')",
            digest(str(uuid.uuid4())), email,
        )  # fmt: skip
        await housekeeping.tend(database, replica.services.identity.keys)
        kept = stage.rows("select id::text from tenancy.sessions where user_id = %s", living.user.id)
        assert [row["id"] for row in kept] == [living.session_id]
        tokens = stage.rows("select session_id::text from tenancy.issued_tokens where user_id = %s", living.user.id)
        assert [row["session_id"] for row in tokens] == [living.session_id]
        assert not stage.rows("select 1 from tenancy.revoked_tokens where expires_at < now() - interval '1 minute'")
        assert not stage.rows("select 1 from tenancy.password_tokens where email = %s", email)
        assert not stage.rows("select 1 from tenancy.refresh_tokens where session_id = %s", ended.session_id)
        await sessions.refresh(living.refresh_token, client_id="agent-ready-cli")

    stage.play(act)
