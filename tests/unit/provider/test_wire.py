"""Property values and plain values: nothing is lost on the way, what is not known yet is never taken for a value."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import Computed, PropertyValue

from provider.wire import Unknown, has_unknown, plain, properties

scalars = st.one_of(st.booleans(), st.floats(allow_nan=False), st.integers(-(2**53), 2**53), st.text(max_size=8))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
UNKNOWN = PropertyValue(Computed())


@settings(deadline=None, max_examples=100, derandomize=True, database=None)
@given(st.dictionaries(st.text(max_size=5), values, max_size=4))
def test_every_plain_value_survives_the_wire(found: dict[str, Any]) -> None:
    assert plain(properties(found)) == found, "state must read back as it was written"


def test_numbers_are_floats_on_the_wire_and_booleans_stay_booleans() -> None:
    wire = properties({"n": 3, "yes": True})
    assert (type(wire["n"].value), type(wire["yes"].value)) == (float, bool), "Pulumi knows numbers, not integers"


def test_tuples_are_lists_on_the_wire() -> None:
    assert plain(properties({"names": ("a", "b")})) == {"names": ["a", "b"]}, "inputs hold tuples, state holds lists"


def test_none_is_left_out_in_both_directions() -> None:
    assert properties({"a": None, "b": "x"}).keys() == {"b"}, "an output that there is not"
    assert plain({"a": PropertyValue(None), "b": PropertyValue("x")}) == {"b": "x"}, "an input that was not given"


def test_secrets_are_read_as_their_values() -> None:
    assert plain({"url": PropertyValue("postgresql://", is_secret=True)}) == {"url": "postgresql://"}, (
        "the handler needs it"
    )


@pytest.mark.parametrize(
    "value",
    [UNKNOWN, PropertyValue([PropertyValue("a"), UNKNOWN]), PropertyValue({"deep": PropertyValue({"er": UNKNOWN})})],
)
def test_an_unknown_value_is_seen_at_any_depth(value: PropertyValue) -> None:
    assert has_unknown({"known": PropertyValue("x"), "a": value}), "it must not be taken for a value"
    with pytest.raises(Unknown):
        plain({"a": value})


@pytest.mark.parametrize("value", ["", "x", [], {}, 0, False, None])
def test_an_empty_value_is_known(value: Any) -> None:
    assert not has_unknown(properties({"a": value})), "empty is not unknown"
