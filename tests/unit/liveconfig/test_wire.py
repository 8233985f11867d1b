"""The wire format: organization, key and version and nothing else; what is no hint is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveconfig.wire import Hint, WireError, parse

words = st.text("abz09_", max_size=62).map(lambda rest: f"s{rest}")
hints = st.builds(Hint, st.integers(0, 2**63 - 1), words, words, st.integers(1, 10**19 - 1))
repeatable = settings(deadline=None, max_examples=100, derandomize=True, database=None)


@repeatable
@given(hints)
def test_every_hint_survives_the_wire(hint: Hint) -> None:
    assert parse(hint.channel, hint.payload) == hint, "what is published must be read back"


@repeatable
@given(hints, hints)
def test_two_settings_never_share_a_channel(one: Hint, other: Hint) -> None:
    same = (one.org_id, one.service, one.key) == (other.org_id, other.service, other.key)
    assert (one.channel == other.channel) == same, "a pod may only hear of its own settings"


@repeatable
@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_either_a_hint_or_refused(channel: str, payload: str) -> None:
    try:
        parse(channel, payload)
    except WireError:
        return
    raise AssertionError(f"{channel!r} {payload!r} is no hint")


def test_the_format_is_the_contracts() -> None:
    hint = Hint(7, "ai", "threshold", 3)
    assert (hint.channel, hint.payload) == ("config:7:ai:threshold", "version=3"), "DESIGN.md, Redis"


def test_the_platforms_own_defaults_are_organization_zero() -> None:
    assert Hint(0, "ai", "x", 1).channel == "config:0:ai:x", "DESIGN.md: org id 0"


@pytest.mark.parametrize(
    "word",
    ["", "ai:x", "ai*", "ai?", "ai[a]", "ai x", "9ai", "_ai", "-ai", ".ai", "é", "x" * 64, "ai/x", "\u0430i"],
)
def test_a_service_or_key_that_could_reach_another_channel_is_refused(word: str) -> None:
    for make, what in ((lambda: Hint(1, word, "key", 1), "service"), (lambda: Hint(1, "service", word, 1), "key")):
        with pytest.raises(WireError, match=f"is no {what}; use ") as refused:
            make()
        assert repr(word) in str(refused.value), "the text names the value"


@pytest.mark.parametrize("word", ["A", "Ai", "dark-mode", "darkMode", "v2.dark_mode"])
def test_a_key_is_spelled_as_flags_are_a_service_is_not(word: str) -> None:
    assert parse(f"config:1:features:{word}", "version=1") == Hint(1, "features", word, 1), "it survives the wire"
    with pytest.raises(WireError, match="is no service"):
        Hint(1, word, "key", 1)


@pytest.mark.parametrize(("org_id", "version"), [(-1, 1), (1, 0), (1, -1)])
def test_numbers_below_the_first_are_refused(org_id: int, version: int) -> None:
    with pytest.raises(WireError, match="both count up, the version from 1"):
        Hint(org_id, "ai", "x", version)


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("config:1:ai:x", "version=0"),
        ("config:1:ai:x", "version=-1"),
        ("config:1:ai:x", "version=01"),
        ("config:1:ai:x", "version=1.0"),
        ("config:1:ai:x", "version="),
        ("config:1:ai:x", "Version=1"),
        ("config:1:ai:x", " version=1"),
        ("config:1:ai:x", "version=1 "),
        ("config:1:ai:x", "version=1 value=secret"),
        ("config:1:ai:x", '{"version": 1}'),
        ("config:1:ai:x", "version=" + "9" * 20),
        ("config:1:ai:x", ""),
        ("config:1:ai", "version=1"),
        ("config:1:ai:x:y", "version=1"),
        ("config::ai:x", "version=1"),
        ("config:-1:ai:x", "version=1"),
        ("config:one:ai:x", "version=1"),
        ("config:1.0:ai:x", "version=1"),
        ("config: 1:ai:x", "version=1"),
        ("other:1:ai:x", "version=1"),
        ("config:1:AI:x", "version=1"),
        ("config:1:ai:x*", "version=1"),
        ("config:1::x", "version=1"),
        ("config:*:ai:x", "version=1"),
        ("CONFIG:1:ai:x", "version=1"),
        ("", "version=1"),
    ],
)
def test_what_is_no_hint_is_refused(channel: str, payload: str) -> None:
    with pytest.raises(WireError):
        parse(channel, payload)


def test_the_refusal_shows_what_was_expected() -> None:
    with pytest.raises(WireError, match=r"expected config:<org>:<service>:<key> version=<n>"):
        parse("hello", "world")


@pytest.mark.parametrize(("channel", "payload"), [("config:1:ai:x", "version=1\n"), ("config:1:ai:x\n", "version=1")])
def test_a_final_newline_is_not_part_of_a_hint(channel: str, payload: str) -> None:
    with pytest.raises(WireError):
        parse(channel, payload)


@pytest.mark.parametrize(
    ("channel", "payload"),
    [("config:٣:ai:x", "version=1"), ("config:1:ai:x", "version=1٣"), ("config:007:ai:x", "version=1")],
)
def test_a_number_has_one_spelling(channel: str, payload: str) -> None:
    with pytest.raises(WireError):
        parse(channel, payload)
