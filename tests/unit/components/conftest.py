"""One recorded run of the whole program for all tests that only look at it."""

from pathlib import Path

import pytest

from tenants.catalog import load_catalog
from tenants.plan import TenantPlan, plan
from tests.unit.components.recording import Recording, record_main

CATALOG = Path(__file__).parents[3] / "tenants" / "orgs"


@pytest.fixture(scope="session")
def plans() -> list[TenantPlan]:
    """The committed catalog, planned."""
    return [plan(organization) for organization in load_catalog(CATALOG)]


@pytest.fixture(scope="session")
def recording() -> Recording:
    """What `__main__.py` registers for the committed catalog."""
    return record_main()
