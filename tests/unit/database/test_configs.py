"""Default settings: the catalog replaces only its own values, and every change leaves a hint without a value."""

import asyncio

from database import configs
from database.configs import ConfigVersion
from tests.unit.database.fakes import FakeDatabase


def put(database: FakeDatabase, **values: str) -> list[ConfigVersion]:
    """Store `service__key=value` defaults for organization 1."""
    wanted = {(name.split("__")[0], name.split("__")[1]): value for name, value in values.items()}

    async def run() -> list[ConfigVersion]:
        async with database.transaction() as connection:
            return await configs.put_defaults(connection, 1, wanted)

    return asyncio.run(run())


def test_first_values_are_stored_and_announced_in_order() -> None:
    database = FakeDatabase()
    changed = put(database, web__b="2", ai__a="1")
    assert changed == [ConfigVersion(1, "ai", "a", 1), ConfigVersion(1, "web", "b", 1)], "sorted, version 1"
    assert database.waiting() == [(1, "ai", "a", 1), (1, "web", "b", 1)], "one hint each"


def test_the_same_values_again_change_nothing() -> None:
    database = FakeDatabase()
    put(database, ai__a="1")
    assert put(database, ai__a="1") == [], "a second up is no change"
    assert len(database.waiting()) == 1, "and no hint"


def test_a_changed_value_raises_the_version_by_one() -> None:
    database = FakeDatabase()
    put(database, ai__a="1", ai__b="1")
    assert put(database, ai__a="2", ai__b="1") == [ConfigVersion(1, "ai", "a", 2)], "only what changed"


def test_a_default_that_the_catalog_dropped_is_unset_once_and_may_return() -> None:
    database = FakeDatabase()
    put(database, ai__a="1", ai__b="1")
    assert put(database, ai__b="1") == [ConfigVersion(1, "ai", "a", 2)], "unset, with a version: pods must hear of it"
    assert database.state.configs[1, "ai", "a"]["value"] is None, (
        "the row stays, so that its version never runs backwards"
    )
    assert put(database, ai__b="1") == [], "unset once"
    assert put(database, ai__a="1", ai__b="1") == [ConfigVersion(1, "ai", "a", 3)], "the version goes on"


def test_what_the_api_wrote_is_neither_replaced_nor_unset() -> None:
    database = FakeDatabase()
    put(database, ai__a="1")
    database.state.configs[1, "ai", "a"].update(value="9", source="api")
    assert put(database, ai__a="2") == [], "the API's value wins over a new default"
    assert put(database) == [], "and over a dropped one"
    assert database.state.configs[1, "ai", "a"]["value"] == "9", "still the API's"


def test_waiting_hints_come_oldest_first_and_no_more_than_asked_and_marked_ones_do_not_come_again() -> None:
    database = FakeDatabase()
    put(database, ai__a="1", ai__b="1", ai__c="1")

    async def run() -> list[list[str]]:
        async with database.transaction() as connection:
            first = await configs.waiting_hints(connection, most=2)
            await configs.mark_published(connection, [hint.id for hint in first])
            rest = await configs.waiting_hints(connection)
        return [[hint.config.key for hint in hints] for hints in (first, rest)]

    assert asyncio.run(run()) == [["a", "b"], ["c"]], "each hint once, in order"
