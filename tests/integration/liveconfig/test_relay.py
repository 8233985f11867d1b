"""Pods behind a relay, on real servers with TLS: one reading for all of them, and what happens when parts go away."""

import asyncio
import json
import ssl
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest

from liveconfig import AsyncLiveConfig, LiveConfig, Reason, Status
from liveconfig.errors import ProtocolError
from liveconfig.protocol import FROM_POD, Hello
from tests.integration.liveconfig.parts import RelayProcess, World, secret, wait_for

PODS = 40


def ready(config: LiveConfig) -> bool:
    return config.wait_ready(30)


def answer(connection: ssl.SSLSocket) -> bytes:
    """All that comes until the relay closes."""
    connection.settimeout(15)
    found = b""
    try:
        while data := connection.recv(65536):
            found += data
    except OSError:
        pass
    return found


def test_forty_pods_see_a_change_and_it_cost_one_query(world: World, relay: RelayProcess, ours: int) -> None:
    async def follow() -> None:
        async with AsyncExitStack() as stack:
            pods = [await stack.enter_async_context(AsyncLiveConfig(world.relayed(ours))) for _ in range(PODS)]
            assert all(await asyncio.gather(*(pod.wait_ready(30) for pod in pods)))
            await asyncio.sleep(1)
            before = await asyncio.to_thread(world.metric, "liveconfig_relay_queries")
            for number in range(1, 6):
                value = 0.6 + number / 100
                seen = [asyncio.Event() for _ in pods]
                ends = [
                    pod.on_change("ai/threshold", lambda _, one=one: one.set())
                    for pod, one in zip(pods, seen, strict=True)
                ]
                await asyncio.to_thread(world.change, ours, {"ai/threshold": value})
                await asyncio.wait_for(asyncio.gather(*(one.wait() for one in seen)), 20)
                assert {pod.get("ai/threshold", 0.0) for pod in pods} == {value}
                for end in ends:
                    end()
            await asyncio.sleep(1)
            assert await asyncio.to_thread(world.metric, "liveconfig_relay_queries") - before <= 5
            assert await asyncio.to_thread(world.metric, "liveconfig_relay_pods") == PODS
            assert {pod.details("ai/threshold", 0.0).reason for pod in pods} == {Reason.OWN}

    asyncio.run(follow())


def test_each_organization_gets_its_own_and_the_platforms(
    world: World, relay: RelayProcess, ours: int, foreign: int
) -> None:
    with LiveConfig(world.relayed(ours)) as mine, LiveConfig(world.relayed(foreign)) as theirs:
        assert ready(mine) and ready(theirs)
        world.change(0, {"api/rate_limit": 100})
        world.change(ours, {"ai/own": "mine"})
        world.change(foreign, {"ai/own": "theirs"})
        assert wait_for(lambda: mine.get("ai/own", "") == "mine" and theirs.get("ai/own", "") == "theirs")
        assert mine.get("api/rate_limit", 0) == theirs.get("api/rate_limit", 0) == 100
        world.change(0, {"api/rate_limit": None})


def test_a_pod_that_comes_back_gets_what_it_missed(world: World, relay: RelayProcess, ours: int) -> None:
    with LiveConfig(world.relayed(ours)) as config:
        assert ready(config)
        relay.kill()
        assert wait_for(lambda: config.health.status == Status.STALE)
        world.change(ours, {"ai/threshold": 0.71})
        relay.start()
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.71, 30)
        assert ready(config)


def test_a_relay_that_ends_lets_its_pods_go_first(world: World, relay: RelayProcess, ours: int) -> None:
    with LiveConfig(world.relayed(ours)) as config:
        assert ready(config)
        assert relay.end() == 0
        assert wait_for(lambda: config.health.status == Status.STALE)


def test_redis_killed_behind_a_relay(world: World, relay: RelayProcess, ours: int) -> None:
    with LiveConfig(world.relayed(ours)) as config:
        assert ready(config)
        world.redis.kill()
        assert wait_for(lambda: config.health.status == Status.STALE), "pods are told that the relay hears nothing"
        assert "Redis" in config.health.reason
        world.change(ours, {"ai/threshold": 0.72}, hint=False)
        world.redis.start()
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.72)
        assert ready(config)


def test_the_database_away_behind_a_relay(world: World, relay: RelayProcess, ours: int) -> None:
    with LiveConfig(world.relayed(ours)) as config:
        assert ready(config)
        world.gateway.cut()
        assert wait_for(lambda: "PostgreSQL" in config.health.reason)
        world.change(ours, {"ai/threshold": 0.73})
        world.gateway.mend()
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.73)
        assert ready(config)


@pytest.mark.parametrize("field", ["user", "password"])
def test_a_wrong_user_or_password_gets_nothing(world: World, relay: RelayProcess, ours: int, field: str) -> None:
    with LiveConfig(world.relayed(ours, **{field: "wrong"})) as config:
        assert wait_for(lambda: "refused" in config.health.reason), config.health
        assert config.health.status == Status.NOT_READY


def test_another_organizations_password_opens_nothing_of_ours(
    world: World, relay: RelayProcess, ours: int, foreign: int
) -> None:
    theirs = world.relayed(ours, user=f"org_{foreign}", password=secret(f"org_{foreign}"))
    with LiveConfig(theirs) as config:
        assert wait_for(lambda: "refused" in config.health.reason), config.health


def test_a_changed_password_closes_the_connections_that_used_the_old_one(
    world: World, relay: RelayProcess, foreign: int
) -> None:
    with LiveConfig(world.relayed(foreign)) as config:
        assert ready(config)
        world.admit(foreign, "another")
        assert wait_for(lambda: "refused" in config.health.reason), config.health
        world.admit(foreign, secret(f"org_{foreign}"))
        assert ready(config), "it is let in again with the right one"


def test_a_rotated_password_in_a_mounted_file_needs_no_restart(
    world: World, relay: RelayProcess, foreign: int, tmp_path: Path
) -> None:
    file = tmp_path / "LIVECONFIG_PASSWORD"
    file.write_text(secret(f"org_{foreign}") + "\n")
    with LiveConfig(world.relayed(foreign, password="", password_file=file)) as config:
        assert ready(config)
        world.admit(foreign, "rotated")
        assert wait_for(lambda: config.health.status == Status.STALE)
        file.write_text("rotated")
        assert ready(config)
    world.admit(foreign, secret(f"org_{foreign}"))


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
        b"{}\n",
        b"[]\n",
        b'{"ping":true}\n',
        b'{"hello":null}\n',
        b'{"hello":{"user":"a","password":"b","organization":0,"epoch":0,"revisions":[0,0]}}\n',
        b'{"hello":{"user":"a","password":"b","organization":9999999999999999999999,"epoch":0,"revisions":[0,0]}}\n',
        b'{"hello":{"user":"a","password":"b","organization":77777,"epoch":0,"revisions":[0,0]}}\n',
        b'{"hello":{"user":"a","password":"b","organization":77777,"epoch":0,"revisions":["x",{}]}}\n',
        b"\xff\xfe\x00\n",
        b"[" * (FROM_POD - 1) + b"\n",
        b"x" * (FROM_POD * 3),
    ],
    ids=str,
)
def test_hostile_lines_end_their_own_connection_only(world: World, relay: RelayProcess, ours: int, said: bytes) -> None:
    with LiveConfig(world.relayed(ours)) as config:
        assert ready(config)
        with world.plain() as connection:
            connection.sendall(said)
            found = answer(connection)
        assert b'"state"' not in found, "nothing is given to who did not say who he is"
        version = config.details("ai/threshold", 0.0).version
        world.change(ours, {"ai/threshold": 0.74})
        assert wait_for(lambda: config.details("ai/threshold", 0.0).version > version), "the others are served on"


def test_who_says_nothing_is_closed(world: World, relay: RelayProcess) -> None:
    assert wait_for(lambda: _connects(world))
    with world.plain() as connection:
        assert answer(connection) == b""


def _connects(world: World) -> bool:
    try:
        world.plain().close()
    except OSError:
        return False
    return True


def test_a_pod_that_reads_nothing_holds_up_nobody_and_ends_on_the_newest(
    world: World, relay: RelayProcess, ours: int
) -> None:
    hello = Hello(f"org_{ours}", secret(f"org_{ours}"), ours, 0, 0, 0)
    with LiveConfig(world.relayed(ours)) as config:
        assert ready(config)
        with world.plain() as slow:
            slow.sendall(hello.line())
            for number in range(60):
                world.change(ours, {"bulk/text": f"{number:03}" + "x" * 200_000})
            assert wait_for(lambda: config.get("bulk/text", "").startswith("059")), "the others are served on"
            assert wait_for(lambda: world.metric("liveconfig_relay_pods_behind_total") >= 1)
            newest = _newest(slow)
            assert newest.startswith("059"), "what it missed is left out, the newest is not"
        world.change(ours, {"bulk/text": None})


def _newest(slow: ssl.SSLSocket) -> str:
    """What the slow pod knows at last."""
    slow.settimeout(3)
    found = b""
    try:
        while data := slow.recv(2**20):
            found += data
    except TimeoutError:
        pass
    states = [json.loads(line) for line in found.splitlines() if line.startswith(b'{"state"')]
    changes = [change for state in states for change in state["state"]["changes"]]
    return str([settings["bulk/text"][0] for *_, settings in changes if "bulk/text" in settings][-1])


def test_a_raised_epoch_reaches_every_pod_as_a_whole(
    world: World, relay: RelayProcess, ours: int, foreign: int
) -> None:
    world.change(ours, {"epochs/relayed": 1})
    world.change(ours, {"epochs/relayed": 2})
    with LiveConfig(world.relayed(ours)) as mine, LiveConfig(world.relayed(foreign)) as theirs:
        assert ready(mine) and ready(theirs)
        with psycopg.connect(world.platform) as connection:
            connection.execute("alter table tenancy.service_configs disable trigger user")
            connection.execute("update tenancy.service_configs set value = '7', version = 1 where key = 'relayed'")
            connection.execute("alter table tenancy.service_configs enable trigger user")
            connection.execute("update tenancy.config_epoch set epoch = epoch + 1")
        world.change(foreign, {"epochs/trigger": 1})
        assert wait_for(lambda: mine.get("epochs/relayed", 0) == 7), "one organization's hint tells of all"
        assert mine.details("epochs/relayed", 0).version == 1
        assert wait_for(lambda: mine.snapshot().snapshot.epoch == theirs.snapshot().snapshot.epoch)


def test_a_message_of_a_relay_that_is_none_is_refused() -> None:
    from liveconfig.protocol import state_of

    with pytest.raises(ProtocolError):
        state_of({"epoch": 1, "changes": [[1, 2]], "seconds": None})


def test_threads_read_while_settings_change(world: World, relay: RelayProcess, ours: int) -> None:
    with LiveConfig(world.relayed(ours)) as config:
        assert ready(config)
        seen, stop = [list[float]() for _ in range(4)], threading.Event()

        def read(mine: list[float]) -> None:
            while not stop.is_set():
                value = config.get("ai/threshold", -1.0)
                if value > 10 and mine[-1:] != [value]:
                    mine.append(value)

        threads = [threading.Thread(target=read, args=(mine,)) for mine in seen]
        for thread in threads:
            thread.start()
        for number in range(1, 11):
            world.change(ours, {"ai/threshold": 10.0 + number})
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 20.0)
        stop.set()
        for thread in threads:
            thread.join()
        assert all(mine == sorted(mine) for mine in seen), "no reader steps back"
