"""Sign-ups through the service: one at a time, many at once, sustained; quota changes, previews; beside raw API calls
and the stock Automation API in the same run.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.bench.catalogs import raw_calls
from tests.bench.measure import MIB, pss, table
from tests.e2e.checkout import Checkout
from tests.processes import tree

Json = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How much is measured; `sustained` is seconds, `existing` organizations."""

    one_at_a_time: int = 60
    at_once: int = 20
    sustained: float = 60.0
    rate: float = 1.0
    existing: int = 0
    stock: int = 3


@dataclass
class Service:
    """A service process and a client of its own."""

    process: subprocess.Popen[bytes]
    http: httpx2.AsyncClient
    made: list[str] = field(default_factory=list)

    async def sign_up(self, slug: str) -> tuple[float, Json]:
        """Seconds until the answer, and the answer; anything but 201 or 202 is an error."""
        body = {"name": slug, "slug": slug, "owner_email": f"owner@{slug}.example"}
        began = time.monotonic()
        answer = await self.http.post("/v1/organizations", json=body, headers={"Idempotency-Key": slug})
        seconds = time.monotonic() - began
        if answer.status_code not in (201, 202):
            raise RuntimeError(f"sign-up of {slug}: {answer.status_code} {answer.text}")
        self.made.append(slug)
        return seconds, {**answer.json(), "code": answer.status_code}

    async def parked(self, count: int) -> None:
        """Wait until so many engines wait."""
        while (await self.http.get("/readyz")).json()["pool"]["parked"] < count:  # noqa: ASYNC110 - as any client
            await asyncio.sleep(0.05)

    async def memory(self) -> float:
        """Bytes of its whole process tree at rest: nothing at work, the engines parked."""
        while True:
            pool = (await self.http.get("/readyz")).json()["pool"]
            if not pool["busy"] and pool["parked"] >= pool["size"]:
                return float(sum(pss(pid) for pid in tree(self.process.pid)))
            await asyncio.sleep(0.2)


@asynccontextmanager
async def _service(checkout: Checkout, parked: int) -> AsyncIterator[Service]:
    environment = {
        **checkout.environment, "ENGINES_PARKED": str(parked), "SIGN_UPS_PER_MINUTE": "100000",
        "SIGN_UP_BURST": "10000", "SIGN_UP_WAIT_LIMIT": "60",
    }  # fmt: skip
    log = checkout.folder / ".local" / "logs" / "bench-service.log"
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: ASYNC220 - started once, and waited for in a thread
            [sys.executable, "-m", "service"], cwd=checkout.folder, env=environment, stdout=out, stderr=out
        )
    headers = {"Authorization": f"Bearer {environment['OPERATOR_TOKEN']}"}
    async with httpx2.AsyncClient(
        base_url=environment["API_URL"], headers=headers, timeout=90, trust_env=False
    ) as http:
        service = Service(process, http)
        try:
            await _until_ready(service)
            yield service
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)


async def _until_ready(service: Service) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if (await service.http.get("/readyz")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        if service.process.poll() is not None:
            raise RuntimeError("the service ended; see .local/logs/bench-service.log")
        await asyncio.sleep(0.1)
    raise RuntimeError("the service was not ready within 60 s")


class Gates:
    """When each namespace became ready, seen by a watch of its own: kubectl's."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self.opened: dict[str, float] = {}

    async def watch(self) -> None:
        """Until it is cancelled."""
        process = await asyncio.create_subprocess_exec(
            "kubectl", "get", "namespaces", "-l", "isolation-ready=true", "--watch", "-o", "name",
            env=self._checkout.environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self.opened.setdefault(line.decode().strip().removeprefix("namespace/"), time.monotonic())
        finally:
            process.terminate()
            await process.wait()


def run(sizes: Sizes) -> tuple[str, list[Json]]:
    """Measure everything on a platform of its own; the tables in Markdown, and their rows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        checkout = Checkout(Path(folder))
        try:
            checkout.plane("up").ok()
            checkout.python("-m", "engine", "up").ok()
            rows = asyncio.run(_measured(checkout, sizes))
        finally:
            checkout.plane("down")
    shown = [(str(r["what"]), str(r["figures"]), str(r["aim"])) for r in rows]
    return table("Sign-ups", ("what", "here", "aim"), shown), rows


async def _measured(checkout: Checkout, sizes: Sizes) -> list[Json]:
    rows: list[Json] = []

    def add(what: str, figures: str, aim: str, **raw: Any) -> None:
        rows.append({"what": what, "figures": figures, "aim": aim, **raw})
        print(f"  {what}: {figures}", file=sys.stderr, flush=True)

    raw = await raw_calls(checkout, 20)
    stock = _stock(checkout, sizes.stock)
    add("raw calls for the same objects and rows, p50", _ms(statistics.median(raw)), "-", seconds=raw)
    add("stock Automation API, p50", _ms(statistics.median(stock)), "-", seconds=stock)
    async with _service(checkout, 4) as service:
        await _one_at_a_time(service, Gates(checkout), sizes, raw, add)
        await _at_once(service, sizes.at_once, "default pool", "none failed, ≤ 15 s", add)
        await _sustained(service, sizes, add)
        await _changes(service, add)
        await _previews(service, add)
        if sizes.existing:
            await _existing(service, sizes.existing, add)
    async with _service(checkout, 20) as service:
        await service.parked(20)
        await _at_once(service, sizes.at_once, "pool of 20", "none failed, ≤ 4 s", add)
    return rows


Add = Callable[..., None]


async def _one_at_a_time(service: Service, gates: Gates, sizes: Sizes, raw: list[float], add: Add) -> None:
    watching = asyncio.create_task(gates.watch())
    await service.sign_up("bench-warm")
    answered, ready = [], []
    for number in range(sizes.one_at_a_time):
        await service.parked(2)
        began = time.monotonic()
        seconds, _ = await service.sign_up(f"bench-{number:04}")
        answered.append(seconds)
        while f"org-bench-{number:04}" not in gates.opened:  # noqa: ASYNC110 - a watch tells it
            await asyncio.sleep(0.001)
        ready.append(gates.opened[f"org-bench-{number:04}"] - began)
    watching.cancel()
    add("sign-up to isolation-ready, p50 / p99", _p(ready), "≤ 120 / ≤ 300 ms", seconds=ready)
    add("sign-up to 201, p50 / p99", _p(answered), "≤ 250 / ≤ 600 ms", seconds=answered)
    ratio = statistics.median(answered) / statistics.median(raw)
    add("sign-up to 201, against raw calls", f"{ratio:.1f} times", "≤ 6 times", ratio=ratio)


async def _at_once(service: Service, count: int, pool: str, aim: str, add: Add) -> None:
    stamp = f"{pool.replace(' ', '-')}"
    began = time.monotonic()
    done = await asyncio.gather(*(service.sign_up(f"burst-{stamp}-{n}") for n in range(count)))
    codes = [answer["code"] for _, answer in done]
    seconds = time.monotonic() - began
    add(f"{count} at once, {pool}", f"{codes.count(201)} made in {seconds:.1f} s", aim, seconds=seconds, codes=codes)


async def _sustained(service: Service, sizes: Sizes, add: Add) -> None:
    before, began, tasks = await service.memory(), time.monotonic(), []
    number = 0
    while time.monotonic() - began < sizes.sustained:
        tasks.append(asyncio.create_task(service.sign_up(f"steady-{number}")))
        number += 1
        await asyncio.sleep(max(number / sizes.rate - (time.monotonic() - began), 0))
    done = await asyncio.gather(*tasks)
    seconds, waits = time.monotonic() - began, [seconds for seconds, _ in done]
    after = await service.memory()
    figures = (
        f"{len(done) / seconds:.2f} a second for {seconds:.0f} s, p50 / p99 {_p(waits)}; "
        f"memory at rest {before / MIB:.0f} → {after / MIB:.0f} MiB"
    )
    add(f"sustained at {sizes.rate:g} a second", figures, "≥ 1 a second, memory flat", seconds=waits)


async def _changes(service: Service, add: Add) -> None:
    """Of one organization after the other, each alone; then of one in a row, where each waits for the stack's turn."""

    async def change(slug: str, cpu: int) -> float:
        body, headers = {"cpu": str(cpu), "reason": "bench"}, {"Idempotency-Key": f"quota-{slug}-{cpu}"}
        began = time.monotonic()
        answer = await service.http.patch(f"/v1/organizations/{slug}/quota", json=body, headers=headers)
        seconds = time.monotonic() - began
        if answer.status_code != 200:
            raise RuntimeError(f"quota of {slug}: {answer.status_code} {answer.text}")
        return seconds

    alone = []
    for slug in service.made[1:31]:
        alone.append(await change(slug, 7))
        await asyncio.sleep(1)
    add("quota change to enforced, p50 / p99", _p(alone), "≤ 30 ms", seconds=alone)
    row = [await change(service.made[1], cpu) for cpu in range(2, 7)]
    add("five quota changes of one organization in a row, p50", _ms(statistics.median(row)), "-", seconds=row)


async def _previews(service: Service, add: Add) -> None:
    seconds = []
    for number in range(5):
        began = time.monotonic()
        body = {"quota": {"cpu": str(4 + number)}}
        answer = await service.http.post("/v1/organizations/bench-0001/preview", json=body)
        answer.raise_for_status()
        seconds.append(time.monotonic() - began)
    add("preview of one organization, p50", _ms(statistics.median(seconds)), "≤ 2 s", seconds=seconds)


async def _existing(service: Service, count: int, add: Add) -> None:
    """Fill up to `count` organizations, two at a time, then measure again."""

    async def some(label: str) -> list[float]:
        found = []
        for number in range(30):
            await service.parked(2)
            found.append((await service.sign_up(f"{label}-{number}"))[0])
        return found

    few = await some("few")
    limit = asyncio.Semaphore(2)

    async def fill(number: int) -> None:
        async with limit:
            await service.sign_up(f"fill-{number}")

    began = time.monotonic()
    wanted = max(count - len(service.made), 0)
    await asyncio.gather(*(fill(number) for number in range(wanted)))
    pace = wanted / (time.monotonic() - began) if wanted else 0.0
    many = await some("many")
    growth = statistics.median(many) / statistics.median(few) - 1
    memory = await service.memory() / MIB
    figures = f"{_p(few)} → {_p(many)}, {growth:+.0%}; filled at {pace:.2f} a second; {memory:.0f} MiB at rest"
    add(f"organizations existing: few → {count}", figures, "p50 grows ≤ 25 %", few=few, many=many)


def _stock(checkout: Checkout, count: int) -> list[float]:
    printed = checkout.python("-m", "tests.bench.stock_automation", str(count)).ok().out
    return [float(second) for second in json.loads(printed.splitlines()[-1])]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _p(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return (
        f"{statistics.median(ordered) * 1000:.0f} / {ordered[max(-(-len(ordered) * 99 // 100) - 1, 0)] * 1000:.0f} ms"
    )
