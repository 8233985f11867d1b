"""What a plan says of the database: generations of the login, limits by plan, names that tell nothing."""

import pytest
from pydantic import ValidationError

from tenants import names
from tenants.model import Organization
from tenants.plan import plan

OWNER = [{"email": "ada@acme.example", "role": "owner"}]


def organization(**values: object) -> Organization:
    return Organization.model_validate({"name": "Acme", "members": OWNER, **values})


@pytest.mark.parametrize(("rotation", "generations"), [(1, (1,)), (2, (1, 2)), (3, (2, 3)), (9, (8, 9))])
def test_the_generation_before_stays_and_the_current_one_is_last(rotation: int, generations: tuple[int, ...]) -> None:
    database = plan(organization(database={"rotation": rotation})).database
    assert (database.generations, database.current) == (generations, rotation)


def test_connections_and_timeout_rise_with_the_plan() -> None:
    found = [plan(organization(plan=name)).database for name in ("starter", "business", "enterprise")]
    assert [(d.connections, d.statement_timeout) for d in found] == [(10, 15_000), (30, 30_000), (100, 60_000)]


@pytest.mark.parametrize("wrong", [
    {"database": {"rotation": 0}}, {"database": {"rotation": "2"}}, {"database": {"turn": 1}},
    {"retention_days": -1}, {"retention_days": 4000},
])  # fmt: skip
def test_a_wrong_rotation_or_retention_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        organization(**wrong)


def test_a_logins_name_fits_postgresql_and_does_not_tell_the_slug() -> None:
    name = names.database_role("8ed9e624-dba4-4843-b703-625f50311d55", 1_000_000)
    assert name == "tenant_8ed9e624dba44843b703625f50311d55_1000000" and len(name) <= 63
