"""The rate limit of sign-ups on a real PostgreSQL: one bucket for all replicas, filled again by the time alone."""

import asyncio
import uuid

import httpx2

from database import rates
from database.pool import Database
from tests.integration.service.conftest import Replica, Stage

SIX = {"sign_ups_per_minute": 6.0, "sign_up_burst": 3}


async def sign_up(replica: Replica, address: str) -> httpx2.Response:
    """From that address; it is over the limit of its plan, so that nothing is made."""
    transport = httpx2.ASGITransport(replica.app, client=(address, 1))
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    asked = {"name": "Acme", "owner_email": "ada@acme.example", "quota": {"cpu": "999"}}
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        return await client.post("/v1/organizations", json=asked, headers=headers)


def later(stage: Stage, seconds: float) -> None:
    """Let time pass, for every bucket."""
    stage.rows("update tenancy.sign_up_rates set full_at = full_at - make_interval(secs => %s) returning wait", seconds)


def test_two_replicas_share_one_bucket(stage: Stage) -> None:
    async def run() -> None:
        async with stage.replicas(2, **SIX) as (one, other):
            for replica in (one, other, one):
                assert (await sign_up(replica, "10.1.0.1")).status_code == 422, "let through, and looked at"
            for replica in (one, other):
                refused = await sign_up(replica, "10.1.0.1")
                assert refused.status_code == 429, "the bucket is empty, whoever is asked"
                assert 9 <= int(refused.headers["retry-after"]) <= 10, "six a minute"
            assert (await sign_up(other, "10.1.0.2")).status_code == 422, "another's is its own"
            assert (await sign_up(one, "2001:db8:7:7::1")).status_code == 422
            later(stage, 10)
            assert [(await sign_up(r, "10.1.0.1")).status_code for r in (other, one)] == [422, 429], "one came back"
            later(stage, 1e6)
            found = [(await sign_up(r, "10.1.0.1")).status_code for r in (one, other, one, other)]
            assert found == [422, 422, 422, 429], "a long pause brings no more than the burst"

    asyncio.run(run())


def test_many_at_the_same_moment_take_no_more_than_there_is(stage: Stage) -> None:
    async def run() -> None:
        async with stage.replicas(2, **SIX) as replicas:
            answers = await asyncio.gather(*(sign_up(r, "10.1.0.3") for r in replicas for _ in range(10)))
            assert sorted(answer.status_code for answer in answers) == [422] * 3 + [429] * 17

    asyncio.run(run())


def test_a_bucket_that_is_full_again_is_forgotten_and_settings_that_change_do_not_lock_out(stage: Stage) -> None:
    slow, quick, address = 600.0, 0.5, uuid.uuid4().bytes
    rows = "select full_at > now() as filling from tenancy.sign_up_rates where address = %s"

    async def run() -> None:
        async with Database(stage.prepared.platform, size=1) as database:
            assert [await rates.take(database, address, each=slow, burst=2) for _ in range(2)] == [0, 0]
            assert 599 < await rates.take(database, address, each=slow, burst=2) <= 600
            assert await rates.take(database, address, each=quick, burst=2) <= quick, "empty, and no emptier than that"
            await rates.forget_full(database)
            assert stage.rows(rows, address) == [{"filling": True}], "not full yet"
            later(stage, 1.1)
            await rates.forget_full(database)
            assert stage.rows(rows, address) == []
            assert await rates.take(database, address, each=slow, burst=1) == 0

    asyncio.run(run())


def test_a_bucket_belongs_to_the_platform_alone_and_is_not_logged(stage: Stage) -> None:
    held = """select r, p from unnest('{agent_ready_app,agent_ready_tenant}'::name[]) r,
              unnest('{select,insert,update,delete,truncate}'::text[]) p
              where has_table_privilege(r, 'tenancy.sign_up_rates', p)"""
    assert stage.rows(held) == []
    assert stage.rows("select relpersistence::text from pg_class where relname = 'sign_up_rates'") == [
        {"relpersistence": "u"}
    ]
