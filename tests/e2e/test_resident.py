"""Self-service organizations by parked engines, on real parts: made, changed, removed, failed, and killed."""

import asyncio
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pulumi.runtime._callbacks import _CallbackServicer

from database.errors import LeaseTaken, NoSuchOrganization
from database.leases import release, take
from database.pool import Database
from engine.errors import EngineError
from engine.resident import resident_engines
from tenants.model import Organization
from tests.e2e.checkout import Checkout

Scenario = Callable[["Room"], Awaitable[None]]


def model(slug: str, **more: object) -> Organization:
    owner = {"email": f"owner@{slug}.example", "role": "owner"}
    return Organization.model_validate({"name": slug, "members": [owner], **more})


class Room:
    """A resident engine room with two parked engines, and the database that it works on."""

    def __init__(self, checkout: Checkout, database: Database) -> None:
        self.checkout, self.database = checkout, database
        sizes = {"ENGINES_PARKED": "2", "ENGINES_AT_ONCE": "4"}
        self.engines = resident_engines(checkout.folder, {**checkout.environment, **sizes})

    async def reserve(self, slug: str) -> str:
        """The row that a sign-up reserves before its engine starts; its operation-id."""
        operation = str(uuid.uuid4())
        async with self.database.transaction(actor="api", reason="test") as connection:
            await connection.execute(
                "insert into tenancy.organizations (slug, name, plan, managed_by, operation_id) "
                "values (%s, %s, 'starter', 'api', %s)", (slug, slug, operation),
            )  # fmt: skip
        return operation

    async def parked(self, count: int) -> None:
        while self.engines.status().parked < count:  # noqa: ASYNC110 - as its users do
            await asyncio.sleep(0.05)

    async def made(self, slug: str, **more: object) -> tuple[str, str, list[str]]:
        """A whole sign-up: operation-id, stack, steps."""
        operation, steps = await self.reserve(slug), list[str]()
        done = await self.engines.deploy(model(slug, **more), operation, stack=None, on_step=steps.append)
        await done.saved
        return operation, done.stack, steps


async def within(deployed: Checkout, scenario: Scenario) -> None:
    """Play it in a room of its own, which leaves no server of a program's hooks behind."""
    async with Database(deployed.environment["PLATFORM_DATABASE_URL"]) as database:
        room = Room(deployed, database)
        await room.engines.start()
        try:
            await scenario(room)
        finally:
            await room.engines.close()
    assert not _CallbackServicer._servicers, "another program's end would end this room's servers of hooks"


@pytest.fixture
def run(deployed: Checkout, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)

    return lambda scenario: asyncio.run(asyncio.wait_for(within(deployed, scenario), 120))


def engines_of(folder: Path) -> list[int]:
    """The processes that work below the checkout's self-service folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink().is_relative_to(folder / ".local" / "self-service"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_sign_up_has_everything_that_the_catalogs_have(deployed: Checkout, run: Callable[[Scenario], None]) -> None:
    async def scenario(room: Room) -> None:
        await room.parked(1)
        _, stack, steps = await room.made("parked-one")
        assert steps[0] == "row claimed" and steps[-1] == "gate opened"
        assert (deployed.folder / ".local" / "self-service" / stack).is_dir()

    run(scenario)
    for kind in ("resourcequotas", "limitranges", "networkpolicies", "rolebindings", "secrets", "serviceaccounts"):
        ours = {item["metadata"]["name"] for item in deployed.objects(kind, "-n", "org-parked-one")}
        theirs = {item["metadata"]["name"] for item in deployed.objects(kind, "-n", "org-contoso")}
        assert ours >= theirs - {"organization-admins", "organization-members", "organization-viewers"}, kind
    row = deployed.sql(
        "select status, managed_by, stack is not null from tenancy.organizations where slug = 'parked-one'"
    )
    assert row == [["COMMITTED", "api", "t"]]


def test_it_is_changed_and_removed_through_the_engine_and_leaves_nothing(
    deployed: Checkout, run: Callable[[Scenario], None]
) -> None:
    async def scenario(room: Room) -> None:
        operation, stack, _ = await room.made("parked-two")
        changed = model("parked-two", quota={"cpu": 3})
        seen = await room.engines.preview(changed, operation, stack)
        assert {step.name for step in seen.steps if step.verb == "change"} >= {"parked-two-quota", "parked-two-row"}
        assert "quota-is-bounded" in seen.rules, "the policy pack has judged it"
        await room.engines.converge(changed, operation, stack)
        (quota,) = deployed.objects("resourcequotas", "-n", "org-parked-two")
        assert quota["spec"]["hard"]["limits.cpu"] == "3"
        await room.engines.destroy(changed, operation, stack)
        assert not (deployed.folder / ".local" / "self-service" / stack).exists()

    run(scenario)
    assert deployed.kubectl("get", "namespace", "org-parked-two").code != 0
    assert deployed.sql("select status from tenancy.organizations where slug = 'parked-two'") == [["DELETED"]]
    theirs = "org_id in (select id from tenancy.organizations where slug = 'parked-two')"
    assert deployed.sql(f"select role_name from tenancy.organization_roles where {theirs}") == []
    assert deployed.sql(f"select username from tenancy.pod_credentials where {theirs}") == []


def test_drift_is_seen_and_repaired(deployed: Checkout, run: Callable[[Scenario], None]) -> None:
    async def scenario(room: Room) -> None:
        operation, stack, _ = await room.made("drifted")
        calm = await room.engines.preview(model("drifted"), operation, stack, refresh=True)
        assert {step.name for step in calm.steps if step.verb != "same"} == set(), "nothing was changed by hand"
        inside = ("-n", "org-drifted")
        deployed.kubectl(*inside, "delete", "networkpolicy", "default-deny").ok()
        deployed.kubectl(*inside, "patch", "resourcequota", "quota", "-p", '{"spec":{"hard":{"pods":"99"}}}').ok()
        deployed.sql("update tenancy.organizations set plan = 'business' where slug = 'drifted'")
        seen = await room.engines.preview(model("drifted"), operation, stack, refresh=True)
        found = {step.name: step.verb for step in seen.steps if step.verb != "same"}
        assert (
            found.items() >= {"drifted/default-deny": "add", "drifted-quota": "change", "drifted-row": "change"}.items()
        )
        await room.engines.converge(model("drifted"), operation, stack, refresh=True)
        again = await room.engines.preview(model("drifted"), operation, stack, refresh=True)
        assert {step.name for step in again.steps if step.verb != "same"} == set()

    run(scenario)
    assert deployed.sql("select plan from tenancy.organizations where slug = 'drifted'") == [["starter"]]


def test_more_sign_ups_than_parked_engines_are_all_made(deployed: Checkout, run: Callable[[Scenario], None]) -> None:
    async def scenario(room: Room) -> None:
        await room.parked(2)
        operations = [(f"many-{n}", await room.reserve(f"many-{n}")) for n in range(5)]
        done = await asyncio.gather(
            *(room.engines.deploy(model(s), o, stack=None, on_step=lambda _: None) for s, o in operations)
        )
        await asyncio.gather(*(one.saved for one in done))
        assert {one.way for one in done} == {"parked", "ordinary"}
        assert len({one.stack for one in done}) == 5, "each has a stack of its own"

    run(scenario)
    said = (deployed.folder / ".local" / "self-service" / "provider-kubernetes.log").read_text()
    assert "forbidden" not in said, "what the provider may not do it tries again for ever, once for each namespace"


def test_somebody_elses_namespace_fails_the_sign_up_and_stays_untouched(
    deployed: Checkout, run: Callable[[Scenario], None]
) -> None:
    deployed.kubectl("create", "namespace", "org-taken").ok()

    async def scenario(room: Room) -> None:
        operation = await room.reserve("taken")
        with pytest.raises(EngineError, match="exists already"):
            await room.engines.deploy(model("taken"), operation, stack=None, on_step=lambda _: None)

    run(scenario)
    (namespace,) = [n for n in deployed.objects("namespaces") if n["metadata"]["name"] == "org-taken"]
    assert "annotations" not in namespace["metadata"]
    deployed.kubectl("delete", "namespace", "org-taken").ok()


def test_nothing_is_made_for_an_operation_that_was_undone(deployed: Checkout, run: Callable[[Scenario], None]) -> None:
    async def scenario(room: Room) -> None:
        operation = await room.reserve("undone")
        async with room.database.transaction() as connection:
            await connection.execute(
                "update tenancy.organizations set status = 'DELETED', deleted_at = now(), purge_after = now() "
                "where operation_id = %s", (operation,),
            )  # fmt: skip
        with pytest.raises(NoSuchOrganization, match="was undone"):
            await room.engines.deploy(model("undone"), operation, stack=None, on_step=lambda _: None)

    run(scenario)
    assert deployed.kubectl("get", "namespace", "org-undone").code != 0


def test_the_catalog_adopts_it_by_moving_its_state_and_changes_nothing(
    deployed: Checkout, run: Callable[[Scenario], None]
) -> None:
    async def scenario(room: Room) -> None:
        _, stack, _ = await room.made("adopted")
        stacks.append(stack)

    stacks: list[str] = []
    run(scenario)
    (before,) = [s for s in deployed.objects("secrets", "-n", "org-adopted") if s["metadata"]["name"] == "database"]
    refused = deployed.python("-m", "engine", "adopt", "adopted")
    assert refused.code == 1 and "python -m cli export adopted" in refused.out
    deployed.edit("adopted", **model("adopted").model_dump(mode="json", exclude_defaults=True))
    try:
        refused = deployed.python("-m", "engine", "up")
        assert "is managed by api" in refused.out, "nobody takes it over by a file alone"
        for _ in range(2):
            deployed.python("-m", "engine", "adopt", "adopted").ok()
            deployed.python("-m", "engine", "up").ok()
            assert set(deployed.last_changes()) == {"same"}
        (after,) = [s for s in deployed.objects("secrets", "-n", "org-adopted") if s["metadata"]["name"] == "database"]
        assert after["data"] == before["data"] and after["metadata"]["uid"] == before["metadata"]["uid"]
        assert not (deployed.folder / ".local" / "self-service" / stacks[0]).exists()
        row = deployed.sql("select managed_by, stack is null from tenancy.organizations where slug = 'adopted'")
        assert row == [["catalog:agent-ready-k8s/dev", "t"]]
    finally:
        deployed.edit("adopted", protected=False)
        deployed.python("-m", "engine", "up").ok()
        (deployed.catalog / "adopted.yaml").unlink()
        deployed.python("-m", "engine", "up").ok()


def test_one_engine_a_stack_whichever_replica_runs_it(run: Callable[[Scenario], None]) -> None:
    async def scenario(room: Room) -> None:
        operation, stack, _ = await room.made("leased")
        lease = await take(room.database, stack, "another replica", seconds=30)
        with pytest.raises(LeaseTaken, match="another replica is at work"):
            await room.engines.converge(model("leased"), operation, stack)
        await release(room.database, lease)
        await room.engines.converge(model("leased"), operation, stack)

    run(scenario)


def test_a_retry_on_a_stack_that_somebody_holds_starts_nothing(
    deployed: Checkout, run: Callable[[Scenario], None]
) -> None:
    async def scenario(room: Room) -> None:
        operation, stack, _ = await room.made("retried")
        lease = await take(room.database, stack, "another replica", seconds=30)
        before = len(engines_of(deployed.folder))
        with pytest.raises(LeaseTaken):
            await room.engines.deploy(model("retried"), operation, stack=stack, on_step=lambda _: None)
        assert len(engines_of(deployed.folder)) <= before, "an engine left behind would hold the stack's lock for ever"
        await release(room.database, lease)
        again = await room.engines.deploy(model("retried"), operation, stack=stack, on_step=lambda _: None)
        await again.saved

    run(scenario)


def test_a_sign_up_that_nobody_waits_for_any_more_is_stopped(
    deployed: Checkout, run: Callable[[Scenario], None]
) -> None:
    async def scenario(room: Room) -> None:
        await room.parked(2)
        operation = await room.reserve("dropped")
        waiting = asyncio.create_task(
            room.engines.deploy(model("dropped"), operation, stack=None, on_step=lambda _: None)
        )
        await asyncio.sleep(0.03)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert room.engines.status().busy == 0

    run(scenario)


_SERVICE = """
import asyncio, sys, time
from pathlib import Path
from database.pool import Database
from tests.e2e.checkout import Checkout
from tests.e2e.test_resident import Room
import os

class Here(Checkout):
    def __init__(self):
        self.folder = Path.cwd()
        self.environment = dict(os.environ)

async def main():
    async with Database(os.environ["PLATFORM_DATABASE_URL"]) as db:
        room = Room(Here(), db)
        await room.engines.start()
        await room.parked(2)
        print("parked", flush=True)
        await asyncio.sleep(120)

asyncio.run(main())
"""


def test_a_killed_service_leaves_no_process_and_the_next_one_removes_its_stacks(
    deployed: Checkout, run: Callable[[Scenario], None]
) -> None:
    service = subprocess.Popen(
        [sys.executable, "-c", _SERVICE], cwd=deployed.folder, text=True, stdout=subprocess.PIPE,
        env={**deployed.environment, "PYTHONPATH": str(deployed.folder)},
    )  # fmt: skip
    assert service.stdout is not None and service.stdout.readline() == "parked\n"
    folder = deployed.folder / ".local" / "self-service"
    left = {path.name for path in folder.glob("slot-*")}
    assert engines_of(deployed.folder)
    service.send_signal(signal.SIGKILL)
    service.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while engines_of(deployed.folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not engines_of(deployed.folder), "engines and providers end with the service"

    async def scenario(room: Room) -> None:
        used = {row[0] for row in deployed.sql("select stack from tenancy.organizations where status <> 'DELETED'")}
        unused = left - used
        assert unused and not unused & {path.name for path in folder.glob("slot-*")}

    run(scenario)
