"""Wherever a replica ends: another brings the operation to its end, COMMITTED and whole or FAILED and gone."""

import asyncio
import uuid

import pytest

from database import operations
from database.errors import LeaseLost
from database.operations import Holder, Lease
from database.pool import Database
from service import recovery, steps
from tenants import names
from tests.integration.prepared import Prepared
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug
from tests.integration.service.killing import Killed, dies_at, points, recovered
from tests.unit.cluster.fakes import NAMESPACES

SHORT = {"lease": 0.3, "wait_limit": 0.5}


def check_whole_or_gone(stage: Stage, replica: Replica, slug: str) -> str:
    """The one operation's state, after checking that what is there fits it."""
    found = stage.operations(slug)
    if not found:
        assert stage.organizations(slug) == [], "nothing was reserved"
        assert f"{NAMESPACES}/org-{slug}" not in replica.cluster.objects
        return "NONE"
    (operation,), (row,) = found, stage.organizations(slug)
    namespace = replica.cluster.objects.get(f"{NAMESPACES}/org-{slug}")
    if operation["state"] == "COMMITTED":
        assert row["status"] == "COMMITTED", "committed and whole"
        assert namespace, "its namespace stands"
        assert namespace["metadata"]["annotations"][names.OPERATION_ANNOTATION] == str(operation["id"])
        assert operation["saved_at"], "its stack knows"
    else:
        assert operation["state"] == "FAILED", "nothing stays halfway"
        assert (row["status"], namespace) == ("DELETED", None), "nothing is left"
        assert row["stack"] not in replica.engines.stacks, "its stack neither"
    return str(operation["state"])


@pytest.mark.parametrize("point", points(steps.FORWARD))
def test_a_sign_up_whose_replica_dies_forward_is_finished_by_another(stage: Stage, point: str) -> None:
    slug = new_slug("fw")

    async def run() -> None:
        async with stage.replicas(2, jobs=False, **SHORT) as (first, second):
            try:
                await dies_at(first, point).sign_up(slug)
            except Killed:
                assert "reserve" in point, "the rest runs apart from the request"
            await first.settled()
            await recovered(second)
            state = check_whole_or_gone(stage, second, slug)
            assert state == ("NONE" if point == "before reserve" else "COMMITTED"), "forward, whatever was done before"

    asyncio.run(run())


@pytest.mark.parametrize("point", points(steps.UNDO))
def test_an_undo_whose_replica_dies_is_finished_by_another(stage: Stage, point: str) -> None:
    slug = new_slug("un")

    async def run() -> None:
        async with stage.replicas(2, jobs=False, **SHORT) as (first, second):
            first.engines.fails = {"commit": 1}
            await dies_at(first, point).sign_up(slug)
            await first.settled()
            await recovered(second)
            state = check_whole_or_gone(stage, second, slug)
            assert state in ("FAILED", "COMMITTED")
            if point != "before begin-undo":
                assert state == "FAILED", "what is being undone never goes forward again"

    asyncio.run(run())


def test_an_operation_that_never_comes_to_its_end_is_undone_after_three_attempts(stage: Stage) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(1, jobs=False, **SHORT) as (replica,):
            await dies_at(replica, "before deploy").sign_up(slug)
            await replica.settled()
            stage.rows("update tenancy.operations set attempt = 3, lease_until = now() - interval '1 s' "
                       "where slug = %s returning id", slug)  # fmt: skip
            (row,) = stage.operations(slug)
            assert await recovery.resume(replica.services, str(row["id"]))
            await replica.settled()
            (operation,) = stage.operations(slug)
            assert operation["state"] == "FAILED" and "in 3 attempts" in operation["problem"]["detail"]
            assert check_whole_or_gone(stage, replica, slug) == "FAILED"

    asyncio.run(run())


def test_a_recovery_that_fails_is_tried_again_and_one_that_meets_a_dead_replicas_engine_does_not_count(
    stage: Stage,
) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(1, jobs=False, **SHORT) as (replica,):
            await dies_at(replica, "before deploy").sign_up(slug)
            await replica.settled()
            replica.engines.taken, replica.engines.fails = 4, {"commit": 1}
            await recovered(replica)
            (operation,) = stage.operations(slug)
            assert (operation["state"], operation["attempt"]) == ("COMMITTED", 3), "forward in the third attempt"

    asyncio.run(run())


def test_a_worker_that_was_paused_past_its_lease_writes_and_commits_nothing(stage: Stage) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(2, jobs=False, wait_limit=0.2, lease=30.0) as (paused, other):
            hold = paused.engines.hold = asyncio.Event()
            assert (await paused.sign_up(slug)).status_code == 202
            operation_id = str(stage.operations(slug)[0]["id"])
            stage.rows("update tenancy.operations set attempt = 9, lease_until = now() - interval '1 s' "
                       "where slug = %s returning id", slug)  # fmt: skip
            assert await recovery.resume(other.services, operation_id), "taken: its lease has run out"
            assert stage.operations(slug)[0]["state"] == "FAILED", "and undone"
            hold.set()  # it wakes: its engine goes on, its gate must not commit
            await paused.settled()
            (operation,), (row,) = stage.operations(slug), stage.organizations(slug)
            assert (operation["state"], row["status"]) == ("FAILED", "DELETED"), "as the other left it"

    asyncio.run(run())


def test_the_operator_drains_a_replica_which_then_takes_nothing_new(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        assert (await replica.client.post("/v1/drain")).status_code == 401
        assert (await replica.client.post("/v1/drain", headers=OPERATOR)).json()["status"] == "draining"
        assert (await replica.client.get("/readyz")).status_code == 503
        refused = await replica.sign_up(new_slug())
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        await replica.settled()
        ended = (await replica.client.get("/readyz")).json()
        assert (ended["running"], ended["pool"]["parked"]) == (0, 2), "it stays up, with nothing at work"
        written = "select org_id, actor from tenancy.audit_log where action = 'drain requested' and target = %s"
        assert stage.rows(written, replica.services.settings.replica) == [{"org_id": 0, "actor": "operator"}]

    stage.play(act)


def test_every_write_names_the_leases_number(prepared: Prepared, stage: Stage) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(1, jobs=False) as (replica,):
            await replica.sign_up(slug)
            await replica.settled()
        operation_id = str(stage.operations(slug)[0]["id"])
        old = Lease(operation_id, 0)
        async with Database(prepared.platform, size=1) as database:
            for write in (
                operations.prolong(database, old, 1), operations.add_steps(database, old, [("x", "")]),
                operations.keep_deployed(database, old, way="parked", stack="s"), operations.begin_undo(database, old),
                operations.fail(database, old, {}), operations.mark_saved(database, old),
            ):  # fmt: skip
                with pytest.raises(LeaseLost, match="no longer held by lease 0"):
                    await write
            assert await operations.take(database, operation_id, Holder("x", 1)) is None, "it is at its end"

    asyncio.run(run())


def test_a_lease_that_is_kept_is_not_taken_however_long_the_work_is(stage: Stage) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(2, jobs=False, lease=0.3, wait_limit=0.1) as (first, second):
            first.engines.hold = asyncio.Event()
            await first.sign_up(slug)
            await asyncio.sleep(0.8)
            mine = [i for i in await operations.recoverable(second.services.database)
                    if i == str(stage.operations(slug)[0]["id"])]  # fmt: skip
            assert mine == [], "prolonged all the time"
            first.engines.hold.set()
            await first.settled()
            assert stage.operations(slug)[0]["attempt"] == 1

    asyncio.run(run())


def test_two_replicas_recover_one_operation_once(stage: Stage) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(3, jobs=False, **SHORT) as (dying, one, two):
            await dies_at(dying, "before deploy").sign_up(slug)
            await dying.settled()
            await asyncio.sleep(0.4)
            operation_id = str(stage.operations(slug)[0]["id"])
            took = await asyncio.gather(*(recovery.resume(r.services, operation_id) for r in (one, two)))
            assert sorted(took) == [False, True], "one of them"
            assert one.engines.made("deploy") + two.engines.made("deploy") == 1

    asyncio.run(run())


def test_what_was_committed_but_not_saved_converges_and_is_never_undone(stage: Stage) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(1, jobs=False, **SHORT) as (replica,):
            replica.engines.fails = {"save": 1, "converge": 5}
            assert (await replica.sign_up(slug)).status_code == 201, "it is there, whatever became of its stack"
            await recovered(replica)
            (operation,) = stage.operations(slug)
            assert (operation["state"], operation["attempt"]) == ("COMMITTED", 7), "tried until it converged"

    asyncio.run(run())


def test_a_namespace_of_an_operation_that_is_no_more_is_swept_and_others_are_not(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        replica.engines.fails = {"commit": 1}
        await replica.sign_up(slug)
        await replica.settled()
        gone, unknown = str(stage.operations(slug)[0]["id"]), str(uuid.uuid4())
        for name, token in ((f"org-{slug}", gone), ("org-unknown", unknown), ("org-odd", "'; drop")):
            replica.cluster.put(
                f"{NAMESPACES}/{name}", {"metadata": {"annotations": {names.OPERATION_ANNOTATION: token}}}
            )
        assert await recovery.sweep_orphans(replica.services) == [f"org-{slug}"], "a late worker made it again"
        assert f"{NAMESPACES}/org-unknown" in replica.cluster.objects, "another database's, perhaps: untouched"

    stage.play(act)


def test_a_replica_that_drains_ends_what_is_at_work_and_takes_nothing_new(stage: Stage) -> None:
    slug = new_slug()

    async def run() -> None:
        async with stage.replicas(1, wait_limit=0.1) as (replica,):
            hold = replica.engines.hold = asyncio.Event()
            await replica.sign_up(slug)
            async with replica.app.router.lifespan_context(replica.app):
                asyncio.get_running_loop().call_later(0.2, hold.set)
            assert stage.operations(slug)[0]["state"] == "COMMITTED", "waited for"
            assert replica.engines.made("close") == 1, "then the engines"
            ready = await replica.client.get("/readyz", headers=OPERATOR)
            assert ready.status_code == 503 and "draining" in ready.text
            assert (await replica.sign_up(new_slug())).status_code == 503

    asyncio.run(run())
