"""What the engine room hands to the program arrives as it was."""

from pathlib import Path

from hypothesis import given

from tenants.holding import Holding
from tenants.model import Organization
from tenants.plan import plan
from tests.unit.tenants.strategies import repeatable, valid_organizations


@repeatable
@given(valid_organizations())
def test_an_organization_arrives_with_the_same_plan(organization: Organization) -> None:
    text = Holding.of([organization]).model_dump_json(exclude_defaults=True)
    (arrived,) = Holding.model_validate_json(text).organizations
    assert plan(arrived) == plan(organization)


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    owner = {"email": "ada@acme.example", "role": "owner"}
    path = tmp_path / "dev.holding.json"
    holding = Holding.of([Organization.model_validate({"name": "Acme", "members": [owner]})])
    holding.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Holding.read(path) == holding
