"""Sign-ups through the real engine while the service, PostgreSQL, the API server or Redis is killed.

Afterwards each operation is COMMITTED and whole, or FAILED with nothing left. `make drill` tries every point.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from service import steps
from tests.e2e.checkout import Checkout
from tests.e2e.replicas import service, sign_up, until
from tests.processes import tree

EVERYTHING = bool(os.environ.get("DRILL_POINTS"))
POINTS = [f"{when} {step}" for step in (*steps.FORWARD, *steps.UNDO) for when in ("before", "after")]
SHORT = ("after reserve", "after deploy", "before mark-saved", "before undo-namespace", "after undo-row")
KILLS = 8 if EVERYTHING else 1  # of each server
SEED = 20261125


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A platform of its own with one organization, and no API but the tests' own."""
    made = Checkout(tmp_path_factory.mktemp("faults"))
    for path in list(made.catalog.glob("*.yaml"))[1:]:
        path.unlink()
    try:
        made.plane("up").ok()
        made.python("-m", "engine", "up").ok()
        yield made
    finally:
        made.plane("down")


def settled(checkout: Checkout) -> bool:
    """Whether every operation has its end, and every stack knows of it."""
    waiting = "state = 'PENDING' or state = 'COMMITTED' and saved_at is null"
    return checkout.sql(f"select id from tenancy.operations where {waiting}") == []


def check_whole_or_gone(checkout: Checkout) -> dict[str, str]:
    """The state of each sign-up, by slug; raise if anything is half done or left."""
    operations = checkout.sql("select slug, state, id from tenancy.operations where kind = 'create'")
    spaces = {item["metadata"]["name"]: item["metadata"] for item in checkout.objects("namespaces")}
    rows = dict(checkout.sql("select operation_id, status from tenancy.organizations where managed_by = 'api'"))
    for slug, state, operation in operations:
        meta = spaces.get(f"org-{slug}", {})
        ours = meta.get("annotations", {}).get("agent-ready.io/operation-id") == operation
        if state == "COMMITTED":
            assert ours and meta["labels"].get("isolation-ready") == "true", f"{slug} is committed and not whole"
            assert rows[operation] == "COMMITTED"
        else:
            assert state == "FAILED" and not ours, f"{slug} is {state} and has left its namespace"
            assert rows[operation] == "DELETED"
    logins = checkout.sql(r"select count(*) from pg_roles where rolname like 'tenant\_%'")
    living = checkout.sql("select count(*) from tenancy.organizations where status = 'COMMITTED'")
    assert logins == living, "a login for each living organization and none besides"
    stacks = {row[0] for row in checkout.sql("select stack from tenancy.organizations where status = 'COMMITTED'")}
    for stack in filter(None, stacks):
        (state_file,) = (checkout.folder / ".local" / "self-service" / stack).rglob(f"stacks/*/{stack}.json")
        assert json.loads(state_file.read_text())["checkpoint"]["latest"]["resources"], "its stack knows what it holds"
    return {slug: state for slug, state, _ in operations}


@pytest.mark.parametrize("point", POINTS if EVERYTHING else SHORT)
def test_a_service_that_is_killed_leaves_operations_whole_or_gone(platform: Checkout, point: str) -> None:
    slug = point.replace(" ", "-")
    failing = point.split(" ", 1)[1] in steps.UNDO
    if failing:  # somebody else's namespace stands in the way
        platform.kubectl("create", "namespace", f"org-{slug}").ok()
    with service(platform, dies_at=point) as client:
        assert sign_up(client, slug) in (0, 201, 202, 409, 500)
    with service(platform):
        until(lambda: settled(platform), 90, "every operation to have its end")
    state = check_whole_or_gone(platform).get(slug)
    assert state == ("FAILED" if failing else None if point == "before reserve" else "COMMITTED")
    if failing:
        assert platform.kubectl("get", "namespace", f"org-{slug}").code == 0, "what is not ours stays"


@pytest.mark.parametrize("server", ["postgres", "kube-apiserver", "redis"])
def test_servers_that_are_killed_at_random_leave_operations_whole_or_gone(platform: Checkout, server: str) -> None:
    chance = random.Random(f"{SEED}/{server}")
    for number in range(KILLS):
        slugs = [f"{server}-{number}-{n}" for n in range(3)]
        with service(platform) as client:
            until(lambda: client.get("/readyz").json().get("pool", {}).get("parked", 1), 20, "an engine")
            calls = [threading.Thread(target=sign_up, args=(client, slug)) for slug in slugs]
            for call in calls:
                call.start()
            time.sleep(chance.uniform(0.0, 0.5))
            kill(platform, server)
            platform.plane("up").ok()
            for call in calls:
                call.join()
            until(lambda: settled(platform), 120, "every operation to have its end")
        check_whole_or_gone(platform)


def kill(checkout: Checkout, server: str) -> None:
    """End a server of the checkout's platform without a chance to clean up."""
    record = json.loads((checkout.folder / ".local" / "plane.json").read_text())
    for pid in tree(record["running"][server]["identity"]["pid"]):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
