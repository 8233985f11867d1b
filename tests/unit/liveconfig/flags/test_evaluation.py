"""Reasons, error codes, types, prerequisites, reuse: what an evaluation answers, whatever it is given."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from liveconfig.flags import Details, ErrorCode, FlagSet, FlagType, Reason
from liveconfig.flags.flagset import MAX_PREREQUISITES
from liveconfig.flags.rules import MAX_DEPTH, MAX_NODES

ON_OFF = {"on": True, "off": False}


def boolean(**parts: Any) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": ON_OFF, "defaultVariant": "off", **parts}


def evaluated(definition: Any, context: Any = None, default: Any = False, type: FlagType | None = None) -> Details[Any]:
    return FlagSet({"flag": definition}).evaluate("flag", default, context, type)


MATCH = {"==": [{"var": "who"}, "ada"]}


@pytest.mark.parametrize(
    ("definition", "context", "value", "variant", "reason"),
    [
        (boolean(), {}, False, "off", Reason.STATIC),
        (boolean(targeting={}), {}, False, "off", Reason.STATIC),
        (boolean(targeting=None), {}, False, "off", Reason.STATIC),
        (boolean(targeting={"if": [MATCH, "on"]}), {"who": "ada"}, True, "on", Reason.TARGETING_MATCH),
        (boolean(targeting={"if": [MATCH, "on"]}), {"who": "eve"}, False, "off", Reason.DEFAULT),
        (boolean(targeting={"if": [MATCH, "on", "off"]}), {"who": "eve"}, False, "off", Reason.TARGETING_MATCH),
        (boolean(state="DISABLED"), {}, "code", None, Reason.DISABLED),
        (boolean(state="DISABLED", targeting={"if": [MATCH, "on"]}), {"who": "ada"}, "code", None, Reason.DISABLED),
        (boolean(defaultVariant=None), {}, "code", None, Reason.DEFAULT),
        (boolean(defaultVariant=""), {}, "code", None, Reason.DEFAULT),
        ({"state": "ENABLED", "variants": ON_OFF}, {}, "code", None, Reason.DEFAULT),
        (
            boolean(defaultVariant=None, targeting={"if": [MATCH, "on"]}),
            {"who": "ada"},
            True,
            "on",
            Reason.TARGETING_MATCH,
        ),
        (boolean(defaultVariant=None, targeting={"if": [MATCH, "on"]}), {}, "code", None, Reason.DEFAULT),
        (
            {"state": "ENABLED", "variants": {"true": 1, "false": 2}, "defaultVariant": False},
            {},
            2,
            "false",
            Reason.STATIC,
        ),
        (
            {"state": "ENABLED", "variants": {"true": 1, "false": 2}, "targeting": MATCH},
            {"who": "ada"},
            1,
            "true",
            Reason.TARGETING_MATCH,
        ),
        (
            {"state": "ENABLED", "variants": {"1": "one"}, "targeting": {"+": [1]}},
            {},
            "one",
            "1",
            Reason.TARGETING_MATCH,
        ),
    ],
)
def test_the_reason_says_why_this_value(
    definition: Any, context: Any, value: Any, variant: str | None, reason: Reason
) -> None:
    assert evaluated(definition, context, "code") == Details(value, variant, reason, None, None, {})


@pytest.mark.parametrize(
    ("definition", "context", "code", "part"),
    [
        ("no object", {}, ErrorCode.PARSE_ERROR, "'no object' is no flag"),
        ({}, {}, ErrorCode.PARSE_ERROR, "variants"),
        (boolean(state="ON"), {}, ErrorCode.PARSE_ERROR, "take ENABLED or DISABLED"),
        (boolean(variants={}), {}, ErrorCode.PARSE_ERROR, "variants"),
        (boolean(defaultVariant="purple"), {}, ErrorCode.PARSE_ERROR, "take 'on' or 'off'"),
        (boolean(defaultVariant=["on"]), {}, ErrorCode.PARSE_ERROR, "is no variant"),
        (boolean(targeting="on"), {}, ErrorCode.PARSE_ERROR, "is no rule"),
        (boolean(targeting={"nope": [1]}), {}, ErrorCode.PARSE_ERROR, "'nope' is no operator"),
        (
            boolean(targeting={"if": [False, {"fractionl": []}]}),
            {},
            ErrorCode.PARSE_ERROR,
            "did you mean 'fractional'?",
        ),
        (boolean(targeting={"$ref": "nobody"}), {}, ErrorCode.PARSE_ERROR, "no shared rule 'nobody'"),
        (boolean(prerequisites=["other"]), {}, ErrorCode.PARSE_ERROR, "prerequisites"),
        (boolean(targeting={"cat": ["purple"]}), {}, ErrorCode.GENERAL, "'purple', which is no variant"),
        (boolean(targeting={"merge": [["on"]]}), {}, ErrorCode.GENERAL, "no variant"),
        (boolean(targeting={"var": ""}), {}, ErrorCode.GENERAL, "no variant"),
        (boolean(targeting={"var": "x"}), ["no mapping"], ErrorCode.INVALID_CONTEXT, "give a mapping"),
        (boolean(targeting={"var": "x"}), "text", ErrorCode.INVALID_CONTEXT, "give a mapping"),
    ],
)
def test_an_error_is_the_default_and_a_code(definition: Any, context: Any, code: ErrorCode, part: str) -> None:
    details = evaluated(definition, context, "code")
    assert (details.value, details.variant, details.reason, details.error_code) == ("code", None, Reason.ERROR, code)
    assert part in (details.error_message or ""), details.error_message


def test_an_unknown_flag_and_a_key_that_is_none_are_errors() -> None:
    assert FlagSet({}).evaluate("flag", 7).error_code is ErrorCode.FLAG_NOT_FOUND
    assert FlagSet({"flag": boolean()}).evaluate(["flag"], 7).error_code is ErrorCode.GENERAL  # type: ignore[arg-type]


def test_an_invalid_flag_leaves_the_others_alone() -> None:
    flags = FlagSet({"good": boolean(), "bad": boolean(targeting={"nope": 1})})
    assert flags.evaluate("bad", True).reason is Reason.ERROR
    assert flags.evaluate("good", True) == Details(False, "off", Reason.STATIC, None, None, {})
    assert [str(problem) for problem in flags.problems("bad")] and not flags.problems("good")


VALUES: dict[str, Any] = {
    "boolean": True,
    "string": "hi",
    "integer": 10,
    "float": 0.5,
    "object": {"a": 1},
    "list": [1],
    "whole": 10.0,
    "large": 2**53 - 1,
    "huge": 10**400,
}
ALLOWED: dict[FlagType, dict[str, Any]] = {
    "boolean": {"boolean": True},
    "string": {"string": "hi"},
    "integer": {"integer": 10, "whole": 10, "large": 2**53 - 1, "huge": 10**400},
    "float": {"integer": 10.0, "float": 0.5, "whole": 10.0, "large": float(2**53 - 1)},
    "object": {"object": {"a": 1}, "list": [1]},
}


@pytest.mark.parametrize("kind", ALLOWED)
@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_the_type_asked_for_or_is_a_mismatch(kind: FlagType, name: str) -> None:
    definition = {"state": "ENABLED", "variants": {"it": VALUES[name]}, "defaultVariant": "it"}
    details = evaluated(definition, default="code", type=kind)
    if name in ALLOWED[kind]:
        expected = ALLOWED[kind][name]
        assert details.value == expected and type(details.value) is type(expected), "numbers convert without loss"
    else:
        assert (details.value, details.error_code) == ("code", ErrorCode.TYPE_MISMATCH), details
    assert evaluated(definition).value == VALUES[name], "without a type the value comes as it is"


def test_metadata_comes_with_every_answer() -> None:
    metadata = {"team": "shop", "version": 2, "ok": True, "share": 0.1}
    for definition in (
        boolean(metadata=metadata),
        boolean(metadata=metadata, state="DISABLED"),
        boolean(metadata=metadata, targeting={"x": 1}),
    ):
        assert evaluated(definition).metadata == metadata


def chain(*links: tuple[str, list[tuple[str, str]]]) -> dict[str, Any]:
    return {
        key: boolean(
            targeting={"if": [True, "on"]},
            prerequisites=[{"flag": other, "variant": variant} for other, variant in needs],
        )
        for key, needs in links
    }


def test_a_prerequisite_must_serve_its_variant_in_the_same_context() -> None:
    parent = boolean(targeting={"if": [MATCH, "on"]})
    flags = FlagSet({"parent": parent, **chain(("child", [("parent", "on")]), ("grandchild", [("child", "on")]))})
    for key in ("child", "grandchild"):
        assert flags.evaluate(key, False, {"who": "ada"}, "boolean").value is True
    refused = flags.evaluate("child", True, {"who": "eve"}, "boolean")
    assert (refused.value, refused.variant, refused.reason) == (False, "off", Reason.DEFAULT)
    assert refused.metadata == {"unmetPrerequisite": "parent"}


@pytest.mark.parametrize(
    "parent",
    [
        None,
        boolean(state="DISABLED"),
        boolean(),
        boolean(targeting={"nope": 1}),
        boolean(targeting={"cat": ["purple"]}),
    ],
)
def test_a_prerequisite_that_is_missing_off_or_in_error_is_not_met(parent: Any) -> None:
    flags = FlagSet({**chain(("child", [("parent", "on")])), **({"parent": parent} if parent else {})})
    assert flags.evaluate("child", True).variant == "off"


def test_prerequisites_that_go_round_in_a_circle_are_an_error_for_all_who_need_them() -> None:
    flags = FlagSet(chain(("a", [("b", "on")]), ("b", [("c", "on")]), ("c", [("b", "on")]), ("self", [("self", "on")])))
    for key in ("a", "b", "c", "self"):
        details = flags.evaluate(key, True)
        assert details.error_code is ErrorCode.PARSE_ERROR and "circle" in (details.error_message or ""), details


def test_prerequisites_are_asked_once_each_and_only_so_many() -> None:
    width = 2  # every flag of a level needs all of the next: 2**15 ways from top to bottom
    levels = [[f"{level}-{place}" for place in range(width)] for level in range(15)]
    diamond = [
        (key, [(other, "on") for other in levels[i + 1]]) for i, level in enumerate(levels[:-1]) for key in level
    ]
    flags = FlagSet(chain(*diamond, *((key, []) for key in levels[-1])))
    assert flags.evaluate("0-0", False).variant == "on"
    long = chain(*((f"{n}", [(f"{n + 1}", "on")]) for n in range(MAX_PREREQUISITES + 5)))
    details = FlagSet(long).evaluate("0", "code")
    assert (details.value, details.error_code) == ("code", ErrorCode.GENERAL), details


def test_shared_rules_may_use_shared_rules_but_not_themselves() -> None:
    evaluators = {"adult": {">=": [{"var": "age"}, 18]}, "guest": {"and": [{"$ref": "adult"}, MATCH]}}
    flags = FlagSet({"flag": boolean(targeting={"if": [{"$ref": "guest"}, "on"]})}, evaluators)
    assert flags.evaluate("flag", False, {"age": 18, "who": "ada"}).value is True
    assert flags.evaluate("flag", False, {"age": 17, "who": "ada"}).value is False
    circle = {"one": {"!": [{"$ref": "two"}]}, "two": {"!": [{"$ref": "one"}]}}
    details = FlagSet({"flag": boolean(targeting={"$ref": "one"})}, circle).evaluate("flag", False)
    assert details.error_code is ErrorCode.PARSE_ERROR and "one → two → one" in (details.error_message or "")


def test_a_new_set_compiles_only_what_changed() -> None:
    evaluators = {"shared": MATCH, "other": MATCH}
    definitions = {
        "plain": boolean(targeting={"if": [MATCH, "on"]}),
        "changed": boolean(),
        "sharing": boolean(targeting={"if": [{"$ref": "shared"}, "on"]}),
        "wanting": boolean(targeting={"$ref": "late"}),
    }
    old = FlagSet(definitions, evaluators)
    for key in definitions:
        old.evaluate(key, False)
    changed = {**evaluators, "shared": {"!": [MATCH]}, "late": {"if": [True, "on"]}}
    new = FlagSet({**definitions, "changed": boolean(defaultVariant="on")}, changed, previous=old)
    assert new._flags.keys() == {"plain"}, "the rest is compiled again when it is asked"
    assert new._flags["plain"] is old._flags["plain"]
    assert new.evaluate("changed", False).value is True
    assert new.evaluate("sharing", False).value is True, "its shared rule has changed"
    assert new.evaluate("wanting", False).value is True, "its shared rule is there now"
    assert old.evaluate("changed", True).value is False, "the old set stays as it was"


def test_a_set_is_not_changed_by_who_made_it() -> None:
    definitions = {"flag": boolean()}
    flags = FlagSet(definitions)
    definitions["other"] = boolean()
    assert "other" not in flags and list(flags) == ["flag"] and len(flags) == 1


def deep(levels: int) -> Any:
    rule: Any = True
    for _ in range(levels):
        rule = {"!": rule}
    return rule


def nested_list(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def laughs(levels: int) -> dict[str, Any]:
    """Shared rules that double themselves at every level."""
    evaluators: dict[str, Any] = {"0": {"var": "x"}}
    for level in range(1, levels):
        evaluators[str(level)] = {"and": [{"!": [{"$ref": str(level - 1)}]}, {"!": [{"$ref": str(level - 1)}]}]}
    return evaluators


EXPLODING = {"reduce": [{"var": "list"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "xx"]}
GROWING = {"reduce": [{"var": "list"}, {"merge": [{"var": "accumulator"}, {"var": "accumulator"}]}, [1]]}
SHARING = {"cat": [{"reduce": [{"var": "list"}, [{"var": "accumulator"}, {"var": "accumulator"}], 1]}]}
SQUARING = {"reduce": [{"var": "list"}, {"*": [{"var": "accumulator"}, {"var": "accumulator"}]}, 10**9]}
LOOPING = {"map": [{"var": "list"}, {"map": [{"var": "list"}, 1]}]}
NESTED = {"map": [{"var": "list"}, {"some": [[*range(900)], {"in": [-1, {"merge": [[*range(900)]]}]}]}]}


def over_text(rule: Any) -> Any:
    """Do this again and again with the same long text."""
    return {"reduce": [{"var": "list"}, {"if": [{"and": [rule, False]}, 1, {"var": "accumulator"}]}, {"var": "text"}]}


def over_list(rule: Any) -> Any:
    """Do this again and again with the same long list."""
    return {"reduce": [{"var": "list"}, {"if": [{"and": [rule, False]}, 1, {"var": "accumulator"}]}, {"var": "list"}]}


TOO_MUCH: dict[str, tuple[Any, Any]] = {
    "deep": (deep(MAX_DEPTH * 2), {}),
    "very deep": (deep(50_000), {}),
    "deep list": ({"in": [1, nested_list(50_000)]}, {}),
    "long list": ({"in": ["x", list(range(MAX_NODES + 1))]}, {}),
    "long lists": ({"and": [{"in": ["x", list(range(MAX_NODES // 2))]}] * 3}, {}),
    "laughs": ({"$ref": "39"}, laughs(40)),
    "many laughs": ({"$ref": "4999"}, laughs(5_000)),
    "text doubled": (EXPLODING, {}),
    "list doubled": (GROWING, {}),
    "list of itself twice": (SHARING, {}),
    "loop in loop": (LOOPING, {}),
    "search in loop in loop": (NESTED, {}),
    "number squared": (SQUARING, {}),
    "long texts": ({"map": [{"var": "list"}, {"cat": ["x" * 60_000]}]}, {}),
    "parts of long texts": (over_text({"substr": [{"var": "accumulator"}, 0]}), {}),
    "search in long texts": (over_text({"in": ["y", {"var": "accumulator"}]}), {}),
    "long texts in capitals": (over_text({"upper": [{"var": "accumulator"}]}), {}),
    "long keys": (over_text({"fractional": [{"var": "accumulator"}, ["on"]]}), {}),
    "long lists compared": (over_list({"==": [{"var": "accumulator"}, "x"]}), {}),
    "long lists as numbers": (over_list({"-": [{"var": "accumulator"}, 1]}), {}),
    "long lists searched": (over_list({"in": [-1, {"var": "accumulator"}]}), {}),
    "long lists as keys": (over_list({"fractional": [{"var": "accumulator"}, ["on"]]}), {}),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_would_take_too_much_is_an_error_at_once(name: str) -> None:
    targeting, evaluators = TOO_MUCH[name]
    flags = FlagSet({"flag": boolean(targeting=targeting)}, evaluators)
    began = time.process_time()
    details = flags.evaluate("flag", "code", {"list": list(range(2_000)), "text": "x" * 1_000_000})
    assert (details.value, details.reason) == ("code", Reason.ERROR), details
    assert time.process_time() - began < 2, "a rule must not hold up a pod"


def test_as_deep_as_allowed_still_works() -> None:
    assert evaluated(boolean(targeting={"if": [deep(MAX_DEPTH - 10), "on"]})).reason is not Reason.ERROR
    many = {"in": [{"var": "who"}, [f"user-{n}" for n in range(50_000)]]}
    assert evaluated(boolean(targeting={"if": [many, "on"]}), {"who": "user-49999"}).value is True


class Hostile(Mapping[str, Any]):
    """A context, and a value, that fail at everything."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("no item")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equality")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "rule", [{"var": "x"}, {"==": [{"var": "x"}, "a"]}, {"cat": [{"var": "x.y"}]}, {"in": [{"var": "x"}, {"var": "l"}]}]
)
def test_objects_that_fail_are_errors_not_exceptions(rule: Any) -> None:
    definition = boolean(targeting={"if": [rule, "on", {"var": "x"}]})
    for context in (Hostile(), {"x": Hostile(), "l": [Hostile()]}):
        assert evaluated(definition, context, "code").value in ("code", True, False)
    circle: list[Any] = []
    circle.append(circle)
    assert evaluated(definition, {"x": circle}, "code").reason in (Reason.ERROR, Reason.TARGETING_MATCH)
    assert FlagSet({"flag": Hostile()}).evaluate("flag", "code").reason is Reason.ERROR
