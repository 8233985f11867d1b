"""Rows of organizations: a slug is given out once, an owner resumes only its own, a tombstone stays."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from database import configs, organizations
from database.errors import NoSuchOrganization, RotationRefused, SlugTaken
from database.organizations import Facts, OrganizationRow
from database.pool import Connection
from tests.unit.database.fakes import FakeDatabase

CATALOG = "catalog:agent-ready-k8s/dev"


def inside(database: FakeDatabase, use: Callable[[Connection], Awaitable[Any]]) -> Any:
    """What `use` gives in one transaction."""

    async def run() -> Any:
        async with database.transaction() as connection:
            return await use(connection)

    return asyncio.run(run())


def claim(database: FakeDatabase, slug: str = "acme", managed_by: str = CATALOG, **values: Any) -> OrganizationRow:
    facts = Facts(**{"name": "Acme", "plan": "starter", **values})
    row: OrganizationRow = inside(database, lambda c: organizations.claim(c, slug, facts, managed_by=managed_by))
    return row


def describe(database: FakeDatabase, org_id: int, facts: Facts, managed_by: str = CATALOG) -> OrganizationRow:
    row: OrganizationRow = inside(database, lambda c: organizations.describe(c, org_id, facts, managed_by=managed_by))
    return row


def test_a_new_organization_is_pending_until_its_gate_opens() -> None:
    row = claim(FakeDatabase())
    assert (row.slug, row.status, row.managed_by) == ("acme", "PENDING", CATALOG), "claimed, not yet committed"


def test_an_interrupted_claim_of_the_same_owner_is_resumed_with_the_newest_words() -> None:
    database = FakeDatabase()
    first = claim(database)
    again = claim(database, name="Acme Robotics", plan="business")
    assert (again.id, again.operation_id) == (first.id, first.operation_id), (
        "the same row and token: the namespace is found"
    )
    assert (again.name, again.plan) == ("Acme Robotics", "business"), "but what the catalog says now"


def test_another_owners_slug_is_refused_and_says_where_to_change_it() -> None:
    database = FakeDatabase()
    claim(database, managed_by="api")
    with pytest.raises(
        SlugTaken, match="'acme' is managed by api, not by catalog:agent-ready-k8s/dev; change it there"
    ):
        claim(database, name="Mine")
    assert database.organization(1)["name"] == "Acme", "their row stays as it is"


def test_a_deleted_organizations_slug_is_never_given_out_again() -> None:
    database = FakeDatabase()
    claim(database)
    inside(database, lambda c: organizations.delete(c, 1, managed_by=CATALOG))
    with pytest.raises(SlugTaken, match="deleted on 2026-11-23; a slug is never given out again"):
        claim(database)


def test_describing_changes_name_and_plan_of_a_living_row_of_ours_only() -> None:
    database = FakeDatabase()
    claim(database)
    row = describe(database, 1, Facts("New", "business"))
    assert (row.name, row.plan) == ("New", "business"), "described"
    for org_id, owner in ((1, "api"), (2, CATALOG)):
        with pytest.raises(NoSuchOrganization, match=f"no living organization {org_id} is managed by {owner}"):
            describe(database, org_id, Facts("X", "starter"), owner)


def test_the_rotation_rises_by_one_at_a_time_so_that_the_password_before_stays_valid() -> None:
    database = FakeDatabase()
    claim(database, database_rotation=3)
    for rotation in (3, 4):
        assert describe(database, 1, Facts("Acme", "starter", database_rotation=rotation)).database_rotation == rotation
    for rotation in (3, 6):
        with pytest.raises(RotationRefused, match=f"of 'acme' goes from 4 to {rotation}; raise it by one at a time"):
            describe(database, 1, Facts("Acme", "starter", database_rotation=rotation))
    assert database.organization(1)["database_rotation"] == 4, "nothing was changed"


def test_committing_a_living_organization_opens_it_and_a_deleted_one_is_an_error() -> None:
    database = FakeDatabase()
    claim(database)
    inside(database, lambda c: organizations.commit(c, 1))
    assert database.organization(1)["status"] == "COMMITTED", "isolated and open"
    inside(database, lambda c: organizations.delete(c, 1, managed_by=CATALOG))
    with pytest.raises(NoSuchOrganization, match="was deleted while it was being made"):
        inside(database, lambda c: organizations.commit(c, 1))


def test_reading_finds_living_organizations_only() -> None:
    database = FakeDatabase()
    claim(database)
    assert inside(database, lambda c: organizations.read(c, 1)).slug == "acme", "alive"
    inside(database, lambda c: organizations.delete(c, 1, managed_by=CATALOG))
    assert inside(database, lambda c: organizations.read(c, 1)) is None, "a tombstone is not there for a refresh"
    assert inside(database, lambda c: organizations.read(c, 7)) is None, "nor is what never was"


def test_deleting_leaves_a_tombstone_without_settings_and_may_be_repeated() -> None:
    database = FakeDatabase()
    claim(database)
    claim(database, "other")
    for org_id in (1, 2):
        inside(database, lambda c, i=org_id: configs.put_defaults(c, i, {("ai", "x"): "1"}))
    for _ in range(2):
        inside(database, lambda c: organizations.delete(c, 1, managed_by=CATALOG))
    assert database.organization(1)["status"] == "DELETED", "the row stays: its slug is never given out again"
    assert list(database.state.configs) == [(2, "ai", "x")], "its settings are gone, the neighbour's are not"
    assert database.waiting() == [(2, "ai", "x", 1)], "no hint goes out for what is gone"


def test_deleting_what_another_owner_has_taken_over_changes_nothing() -> None:
    database = FakeDatabase()
    claim(database, managed_by="api")
    inside(database, lambda c: configs.put_defaults(c, 1, {("ai", "x"): "1"}))
    inside(database, lambda c: organizations.delete(c, 1, managed_by=CATALOG))
    assert database.organization(1)["status"] == "PENDING", "the living organization stays alive"
    assert list(database.state.configs) == [(1, "ai", "x")], "and keeps its settings"
