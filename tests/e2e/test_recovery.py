"""What happens when things go wrong around `pulumi up`: drift, kills, two at once, lost and broken state."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cluster import namespaces
from cluster.api import ClusterApi
from cluster.errors import StillTerminating
from tests.e2e.checkout import Checkout
from tests.processes import tree

POINTS = os.environ.get("DRILL_POINTS", "4")  # kills of an update; `make drill` tries every point
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


def facts(checkout: Checkout) -> dict[str, dict[str, object]]:
    """What must not be doubled, made anew or rotated: namespaces with their UIDs, rows, logins with their passwords."""
    spaces = {
        item["metadata"]["name"]: (item["metadata"]["uid"], item["metadata"]["labels"].get("isolation-ready"))
        for item in checkout.objects("namespaces")
        if item["metadata"]["name"].startswith("org-") and item["metadata"]["name"] != "org-admission-canary"
    }
    rows = checkout.sql("select slug, id, status, operation_id from tenancy.organizations where status <> 'DELETED'")
    logins = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item["data"]
        for item in checkout.objects("secrets", "-A", "-l", "agent-ready.io/baseline=true")
    }
    return {"namespaces": spaces, "rows": {row[0]: row[1:] for row in rows}, "logins": logins}


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
    """Each round creates one organization, changes one and deletes one; the kill falls after the n-th line it says."""
    steps = _round(small, 0)
    said = small.python("-m", "engine", "up").ok().out.count("\n")
    _check_round(small, steps)
    landed = 0
    points = said if POINTS == "all" else int(POINTS)
    for point in range(1, points + 1):
        steps = _round(small, point)
        landed += _kill_after(small, 1 + said * (point - 1) // points)
        if point % 2 == 0:  # the catalog is edited before anybody runs the update again
            steps = _take_back(small, steps)
        small.python("-m", "engine", "up").ok()
        _check_round(small, steps)
    assert landed >= points * 0.7, "the kills have to fall before the update ends by itself"


@dataclass(frozen=True)
class Round:
    """What one update is about: `before` are the facts then, `made` and `gone` slugs, `cpu` a quota."""

    before: dict[str, dict[str, object]]
    made: str
    gone: str
    cpu: int


def _round(checkout: Checkout, number: int) -> Round:
    """Edit the catalog."""
    before = facts(checkout)
    standing = [path for path in sorted(checkout.catalog.glob("*.yaml")) if path.stem not in ("kept", "changed")]
    standing[0].unlink()
    for name in (f"made{number:03}", f"spare{number:03}"):  # there is always one to be removed
        add(checkout, name)
    cpu = 3 + number % 5
    members = [{"email": f"owner{number}@changed.example", "role": "owner"}]
    checkout.edit("changed", quota={"cpu": cpu}, name=f"Changed {number}", slug="changed", members=members)
    return Round(before, f"made{number:03}", standing[0].stem, cpu)


def _take_back(checkout: Checkout, steps: Round) -> Round:
    """Edit the catalog again: the new organization goes, the changed one is set to something else."""
    (checkout.catalog / f"{steps.made}.yaml").unlink()
    checkout.edit("changed", quota={"cpu": 2})
    return replace(steps, gone=steps.made, cpu=2)


def _kill_after(checkout: Checkout, lines: int) -> bool:
    """Start an update; end its whole process tree, without a chance to clean up, after it said so many lines.

    False if it ended by itself before that.
    """
    update = checkout.start_python("-m", "engine", "up")
    assert update.stdout is not None
    for _ in range(lines):
        update.stdout.readline()
    ran = update.poll() is None
    for pid in tree(update.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    update.communicate(timeout=60)
    return ran


def _check_round(checkout: Checkout, steps: Round) -> None:
    """The catalog is in force, nothing of it twice or made anew, and nothing else is left anywhere."""
    after, catalog = facts(checkout), {path.stem for path in checkout.catalog.glob("*.yaml")}
    assert set(after["rows"]) == catalog, "a row for each file and none besides"
    assert {*after["namespaces"]} == {f"org-{name}" for name in catalog}
    assert all(ready == "true" for _, ready in after["namespaces"].values())  # type: ignore[misc]
    for kind, known in after.items():
        for name in known.keys() & steps.before[kind].keys():
            assert known[name] == steps.before[kind][name], f"{name} was made anew, changed or rotated"
    (quota,) = checkout.objects("resourcequotas", "-n", "org-changed")
    assert quota["status"]["hard"]["limits.cpu"] == str(steps.cpu)
    _check_nothing_orphaned(checkout)
    assert set(checkout.up()) == {"same"}, "a run of everything finds nothing to do"


def _check_nothing_orphaned(checkout: Checkout) -> None:
    """Everything of ours in the cluster and every login is in the state, and everything in the state exists."""
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
    managed = {r["inputs"]["name"] for r in state["resources"] if r["type"] == "postgresql:index/role:Role"}
    logins = {row[0] for row in checkout.sql(r"select rolname from pg_roles where rolname like 'tenant\_%'")}
    assert logins == managed, "a login that no organization has, or none where there should be one"


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
