"""Rules and contexts made by chance, right and wrong ones: an evaluation always gives a value of the type asked for."""

import random
from typing import Any, get_args

from liveconfig.flags import Details, FlagSet, FlagType, Reason, check
from liveconfig.flags.operators import OPERATORS

DEFAULTS: dict[FlagType, Any] = {"boolean": True, "string": "code", "integer": 7, "float": 0.5, "object": {"code": 1}}
TYPES: dict[FlagType, type | tuple[type, ...]] = {
    "boolean": bool,
    "string": str,
    "integer": int,
    "float": float,
    "object": (dict, list),
}
SCALARS: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, 1e308, 10**400, float("nan"), float("inf"), "", "0", "on", "off", "1.2.3", "a.b",
    "\ud800", "😀" * 3, "ENABLED",
]  # fmt: skip
NAMES = [
    "",
    "a",
    "a.b",
    "list",
    "list.0",
    "targetingKey",
    "$flagd",
    "$flagd.flagKey",
    "$flagd.timestamp",
    "no.such",
    "0",
]


def anything(chance: random.Random, depth: int) -> Any:
    kind = chance.random()
    if depth <= 0 or kind < 0.4:
        return chance.choice(SCALARS)
    if kind < 0.6:
        return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind < 0.65:
        return {chance.choice(["x", "on", "$ref"]): anything(chance, depth - 1) for _ in range(chance.randrange(3))}
    return rule(chance, depth)


def rule(chance: random.Random, depth: int) -> Any:
    operator = chance.choice(
        [*OPERATORS, "var", "if", "fractional", "$ref", *(["no operator"] if chance.random() < 0.05 else [])]
    )
    if operator == "var":
        return {"var": chance.choice(NAMES)}
    if operator == "$ref":
        return {"$ref": chance.choice(["shared", "other", "missing"][: 3 if chance.random() < 0.05 else 2])}
    if operator == "fractional" and chance.random() < 0.7:
        return {"fractional": [[chance.choice(["on", "off"]), chance.randrange(9)] for _ in range(3)]}
    given = [anything(chance, depth - 1) for _ in range(chance.randrange(5))]
    return {operator: given if chance.random() < 0.9 else anything(chance, depth - 1)}


def definition(chance: random.Random) -> Any:
    if chance.random() < 0.03:
        return anything(chance, 2)
    values = chance.choice([[True, False], ["x", "y"], [1, 2.0], [{"k": 1}, []], [anything(chance, 2), None]])
    made = {
        "state": chance.choice(["ENABLED"] * 9 + ["DISABLED"]),
        "variants": {"on": values[0], "off": values[1], "true": values[0], "false": values[1]},
        "defaultVariant": chance.choice(["on", "off", None, True]),
        "targeting": {"if": [rule(chance, 4), rule(chance, 3), chance.choice(["on", None, rule(chance, 2)])]},
    }
    if chance.random() < 0.1:
        made["prerequisites"] = [{"flag": f"flag-{chance.randrange(10)}", "variant": chance.choice(["on", "off"])}]
    if chance.random() < 0.1:
        made[chance.choice([*made, "metadata"])] = anything(chance, 2)
    return made


def context(chance: random.Random) -> Any:
    made = {"a": {"b": anything(chance, 1)}, "list": [anything(chance, 1) for _ in range(chance.randrange(6))]}
    made["targetingKey"] = chance.choice(["ada", "eve", "bob", None, 7])
    return chance.choice([made, made, made, made, {}, None, "no context"])


def test_twenty_thousand_evaluations_give_a_value_of_the_type_asked_for() -> None:
    chance = random.Random(6)
    reasons = set()
    for _ in range(2_000):
        evaluators = {"shared": rule(chance, 3), "other": {"==": [{"var": "a.b"}, 1]}}
        definitions = {f"flag-{number}": definition(chance) for number in range(10)}
        flags = FlagSet(definitions, evaluators)
        for key, made in definitions.items():
            kind = chance.choice(get_args(FlagType))
            details: Details[Any] = flags.evaluate(key, DEFAULTS[kind], context(chance), kind)
            asked = isinstance(details.value, TYPES[kind]) and (
                kind == "boolean" or not isinstance(details.value, bool)
            )
            assert asked, (made, details)
            assert (details.error_code is not None) == (details.reason is Reason.ERROR), (made, details)
            assert details.reason is not Reason.ERROR or details.value is DEFAULTS[kind], (made, details)
            assert all(str(problem) for problem in check(made, evaluators))
            reasons.add((details.reason, details.error_code))
    assert {reason for reason, _ in reasons} == set(Reason), f"only {reasons} came up; the rules are too tame"


def test_the_same_question_has_the_same_answer() -> None:
    chance = random.Random(7)
    for _ in range(300):
        made, asked = definition(chance), context(chance)
        answers = {repr(FlagSet({"flag": made}, clock=lambda: 1.0).evaluate("flag", None, asked)) for _ in range(2)}
        assert len(answers) == 1, made
