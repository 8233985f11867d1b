"""Live configuration while servers are killed and hints are lost, doubled, late and forged: no pod ever steps back, and
each has the newest within the time between two full comparisons.

The short form takes under a minute; `LIVE_CHAOS_SECONDS=600` (of `make drill`) breaks things for that long.
"""

import dataclasses
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from liveconfig import LiveConfig
from liveconfig.pace import Pace
from liveconfig.settings import Settings
from localplane.layout import Layout
from localplane.pki import CLUSTER, Pki
from tests.e2e.checkout import Checkout
from tests.e2e.live_chaos import Faults, Watched, Writer, prepare_failover, shown, watch
from tests.e2e.pods import pod_environment
from tests.integration.liveconfig.parts import RelayProcess, wait_for

SLUG = "chaos"
SECONDS = float(os.environ.get("LIVE_CHAOS_SECONDS", "25"))
SEED = int(os.environ.get("LIVE_CHAOS_SEED", "20261125"))
RECONCILE = (4.0, 6.0)
RECONCILED = RECONCILE[1] + 4.0  # a busy machine may need some of it for the reading itself
BOUND = 60.0  # for a pod that also has to find its way back: the longest pauses between attempts come on top


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A platform of its own with one organization and no API: nobody tells again what was lost."""
    made = Checkout(tmp_path_factory.mktemp("chaos"))
    for path in made.catalog.glob("*.yaml"):
        path.unlink()
    members = [{"email": "ada@chaos.example", "role": "owner"}]
    made.edit(SLUG, name=SLUG, members=members, configs={"ai/threshold": 0.5, "email/max_retries": 3})
    try:
        made.plane("up").ok()
        made.python("-m", "engine", "up").ok()
        prepare_failover(made)
        yield made
    finally:
        made.plane("down")


@pytest.fixture
def relay(platform: Checkout) -> Iterator[RelayProcess]:
    """A relay that compares often."""
    pki, environment = Pki(Layout(platform.folder).pki), platform.environment
    made = RelayProcess({
        "RELAY_DATABASE_URL": environment["RELAY_DATABASE_URL"], "REDIS_URL": environment["RELAY_REDIS_URL"],
        "REDIS_CA_FILE": str(pki.certificate(CLUSTER)), "RELAY_TLS_CERT": str(pki.certificate("relay")),
        "RELAY_TLS_KEY": str(pki.key("relay")), "RELAY_RECONCILE_SECONDS": "-".join(map(str, RECONCILE)),
    })  # fmt: skip
    made.start()
    yield made
    made.kill()


def follow(stack: ExitStack, platform: Checkout, relay: RelayProcess, folder: Path) -> list[Watched]:
    """Three pods behind the relay, and three that follow by themselves."""
    environment = pod_environment(platform, SLUG, folder)
    behind = {**environment, "LIVECONFIG_RELAY": f"127.0.0.1:{relay.port}"}
    alone = {**environment, "LIVECONFIG_RELAY": ""}
    pace = Pace(first=0.2, longest=2.0, reconcile=RECONCILE)
    found = []
    for number in range(3):
        for kind, given in (("relayed", behind), ("direct", alone)):
            settings = dataclasses.replace(Settings.of(given), pace=pace)
            found.append(watch(f"{kind}-{number}", stack.enter_context(LiveConfig(settings))))
    return found


@pytest.mark.timeout(SECONDS * 3 + 600)
def test_no_pod_steps_back_and_each_ends_on_the_newest(
    platform: Checkout, relay: RelayProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    org = int(platform.sql(f"select id from tenancy.organizations where slug = '{SLUG}'")[0][0])
    with ExitStack() as stack:
        pods = follow(stack, platform, relay, tmp_path)
        writer = Writer(platform, org, random.Random(chance.random()))
        faults = Faults(platform, relay, org, writer.url, pods)
        writer.start()
        elapsed = break_things(faults, chance)
        writer.stop()
        settled = faults.catch_up(RECONCILED)
        assert wait_for(lambda: all(pod.held == faults.newest() for pod in pods), 5)
        check_values(platform, org, pods)
    with capsys.disabled():
        print("\n" + shown(faults, writer, elapsed, settled))
    assert [step for pod in pods for step in pod.back] == [], "no pod steps back"
    assert all(pod.steps for pod in pods)


def break_things(faults: Faults, chance: random.Random) -> float:
    """Each kind once, in any order, then any of them until the time is over; the seconds that it took."""
    began = time.monotonic()
    waiting = chance.sample(sorted(faults.kinds), k=len(faults.kinds))
    while waiting or time.monotonic() < began + SECONDS:
        time.sleep(chance.uniform(0.2, 2.0))
        kind = waiting.pop() if waiting else chance.choice(sorted(faults.kinds))
        faults.inflict(kind, chance.uniform(0.0, 2.0), BOUND)
    return time.monotonic() - began


def check_values(platform: Checkout, org: int, pods: list[Watched]) -> None:
    """What is in force in each pod is what the database holds."""
    rows = platform.sql(
        "select service || '/' || key, value, version from tenancy.service_configs"
        f" where org_id in (0, {org}) and value is not null and service in ('ai', 'email', 'api')"
    )
    for name, value, version in rows:
        for pod in pods:
            found = pod.config.details(name, None)
            assert (json.dumps(found.value), found.version) == (value, int(version)), f"{pod.name}: {name}"
