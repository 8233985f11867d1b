"""The parts of the chaos test: who writes and tells badly, who breaks servers, and who watches pods for a step back."""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from liveconfig import LiveConfig
from liveconfig.core import Changed
from liveconfig.publisher import Publisher
from liveconfig.wire import Hint
from localplane.record import Record
from tests.e2e.checkout import Checkout
from tests.integration.liveconfig.parts import RelayProcess
from tests.processes import tree

OWN, PLATFORM = ("ai/threshold", "email/max_retries"), ("api/rate_limit",)
_PUT = """
insert into tenancy.service_configs as c (org_id, service, key, value, source) values (%s, %s, %s, %s, 'api')
on conflict (org_id, service, key) do update set value = excluded.value, version = c.version + 1, source = 'api'
returning version
"""
_TRUTH = """
select tenancy.config_epoch(), coalesce(max(revision) filter (where org_id = %(org)s), 0),
  coalesce(max(revision) filter (where org_id = 0), 0) from tenancy.config_heads
"""
#: What becomes of a hint, and how often.
FATES = {"told": 50, "lost": 15, "doubled": 15, "late": 20}
FORGED = 0.15  # of the changes are followed by a hint of a version long gone, or never to be
Held = tuple[int, int, int]  # epoch, revision, the platform's revision


class Watched:
    """A pod, and every step back that it takes."""

    def __init__(self, name: str, config: LiveConfig) -> None:
        self.name, self.config = name, config
        self.steps, self.back = 0, list[str]()
        self._held: Held = (0, 0, 0)
        self._versions: dict[str, int] = {}
        for service in ("ai", "email", "api"):
            config.on_change(service, self._note)

    @property
    def held(self) -> Held:
        """What it has."""
        snapshot = self.config.snapshot().snapshot
        return snapshot.epoch, snapshot.revision, snapshot.platform_revision

    def has(self, wanted: Held) -> bool:
        """Whether it has that, or what is newer."""
        held = self.held
        return held[0] > wanted[0] or (held[0] == wanted[0] and held[1] >= wanted[1] and held[2] >= wanted[2])

    def _note(self, change: Changed) -> None:
        held, last, version = self.held, self._held, self._versions.get(change.name, 0)
        if held[0] < last[0] or held[1] < last[1] or held[2] < last[2]:
            self.back.append(f"{self.name}: {last} -> {held}")
        if change.version < version:
            self.back.append(f"{self.name}: {change.name} {version} -> {change.version}")
        self.steps, self._held, self._versions[change.name] = self.steps + 1, held, change.version


class Writer(threading.Thread):
    """Changes settings without a pause, and tells of them as a bad network would."""

    def __init__(self, checkout: Checkout, org: int, chance: random.Random) -> None:
        super().__init__(name="writer", daemon=True)
        environment = checkout.environment
        self.url, self._org, self._chance = environment["PLATFORM_DATABASE_URL"], org, chance
        self._publisher = Publisher(environment["REDIS_URL"], ca_file=environment["REDIS_CA_FILE"], timeout=1.0)
        self._late: list[tuple[float, Hint]] = []
        self._stop_it = threading.Event()
        self.counted = Counter[str]()

    def run(self) -> None:
        """Until `stop`; a database that is away is tried again."""
        while not self._stop_it.is_set():
            try:
                with psycopg.connect(self.url, connect_timeout=3) as connection:
                    while not self._stop_it.wait(self._chance.uniform(0.0, 0.06)):
                        self._change(connection)
            except psycopg.Error:
                self.counted["failed"] += 1
                self._stop_it.wait(0.1)
        self._publisher.close()

    def stop(self) -> None:
        """End; what was late is never told."""
        self._stop_it.set()
        self.join(20)
        assert not self.is_alive(), "the writer ends"

    def _change(self, connection: psycopg.Connection[Any]) -> None:
        org = self._org if self._chance.random() < 0.8 else 0
        name = self._chance.choice(OWN if org else PLATFORM)
        service, key = name.split("/")
        value = round(self._chance.random(), 3) if key == "threshold" else self._chance.randrange(1, 10)
        row = connection.execute(_PUT, (org, service, key, json.dumps(value))).fetchone()
        connection.commit()
        self.counted["changes"] += 1
        hint = Hint(org, service, key, int((row or (0,))[0]))
        self._tell(self._mangled(hint))

    def _mangled(self, hint: Hint) -> list[Hint]:
        (fate,) = self._chance.choices(list(FATES), list(FATES.values()))
        self.counted[fate] += 1
        now = time.monotonic()
        due = [late for when, late in self._late if when <= now]
        self._late = [(when, late) for when, late in self._late if when > now]
        if fate == "late":
            self._late.append((now + self._chance.uniform(0.05, 2.0), hint))
        told = [*{"told": [hint], "doubled": [hint, hint]}.get(fate, []), *due]
        if self._chance.random() < FORGED:
            self.counted["forged"] += 1
            version = self._chance.choice([1, max(1, hint.version - 5), hint.version + 1000])
            told.append(Hint(hint.org_id, hint.service, hint.key, version))
        self._chance.shuffle(told)
        return told

    def _tell(self, hints: list[Hint]) -> None:
        try:
            self._publisher.publish(hints)
        except redis.RedisError:
            self.counted["untold"] += len(hints)


@dataclass
class Faults:
    """Breaks one part, mends it, and measures how long the pods took to what was newest when it was mended."""

    checkout: Checkout
    relay: RelayProcess
    org: int
    url: str
    pods: list[Watched]
    took: dict[str, list[float]] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, Callable[[float], None]]:
        """What may break; each is told how many seconds to leave it broken."""
        return {
            "Redis killed": self._redis, "PostgreSQL killed": self._postgres,
            "PostgreSQL on another timeline": self._failover, "relay killed": self._relay,
        }  # fmt: skip

    def inflict(self, kind: str, seconds: float, bound: float) -> None:
        """Do that; raise AssertionError if a pod has not caught up in time."""
        self.kinds[kind](seconds)
        self.took.setdefault(kind, []).append(self.catch_up(bound))

    def catch_up(self, bound: float) -> float:
        """Seconds until every pod has what is newest now."""
        wanted, began = self.newest(), time.monotonic()
        while behind := [pod for pod in self.pods if not pod.has(wanted)]:
            states = [(pod.name, pod.held, pod.config.health) for pod in behind]
            assert time.monotonic() < began + bound, f"not at {wanted} after {bound:.0f} s: {states}"
            time.sleep(0.005)
        return time.monotonic() - began

    def newest(self) -> Held:
        """What the database has."""
        with psycopg.connect(self.url, connect_timeout=5) as connection:
            row = connection.execute(_TRUTH, {"org": self.org}).fetchone()
        assert row is not None
        return int(row[0]), int(row[1]), int(row[2])

    def _redis(self, seconds: float) -> None:
        self._kill("redis")
        time.sleep(seconds)
        self.checkout.plane("up").ok()

    def _postgres(self, seconds: float) -> None:
        self._kill("postgres")
        time.sleep(seconds)
        self.checkout.plane("up").ok()

    def _failover(self, seconds: float) -> None:
        """It recovers what it wrote and goes on on the next timeline, as a standby does that takes over."""
        self._kill("postgres")
        time.sleep(seconds)
        data = self.checkout.folder / ".local" / "postgres" / "data"
        signalled = data / "recovery.signal"
        signalled.touch()
        os.chown(signalled, data.stat().st_uid, data.stat().st_gid)
        self.checkout.plane("up").ok()
        assert not signalled.exists(), "it has taken over"

    def _relay(self, seconds: float) -> None:
        self.relay.kill()
        time.sleep(seconds)
        self.relay.start()

    def _kill(self, server: str) -> None:
        running = Record(self.checkout.folder / ".local" / "plane.json").running(server)
        assert running is not None, f"{server} runs"
        for pid in tree(running.identity.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def prepare_failover(checkout: Checkout) -> None:
    """Have PostgreSQL ready to recover from what it has itself: there is no archive."""
    data = checkout.folder / ".local" / "postgres" / "data"
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("restore_command = '/bin/false'\nhot_standby = off\n")


def shown(faults: Faults, writer: Writer, seconds: float, settled: float) -> str:
    """The table, in Markdown."""
    counted = writer.counted
    lines = [
        "| fault | times | caught up, typical | worst |", "| --- | --- | --- | --- |",
        *(
            f"| {kind} | {len(took)} | {sorted(took)[len(took) // 2] * 1000:.0f} ms | {max(took) * 1000:.0f} ms |"
            for kind, took in sorted(faults.took.items())
        ),
        f"| the writer ends | 1 | {settled * 1000:.0f} ms | {settled * 1000:.0f} ms |", "",
        f"{seconds:.0f} s, {counted['changes']} changes ({counted['failed']} times no database), hints: "
        + ", ".join(f"{counted[fate]} {fate}" for fate in (*FATES, "forged", "untold"))
        + f". {len(faults.pods)} pods, {sum(pod.steps for pod in faults.pods)} values replaced, no step back.",
    ]  # fmt: skip
    return "\n".join(lines)


def watch(name: str, config: LiveConfig) -> Watched:
    """A pod to be watched, once it is ready."""
    watched = Watched(name, config)
    assert config.wait_ready(30), f"{name}: {config.health}"
    return watched
