"""Identity: log-ins and refreshes over the real HTTP API, and the verification of a token in this process.

The account is made as its owner makes it, by a mailed token, so that a run shows that way too.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from database.signing_keys import KeyRow
from service.identity.claims import API
from service.identity.keys import PublishedKey
from service.identity.verifier import Verifier
from tests.bench.measure import table
from tests.e2e.checkout import Checkout, serving
from tests.e2e.people import PASSWORD, account
from tests.unit.service.identity.fakes import FixedView

SLUG, EMAIL = "bench-identity", "ada@bench-identity.example"
LOG_INS, VERIFICATIONS = 200, 5000
Row = dict[str, Any]


def run() -> tuple[str, list[Row]]:
    """Measure on a platform of its own; the table in Markdown, and its rows."""
    rows = list[Row]()
    with stage() as (_, http):
        for part in (_log_ins, _refreshes, _requests, _verification):
            rows += part(http)
            print(f"{rows[-1]['what']}: {rows[-1]['here']}", file=sys.stderr, flush=True)
    shown = [(row["what"], row["here"], row["aim"]) for row in rows]
    return table("Identity", ("what", "here", "aim"), shown), rows


@contextmanager
def stage() -> Iterator[tuple[Checkout, httpx2.Client]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, serving(Path(folder), SLUG, EMAIL) as checkout:
        account(checkout, EMAIL)
        with httpx2.Client(base_url=checkout.environment["API_URL"], trust_env=False, timeout=30) as http:
            yield checkout, http


def _post(http: httpx2.Client, path: str, body: dict[str, Any]) -> Any:
    answer = http.post(f"/v1/auth/{path}", json=body).raise_for_status()
    return answer.json() if answer.content else None


def log_in(http: httpx2.Client) -> Any:
    return _post(http, "login", {"email": EMAIL, "password": PASSWORD})


def _log_ins(http: httpx2.Client) -> Iterator[Row]:
    """One after the other, and four at a time, of which two hash, from five networks: one may not do so many."""
    for at_once, aim in ((1, "≤ 50 / -"), (4, "-")):
        took = _timed_log_ins(http, at_once)
        yield _row(f"log-in, {at_once} at a time, p50 / p99 of {LOG_INS}", f"{pair(took)} ms", f"{aim} ms", took)


def _timed_log_ins(http: httpx2.Client, at_once: int) -> list[float]:
    with ThreadPoolExecutor(at_once) as threads, ExitStack() as stack:
        networks = [stack.enter_context(_from(http, f"127.0.{at_once}.{number}")) for number in range(1, 6)]
        return list(threads.map(lambda number: _timed(lambda: log_in(networks[number % 5])), range(LOG_INS)))


def _from(http: httpx2.Client, address: str) -> httpx2.Client:
    """The same at another address of this machine."""
    transport = httpx2.HTTPTransport(local_address=address)
    return httpx2.Client(base_url=http.base_url, trust_env=False, timeout=30, transport=transport)


def _refreshes(http: httpx2.Client) -> Iterator[Row]:
    """One after the other, each with what the one before gave."""
    token, took = log_in(http)["refresh_token"], list[float]()
    for _ in range(LOG_INS):
        began = time.perf_counter()
        token = _post(http, "refresh", {"refresh_token": token})["refresh_token"]
        took.append(time.perf_counter() - began)
    yield _row(f"refresh, p50 / p99 of {LOG_INS}", f"{pair(took)} ms", "-", took)


def _requests(http: httpx2.Client) -> Iterator[Row]:
    headers = {"Authorization": f"Bearer {log_in(http)['access_token']}"}
    took = [_timed(lambda: http.get("/v1/auth/me", headers=headers).raise_for_status()) for _ in range(LOG_INS)]
    yield _row(f"`GET /v1/auth/me`, p50 / p99 of {LOG_INS}", f"{pair(took)} ms", "-", took)


def _verification(http: httpx2.Client) -> Iterator[Row]:
    """Of a token that the service issued, by the keys that it publishes."""
    view, token = FixedView(), log_in(http)["access_token"]
    keys = http.get("/.well-known/jwks.json").raise_for_status().json()["keys"]
    rows = [KeyRow(key["kid"], key["alg"], key, True, 0.0, None, None) for key in keys]
    view.publish(*(PublishedKey.of(row) for row in rows))
    issuer = http.get("/.well-known/openid-configuration").raise_for_status().json()["issuer"]
    verifier = Verifier(issuer, view)
    took = [_timed(lambda: verifier.verify(token, API)) for _ in range(VERIFICATIONS)]
    micros = statistics.median(took) * 1e6
    yield _row(f"verifying a token of {len(token)} bytes, median", f"{micros:.0f} µs", "≤ 100 µs", took)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def pair(seconds: list[float]) -> str:
    """p50 / p99 in milliseconds."""
    ordered = sorted(seconds)
    p99 = ordered[max(-(-len(ordered) * 99 // 100) - 1, 0)]
    return f"{statistics.median(ordered) * 1000:.1f} / {p99 * 1000:.1f}"


def _row(what: str, here: str, aim: str, seconds: list[float]) -> Row:
    return {"what": what, "here": here, "aim": aim, "seconds": seconds}
