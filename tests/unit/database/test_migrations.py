"""Migrations count without gap, are frozen once they ran, and refuse a database from the future."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from database import migrations
from database.errors import MigrationError
from tests.unit.database.fakes import FakeDatabase


def folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_text(f"-- {name}")
    return tmp_path


def test_the_committed_migrations_are_in_order() -> None:
    found = migrations.migrations()
    assert [m.version for m in found] == list(range(1, len(found) + 1)), "1, 2, 3 …"
    assert migrations.latest() == found[-1].version, "the last one is the schema's version"


def test_migrations_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    found = migrations.migrations(folder(tmp_path, "0002_b.sql", "0001_a.sql", "0003_c.sql", "README.md"))
    assert [(m.version, m.name, m.text) for m in found] == [
        (1, "a", "-- 0001_a.sql"),
        (2, "b", "-- 0002_b.sql"),
        (3, "c", "-- 0003_c.sql"),
    ], "number, name and text of each .sql file"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("0002_a.sql",), r"\[2\]"),
        (("0001_a.sql", "0003_c.sql"), r"\[1, 3\]"),
        (("0001_a.sql", "0001_b.sql"), r"\[1, 1\]"),
        (("0000_a.sql",), r"\[0\]"),
    ],
)
def test_a_gap_or_a_double_is_refused_with_what_was_found(tmp_path: Path, names: tuple[str, ...], found: str) -> None:
    with pytest.raises(MigrationError, match=f"without gap or double; found {found}"):
        migrations.migrations(folder(tmp_path, *names))


@pytest.mark.parametrize(
    "name", ["1_a.sql", "0001-a.sql", "0001_A.sql", "0001_.sql", "00001_a.sql", "a.sql", "0001_a b.sql"]
)
def test_a_misnamed_file_is_refused_with_an_example(tmp_path: Path, name: str) -> None:
    with pytest.raises(MigrationError, match=r"is not named like 0001_what_it_does\.sql") as refused:
        migrations.migrations(folder(tmp_path, name))
    assert name in str(refused.value), "the text names the file"


def test_a_checksum_is_the_text_s_own() -> None:
    one = migrations.Migration(1, "a", "select 1;")
    assert one.checksum == hashlib.sha256(b"select 1;").hexdigest(), "recorded in every database: it must never change"
    assert one.checksum != migrations.Migration(1, "a", "select 2;").checksum, "a changed file must be seen"
    assert one.checksum == migrations.Migration(9, "z", "select 1;").checksum, "only the text counts"


def test_migrating_an_empty_database_runs_everything_once() -> None:
    database = FakeDatabase()
    version = asyncio.run(migrations.migrate(database))
    assert version == migrations.latest(), "the schema's version is answered"
    assert database.state.statements == [m.text for m in migrations.migrations()], "each file ran, in order"
    assert [m["checksum"] for m in database.state.migrations or []] == [m.checksum for m in migrations.migrations()], (
        "recorded"
    )
    assert len(database.contexts) == 1, "all in one transaction: all or nothing"
    asyncio.run(migrations.migrate(database))
    assert len(database.state.statements) == len(migrations.migrations()), "a second run changes nothing"


def test_only_what_has_not_run_yet_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    database = FakeDatabase()
    asyncio.run(migrations.migrate(database))
    known = migrations.migrations()
    newer = migrations.Migration(len(known) + 1, "newer", "create table newer ();")
    monkeypatch.setattr(migrations, "migrations", lambda: (*known, newer))
    assert asyncio.run(migrations.migrate(database)) == newer.version, "the new version"
    assert database.state.statements[len(known) :] == [newer.text], "the old ones did not run again"


def test_a_migration_that_was_changed_after_it_ran_is_refused_and_nothing_runs() -> None:
    database = FakeDatabase()
    asyncio.run(migrations.migrate(database))
    assert database.state.migrations
    database.state.migrations[0]["checksum"] = "another"
    before = list(database.state.statements)
    with pytest.raises(MigrationError, match=r"migration 0001_organizations was changed after it ran.*new migration"):
        asyncio.run(migrations.migrate(database))
    assert database.state.statements == before, "nothing was changed"


def test_a_database_from_the_future_is_refused_with_the_way_out() -> None:
    database = FakeDatabase()
    asyncio.run(migrations.migrate(database))
    assert database.state.migrations
    database.state.migrations.append({"version": 99, "name": "x", "checksum": "x"})
    with pytest.raises(
        MigrationError, match=r"has migrations \[99\] that this checkout .* does not know; use the checkout"
    ):
        asyncio.run(migrations.migrate(database))


def test_the_version_of_a_database_without_our_schema_is_zero() -> None:
    assert asyncio.run(migrations.current_version(FakeDatabase())) == 0, "a refresh must see that nothing is there"


def test_the_version_is_that_of_the_last_migration() -> None:
    database = FakeDatabase()
    asyncio.run(migrations.migrate(database))
    assert asyncio.run(migrations.current_version(database)) == migrations.latest(), "what ran last"


def test_the_schema_is_not_dropped_while_an_organization_lives() -> None:
    database = FakeDatabase()
    asyncio.run(migrations.migrate(database))
    database.state.organizations[1] = {"slug": "acme", "status": "PENDING"}
    with pytest.raises(MigrationError, match=r"still holds 1 organizations \(acme\); delete those first"):
        asyncio.run(migrations.drop(database))
    assert database.state.migrations, "nothing was dropped"


def test_the_schema_is_dropped_when_only_tombstones_are_left() -> None:
    database = FakeDatabase()
    asyncio.run(migrations.migrate(database))
    database.state.organizations[1] = {"slug": "acme", "status": "DELETED"}
    asyncio.run(migrations.drop(database))
    assert database.state.migrations is None, "dropped"
    asyncio.run(migrations.drop(database))
