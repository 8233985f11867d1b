"""The handler of Redis users: what is written down, what Redis has, and a Redis that is away."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pulumi.provider.experimental.provider as p
import pytest

from database.errors import NoSuchOrganization
from liveconfig.acl import PodUser, digest
from provider.handlers import Backends, ProviderError
from provider.redis_users import RedisUserHandler, RedisUserInputs
from provider.rows import OrganizationInputs, OrganizationRowHandler
from provider.tenancy import TenancyProvider
from provider.wire import properties
from tests.unit.cluster.fakes import FakeCluster
from tests.unit.database.fakes import FakeDatabase
from tests.unit.liveconfig.fake_users import FakePodUsers

T = TypeVar("T")
WANTED = RedisUserInputs(org_id="1", password="word")
USER = PodUser(1, digest("word"))
ACME = OrganizationInputs(slug="acme", display_name="Acme", plan="starter", managed_by="catalog")


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def users() -> FakePodUsers:
    return FakePodUsers()


@pytest.fixture
def backends(database: FakeDatabase, users: FakePodUsers) -> Backends:
    made = Backends(FakeCluster(), database, users)
    run(OrganizationRowHandler(made).create(ACME))
    return made


@pytest.fixture
def handler(backends: Backends) -> RedisUserHandler:
    return RedisUserHandler(backends)


def test_the_hash_is_written_down_and_the_user_made_however_often(
    handler: RedisUserHandler, database: FakeDatabase, users: FakePodUsers
) -> None:
    for _ in range(2):
        assert run(handler.create(WANTED)) == ("org_1", {})
    assert database.state.credentials == {1: digest("word")}, "never the password"
    assert users.users == {"org_1": frozenset(USER.rules)}


def test_an_organization_that_is_gone_gets_none(handler: RedisUserHandler, users: FakePodUsers) -> None:
    with pytest.raises(NoSuchOrganization, match="run a refresh"):
        run(handler.create(WANTED.model_copy(update={"org_id": "2"})))
    assert users.users == {}


def test_a_refresh_sees_a_user_that_is_missing_or_changed(
    handler: RedisUserHandler, database: FakeDatabase, users: FakePodUsers
) -> None:
    run(handler.create(WANTED))
    assert run(handler.read("org_1", WANTED, {})) == WANTED.model_dump(), "no drift"
    users.users["org_1"] |= {"&config:2:*"}
    assert (run(handler.read("org_1", WANTED, {})) or {})["in_force"] is False, "it may more than it should"
    users.users.clear()
    assert (run(handler.read("org_1", WANTED, {})) or {})["in_force"] is False, "gone"
    run(handler.update("org_1", WANTED, {}))
    database.state.credentials[1] = digest("another")
    assert (run(handler.read("org_1", WANTED, {})) or {})["in_force"] is False, "another password"
    database.state.credentials.clear()
    assert run(handler.read("org_1", WANTED, {})) is None, "nothing of it is written down"


def test_a_redis_that_is_away_stops_nothing_and_is_remembered(
    handler: RedisUserHandler, database: FakeDatabase, users: FakePodUsers
) -> None:
    users.away = True
    assert run(handler.create(WANTED)) == ("org_1", {"in_force": False}), "the next update makes it"
    assert database.state.credentials == {1: digest("word")}, "and so does a sweep"
    assert run(handler.read("org_1", WANTED, {})) == WANTED.model_dump(), "nobody knows"
    run(handler.delete("org_1", WANTED, {}))
    assert database.state.credentials == {}


def test_deleting_removes_both(handler: RedisUserHandler, database: FakeDatabase, users: FakePodUsers) -> None:
    run(handler.create(WANTED))
    for _ in range(2):
        run(handler.delete("org_1", WANTED, {}))
    assert (database.state.credentials, users.users) == ({}, {})


def test_both_go_with_the_organizations_row(backends: Backends, database: FakeDatabase, users: FakePodUsers) -> None:
    run(RedisUserHandler(backends).create(WANTED))
    run(OrganizationRowHandler(backends).delete("1", ACME, {}))
    assert (database.state.credentials, users.users) == ({}, {})


def test_state_that_names_no_redis_says_what_to_set_and_still_gives_up_its_rows(database: FakeDatabase) -> None:
    backends = Backends(FakeCluster(), database)
    run(OrganizationRowHandler(backends).create(ACME))
    with pytest.raises(ProviderError, match="redis_operator_url"):
        run(RedisUserHandler(backends).create(WANTED))
    run(OrganizationRowHandler(backends).delete("1", ACME, {}))


def test_the_password_leaves_the_provider_as_a_secret_only(handler: RedisUserHandler) -> None:
    provider = TenancyProvider()
    provider._handlers = {"RedisUser": handler}
    urn = "urn:pulumi:dev::agent-ready-k8s::tenancy:index:RedisUser::x"
    made = run(provider.create(p.CreateRequest(urn, properties(WANTED.model_dump()), 0, preview=False))).properties
    assert {key for key, value in (made or {}).items() if value.is_secret} == {"password"}


def test_a_flag_that_a_refresh_found_false_makes_the_next_update_act(handler: RedisUserHandler) -> None:
    provider = TenancyProvider()
    provider._handlers = {"RedisUser": handler}
    urn = "urn:pulumi:dev::agent-ready-k8s::tenancy:index:RedisUser::x"
    wanted, was = properties(WANTED.model_dump()), properties({**WANTED.model_dump(), "in_force": False})
    answer = run(provider.diff(p.DiffRequest(urn, "org_1", was, wanted, [])))
    assert (answer.changes, answer.replaces) == (True, [])
