"""Signing keys: replaced without an outage, sealed at rest, removed at once when they must be."""

import asyncio
import base64
import json
from collections.abc import Iterator

import pytest

from database.pool import Database
from service.errors import NotConfigured
from service.identity import Identity
from service.identity.claims import API
from service.identity.errors import TokenRefused
from service.identity.keys import Keys
from service.identity.seal import Seal
from tests.integration.service.conftest import OPERATOR, Replica, Stage
from tests.integration.service.identity_stage import account, bearer, logged_in
from tests.unit.service.identity.fakes import SEAL_KEY

OTHER_KEY = "YW5vdGhlciBzZWFsIGtleSBvZiB0aGVzZSB0ZXN0cyE="


@pytest.fixture
def fresh(stage: Stage) -> Iterator[Stage]:
    """The stage without any key, and without what other tests made here afterwards."""
    stage.write("delete from tenancy.signing_keys")
    yield stage
    stage.write("delete from tenancy.signing_keys")


def of(replica: Replica) -> Identity:
    return replica.services.identity


def earlier(stage: Stage, seconds: int) -> None:
    """Have that much time pass for the keys."""
    stage.write(
        "update tenancy.signing_keys set active_from = active_from - make_interval(secs => %(s)s), "
        "remove_at = remove_at - make_interval(secs => %(s)s)".replace("%(s)s", str(seconds))
    )


async def kid_of_new(replica: Replica, email: str) -> tuple[str, str]:
    """A token that is signed now, and by which key."""
    granted = await logged_in(replica, email)
    header = granted.access_token.split(".")[0]
    return granted.access_token, json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]


def test_a_key_is_replaced_without_an_outage(fresh: Stage) -> None:
    email = account(fresh)

    async def act(replica: Replica) -> None:
        identity = of(replica)
        verify, keys, view = identity.verifier.verify, identity.keys, identity.view
        old_token, old = await kid_of_new(replica, email)
        asked = await replica.client.post(
            "/v1/platform/signing-keys/rotate", json={"reason": "a test"}, headers=OPERATOR
        )
        new = asked.json()["kid"]
        assert await keys.rotate() == new, "asked twice, one new key"
        await view.read_now()
        assert set(view.keys) == {old, new}, "published at once"
        assert (await kid_of_new(replica, email))[1] == old, "and not used before its time"

        earlier(fresh, 301)
        await keys.tend()
        await view.read_now()
        new_token, kid = await kid_of_new(replica, email)
        assert kid == new and set(view.keys) == {old, new}, "now it signs, and the old one is still there"
        assert verify(old_token, API) and verify(new_token, API), "nobody notices"
        (row,) = fresh.rows("select sealed_private from tenancy.signing_keys where kid = %s", old)
        assert row["sealed_private"] is None, "nobody can sign with the old one any more"

        earlier(fresh, 3660)
        await keys.tend()
        await view.read_now()
        assert set(view.keys) == {new} and verify(new_token, API)
        with pytest.raises(TokenRefused, match="kid"):
            verify(old_token, API)

        earlier(fresh, 30 * 86400)
        await keys.tend()
        await view.read_now()
        assert len(view.keys) == 2 and [key.row.is_active for key in view.keys.values()] == [False, True], "30 days on"

    fresh.play(act)


def test_at_once_every_token_of_the_old_keys_ends_and_sessions_stay(fresh: Stage) -> None:
    email = account(fresh)

    async def act(replica: Replica) -> None:
        granted = await logged_in(replica, email)
        body = {"reason": "the key leaked", "at_once": True}
        path = "/v1/platform/signing-keys"
        assert (await replica.client.post(f"{path}/rotate", json=body, headers=bearer(granted))).status_code == 403
        answer = await replica.client.post(f"{path}/rotate", json=body, headers=OPERATOR)
        assert answer.status_code == 200, answer.text
        with pytest.raises(TokenRefused):
            of(replica).verifier.verify(granted.access_token, API)
        renewed = await of(replica).sessions.refresh(granted.refresh_token, client_id="agent-ready-cli")
        assert of(replica).verifier.verify(renewed.access_token, API)
        listed = (await replica.client.get(path, headers=OPERATOR)).json()["items"]
        assert [(key["kid"], key["signs"]) for key in listed] == [(answer.json()["kid"], True)]
        audited = fresh.rows("select action, reason from tenancy.audit_log where target = %s", answer.json()["kid"])
        assert audited == [{"action": "signing key added", "reason": "the key leaked"}]

    fresh.play(act)


def test_replicas_that_start_together_make_one_key(fresh: Stage) -> None:
    async def run() -> None:
        async with Database(fresh.prepared.platform, size=4) as database:
            await asyncio.gather(*(Keys(database, Seal([SEAL_KEY])).tend() for _ in range(4)))

    asyncio.run(run())
    assert len(fresh.rows("select kid from tenancy.signing_keys")) == 1


def test_private_keys_rest_sealed_and_another_seal_key_is_told_at_once(fresh: Stage) -> None:
    async def run() -> None:
        async with Database(fresh.prepared.platform, size=1) as database:
            await Keys(database, Seal([SEAL_KEY])).tend()
            (row,) = fresh.rows("select sealed_private from tenancy.signing_keys")
            assert b"PRIVATE" not in row["sealed_private"]
            with pytest.raises(NotConfigured, match="IDENTITY_SEAL_KEYS") as caught:
                await Keys(database, Seal([OTHER_KEY])).check()
            assert SEAL_KEY not in str(caught.value) and OTHER_KEY not in str(caught.value)
            await Keys(database, Seal([OTHER_KEY, SEAL_KEY])).check()  # a new one first, the old one behind it

    asyncio.run(run())
