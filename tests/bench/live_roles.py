"""The processes of `tests.bench.live`: `python -m tests.bench.live_roles pods|writer|sockets|publisher …`.

Each says one JSON line when it is ready, and one for each line that it is told. What is secret is in the environment.
Times are nanoseconds of the monotonic clock, which all processes of a machine share.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import redis

from liveconfig import AsyncLiveConfig
from liveconfig.publisher import Publisher
from liveconfig.settings import Settings
from liveconfig.wire import Hint

NAME = "ai/threshold"
CHANNEL = "bench"
_AT_ONCE = 10  # of a process's connections that are being made
_PUT = """
update tenancy.service_configs set value = %s::jsonb, version = version + 1, source = 'api'
where org_id = %s and service = 'ai' and key = 'threshold' returning version
"""
Seen = list[tuple[int, int]]  # version, when


async def pods(count: str) -> None:
    """So many pods, each with its connection; told anything, it says what each has applied since."""
    made = [AsyncLiveConfig(Settings.of(os.environ)) for _ in range(int(count))]
    seen: list[Seen] = [[] for _ in made]
    for pod, mine in zip(made, seen, strict=True):
        pod.on_change(NAME, lambda change, mine=mine: mine.append((change.version, time.monotonic_ns())))
    limit = asyncio.Semaphore(_AT_ONCE)

    async def begin(pod: AsyncLiveConfig) -> None:
        async with limit:
            await pod.start()
            if not await pod.wait_ready(60):
                raise RuntimeError(f"a pod did not get ready: {pod.health}")

    await asyncio.gather(*(begin(pod) for pod in made))
    _collect_garbage_seldom()

    async def tell(_: str) -> object:
        told = [list(mine) for mine in seen]
        for mine in seen:
            mine.clear()
        return {"seen": told, "newest": [pod.details(NAME, 0.0).version for pod in made]}

    await _serve(tell)


async def writer(org: str) -> None:
    """Told `count seconds`, it changes the setting so often at such a pace, and says when each was committed."""
    with psycopg.connect(os.environ["PLATFORM_DATABASE_URL"]) as connection:
        publisher = Publisher(os.environ["REDIS_URL"], ca_file=os.environ["REDIS_CA_FILE"])

        def change(number: int) -> tuple[int, int]:
            row = connection.execute(_PUT, (json.dumps(number % 1000 / 1000), int(org))).fetchone()
            connection.commit()
            committed = time.monotonic_ns()
            version = int((row or (0,))[0])
            publisher.publish([Hint(int(org), "ai", "threshold", version)])
            return version, committed

        await _serve(lambda line: _paced(line, change))


async def sockets(port: str, count: str) -> None:
    """So many plain subscriptions of Redis; told anything, it says what each has heard since."""
    loop, heard = asyncio.get_running_loop(), list[Seen]()
    for _ in range(int(count)):
        mine: Seen = []
        heard.append(mine)
        await loop.create_connection(lambda mine=mine: _Subscription(mine), "127.0.0.1", int(port))
    _collect_garbage_seldom()

    async def tell(_: str) -> object:
        told = [list(mine) for mine in heard]
        for mine in heard:
            mine.clear()
        return {"seen": told}

    await _serve(tell)


async def publisher(port: str) -> None:
    """Told `count seconds`, it publishes so often at such a pace, and says when it began each."""
    client = redis.Redis(port=int(port), driver_info=None)

    def publish(number: int) -> tuple[int, int]:
        began = time.monotonic_ns()
        client.publish(CHANNEL, str(number))
        return number, began

    await _serve(lambda line: _paced(line, publish))


class _Subscription(asyncio.Protocol):
    """Hears numbers of one channel."""

    def __init__(self, heard: Seen) -> None:
        self._heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Subscribe."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(f"SUBSCRIBE {CHANNEL}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """A message, whose last line is the number; or the answer to the subscription."""
        if b"message" in data:
            self._heard.append((int(data.split()[-1]), time.monotonic_ns()))


async def _paced(line: str, act: Callable[[int], tuple[int, int]]) -> object:
    count, seconds = line.split()
    began, done = time.monotonic(), list[tuple[int, int]]()
    for number in range(1, int(count) + 1):
        await asyncio.sleep(max(0.0, began + number * float(seconds) - time.monotonic()))
        done.append(act(number))
    return {"sent": done, "seconds": time.monotonic() - began}


async def _serve(answer: Callable[[str], Awaitable[object]]) -> None:
    """Until the other side closes."""
    print(json.dumps({"ready": True}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await answer(line.strip())), flush=True)


def _collect_garbage_seldom() -> None:
    """A look at hundreds of pods' objects is not what one pod would do."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


if __name__ == "__main__":
    roles: dict[str, Any] = {"pods": pods, "writer": writer, "sockets": sockets, "publisher": publisher}
    asyncio.run(roles[sys.argv[1]](*sys.argv[2:]))
