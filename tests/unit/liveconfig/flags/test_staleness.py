"""Which flags could go, and why; nothing is reported that somebody still needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from liveconfig.flags import Stale, Usage, Why, stale

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LONG = NOW - timedelta(days=90)
LATE = NOW - timedelta(days=40)
FRESH = NOW - timedelta(days=1)
RULES = {"if": [{"==": [{"var": "plan"}, "pro"]}, "on", "off"]}


def boolean(**parts: Any) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", **parts}


def judged(definition: Any, usage: Usage | None = None, **more: Any) -> Stale | None:
    found = stale({"flag": definition}, {"flag": usage} if usage else {}, NOW, **more)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("expires", "since"),
    [
        ("2026-11-25", NOW),
        ("2026-11-24T23:00:00+00:00", NOW - timedelta(hours=1)),
        ("2026-11-25T01:00:00+02:00", NOW - timedelta(hours=1)),
        (int(LONG.timestamp()), LONG),
    ],
)
def test_a_flag_is_stale_from_its_own_date(expires: Any, since: datetime) -> None:
    found = judged(boolean(metadata={"expires": expires, "permanent": True}, targeting=RULES))
    assert found == Stale("flag", Why.EXPIRED, since)


@pytest.mark.parametrize("expires", ["2026-11-26", "soon", True, 1e300, ""])
def test_a_date_to_come_or_none_at_all_says_nothing(expires: Any) -> None:
    assert judged(boolean(metadata={"expires": expires})) is None


@pytest.mark.parametrize(
    ("parts", "variant"),
    [
        ({}, "off"),
        ({"targeting": {}}, "off"),
        ({"state": "DISABLED", "targeting": RULES}, None),
        ({"defaultVariant": None}, None),
        ({"targeting": {"if": [{"var": "x"}, "off", None]}}, "off"),
        ({"targeting": {"if": [{"$ref": "shared"}, "on", "on"]}}, "on"),
        ({"targeting": {"fractional": [["on", 1], ["on", 2]]}, "defaultVariant": "on"}, "on"),
    ],
)
def test_a_definition_with_one_answer_for_long_is_stale(parts: dict[str, Any], variant: str | None) -> None:
    definition, shared = boolean(**parts), {"shared": RULES}
    assert judged(definition, Usage(LONG), evaluators=shared) == Stale("flag", Why.ONE_VARIANT, LONG, variant)
    assert judged(definition, Usage(FRESH)) is None, "it has just changed"
    assert judged(definition) is None, "nothing is known of its age"
    assert judged(boolean(**parts, metadata={"permanent": True}), Usage(LONG)) is None, "a kill switch"
    assert judged(definition, Usage(FRESH), evaluators=shared, after=timedelta(hours=1)) is not None


@pytest.mark.parametrize(
    "parts",
    [
        {"targeting": RULES},
        {"targeting": {"if": [{"var": "x"}, "on"]}},
        {"targeting": {"fractional": [["on", 1], ["off", 2]]}},
        {"targeting": {"cat": ["o", {"var": "x"}]}},
        {"targeting": {"if": [True, "on"]}, "prerequisites": [{"flag": "a", "variant": "on"}]},
        {"targeting": {"$ref": "shared"}},
        {"targeting": {"nope": 1}},
    ],
)
def test_a_definition_with_several_answers_is_judged_by_its_use(parts: dict[str, Any]) -> None:
    definition, evaluators = boolean(**parts), {"shared": RULES}
    assert judged(definition, Usage(LONG), evaluators=evaluators) is None, "its use is not counted"
    both = Usage(LONG, LONG, {"on": FRESH, "off": FRESH})
    assert judged(definition, both, evaluators=evaluators) is None


def test_one_variant_for_all_for_long_is_stale() -> None:
    found = judged(boolean(targeting=RULES), Usage(LONG, LONG, {"on": FRESH, "off": LATE}))
    assert found == Stale("flag", Why.ONE_SERVED, LATE, "on"), "since the other was served last"
    assert judged(boolean(targeting=RULES), Usage(LONG, FRESH, {"on": FRESH})) is None, "counted for a day only"


def test_a_flag_that_nobody_asks_is_stale() -> None:
    assert judged(boolean(targeting=RULES), Usage(LONG, LONG)) == Stale("flag", Why.UNUSED, LONG)
    assert judged(boolean(targeting=RULES), Usage(LONG, LONG, {"on": LATE})) == Stale("flag", Why.UNUSED, LATE)


def test_the_report_is_sorted_by_key() -> None:
    flags = {key: boolean() for key in ("c", "a", "b")}
    assert [found.key for found in stale(flags, {key: Usage(LONG) for key in flags}, NOW)] == ["a", "b", "c"]
