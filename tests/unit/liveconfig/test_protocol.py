"""Lines between pod and relay: what is said is read back, and what is none is refused without saying what it was."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveconfig.errors import ProtocolError
from liveconfig.health import Health, Status
from liveconfig.protocol import Hello, health_line, health_of, said, state_line, state_of
from liveconfig.snapshot import Change, Entry, State

repeatable = settings(deadline=None, max_examples=100, derandomize=True, database=None)
numbers = st.integers(0, 2**63 - 1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5,
)  # fmt: skip
entries = st.dictionaries(st.text(max_size=10), st.builds(Entry, values, numbers, numbers), max_size=3)
states = st.builds(
    State, numbers, st.lists(st.builds(Change, numbers, numbers, numbers, entries), max_size=3).map(tuple)
)


@repeatable
@given(states, st.none() | st.floats(0, 60))
def test_a_state_survives_the_line(state: State, seconds: float | None) -> None:
    line = state_line(state, seconds)
    assert line.count(b"\n") == 1 and line.endswith(b"\n"), "a value may hold a line break, a line may not"
    name, content = said(line)
    assert (name, state_of(content)) == ("state", (state, seconds))


def test_a_hello_and_a_health_survive_the_line() -> None:
    hello = Hello("org_7", "hush", 7, 3, 2, 1)
    name, content = said(hello.line())
    assert (name, Hello.of(content)) == ("hello", hello)
    health = Health(Status.STALE, "Redis: away")
    assert health_of(said(health_line(health))[1]) == health


@repeatable
@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_message_or_refused(line: bytes) -> None:
    try:
        _, content = said(line)
    except ProtocolError:
        return
    for read in (Hello.of, health_of, state_of):
        with pytest.raises(ProtocolError):
            read(content)


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"hello":' * 5000, b"\xff", b"NaN", b'{"a":1,"b":2}'])
def test_a_line_made_to_hurt_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        said(line)


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(ProtocolError) as refused:
        Hello.of({"user": "org_7", "password": "hush", "organization": "seven"})
    assert "hush" not in str(refused.value)
