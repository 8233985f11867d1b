"""Tenant data: projects and notes written through the service at a steady rate, and what row-level security costs."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx2

from tests.bench import rls
from tests.bench.identity import SLUG, log_in, pair, stage
from tests.bench.measure import table

RATE, SECONDS, WARM = 100, 30, 2  # requests a second; seconds
Row = dict[str, Any]


def run(sizes: rls.Sizes | None = None) -> tuple[str, list[Row]]:
    """Measure on a platform of its own; the tables in Markdown, and their rows."""
    with stage() as (checkout, http):
        token = log_in(http)["access_token"]
        writes = asyncio.run(_writes(str(http.base_url), token))
        environment = checkout.environment
        costs = rls.measured(environment["PLATFORM_DATABASE_URL"], environment["DATABASE_URL"], sizes or rls.Sizes())
    shown = [(row["what"], row["here"], row["aim"]) for row in writes]
    text = table(f"Tenant data, {RATE} a second for {SECONDS} s each", ("what", "here", "aim"), shown)
    compared = [
        (
            row["what"],
            f"{row['under'] * 1e6:.0f} µs",
            f"{row['free'] * 1e6:.0f} µs",
            f"{row['ratio'] - 1:+.1%}",
            "≤ 10 %",
        )
        for row in costs
    ]
    header = ("query, median of the round trip", "under policies", "without, organization named", "cost", "aim")
    return text + "\n" + table("Row-level security", header, compared), writes + costs


async def _writes(url: str, token: str) -> list[Row]:
    headers, rows = {"Authorization": f"Bearer {token}"}, list[Row]()
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
        projects = f"/v1/organizations/{SLUG}/projects"
        idle = await _steady(http, "/healthz", lambda number: None, SECONDS / 3)
        rows.append({"what": "reference: `GET /healthz`, p50 / p99", "here": f"{pair(idle)} ms", "aim": "-",
                     "seconds": idle})  # fmt: skip
        holder = (await http.post(projects, json={"name": "holder"})).raise_for_status().json()["id"]
        for what, path, body in (
            ("create a project", projects, lambda number: {"name": f"project {number}", "description": "one of many"}),
            (
                "write a note",
                f"{projects}/{holder}/notes",
                lambda number: {"title": f"note {number}", "body": "words " * 40},
            ),
        ):
            await _steady(http, path, lambda number, body=body: body(-1 - number), WARM)
            took = await _steady(http, path, body, SECONDS)
            rows.append({"what": f"{what}, p50 / p99 of {len(took)}", "here": f"{pair(took)} ms",
                         "aim": "≤ 10 / ≤ 30 ms", "seconds": took})  # fmt: skip
            print(f"{rows[-1]['what']}: {rows[-1]['here']}", file=sys.stderr, flush=True)
    return rows


async def _steady(http: httpx2.AsyncClient, path: str, body: Callable[[int], Any], seconds: float) -> list[float]:
    """Requests at their times, whether those before were answered or not; seconds from when each was due."""
    began = time.perf_counter() + 0.05

    async def one(number: int) -> float:
        due = began + number / RATE
        await asyncio.sleep(due - time.perf_counter())
        sent = body(number)
        (await http.request("POST" if sent else "GET", path, json=sent)).raise_for_status()
        return time.perf_counter() - due

    return list(await asyncio.gather(*(one(number) for number in range(round(RATE * seconds)))))
