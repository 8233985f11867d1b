"""Live configuration: from `PUT` and commit to pods; a thousand of them beside a thousand plain sockets of Redis.

Writer, relay, service and pods are processes of their own on one machine, so that their monotonic clocks are one.
"""

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import urllib.request
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from liveconfig import LiveConfig
from liveconfig.settings import Settings
from localplane.record import Record
from tests.bench import flags
from tests.bench.live_roles import NAME
from tests.bench.measure import table
from tests.e2e.checkout import Checkout
from tests.e2e.pods import pod_environment
from tests.e2e.replicas import until

SLUG = "bench-live"
PROCESSES = 4  # for many pods, and for many sockets
_COUNTED_EVERY = 8.0  # seconds; the relay sets what it counts a little more often
Stamps = list[tuple[int, int]]  # version, nanoseconds
Row = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    puts: int = 500
    changes: int = 100
    pods: int = 1000
    steady_pods: int = 200
    steady_changes: int = 1000  # a minute's, in a minute
    pause: float = 0.3  # seconds between changes that every pod must have

    @classmethod
    def of(cls, *, quick: bool) -> Self:
        """The whole, or what takes a minute."""
        if not quick:
            return cls()
        return cls(puts=100, changes=20, pods=100, steady_pods=40, steady_changes=100, pause=0.1)


class Role:
    """A process of `tests.bench.live_roles`."""

    def __init__(self, environment: Mapping[str, str], folder: Path, *arguments: object) -> None:
        command = [sys.executable, "-m", "tests.bench.live_roles", *map(str, arguments)]
        self._what = " ".join(command[2:])
        self._process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def answer(self) -> Any:
        """What it says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._what} ended with {self._process.wait()}")
        return json.loads(line)

    def tell(self, line: str) -> None:
        """Tell it something, which it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def ask(self, line: str) -> Any:
        """Tell it, and its answer."""
        self.tell(line)
        return self.answer()

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate(timeout=30)


class Crowd:
    """Several processes that each hold a share of all pods, or sockets."""

    def __init__(self, stack: ExitStack, count: int, environment: Mapping[str, str], folder: Path, *words: object):
        processes = min(PROCESSES, count)
        shares = [count // processes + (number < count % processes) for number in range(processes)]
        self._roles = [Role(environment, folder, *words, share) for share in shares]
        for role in self._roles:
            stack.callback(role.close)
        for role in self._roles:
            role.answer()

    def seen(self) -> tuple[list[Stamps], list[int]]:
        """What each of them has seen since the last time, and the newest version that each has."""
        for role in self._roles:
            role.tell("seen")
        found = [role.answer() for role in self._roles]
        return [one for some in found for one in some["seen"]], [n for some in found for n in some.get("newest", ())]


class Stage:
    """A platform with one organization, the service, the relay and what a pod of that organization holds."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout, self.environment, self.folder = checkout, checkout.environment, checkout.folder
        self.org = int(checkout.sql(f"select id from tenancy.organizations where slug = '{SLUG}'")[0][0])
        self.held = pod_environment(checkout, SLUG, self.folder / ".local")
        self._metrics = Record(self.folder / ".local" / "plane.json").ports["relay-metrics"]

    def pods(self, stack: ExitStack, count: int) -> Crowd:
        """So many pods, connected."""
        return Crowd(stack, count, {**self.environment, **self.held}, self.folder, "pods")

    def writer(self, stack: ExitStack) -> Role:
        """A process that changes the setting."""
        made = Role(self.environment, self.folder, "writer", self.org)
        stack.callback(made.close)
        made.answer()
        return made

    def counted(self) -> float:
        """The relay's readings of settings so far."""
        time.sleep(_COUNTED_EVERY)
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("liveconfig_relay_queries "))


def run(*, quick: bool = False) -> tuple[str, list[Row]]:
    """Measure on a platform of its own; the table in Markdown, and its rows."""
    sizes, rows = Sizes.of(quick=quick), list[Row]()
    with _stage() as stage:
        for part in (_puts, _one_pod, _all_pods, _plain, _steady, _reading):
            rows += part(stage, sizes)
            print(f"{rows[-1]['what']}: {rows[-1]['here']}", file=sys.stderr, flush=True)
    shown = [(row["what"], row["here"], row["aim"]) for row in rows]
    return table("Live configuration", ("what", "here", "aim"), shown), rows


@contextmanager
def _stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        checkout = Checkout(Path(folder))
        for path in checkout.catalog.glob("*.yaml"):
            path.unlink()
        members = [{"email": f"ada@{SLUG}.example", "role": "owner"}]
        checkout.edit(SLUG, name=SLUG, members=members, configs={NAME: 0.5, "email/max_retries": 3})
        try:
            checkout.plane("up").ok()
            checkout.python("-m", "engine", "up").ok()
            checkout.plane("serve").ok()
            yield Stage(checkout)
        finally:
            checkout.plane("down")


def _puts(stage: Stage, sizes: Sizes) -> list[Row]:
    """Over HTTP, one after the other; and when a pod had each."""
    headers = {"Authorization": f"Bearer {stage.environment['OPERATOR_TOKEN']}"}
    path = f"/v1/organizations/{SLUG}/configs/{NAME}"
    took, sent = list[float](), Stamps()
    with (
        ExitStack() as stack,
        httpx2.Client(base_url=stage.environment["API_URL"], headers=headers, trust_env=False, timeout=30) as http,
    ):
        pod = stage.pods(stack, 1)
        until(lambda: http.get("/readyz").status_code == 200, 60, "the service")
        etag = http.get(path).headers["ETag"]
        for number in range(sizes.puts):
            body = {"value": number % 1000 / 1000, "reason": "bench"}
            began = time.monotonic_ns()
            answer = http.put(path, json=body, headers={"If-Match": etag})
            took.append((time.monotonic_ns() - began) / 1e9)
            answer.raise_for_status()
            etag = answer.headers["ETag"]
            sent.append((int(etag.strip('"')), began))
            time.sleep(0.01)
        time.sleep(1)
        late = [delay for delays in _delays(sent, pod.seen()[0]) for delay in delays]
    return [
        _row(f"`PUT`, p50 / p99 of {len(took)}", f"{_pair(took)} ms", "≤ 15 / ≤ 40 ms", seconds=took),
        _row("`PUT` sent to applied in one pod, p50 / p99", f"{_pair(late)} ms", "-", seconds=late),
    ]


def _one_pod(stage: Stage, sizes: Sizes) -> list[Row]:
    with ExitStack() as stack:
        pod, writer = stage.pods(stack, 1), stage.writer(stack)
        sent = writer.ask(f"{sizes.changes * 3} 0.05")["sent"]
        time.sleep(1)
        late = [delay for delays in _delays(sent, pod.seen()[0]) for delay in delays]
    return [_row("commit to applied in one pod, p50 / p99", f"{_pair(late)} ms", "p99 ≤ 10 ms", seconds=late)]


def _all_pods(stage: Stage, sizes: Sizes) -> list[Row]:
    with ExitStack() as stack:
        began = time.monotonic()
        pods, writer = stage.pods(stack, sizes.pods), stage.writer(stack)
        connecting = time.monotonic() - began
        time.sleep(2)
        sent = writer.ask(f"{sizes.changes} {sizes.pause}")["sent"]
        time.sleep(2)
        delays = _delays(sent, pods.seen()[0])
    last, median = [max(some) for some in delays], [statistics.median(some) for some in delays]
    return [
        _row(f"{sizes.pods} pods connect and load", f"{connecting:.1f} s", "-", seconds=connecting),
        _row(
            f"commit to applied in all of {sizes.pods} pods, p50 / p99 of {len(last)} changes",
            f"{_pair(last)} ms (half of the pods: {_pair(median)} ms)", "p99 ≤ 60 ms", last=last, median=median,
        ),
    ]  # fmt: skip


def _plain(stage: Stage, sizes: Sizes) -> list[Row]:
    """The reference: Redis without TLS, to sockets that only read."""
    with ExitStack() as stack:
        port = stack.enter_context(_plain_redis(stage))
        crowd = Crowd(stack, sizes.pods, stage.environment, stage.folder, "sockets", port)
        publisher = Role(stage.environment, stage.folder, "publisher", port)
        stack.callback(publisher.close)
        publisher.answer()
        sent = publisher.ask(f"{sizes.changes} {sizes.pause}")["sent"]
        time.sleep(2)
        last = [max(some) for some in _delays(sent, crowd.seen()[0])]
    what = f"reference: Redis alone to the last of {sizes.pods} plain sockets, p50 / p99"
    return [_row(what, f"{_pair(last)} ms", "-", seconds=last)]


@contextmanager
def _plain_redis(stage: Stage) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    program = shutil.which("redis-server", path=stage.environment["PATH"]) or "redis-server"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(stage.folder / ".local")]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        until(lambda: _answers(port), 20, "Redis")
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _steady(stage: Stage, sizes: Sizes) -> list[Row]:
    """A thousand changes a minute."""
    with ExitStack() as stack:
        pods, writer = stage.pods(stack, sizes.steady_pods), stage.writer(stack)
        before = stage.counted()
        told = writer.ask(f"{sizes.steady_changes} 0.06")
        queries = stage.counted() - before
        seen, newest = pods.seen()
    sent: Stamps = told["sent"]
    last = [max(some) for some in _delays(sent, seen)]
    missed = sum(version != sent[-1][0] for version in newest)
    versions = {version for version, _ in sent}
    shared = sum(len(versions - {version for version, _ in mine}) for mine in seen)
    here = (
        f"{len(sent) / told['seconds'] * 60:.0f} a minute, {missed} pods without the newest, {shared} of"
        f" {len(sent) * len(seen)} applied with the next; {queries / len(sent):.2f} queries a change;"
        f" all pods p50 / p99 {_pair(last)} ms"
    )
    what = f"1,000 changes a minute for {told['seconds']:.0f} s, {sizes.steady_pods} pods"
    return [_row(what, here, "none missed, ≤ 1 query a change", missed=missed, queries=queries, seconds=last)]


def _reading(stage: Stage, sizes: Sizes) -> list[Row]:
    """In a pod that follows."""
    with LiveConfig(Settings.of(stage.held)) as config:
        assert config.wait_ready(30), config.health
        rounds = 200_000
        get = min(timeit.repeat(lambda: config.get(NAME, 0.0), number=rounds, repeat=5)) / rounds
    found = [row for row in flags.run()[1] if row["what"].startswith("3 rules")]
    worst = max(found, key=lambda row: row["p50"])
    return [
        _row("`get` of a setting", f"{get * 1e6:.2f} µs", "≤ 1 µs", seconds=get),
        _row("a flag with 3 rules, p50 / p99", f"{worst['p50']:.1f} / {worst['p99']:.1f} µs", "≤ 20 µs", flags=found),
    ]


def _delays(sent: Stamps, seen: Sequence[Stamps]) -> list[list[float]]:
    """Seconds until each had each version, or a newer one; one list a version."""
    found: list[list[float]] = [[] for _ in sent]
    for mine in seen:
        versions = [version for version, _ in mine]
        for (version, began), delays in zip(sent, found, strict=True):
            at = bisect_left(versions, version)
            if at == len(mine):
                raise RuntimeError(f"version {version} was never applied by one of {len(seen)}")
            delays.append((mine[at][1] - began) / 1e9)
    return found


def _row(what: str, here: str, aim: str, **figures: object) -> Row:
    return {"what": what, "here": here, "aim": aim, **figures}


def _pair(seconds: Sequence[float]) -> str:
    """p50 / p99 in milliseconds."""
    ordered = sorted(seconds)
    p99 = ordered[max(-(-len(ordered) * 99 // 100) - 1, 0)]
    return f"{statistics.median(ordered) * 1000:.1f} / {p99 * 1000:.1f}"
