"""What happens when things go wrong around `pulumi up`: drift, kills, two at once, lost and broken state."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import namespaces
from cluster.api import ClusterApi
from cluster.errors import StillTerminating
from tests.e2e.checkout import Checkout
from tests.processes import tree

POINTS = int(os.environ.get("DRILL_POINTS", "3"))  # `make drill` tries many more
UP = ("-m", "engine", "pulumi", "--", "up", "--yes", "--skip-preview", "--non-interactive")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A platform of its own with three small organizations, deployed."""
    made = Checkout(tmp_path_factory.mktemp("recovery"))
    for path in made.catalog.glob("*.yaml"):
        path.unlink()
    for name in ("kept", "changed", "removed"):
        add(made, name)
    try:
        made.plane("up").ok()
        made.up()
        yield made
    finally:
        made.plane("down")


def add(checkout: Checkout, name: str) -> None:
    """Put an organization into the catalog."""
    members = [{"email": f"{role}@{name}.example", "role": role} for role in ("owner", "admin")]
    checkout.edit(name, name=name, members=members, configs={"ai/threshold": 0.5})


def state_file(checkout: Checkout) -> Path:
    """The stack's state in the file backend."""
    backend = Path(checkout.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    (found,) = (backend / ".pulumi" / "stacks").rglob("dev.json")
    return found


def facts(checkout: Checkout) -> dict[str, object]:
    """What must not be doubled or made anew: namespaces with their UIDs, and rows."""
    spaces = {
        item["metadata"]["name"]: (item["metadata"]["uid"], item["metadata"]["labels"].get("isolation-ready"))
        for item in checkout.objects("namespaces")
        if item["metadata"]["name"].startswith("org-") and item["metadata"]["name"] != "org-admission-canary"
    }
    rows = checkout.sql("select slug, id, status, operation_id from tenancy.organizations where status <> 'DELETED'")
    return {"namespaces": spaces, "rows": {row[0]: row[1:] for row in rows}}


def test_drift_of_every_object_is_seen_by_a_refresh_and_repaired_by_the_next_up(small: Checkout) -> None:
    before = facts(small)
    for kind, name in (
        ("resourcequota", "quota"), ("limitrange", "limits"), ("networkpolicy", "default-deny"),
        ("rolebinding", "organization-owners"), ("networkpolicy", "baseline-egress"),
    ):  # fmt: skip
        small.kubectl("-n", "org-kept", "delete", kind, name).ok()
    small.kubectl(
        "-n", "org-changed", "patch", "resourcequota", "quota", "-p", '{"spec":{"hard":{"pods":"9999"}}}'
    ).ok()
    small.kubectl("label", "namespace", "org-changed", "isolation-ready-").ok()
    small.sql("update tenancy.organizations set plan = 'enterprise' where slug = 'kept'")
    small.pulumi("refresh", "--yes", "--skip-preview").ok()
    small.up()
    assert facts(small) == before
    (quota,) = small.objects("resourcequotas", "-n", "org-changed")
    assert quota["spec"]["hard"]["pods"] != "9999"
    names = {item["metadata"]["name"] for item in small.objects("networkpolicies", "-n", "org-kept")}
    assert {"default-deny", "baseline-egress"} <= names
    assert small.sql("select plan from tenancy.organizations where slug = 'kept'") == [["starter"]]
    assert set(small.up()) == {"same"}


def test_an_organization_whose_namespace_was_deleted_is_made_again_whole(small: Checkout) -> None:
    small.kubectl("delete", "namespace", "org-kept").ok()
    small.pulumi("refresh", "--yes", "--skip-preview").ok()
    small.up()
    ready = {item["metadata"]["name"] for item in small.objects("namespaces", "-l", "isolation-ready=true")}
    assert "org-kept" in ready
    assert set(small.up()) == {"same"}


def test_lost_state_is_rebuilt_from_what_exists_without_making_anything_twice(small: Checkout) -> None:
    before = facts(small)
    path = state_file(small)
    for file in path.parent.glob("dev.json*"):
        file.unlink()
    (small.folder / ".local" / "stack" / "Pulumi.dev.yaml").unlink()
    changes = small.up()
    assert set(changes) == {"create"}, "an empty state creates everything; the provider finds its own earlier work"
    assert facts(small) == before
    assert set(small.up()) == {"same"}


def test_a_truncated_state_is_refused_and_the_runbook_brings_it_back(small: Checkout) -> None:
    before = facts(small)
    path = state_file(small)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused = small.pulumi("up", "--yes", "--skip-preview")
    assert refused.code != 0
    assert facts(small) == before, "nothing was changed with a broken state"
    path.write_bytes(path.with_name("dev.json.bak").read_bytes())  # docs/runbooks/: the copy beside the state
    small.up()
    assert facts(small) == before
    assert set(small.up()) == {"same"}


def test_of_two_updates_at_once_one_wins_and_the_other_says_so(small: Checkout) -> None:
    small.edit("changed", quota={"cpu": 7})
    first, second = small.start_python(*UP), small.start_python(*UP)
    outs = [process.communicate(timeout=120)[0] for process in (first, second)]
    codes = [first.returncode, second.returncode]
    assert 0 in codes, outs
    if 0 in codes and any(codes):
        loser = outs[0] if codes[0] else outs[1]
        assert "lock" in loser, f"it must say why: {loser}"
    assert set(small.up()) == {"same"}
    (quota,) = small.objects("resourcequotas", "-n", "org-changed")
    assert quota["spec"]["hard"]["limits.cpu"] == "7"


def test_an_update_killed_at_any_point_converges_when_it_is_run_again(small: Checkout) -> None:
    """Each round creates one organization, changes one and deletes one; the kill falls after the n-th event."""
    small.environment["PULUMI_DEBUG_COMMANDS"] = "true"  # shows --event-log
    events = small.folder / ".local" / "events.json"
    total = 0
    for point in range(POINTS + 1):
        suffix = f"{point:02}"
        add(small, f"made{suffix}")
        small.edit("changed", quota={"cpu": 3 + point % 5}, name=f"Changed {suffix}", slug="changed")
        gone = small.catalog / ("removed.yaml" if point == 0 else f"made{point - 1:02}.yaml")
        gone.unlink()
        before = facts(small)
        if point == 0:  # a whole round, to learn how many events there are
            small.python(*UP, "--event-log", str(events)).ok()
            total = events.read_bytes().count(b"\n")
        else:
            _kill_after(small, events, max(1, total * (point - 1) // POINTS))
            small.up()
        after = facts(small)
        assert set(small.up()) == {"same"}, f"killed after {point - 1}/{POINTS} of {total} events: not converged"
        _check_round(before, after, created=f"made{suffix}", removed=gone.stem)
        _check_nothing_orphaned(small)


def _kill_after(checkout: Checkout, events: Path, count: int) -> None:
    """Start an update and end its whole process tree, without a chance to clean up, after `count` engine events."""
    events.unlink(missing_ok=True)
    update = checkout.start_python(*UP, "--event-log", str(events))
    deadline = time.monotonic() + 120
    while update.poll() is None and time.monotonic() < deadline:
        if events.exists() and events.read_bytes().count(b"\n") >= count:
            break
        time.sleep(0.005)
    for pid in tree(update.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    update.communicate(timeout=60)


def _check_round(before: dict[str, object], after: dict[str, object], *, created: str, removed: str) -> None:
    for kind, name in (("namespaces", "org-{}"), ("rows", "{}")):
        old, new = dict(before[kind]), dict(after[kind])  # type: ignore[call-overload]
        assert name.format(created) in new and name.format(removed) not in new
        for kept in old.keys() - {name.format(removed), name.format(created)}:
            assert new[kept] == old[kept], f"{kept} was made anew or changed"


def _check_nothing_orphaned(checkout: Checkout) -> None:
    """Everything of ours in the cluster is in the state, and everything in the state exists."""
    state = json.loads(checkout.pulumi("stack", "export").ok().out)["deployment"]
    known = {
        f"{r['inputs']['kind']}/{r['inputs']['metadata'].get('namespace', '')}/{r['inputs']['metadata']['name']}"
        for r in state["resources"]
        if r["type"].startswith("kubernetes:") and "kind" in r.get("inputs", {})
    }
    assert not state.get("pending_operations"), "the next update has to settle what a killed one began"
    for kind in ("resourcequotas", "limitranges", "networkpolicies", "rolebindings"):
        for item in checkout.objects(kind, "-A", "-l", "agent-ready.io/baseline=true"):
            meta = item["metadata"]
            assert f"{item['kind']}/{meta['namespace']}/{meta['name']}" in known, f"orphan: {meta}"


def test_a_namespace_stuck_in_terminating_is_named_and_its_deletion_resumes(small: Checkout) -> None:
    """The same call that failed, repeated once the holder is gone, finishes."""
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/held"]}}

    async def scenario() -> None:
        async with ClusterApi(Path(small.environment["PULUMI_KUBECONFIG"])) as api:
            claim = await namespaces.claim(api, "org-stuck", "11111111-1111-1111-1111-111111111111", {})
            small.kubectl("-n", "org-stuck", "create", "-f", "-", stdin=json.dumps(held)).ok()
            with pytest.raises(StillTerminating, match=r"example\.com/held"):
                await namespaces.delete(api, claim.name, claim.uid, timeout=8)
            with pytest.raises(StillTerminating):
                await namespaces.claim(api, "org-stuck", claim.operation_id, {})
            small.kubectl(
                "-n", "org-stuck", "patch", "configmap", "held", "-p", '{"metadata":{"finalizers":null}}'
            ).ok()
            await namespaces.delete(api, claim.name, claim.uid)
            assert await api.get("/api/v1/namespaces/org-stuck") is None

    asyncio.run(scenario())
