"""One world for these tests: what they break they mend, so that they can share it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.integration.liveconfig.parts import Gateway, RedisServer, RelayProcess, World, secret, through
from tests.integration.prepared import Prepared


@pytest.fixture(scope="session")
def shared_world(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    pki = prepared.kubeconfig.parent / "pki"
    redis = RedisServer(tmp_path_factory.mktemp("redis"), pki, shutil.which("redis-server", path=prepared.path) or "")
    redis.add_listener("relay", "config:*")
    for org in prepared.organizations.values():
        redis.add_listener(f"org_{org}", f"config:{org}:*", "config:0:*")
    gateway = Gateway(int(conninfo_to_dict(prepared.platform)["port"] or 0))
    with psycopg.connect(prepared.platform) as connection:
        connection.execute("create role test_relay login password 'test' in role agent_ready_relay")
    reader = make_conninfo(prepared.platform, user="test_relay", password="test", port=gateway.port)
    relay = RelayProcess({
        "RELAY_DATABASE_URL": reader, "REDIS_URL": redis.url("relay"), "REDIS_CA_FILE": str(redis.ca),
        "RELAY_TLS_CERT": str(pki / "redis.crt"), "RELAY_TLS_KEY": str(pki / "redis.key"),
        "RELAY_CREDENTIAL_SECONDS": "1", "RELAY_DRAIN_SECONDS": "3",
    })  # fmt: skip
    tenants = {prepared.organizations[slug]: through(url, gateway.port) for slug, url in prepared.tenants.items()}
    world = World(prepared.platform, tenants, redis, gateway, relay, Path(pki / "ca.crt"))
    for org in tenants:
        world.admit(org, secret(f"org_{org}"))
    redis.start()
    yield world
    relay.kill()
    redis.kill()
    gateway.close()


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    yield shared_world
    shared_world.gateway.mend()
    shared_world.redis.kill()
    shared_world.redis.start()


@pytest.fixture
def relay(world: World) -> Iterator[RelayProcess]:
    world.relay.start()
    yield world.relay
    world.relay.kill()


@pytest.fixture
def ours(prepared: Prepared) -> int:
    return prepared.ours


@pytest.fixture
def foreign(prepared: Prepared) -> int:
    return prepared.foreign
