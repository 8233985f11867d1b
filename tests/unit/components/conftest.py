"""One recorded run of the whole program for all tests that only look at it."""

from pathlib import Path

import pulumi
import pytest

from components.hooks import publish_config_changes
from components.organization import Organization, OrganizationProps
from components.platform import Platform
from tenants.catalog import load_catalog
from tenants.plan import TenantPlan, plan
from tests.unit.components.recording import SETTINGS_OF_TESTS, Recording, record

CATALOG = Path(__file__).parents[3] / "tenants" / "orgs"


@pytest.fixture(scope="session")
def plans() -> list[TenantPlan]:
    """The committed catalog, planned."""
    return [plan(organization) for organization in load_catalog(CATALOG)]


@pytest.fixture(scope="session")
def recording(plans: list[TenantPlan]) -> Recording:
    """What the program registers for the committed catalog."""

    def program() -> None:
        platform = Platform("platform", SETTINGS_OF_TESTS)
        hooks = publish_config_changes(SETTINGS_OF_TESTS)
        for tenant in plans:
            Organization(
                tenant.slug,
                OrganizationProps(tenant, SETTINGS_OF_TESTS.managed_by, hooks),
                pulumi.ResourceOptions(providers=platform.providers, depends_on=[platform]),
            )

    return record(program)
