"""An environment split into stacks: only what changed runs, organizations move without being touched."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout, Result

ORGANIZATIONS = ("ants", "bees", "cats", "dogs", "emus", "foxes")


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A platform of its own with six small organizations on three shards, deployed."""
    made = Checkout(tmp_path_factory.mktemp("sharded"))
    for path in made.catalog.glob("*.yaml"):
        path.unlink()
    for name in ORGANIZATIONS:
        made.edit(name, name=name, members=[{"email": f"owner@{name}.example", "role": "owner"}])
    set_shards(made, 3)
    try:
        made.plane("up").ok()
        engine(made, "up").ok()
        yield made
    finally:
        made.plane("down")


def engine(checkout: Checkout, *arguments: str) -> Result:
    """Run `python -m engine`."""
    return checkout.python("-m", "engine", *arguments)


def set_shards(checkout: Checkout, count: int) -> None:
    """Edit the environment's number of shards."""
    path = checkout.folder / "Pulumi.dev.yaml"
    lines = [line for line in path.read_text().splitlines() if ":shards:" not in line]
    path.write_text("\n".join([*lines, f"  agent-ready-k8s:shards: {count}"]) + "\n")


def uids(checkout: Checkout) -> dict[str, str]:
    """The UIDs of the organizations' namespaces: another one would mean that it was made anew."""
    found = checkout.objects("namespaces", "-l", "isolation-ready=true")
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}


def test_every_organization_is_ready_whatever_its_stack(sharded: Checkout) -> None:
    assert set(uids(sharded)) == {f"org-{name}" for name in ORGANIZATIONS}
    managers = sharded.sql("select distinct managed_by from tenancy.organizations")
    assert managers == [["catalog:agent-ready-k8s/dev"]], "the environment owns them, whatever the stack"


def test_a_second_up_starts_no_engine(sharded: Checkout) -> None:
    assert "4 of 4 stacks have nothing to change" in engine(sharded, "up").ok().out


def test_one_changed_organization_runs_one_stack(sharded: Checkout) -> None:
    sharded.edit("cats", quota={"cpu": 4})
    out = engine(sharded, "up").ok().out
    assert "3 of 4 stacks have nothing to change" in out and ": cats\n" in out, out
    assert "4 updated" in out, "row, settings, quota and limits; of the stack's others the engine asks nobody"
    (quota,) = sharded.objects("resourcequotas", "-n", "org-cats")
    assert quota["status"]["hard"]["limits.cpu"] == "4"


def test_any_command_needs_a_shard_that_the_environment_has(sharded: Checkout) -> None:
    """The platform's stack would else take everything for its own."""
    refused = engine(sharded, "pulumi", "--", "preview")
    assert refused.code == 1 and "has 4 stacks; name one with --shard (0/3 is the platform's" in refused.out
    assert "is no shard" in engine(sharded, "pulumi", "--shard", "1/2", "--", "preview").out
    engine(sharded, "pulumi", "--shard", "1/3", "--", "preview", "--expect-no-changes").ok()


def test_an_organization_that_left_is_removed_alone(sharded: Checkout) -> None:
    sharded.edit("ibexes", name="ibexes", members=[{"email": "owner@ibexes.example", "role": "owner"}])
    engine(sharded, "up").ok()
    before = uids(sharded)
    (sharded.catalog / "ibexes.yaml").unlink()
    engine(sharded, "up").ok()
    assert uids(sharded) == {name: uid for name, uid in before.items() if name != "org-ibexes"}
    assert "4 of 4 stacks have nothing to change" in engine(sharded, "up").ok().out


def test_a_failed_stack_leaves_the_others_deployed_and_is_tried_again(sharded: Checkout) -> None:
    sharded.kubectl("create", "namespace", "org-gnus").ok()
    for name in ("gnus", "hens"):
        sharded.edit(name, name=name, members=[{"email": f"owner@{name}.example", "role": "owner"}])
    failed = engine(sharded, "up")
    assert failed.code == 1 and "exists already" in failed.out
    assert "org-hens" in uids(sharded), "another stack's organization does not wait for it"
    sharded.kubectl("delete", "namespace", "org-gnus").ok()
    engine(sharded, "up").ok()
    assert {"org-gnus", "org-hens"} <= set(uids(sharded))


def test_an_edited_number_of_shards_is_refused_and_a_move_touches_nothing(sharded: Checkout) -> None:
    before = uids(sharded)
    set_shards(sharded, 2)
    refused = engine(sharded, "up")
    assert refused.code == 1 and "python -m engine move" in refused.out and "nothing was changed" in refused.out
    assert "organizations moved" in engine(sharded, "move").ok().out
    engine(sharded, "up").ok()
    assert uids(sharded) == before, "only states moved"
    assert _changes(sharded) == {"same"}, "and no resource was touched by the next update"
    assert "0 organizations moved" in engine(sharded, "move").ok().out, "repeating it is safe"


def _changes(checkout: Checkout) -> set[str]:
    """What the newest update of every organizations' stack in use did."""
    kinds: set[str] = set()
    folder = Path(checkout.environment["PULUMI_BACKEND_URL"].removeprefix("file://")) / ".pulumi" / "history"
    for stack in ("dev-01", "dev-02"):
        newest = max(folder.rglob(f"{stack}-*.history.json"))
        kinds |= set(json.loads(newest.read_text())["resourceChanges"])
    return kinds
