"""The provider's calls: what counts as a change, what reaches which handler, and that a preview touches nothing."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pulumi.provider.experimental.provider as p
import pytest
from pulumi.provider.experimental.property_value import Computed, PropertyValue

from provider.handlers import Backends, Handler, Inputs
from provider.tenancy import ProviderError, TenancyProvider
from provider.wire import Plain, plain, properties
from tests.unit.cluster.fakes import FakeCluster
from tests.unit.database.fakes import FakeDatabase

T = TypeVar("T")
UNKNOWN = PropertyValue(Computed())


class ThingInputs(Inputs):
    """Inputs of a kind made for these tests."""

    name: str
    size: float = 1
    once: str | None = None
    tags: dict[str, str] = {}  # noqa: RUF012 - pydantic copies defaults


class ThingHandler(Handler[ThingInputs]):
    """Remembers what it was asked to do."""

    kind = "Thing"
    inputs = ThingInputs
    replace_on = frozenset({"name"})
    at_creation = frozenset({"once"})

    def __init__(self, backends: Backends) -> None:
        super().__init__(backends)
        self.done: list[tuple[Any, ...]] = []
        self.found: Plain | None = None

    async def create(self, wanted: ThingInputs) -> tuple[str, Plain]:
        self.done.append(("create", wanted))
        return "id-1", {"token": "t-1", "nothing": None}

    async def read(self, resource_id: str, known: ThingInputs, outputs: Plain) -> Plain | None:
        self.done.append(("read", resource_id, known, outputs))
        return self.found

    async def update(self, resource_id: str, wanted: ThingInputs, outputs: Plain) -> Plain:
        self.done.append(("update", resource_id, wanted, outputs))
        return {"token": "t-2"}

    async def delete(self, resource_id: str, known: ThingInputs, outputs: Plain) -> None:
        self.done.append(("delete", resource_id, known, outputs))


@pytest.fixture
def handler() -> ThingHandler:
    return ThingHandler(Backends(FakeCluster(), FakeDatabase()))


@pytest.fixture
def provider(handler: ThingHandler) -> TenancyProvider:
    made = TenancyProvider()
    made._handlers = {"Thing": handler}
    return made


def urn(kind: str = "Thing") -> str:
    return f"urn:pulumi:dev::agent-ready-k8s::tenancy:index:{kind}::x"


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


def diff(provider: TenancyProvider, old: Plain, new: dict[str, PropertyValue]) -> p.DiffResponse:
    return run(provider.diff(p.DiffRequest(urn(), "id-1", properties(old), new, [])))


# ---- diff ------------------------------------------------------------------------------------------------------------


def test_the_same_inputs_are_no_change_whatever_the_outputs_say(provider: TenancyProvider) -> None:
    found = diff(provider, {"name": "a", "size": 2, "token": "t-1"}, properties({"name": "a", "size": 2.0}))
    assert (found.changes, found.diffs, found.replaces) == (False, [], []), "a second up must change nothing"


def test_a_changed_input_is_an_update(provider: TenancyProvider) -> None:
    found = diff(provider, {"name": "a", "size": 1}, properties({"name": "a", "size": 2}))
    assert (found.changes, found.diffs, found.replaces) == (True, ["size"], []), "in place"
    assert found.detailed_diff is not None and found.detailed_diff["size"].kind == p.PropertyDiffKind.UPDATE, (
        "shown as update"
    )


@pytest.mark.parametrize(("old", "new"), [({}, {"once": "a"}), ({"once": "a"}, {}), ({"once": "a"}, {"once": "b"})])
def test_an_input_that_counts_at_creation_is_no_change_later(provider: TenancyProvider, old: Plain, new: Plain) -> None:
    found = diff(provider, {"name": "a", **old}, properties({"name": "a", **new}))
    assert (found.changes, found.diffs, found.replaces) == (False, [], []), "what was imported stays imported"


def test_a_changed_key_input_is_a_replacement_and_never_both_at_once(provider: TenancyProvider) -> None:
    found = diff(provider, {"name": "a", "size": 1}, properties({"name": "b", "size": 2}))
    assert (sorted(found.diffs or []), found.replaces) == (["name", "size"], ["name"]), "only the key replaces"
    assert found.delete_before_replace is True, "a slug or a namespace cannot exist twice"
    assert found.detailed_diff is not None and found.detailed_diff["name"].kind == p.PropertyDiffKind.UPDATE_REPLACE, (
        "shown so"
    )


def test_a_change_deep_inside_a_value_is_seen(provider: TenancyProvider) -> None:
    found = diff(provider, {"name": "a", "tags": {"x": "1"}}, properties({"name": "a", "tags": {"x": "2"}}))
    assert found.diffs == ["tags"], "labels and settings are maps"


def test_a_removed_input_is_a_change_but_a_removed_output_is_none(provider: TenancyProvider) -> None:
    found = diff(provider, {"name": "a", "size": 2, "token": "t-1"}, properties({"name": "a"}))
    assert found.diffs == ["size"], "token is an output: the program never gives it"


def test_a_new_input_is_a_change_and_a_null_is_none(provider: TenancyProvider) -> None:
    assert diff(provider, {"name": "a"}, properties({"name": "a", "size": 2})).diffs == ["size"], "given now"
    assert (
        diff(provider, {"name": "a"}, {**properties({"name": "a"}), "token": PropertyValue(None)}).changes is False
    ), "an output that the program declares as null is no change"


def test_an_emptied_map_is_a_change(provider: TenancyProvider) -> None:
    assert diff(provider, {"name": "a", "tags": {"x": "1"}}, properties({"name": "a", "tags": {}})).diffs == ["tags"], (
        "emptied"
    )


@pytest.mark.parametrize("old", [{"name": "a", "size": 2}, {"name": "a"}])
@pytest.mark.parametrize("unknown", [UNKNOWN, PropertyValue({"deep": UNKNOWN})])
def test_a_value_that_is_not_known_yet_counts_as_changed(
    provider: TenancyProvider, old: Plain, unknown: PropertyValue
) -> None:
    found = diff(provider, old, {**properties({"name": "a"}), "size": unknown})
    assert found.diffs == ["size"], "the preview must show what may happen"


def test_a_key_that_is_not_known_yet_replaces(provider: TenancyProvider) -> None:
    assert diff(provider, {"name": "a"}, {"name": UNKNOWN}).replaces == ["name"], "the preview must show the worst"


def test_another_password_or_path_of_the_provider_replaces_nothing(provider: TenancyProvider) -> None:
    request = p.DiffRequest(urn(), "x", properties({"database_url": "a"}), properties({"database_url": "b"}), [])
    assert run(provider.diff_config(request)).changes is None, "a rotated password must not replace every organization"


# ---- check -----------------------------------------------------------------------------------------------------------


def check(provider: TenancyProvider, inputs: dict[str, PropertyValue]) -> p.CheckResponse:
    return run(provider.check(p.CheckRequest(urn(), {}, inputs, b"")))


def test_good_inputs_pass_unchanged(provider: TenancyProvider) -> None:
    inputs = properties({"name": "a", "size": 2})
    answer = check(provider, inputs)
    assert (answer.inputs, answer.failures) == (inputs, []), "nothing is defaulted behind the program's back"


def test_bad_inputs_are_failures_with_their_path(provider: TenancyProvider) -> None:
    answer = check(provider, properties({"size": "big", "colour": "red", "tags": {"x": 1}}))
    assert sorted(failure.property for failure in answer.failures or []) == ["colour", "name", "size", "tags.x"], (
        "each by path"
    )


def test_inputs_that_are_not_known_yet_are_checked_later(provider: TenancyProvider) -> None:
    assert check(provider, {"name": UNKNOWN, "colour": PropertyValue("red")}).failures == [], (
        "a preview knows too little"
    )


def test_what_is_secret_is_marked_although_it_is_not_known_yet(provider: TenancyProvider) -> None:
    request = p.CheckRequest(urn("RedisUser"), {}, {"org_id": UNKNOWN, "password": UNKNOWN}, b"")
    inputs = run(provider.check(request)).inputs or {}
    assert inputs["password"].is_secret, "the program's mark is lost with a value that is not known; policies need it"
    assert not inputs["org_id"].is_secret


# ---- create, read, update, delete ------------------------------------------------------------------------------------


def test_creating_hands_typed_inputs_over_and_stores_inputs_and_outputs(
    provider: TenancyProvider, handler: ThingHandler
) -> None:
    answer = run(provider.create(p.CreateRequest(urn(), properties({"name": "a"}), 0, preview=False)))
    assert handler.done == [("create", ThingInputs(name="a"))], "typed at the edge, once"
    assert answer.resource_id == "id-1", "the handler's id"
    assert plain(answer.properties or {}) == {"name": "a", "size": 1, "tags": {}, "token": "t-1"}, "nulls are left out"


def test_previewing_a_creation_calls_nothing(provider: TenancyProvider, handler: ThingHandler) -> None:
    inputs = {"name": UNKNOWN}
    answer = run(provider.create(p.CreateRequest(urn(), inputs, 0, preview=True)))
    assert handler.done == [], "a preview changes nothing"
    assert (answer.resource_id, answer.properties) == ("", inputs), "no id before there is one"


def test_updating_keeps_the_old_outputs_within_reach(provider: TenancyProvider, handler: ThingHandler) -> None:
    olds, news = properties({"name": "a", "size": 1, "token": "t-1"}), properties({"name": "a", "size": 2})
    answer = run(provider.update(p.UpdateRequest(urn(), "id-1", olds, news, 0, [], preview=False)))
    assert handler.done == [("update", "id-1", ThingInputs(name="a", size=2), {"token": "t-1"})], (
        "inputs and outputs apart"
    )
    assert plain(answer.properties or {}) == {"name": "a", "size": 2, "tags": {}, "token": "t-2"}, "the new state"


def test_previewing_an_update_calls_nothing_and_shows_the_old_outputs(
    provider: TenancyProvider, handler: ThingHandler
) -> None:
    olds, news = properties({"name": "a", "token": "t-1"}), {"name": PropertyValue("a"), "size": UNKNOWN}
    answer = run(provider.update(p.UpdateRequest(urn(), "id-1", olds, news, 0, [], preview=True)))
    assert handler.done == [], "a preview changes nothing"
    assert answer.properties == {**olds, **news}, "dependents see the outputs that will stay"


def test_reading_gives_the_live_state_and_its_inputs(provider: TenancyProvider, handler: ThingHandler) -> None:
    handler.found = {"name": "a", "size": 5, "token": "t-9"}
    answer = run(provider.read(p.ReadRequest(urn(), "id-1", properties({"name": "a", "size": 1, "token": "t-1"}), {})))
    assert handler.done == [("read", "id-1", ThingInputs(name="a", size=1), {"token": "t-1"})], (
        "inputs and outputs apart"
    )
    assert answer.resource_id == "id-1", "it is there"
    assert plain(answer.properties or {}) == handler.found, "drift is in the state"
    assert plain(answer.inputs or {}) == {"name": "a", "size": 5}, "and in the inputs, so that the next update acts"


def test_reading_what_is_gone_answers_no_id(provider: TenancyProvider) -> None:
    answer = run(provider.read(p.ReadRequest(urn(), "id-1", properties({"name": "a"}), {})))
    assert answer.resource_id == "", "the engine then creates it again"


def test_importing_by_id_alone_says_what_is_needed_and_what_to_do_instead(
    provider: TenancyProvider, handler: ThingHandler
) -> None:
    with pytest.raises(
        ProviderError, match=r"Thing 'id-1' cannot be read by its id alone; reading needs name\."
    ) as refused:
        run(provider.read(p.ReadRequest(urn(), "id-1", {}, {})))
    assert "imported by `adopt`" in str(refused.value), "the text gives the way in"
    assert handler.done == [], "nothing is read by half of what it needs"


def test_deleting_hands_over_id_inputs_and_outputs(provider: TenancyProvider, handler: ThingHandler) -> None:
    run(provider.delete(p.DeleteRequest(urn(), "id-1", properties({"name": "a", "token": "t-1"}), 0)))
    assert handler.done == [("delete", "id-1", ThingInputs(name="a"), {"token": "t-1"})], "all that is needed to delete"


# ---- what it does not have -------------------------------------------------------------------------------------------


def test_an_unknown_kind_is_refused_with_the_kinds_that_exist(provider: TenancyProvider) -> None:
    with pytest.raises(ProviderError, match=r"'tenancy:index:Other' is no resource of this provider; it has Thing"):
        run(provider.create(p.CreateRequest(urn("Other"), {}, 0, preview=False)))


def test_a_provider_without_configuration_says_so() -> None:
    with pytest.raises(ProviderError, match="has no kubeconfig or database_url yet; configure it first"):
        run(TenancyProvider().create(p.CreateRequest(urn(), {}, 0, preview=False)))


def test_configuring_with_values_that_are_not_known_yet_waits() -> None:
    provider = TenancyProvider()
    run(
        provider.configure(
            p.ConfigureRequest({}, {"kubeconfig": PropertyValue("/k"), "database_url": UNKNOWN}, True, True)
        )
    )
    with pytest.raises(ProviderError, match="configure it first"):
        run(provider.delete(p.DeleteRequest(urn(), "x", {}, 0)))


def test_configuring_connects_every_kind_that_the_resource_classes_name(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr("provider.tenancy.ClusterApi", lambda path: made.append(path) or FakeCluster())
    monkeypatch.setattr("provider.tenancy.Database", lambda url: made.append(url) or FakeDatabase())
    monkeypatch.setattr("provider.tenancy.PodUsers", lambda url, ca_file: made.append((url, ca_file)))
    provider = TenancyProvider()
    named = {"kubeconfig": "/k", "database_url": "u", "redis_operator_url": "r", "redis_ca_file": "/ca"}
    run(provider.configure(p.ConfigureRequest({}, properties(named), True, True)))
    assert [str(value) for value in made] == ["/k", "u", "('r', '/ca')"], "one of each"
    assert set(provider._handlers) == {
        "DatabaseSchema",
        "AdmissionProof",
        "OrganizationRow",
        "NamespaceClaim",
        "ConfigDefaults",
        "DatabaseLogin",
        "RedisUser",
        "IsolationGate",
    }, "provider/resources.py registers these"


def test_the_schema_names_the_package() -> None:
    answer = run(TenancyProvider().get_schema(p.GetSchemaRequest(0, None, None)))
    assert '"name": "tenancy"' in (answer.schema or ""), "the engine asks for it"
