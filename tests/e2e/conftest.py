"""One platform for all end-to-end tests of a run; each test leaves it converged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout, serving
from tests.e2e.people import SHOWN, SHOWN_OWNER


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose platform runs, without any organization yet."""
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    try:
        made.plane("up").ok()
        yield made
    finally:
        made.plane("down")


@pytest.fixture(scope="session")
def deployed(checkout: Checkout) -> Checkout:
    """The same after the first `pulumi up` of the whole catalog, with the policy pack."""
    checkout.pulumi("up", "--yes", "--skip-preview", "--non-interactive", "--policy-pack", "policies").ok()
    return checkout


@pytest.fixture(scope="session")
def slugs(checkout: Checkout) -> list[str]:
    """The slugs of the catalog as committed."""
    from tenants.catalog import load_catalog

    return [organization.slug for organization in load_catalog(Path(checkout.catalog))]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A platform of its own as `make up` leaves it, with one organization in the catalog: it all runs."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, SHOWN, SHOWN_OWNER, configs={"ai/threshold": 0.7}) as made:
        yield made
