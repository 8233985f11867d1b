"""Names of Pulumi resources across organizations: a clash is a program that cannot run."""

from tenants.model import Organization
from tests.unit.components.recording import record_main


def registered(**allowances: list[str]) -> list[tuple[str, str]]:
    """(type, name) of what organizations with these slugs (_ for -) and incoming allowances register."""
    members = [{"email": "ada@acme.example", "role": "owner"}]
    organizations = [
        Organization.model_validate(
            {"name": "x", "slug": slug.replace("_", "-"), "members": members, "network": {"allow_from": allow_from}}
        )
        for slug, allow_from in allowances.items()
    ]
    return [(r.type, r.name) for r in record_main(organizations).resources]


def test_a_slug_that_ends_like_a_resource_of_another_does_not_clash() -> None:
    found = registered(a=[], a_quota=[], a_row=[], a_gate=[], a_namespace=[])
    assert len(found) == len(set(found)), "the type keeps them apart"


def test_an_allowance_never_clashes_with_a_policy_of_another_organization() -> None:
    found = registered(a=["b-default-deny"], b_default_deny=[], a_allow_from_b=[])
    assert len(found) == len(set(found)), "a-allow-from-b-default-deny is there twice: pulumi up fails, duplicate URN"
