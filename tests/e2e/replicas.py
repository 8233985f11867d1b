"""The API of a checkout as a process of its own, which may be told to die at a named point."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2

from tests.e2e.checkout import Checkout
from tests.processes import tree

_SERVICE = """
import asyncio, os, signal, sys
from service.engines import make_engines
from service.run import serve

async def checkpoint(reached):
    if reached == os.environ.get("DIES_AT"):
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(serve(os.environ, make_engines, checkpoint))
"""


@contextmanager
def service(checkout: Checkout, dies_at: str = "") -> Iterator[httpx2.Client]:
    """A service that ends by SIGKILL at a named point; a client of it."""
    environment = {
        **checkout.environment, "DIES_AT": dies_at, "ENGINES_PARKED": "1", "OPERATION_LEASE": "2",
        "DRAIN_SECONDS": "20", "SIGN_UPS_PER_MINUTE": "10000", "SIGN_UP_WAIT_LIMIT": "5",
    }  # fmt: skip
    log = checkout.folder / ".local" / "logs" / "faults.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVICE], cwd=checkout.folder, stdout=out, stderr=out,
            env={**environment, "PYTHONPATH": str(checkout.folder)},
        )  # fmt: skip
    headers = {"Authorization": f"Bearer {environment['OPERATOR_TOKEN']}"}
    with httpx2.Client(base_url=environment["API_URL"], headers=headers, timeout=60, trust_env=False) as client:
        try:
            until(lambda: process.poll() is not None or answers(client), 30, "the service to answer")
            yield client
        finally:
            process.terminate()
            process.wait(60)
    assert len(tree(process.pid)) == 1, "no engine and no provider outlives its service"


def answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)


def sign_up(client: httpx2.Client, slug: str) -> int:
    """The status, or 0 if the service died over it."""
    body = {"name": slug, "slug": slug, "owner_email": f"owner@{slug}.example"}
    try:
        return client.post("/v1/organizations", json=body, headers={"Idempotency-Key": slug}).status_code
    except httpx2.TransportError:
        return 0
