"""The handler of logins: opaque names, secrets marked, and the Secret believed only where the database agrees."""

import asyncio
import base64
from collections.abc import Coroutine
from typing import Any, TypeVar

import pulumi.provider.experimental.provider as p
import pytest

from database.errors import DatabaseFault
from provider.handlers import Backends
from provider.logins import DatabaseLoginHandler, LoginInputs
from provider.resources import CLEAR_LOGIN
from provider.rows import OrganizationInputs, OrganizationRowHandler
from provider.tenancy import ProviderError, TenancyProvider
from provider.wire import properties
from tests.unit.cluster.fakes import FakeCluster
from tests.unit.database.fakes import FakeDatabase

T = TypeVar("T")
SECRET = "/api/v1/namespaces/org-acme/secrets/database"
ROLE = "tenant_0a1b_1"
WANTED = LoginInputs(org_id="1", operation_id="0a-1b", generation=1, namespace="org-acme", fresh="fresh")


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


@pytest.fixture
def backends() -> Backends:
    made = Backends(FakeCluster(), FakeDatabase())
    acme = OrganizationInputs(slug="acme", display_name="Acme", plan="starter", managed_by="catalog")
    run(OrganizationRowHandler(made).create(acme))
    return made


@pytest.fixture
def handler(backends: Backends) -> DatabaseLoginHandler:
    return DatabaseLoginHandler(backends)


def tell(backends: Backends, **data: str) -> None:
    """Put a Secret with these keys where the organization's stands."""
    assert isinstance(backends.cluster, FakeCluster)
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    backends.cluster.put(SECRET, {"data": encoded})


def test_a_roles_name_comes_from_the_operation_and_the_generation(handler: DatabaseLoginHandler) -> None:
    resource_id, outputs = run(handler.create(WANTED))
    assert resource_id == outputs["role_name"] == ROLE, "it tells nobody whose it is"
    assert outputs["password"] == "fresh"


def test_the_secrets_password_is_kept_when_the_state_is_lost(handler: DatabaseLoginHandler, backends: Backends) -> None:
    run(handler.create(WANTED))
    tell(backends, username=ROLE, password="fresh")
    _, outputs = run(handler.create(WANTED.model_copy(update={"fresh": "newly made"})))
    assert outputs["password"] == "fresh", "what pods use stays in force"


@pytest.mark.parametrize("told", [{}, {"password": "x"}, {"username": "other", "password": "fresh"}, {"username": "é"}])
def test_a_secret_that_tells_nothing_usable_is_passed_over(
    handler: DatabaseLoginHandler, backends: Backends, told: dict[str, str]
) -> None:
    run(handler.create(WANTED))
    tell(backends, **told)
    _, outputs = run(handler.create(WANTED.model_copy(update={"fresh": "newly made"})))
    assert outputs["password"] == "newly made"


def test_a_refresh_sees_that_a_login_was_unbound(handler: DatabaseLoginHandler) -> None:
    _, outputs = run(handler.create(WANTED))
    assert run(handler.read(ROLE, WANTED, outputs)) == {**WANTED.model_dump(), **outputs}, "no drift"
    run(handler.delete(ROLE, WANTED, outputs))
    assert run(handler.read(ROLE, WANTED, outputs)) is None, "the next update binds it again"


def test_passwords_and_verifiers_leave_the_provider_as_secrets_only(handler: DatabaseLoginHandler) -> None:
    provider = TenancyProvider()
    provider._handlers = {"DatabaseLogin": handler}
    urn = "urn:pulumi:dev::agent-ready-k8s::tenancy:index:DatabaseLogin::x"
    wanted = properties(WANTED.model_dump())
    made = run(provider.create(p.CreateRequest(urn, wanted, 0, preview=False))).properties or {}
    assert {key for key, value in made.items() if value.is_secret} == {"fresh", "password", "verifier"}
    read = run(provider.read(p.ReadRequest(urn, ROLE, made, {})))
    assert {key for key, value in (read.inputs or {}).items() if value.is_secret} == {"fresh"}


def test_the_way_is_cleared_for_bound_logins_only(handler: DatabaseLoginHandler, backends: Backends) -> None:
    assert isinstance(backends.database, FakeDatabase)
    provider = TenancyProvider()
    provider._handlers = {"DatabaseLogin": handler}
    with pytest.raises(DatabaseFault, match="belongs to no organization"):
        run(provider.invoke(p.InvokeRequest(CLEAR_LOGIN, properties({"role_name": "postgres"}))))
    run(handler.create(WANTED))
    run(provider.invoke(p.InvokeRequest(CLEAR_LOGIN, properties({"role_name": ROLE}))))
    assert backends.database.state.dropped_roles == [ROLE]
    with pytest.raises(ProviderError, match="is no function"):
        run(provider.invoke(p.InvokeRequest("tenancy:index:other", {})))
