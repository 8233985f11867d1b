"""From a PUT to the channel of a real Redis, and what a PUT notices of one that does not answer."""

import asyncio
import socket
import time

import redis.asyncio

from liveconfig.acl import PodUser, PodUsers, digest
from liveconfig.publisher import Publisher
from tests.integration.prepared import Prepared
from tests.integration.service.config_stage import THRESHOLD, Settings, play
from tests.integration.service.conftest import Stage

PASSWORD = "password-of-a-pod"


async def hear(
    environment: dict[str, str], org_id: int, heard: asyncio.Queue[tuple[str, str]], ready: asyncio.Event
) -> None:
    """Listen as the organization's pods do."""
    users = PodUsers(environment["REDIS_OPERATOR_URL"], ca_file=environment["REDIS_CA_FILE"])
    await users.put(PodUser(org_id, digest(PASSWORD)))
    await users.close()
    address = environment["REDIS_OPERATOR_URL"].rpartition("@")[2]
    url = f"rediss://{PodUser(org_id, '').name}:{PASSWORD}@{address}"
    async with (
        redis.asyncio.Redis.from_url(
            url, ssl_ca_certs=environment["REDIS_CA_FILE"], driver_info=None, decode_responses=True
        ) as client,
        client.pubsub() as channel,
    ):
        await channel.psubscribe(f"config:{org_id}:*")
        async for message in channel.listen():
            if message["type"] == "psubscribe":
                ready.set()
            else:
                await heard.put((message["channel"], message["data"]))


def test_pods_hear_of_a_change_at_once(stage: Stage, prepared: Prepared) -> None:
    environment = dict(prepared.environment)

    async def act(settings: Settings) -> None:
        publisher = Publisher(environment["REDIS_URL"], ca_file=environment["REDIS_CA_FILE"])
        object.__setattr__(settings.replica.services, "publisher", publisher)
        number = (await settings.replica.get(f"/v1/organizations/{settings.slug}"))["id"]
        heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        ready = asyncio.Event()
        listening = asyncio.create_task(hear(environment, number, heard, ready))
        await asyncio.wait_for(ready.wait(), 10)
        for version in range(1, 6):
            await settings.done(settings.put(THRESHOLD, version / 10))
            assert await asyncio.wait_for(heard.get(), 2) == (f"config:{number}:ai:threshold", f"version={version}")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await settings.replica.settled()
        publisher.close()

    play(stage, act)


def test_a_redis_that_takes_connections_and_says_nothing_slows_no_write(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            publisher = Publisher(f"redis://127.0.0.1:{silent.getsockname()[1]}", timeout=1.0)
            object.__setattr__(settings.replica.services, "publisher", publisher)
            began = time.monotonic()
            for version in range(1, 11):
                await settings.done(settings.put(THRESHOLD, version / 10))
            assert time.monotonic() - began < 1, "ten writes take less than one time-out"
        await settings.replica.settled()
        publisher.close()

    play(stage, act)
