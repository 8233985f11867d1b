"""What an update runs: everything, only what changed, or first what a killed update left half way."""

from dataclasses import replace

import pytest

from database.deployments import Phase, Placement, Record
from engine.errors import Misplaced
from engine.runs import Run, needed, organization_urn, unfinished
from engine.shards import Wanted, check_places, digest
from tenants.model import Organization
from tenants.shards import Shard, all_shards, shard_of

STANDING = {"dev"}


def organization(slug: str, cpu: int = 2) -> Organization:
    owner = {"email": f"owner@{slug}.example", "role": "owner"}
    return Organization.model_validate({"name": slug, "members": [owner], "quota": {"cpu": cpu}})


ANTS, BEES, CATS = (organization(slug) for slug in ("ants", "bees", "cats"))


def stack(*organizations: Organization, frame: str = "frame") -> Wanted:
    return Wanted(Shard(1, 1), "dev", frame, organizations)


def placed(wanted: Organization, phase: Phase = "settled") -> Placement:
    intent = wanted.model_dump_json() if phase == "deploying" else None
    return Placement(wanted.slug, "dev", digest(wanted) if phase == "settled" else None, phase, intent)


def record(*placements: Placement, frame: str | None = "frame") -> Record:
    return Record({"dev": frame}, {placement.slug: placement for placement in placements})


def registered(run: Run) -> list[str]:
    return [organization.slug for organization in run.register]


class TestWhatChanged:
    def test_nothing_changed_runs_nothing(self) -> None:
        assert needed([stack(ANTS, BEES)], record(placed(ANTS), placed(BEES)), STANDING) == ()

    def test_one_changed_registers_that_one_and_targets_it(self) -> None:
        (run,) = needed([stack(organization("ants", 3), BEES)], record(placed(ANTS), placed(BEES)), STANDING)
        assert (registered(run), run.leaving, run.whole) == (["ants"], (), False)
        assert run.targets(frozenset) == (
            "--target=urn:pulumi:dev::agent-ready-k8s::agent-ready:tenancy:Organization::ants",
            "--target-dependents",
        )
        assert run.holding.slugs == ("ants", "bees"), "the outputs name everyone whom the stack holds"

    def test_a_new_one_is_registered_and_one_that_left_is_a_target_too(self) -> None:
        (run,) = needed([stack(ANTS, CATS)], record(placed(ANTS), placed(BEES)), STANDING)
        assert (registered(run), run.leaving) == (["cats"], ("bees",))
        bees = organization_urn("dev", "bees")
        assert f"--target={bees}" in (run.targets(lambda: frozenset({bees})) or ())
        assert f"--target={bees}" not in (run.targets(frozenset) or ()), "the engine fails on what it does not know"

    def test_with_nothing_left_to_target_the_engine_is_not_asked(self) -> None:
        """It would take no target for all of them, and remove whatever is not registered."""
        (run,) = needed([stack(ANTS)], record(placed(ANTS), placed(BEES, "deleting")), STANDING)
        assert run.targets(frozenset) is None

    def test_what_was_begun_and_failed_is_run_again(self) -> None:
        failed = replace(placed(ANTS), digest=None)
        (run,) = needed([stack(ANTS, BEES)], record(failed, placed(BEES)), STANDING)
        assert registered(run) == ["ants"]

    @pytest.mark.parametrize(
        ("known", "standing"),
        [
            (record(placed(ANTS), frame="another program"), STANDING),
            (record(placed(ANTS), frame=None), STANDING),
            (record(placed(ANTS)), set[str]()),
        ],
        ids=["the program changed", "a whole update was killed", "the state is lost"],
    )
    def test_everything_runs_when_more_than_organizations_changed(self, known: Record, standing: set[str]) -> None:
        (run,) = needed([stack(ANTS, BEES)], known, standing)
        assert run.whole and registered(run) == ["ants", "bees"] and run.targets(frozenset) == ()


class TestWhatWasKilled:
    def test_what_the_catalog_still_asks_for_is_simply_deployed_again(self) -> None:
        known = record(placed(ANTS, "deploying"))
        assert unfinished([stack(ANTS)], known, STANDING) == ()
        (run,) = needed([stack(ANTS)], known, STANDING)
        assert registered(run) == ["ants"]

    def test_a_new_organization_whose_file_is_gone_is_finished_first_and_removed_then(self) -> None:
        known = record(placed(ANTS), placed(BEES, "deploying"))
        (run,) = unfinished([stack(ANTS)], known, STANDING)
        assert run.register == (BEES,) and run.targets(frozenset)
        (then,) = needed([stack(ANTS)], record(placed(ANTS), placed(BEES)), STANDING)
        assert then.leaving == ("bees",)

    def test_a_value_that_was_set_back_is_finished_as_it_was_meant(self) -> None:
        meant = organization("ants", 9)
        (run,) = unfinished([stack(ANTS)], record(placed(meant, "deploying")), STANDING)
        assert run.register == (meant,)

    def test_a_deletion_is_finished_although_the_file_is_back(self) -> None:
        (run,) = unfinished([stack(ANTS)], record(placed(ANTS, "deleting")), STANDING)
        assert (registered(run), run.leaving) == ([], ("ants",))

    def test_a_deletion_that_is_still_wanted_is_repeated(self) -> None:
        known = record(placed(ANTS, "deleting"), placed(BEES))
        assert unfinished([stack(BEES)], known, STANDING) == ()
        (run,) = needed([stack(BEES)], known, STANDING)
        assert run.leaving == ("ants",)

    def test_a_killed_update_of_everything_is_finished_with_everything(self) -> None:
        """On a stack that has no state yet, an organization cannot be deployed before the platform is."""
        known = record(placed(ANTS, "deploying"), placed(CATS, "deploying"), frame=None)
        (run,) = unfinished([stack(ANTS, BEES)], known, STANDING)
        assert run.whole and sorted(registered(run)) == ["ants", "bees", "cats"]


class TestPlaces:
    def test_an_organization_belongs_to_one_stack(self) -> None:
        shards = all_shards(3)
        stacks = [Wanted(shard, shard.stack("dev"), "", shard.mine((ANTS, BEES, CATS))) for shard in shards]
        right = {o.slug: Placement(o.slug, shard_of(o.slug, 3).stack("dev")) for o in (ANTS, BEES, CATS)}
        check_places(stacks, Record({}, right))
        with pytest.raises(Misplaced, match=r"ants is in dev, belongs to dev-0\d.*python -m engine move"):
            check_places(stacks, Record({}, right | {"ants": Placement("ants", "dev")}))

    def test_one_that_has_left_the_catalog_counts_too(self) -> None:
        """Else nobody would delete it: its stack is none of the environment's any more."""
        stacks = [stack(ANTS)]
        with pytest.raises(Misplaced, match="gone is in dev-02"):
            check_places(stacks, Record({}, {"gone": Placement("gone", "dev-02")}))
