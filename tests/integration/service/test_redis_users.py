"""Redis's users rebuilt from PostgreSQL, on a real Redis: what is missing, what is wrong, what is nobody's."""

import asyncio
import contextlib
import dataclasses

from database import credentials
from database.pool import Database
from liveconfig.acl import PodUser, PodUsers, digest
from service import redis_users
from tests.integration.prepared import Prepared
from tests.integration.service.conftest import OPERATOR, Stage, new_slug


def users_of(prepared: Prepared) -> PodUsers:
    """Redis's users, as the operator."""
    return PodUsers(prepared.environment["REDIS_OPERATOR_URL"], ca_file=prepared.environment["REDIS_CA_FILE"])


async def write_down(database: Database, *users: PodUser) -> None:
    async with database.transaction() as connection:
        for user in users:
            await credentials.put(connection, user.org_id, username=user.name, password_sha256=user.password_sha256)


def test_a_sweep_makes_redis_what_postgresql_says(stage: Stage, prepared: Prepared) -> None:
    ours, foreign = PodUser(prepared.ours, digest("ours")), PodUser(prepared.foreign, digest("foreign"))
    nobody = PodUser(999_999, digest("nobody"))

    async def scenario() -> None:
        async with stage.replicas() as (replica,), contextlib.AsyncExitStack() as stack:
            users = users_of(prepared)
            stack.push_async_callback(users.close)
            services = dataclasses.replace(replica.services, users=users)
            await redis_users.rebuild(services)  # other tests' users are nobody's
            await write_down(services.database, ours, foreign)
            await users.put(dataclasses.replace(ours, password_sha256=digest("an earlier one")))
            await users.put(nobody)
            changed = await redis_users.rebuild(services)
            assert changed == [nobody.name, ours.name, foreign.name]
            assert await users.stands(ours) and await users.stands(foreign)
            assert nobody.name not in await users.found()
            assert await redis_users.rebuild(services) == [], "nothing is left to do"
            for user in (ours, foreign):
                await users.remove(user.org_id)
            assert await redis_users.rebuild(services) == [ours.name, foreign.name], "Redis has forgotten them all"
            async with services.database.transaction() as connection:
                for user in (ours, foreign):
                    await credentials.forget(connection, user.org_id)
            assert sorted(await redis_users.rebuild(services)) == sorted([ours.name, foreign.name]), (
                "they are nobody's now"
            )

    asyncio.run(scenario())


def test_what_was_made_is_kept_over_a_restart_of_redis(prepared: Prepared) -> None:
    user = PodUser(prepared.ours, digest("ours"))

    async def scenario() -> None:
        users = users_of(prepared)
        for _ in range(2):
            await users.put(user)
            assert await users.stands(user), "made again, it is the same"
        await users._redis.execute_command("ACL", "LOAD")
        assert await users.stands(user), "the file has it"
        for _ in range(2):
            await users.remove(user.org_id)
        assert not await users.stands(user)
        await users.close()

    asyncio.run(scenario())


def test_an_organization_that_ends_leaves_neither_credential_nor_user(stage: Stage) -> None:
    slug = new_slug("ends")

    async def scenario() -> None:
        async with stage.replicas() as (replica,):
            assert (await replica.sign_up(slug)).status_code == 201
            await replica.settled()
            services, number = replica.services, stage.organizations(slug)[0]["id"]
            user = PodUser(number, digest("word"))
            await write_down(services.database, user)
            await services.users.put(user)
            answer = await replica.client.delete(f"/v1/organizations/{slug}?confirm={slug}", headers=OPERATOR)
            assert answer.status_code in (200, 202), answer.text
            await replica.settled()
            assert stage.rows("select * from tenancy.pod_credentials where org_id = %s", number) == []
            assert not await services.users.stands(user)

    asyncio.run(scenario())


def test_a_redis_that_is_away_only_delays_it(stage: Stage) -> None:
    async def scenario() -> None:
        async with stage.replicas() as (replica,):
            users = PodUsers("redis://127.0.0.1:1/0")
            assert await redis_users.rebuild(dataclasses.replace(replica.services, users=users)) == []
            await users.discard(1)
            await users.close()

    asyncio.run(scenario())
