"""Handlers of the database's resources, on a database in memory."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from database import migrations
from database.errors import MigrationError, NoSuchOrganization, SlugTaken
from provider.handlers import Backends
from provider.rows import (
    ConfigDefaultsHandler,
    ConfigInputs,
    DatabaseSchemaHandler,
    OrganizationInputs,
    OrganizationRowHandler,
    SchemaInputs,
)
from tests.unit.cluster.fakes import FakeCluster
from tests.unit.database.fakes import FakeDatabase

T = TypeVar("T")
KEEP = SchemaInputs(migrations="digest", on_destroy="keep")
ACME = OrganizationInputs(slug="acme", display_name="Acme", plan="starter", managed_by="catalog")


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def backends(database: FakeDatabase) -> Backends:
    return Backends(FakeCluster(), database)


# ---- schema ----------------------------------------------------------------------------------------------------------


def test_the_schema_is_brought_to_this_checkouts_version(backends: Backends, database: FakeDatabase) -> None:
    assert run(DatabaseSchemaHandler(backends).create(KEEP)) == ("tenancy", {}), "one schema, one id"
    assert run(migrations.current_version(database)) == migrations.latest(), "migrated"


def test_a_refresh_sees_a_missing_and_an_older_schema(backends: Backends, database: FakeDatabase) -> None:
    handler = DatabaseSchemaHandler(backends)
    assert run(handler.read("tenancy", KEEP, {})) is None, "an empty database has none"
    run(handler.create(KEEP))
    assert run(handler.read("tenancy", KEEP, {})) == {"migrations": "digest", "on_destroy": "keep"}, (
        "up to date: no drift"
    )
    database.state.migrations = [{"version": migrations.latest() + 1, "checksum": "x"}]
    found = run(handler.read("tenancy", KEEP, {}))
    assert found is not None and found["migrations"] == "", (
        "another version is drift: the next update says what is wrong"
    )


def test_destroying_keeps_the_data_unless_told_otherwise(backends: Backends, database: FakeDatabase) -> None:
    handler = DatabaseSchemaHandler(backends)
    run(handler.create(KEEP))
    run(handler.delete("tenancy", KEEP, {}))
    assert database.state.migrations is not None, "keep means keep"
    run(handler.delete("tenancy", KEEP.model_copy(update={"on_destroy": "drop"}), {}))
    assert database.state.migrations is None, "drop means drop"


def test_destroying_the_schema_of_living_organizations_is_refused(backends: Backends) -> None:
    handler, drop = DatabaseSchemaHandler(backends), KEEP.model_copy(update={"on_destroy": "drop"})
    run(handler.create(drop))
    run(OrganizationRowHandler(backends).create(ACME))
    with pytest.raises(MigrationError, match="acme"):
        run(handler.delete("tenancy", drop, {}))


@pytest.mark.parametrize("word", ["", "Keep", "delete", "yes"])
def test_what_destroying_does_is_one_of_two_words(word: str) -> None:
    with pytest.raises(ValueError, match="'keep' or 'drop'"):
        SchemaInputs(migrations="x", on_destroy=word)  # type: ignore[arg-type]


# ---- organizations ---------------------------------------------------------------------------------------------------


def test_an_organizations_id_is_its_number_and_its_operation_is_an_output(backends: Backends) -> None:
    handler = OrganizationRowHandler(backends)
    assert run(handler.create(ACME)) == ("1", {"operation_id": "op-1"}), "the namespace is claimed with this token"
    assert run(handler.create(ACME)) == ("1", {"operation_id": "op-1"}), "a killed run finds its own row"


def test_another_owners_slug_is_refused(backends: Backends) -> None:
    handler = OrganizationRowHandler(backends)
    run(handler.create(ACME.model_copy(update={"managed_by": "api"})))
    with pytest.raises(SlugTaken):
        run(handler.create(ACME))


def test_a_refresh_sees_what_was_changed_by_hand(backends: Backends, database: FakeDatabase) -> None:
    handler = OrganizationRowHandler(backends)
    run(handler.create(ACME))
    database.organization(1)["plan"] = "business"
    assert run(handler.read("1", ACME, {})) == {
        "slug": "acme",
        "display_name": "Acme",
        "plan": "business",
        "managed_by": "catalog",
        "quota": {},
        "database_rotation": 1,
        "retention_days": 30,
        "members": {},
        "operation_id": "op-1",
    }, "inputs as they are, and the token"


def test_memberships_are_written_with_the_row_and_read_back(backends: Backends, database: FakeDatabase) -> None:
    handler, ada = OrganizationRowHandler(backends), {"ada@acme.example": "owner"}
    wanted = ACME.model_copy(update={"members": ada})
    run(handler.create(wanted))
    assert database.state.members == {1: ada}, "in the row's own transaction"
    database.state.members[1] = ada | {"eve@evil.example": "admin"}
    found = run(handler.read("1", wanted, {}))
    assert found is not None and found["members"] == database.state.members[1], "somebody's own insert is drift"
    run(handler.update("1", wanted, {}))
    assert database.state.members[1] == ada, "the next update makes it so again"


def test_state_of_earlier_versions_leaves_memberships_alone(backends: Backends, database: FakeDatabase) -> None:
    handler, ada = OrganizationRowHandler(backends), {"ada@acme.example": "owner"}
    run(handler.create(ACME.model_copy(update={"members": ada})))
    run(handler.update("1", ACME.model_copy(update={"display_name": "Acme Robotics"}), {}))
    assert database.state.members == {1: ada}, "it says nothing of members, which is not that there are none"


def test_a_refresh_finds_no_tombstone(backends: Backends) -> None:
    handler = OrganizationRowHandler(backends)
    run(handler.create(ACME))
    run(handler.delete("1", ACME, {}))
    assert run(handler.read("1", ACME, {})) is None, "a deleted organization is gone for Pulumi"


def test_renaming_keeps_the_row_and_its_token(backends: Backends, database: FakeDatabase) -> None:
    handler = OrganizationRowHandler(backends)
    run(handler.create(ACME))
    renamed = ACME.model_copy(update={"display_name": "Acme Robotics", "plan": "business"})
    assert run(handler.update("1", renamed, {"operation_id": "op-1"})) == {"operation_id": "op-1"}, (
        "nothing is replaced"
    )
    assert (database.organization(1)["name"], database.organization(1)["plan"]) == ("Acme Robotics", "business"), (
        "described"
    )


def test_updating_what_another_owner_has_taken_over_is_refused(backends: Backends, database: FakeDatabase) -> None:
    handler = OrganizationRowHandler(backends)
    run(handler.create(ACME))
    database.organization(1)["managed_by"] = "api"
    with pytest.raises(NoSuchOrganization, match="run a refresh"):
        run(handler.update("1", ACME, {}))


def test_a_deleted_organization_stays_as_a_tombstone(backends: Backends, database: FakeDatabase) -> None:
    handler = OrganizationRowHandler(backends)
    run(handler.create(ACME))
    run(handler.delete("1", ACME, {}))
    assert database.organization(1)["status"] == "DELETED", "its slug is never given out again"


def test_only_slug_and_owner_replace_an_organization() -> None:
    assert OrganizationRowHandler.replace_on == {"slug", "managed_by"}, "name and plan change in place: data stays"


# ---- settings --------------------------------------------------------------------------------------------------------


def inputs(**values: object) -> ConfigInputs:
    """Settings `ai/<name>` of organization 1, as the plan writes them."""
    return ConfigInputs(org_id="1", values={f"ai/{name}": json.dumps(value) for name, value in values.items()})


@pytest.fixture
def configs(backends: Backends) -> ConfigDefaultsHandler:
    run(OrganizationRowHandler(backends).create(ACME))
    return ConfigDefaultsHandler(backends)


def test_creating_settings_lists_what_changed_as_hints_without_values(
    configs: ConfigDefaultsHandler, database: FakeDatabase
) -> None:
    assert run(configs.create(inputs(x=1, y="secret"))) == ("1", {"changes": ["ai/x=1", "ai/y=1"]}), (
        "service/key=version"
    )
    assert database.contexts[-1] == (None, "catalog", "default from the catalog"), "the history names actor and reason"


def test_updating_lists_only_what_changed(configs: ConfigDefaultsHandler) -> None:
    run(configs.create(inputs(x=1, y=1)))
    assert run(configs.update("1", inputs(x=2, y=1), {})) == {"changes": ["ai/x=2"]}, (
        "the hook publishes no more than that"
    )
    assert run(configs.update("1", inputs(x=2, y=1), {})) == {"changes": []}, "and nothing when nothing changed"
    assert run(configs.update("1", inputs(y=1), {})) == {"changes": ["ai/x=3"]}, "a dropped default is a change too"


def test_a_refresh_right_after_an_update_shows_no_drift(configs: ConfigDefaultsHandler) -> None:
    wanted = inputs(x=1, y=0.7, z=True, word="text")
    run(configs.create(wanted))
    found = run(configs.read("1", wanted, {"changes": ["ai/x=1"]}))
    assert found == {"changes": ["ai/x=1"], "org_id": "1", "values": wanted.values}, "no drift"


def test_a_refresh_shows_a_default_that_was_changed_by_hand(
    configs: ConfigDefaultsHandler, database: FakeDatabase
) -> None:
    run(configs.create(inputs(x=1)))
    database.state.configs[1, "ai", "x"]["value"] = "5"
    found = run(configs.read("1", inputs(x=1), {}))
    assert found is not None and found["values"] == {"ai/x": "5"}, "drift"


def test_a_refresh_shows_a_default_that_was_removed_by_hand(
    configs: ConfigDefaultsHandler, database: FakeDatabase
) -> None:
    run(configs.create(inputs(x=1, y=1)))
    database.state.configs[1, "ai", "x"]["value"] = None
    del database.state.configs[1, "ai", "y"]
    found = run(configs.read("1", inputs(x=1, y=1), {}))
    assert found is not None and found["values"] == {}, "both are missing"


def test_a_refresh_takes_what_the_api_wrote_for_no_drift(
    configs: ConfigDefaultsHandler, database: FakeDatabase
) -> None:
    run(configs.create(inputs(x=1)))
    database.state.configs[1, "ai", "x"].update(value="9", source="api")
    found = run(configs.read("1", inputs(x=1), {}))
    assert found is not None and found["values"] == inputs(x=1).values, "the API's value belongs to the API"


def test_a_refresh_finds_no_settings_of_a_deleted_organization(
    configs: ConfigDefaultsHandler, backends: Backends
) -> None:
    run(OrganizationRowHandler(backends).delete("1", ACME, {}))
    assert run(configs.read("1", inputs(x=1), {})) is None, "they went with the row"


def test_deleting_the_resource_leaves_the_settings_to_the_row(
    configs: ConfigDefaultsHandler, database: FakeDatabase
) -> None:
    run(configs.create(inputs(x=1)))
    run(configs.delete("1", inputs(x=1), {}))
    assert database.state.configs, "settings belong to the organization"


@pytest.mark.parametrize("value", ["Zürich", "世界", 1e-07, 1e22])
def test_a_refresh_compares_values_and_not_their_spelling(configs: ConfigDefaultsHandler, value: object) -> None:
    run(configs.create(inputs(x=value)))
    found = run(configs.read("1", inputs(x=value), {}))
    assert found is not None and found["values"] == inputs(x=value).values, (
        "else every refresh shows drift that no update ends"
    )


@pytest.mark.parametrize(("ours", "theirs"), [(True, "1"), (1, "true"), ("1", "1"), (1, '"1"'), (0.1, "0.10000001")])
def test_a_refresh_tells_values_of_different_types_apart(
    configs: ConfigDefaultsHandler, database: FakeDatabase, ours: object, theirs: str
) -> None:
    run(configs.create(inputs(x=ours)))
    database.state.configs[1, "ai", "x"]["value"] = theirs
    found = run(configs.read("1", inputs(x=ours), {}))
    assert found is not None and found["values"] == {"ai/x": theirs}, "somebody changed it by hand"
