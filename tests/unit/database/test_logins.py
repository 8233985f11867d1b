"""Logins of an organization: bound to it, and a password in use is kept whatever Pulumi has forgotten."""

import asyncio
from typing import Any

import pytest

from database import logins, organizations
from database.errors import DatabaseFault, NoSuchOrganization
from database.logins import Login
from database.organizations import Facts
from database.scram import verifier
from tests.unit.database.fakes import FakeDatabase


@pytest.fixture
def database() -> FakeDatabase:
    """One living organization, number 1, at rotation 2."""
    made = FakeDatabase()
    inside(made, organizations.claim, "acme", Facts("Acme", "starter", database_rotation=2), managed_by="catalog")
    return made


def inside(database: FakeDatabase, call: Any, *arguments: Any, **options: Any) -> Any:
    """What `call` gives in one transaction."""

    async def run() -> Any:
        async with database.transaction() as connection:
            return await call(connection, *arguments, **options)

    return asyncio.run(run())


def bind(database: FakeDatabase, generation: int, fresh: str, *known: str) -> Login:
    login: Login = inside(database, logins.bind, 1, f"tenant_{generation}", generation, fresh=fresh, known=known)
    return login


def test_a_new_login_gets_the_fresh_password(database: FakeDatabase) -> None:
    assert bind(database, 2, "fresh") == Login("tenant_2", 2, verifier("tenant_2", "fresh"), "fresh")


def test_a_repeated_run_keeps_the_password(database: FakeDatabase) -> None:
    assert bind(database, 2, "fresh") == bind(database, 2, "fresh"), "the same verifier: the role is not changed"


def test_a_lost_state_recognizes_the_password_in_use_in_the_secret(database: FakeDatabase) -> None:
    bind(database, 2, "in use")
    assert bind(database, 2, "newly made", "in use").password == "in use", "nothing that pods use is rotated"


def test_a_tampered_secret_counts_for_nothing(database: FakeDatabase) -> None:
    bind(database, 2, "in use")
    assert bind(database, 2, "newly made", "mallory's").password == "newly made", "only what fits the verifier is kept"


def test_an_earlier_password_that_nobody_can_tell_stays_in_force(database: FakeDatabase) -> None:
    before = bind(database, 1, "in use")
    kept = bind(database, 1, "newly made")
    assert (kept.verifier, kept.password) == (before.verifier, None), "the Secret holds the current one only"


def test_a_deleted_organization_gets_no_login_and_loses_its_own(database: FakeDatabase) -> None:
    bind(database, 1, "a")
    bind(database, 2, "b")
    inside(database, organizations.delete, 1, managed_by="catalog")
    assert database.state.dropped_roles == ["tenant_1", "tenant_2"] and not database.state.logins
    with pytest.raises(NoSuchOrganization, match="no living organization 1"):
        bind(database, 3, "c")


def test_only_a_bound_role_is_ever_dropped(database: FakeDatabase) -> None:
    with pytest.raises(DatabaseFault, match="belongs to no organization"):
        inside(database, logins.drop, "postgres")
    bind(database, 2, "fresh")
    inside(database, logins.drop, "tenant_2")
    assert database.state.dropped_roles == ["tenant_2"]


def test_a_verifier_follows_from_role_and_password_and_shows_neither() -> None:
    text = verifier("tenant_1", "p4ssw0rd")
    assert text == verifier("tenant_1", "p4ssw0rd") != verifier("tenant_2", "p4ssw0rd")
    assert text.startswith("SCRAM-SHA-256$4096:") and "p4ssw0rd" not in text and "tenant_1" not in text
