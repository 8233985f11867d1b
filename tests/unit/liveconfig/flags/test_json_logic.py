"""JSON Logic's operators: one table each, with JavaScript's loose semantics (checked against the reference by hand)."""

import math
from typing import Any

import pytest

from liveconfig.flags.compiling import Compiler
from liveconfig.flags.operators import JSON_LOGIC
from liveconfig.flags.rules import Run

DATA = {
    "a": 1,
    "null": None,
    "empty": "",
    "email": "ada@example.com",
    "user": {"name": "Ada", "tags": ["x", "y"]},
    "list": [1, 2, 3],
    "mixed": [1, "1", None, [4]],
}


def result(rule: Any, data: Any = DATA) -> Any:
    compiler = Compiler({})
    node = compiler.compile(rule, "rule")
    assert not [problem for problem in compiler.problems if problem.fatal], compiler.problems
    return node.rule(data, Run("flag", data if isinstance(data, dict) else {}, 0))


Table = list[tuple[Any, Any]]

TABLES: dict[str, Table] = {
    "values": [(True, True), (3.5, 3.5), ("x", "x"), (None, None), ([1, {"var": "a"}], [1, 1]), ({}, {})],
    "var": [
        ({"var": "a"}, 1),
        ({"var": ["a"]}, 1),
        ({"var": "user.name"}, "Ada"),
        ({"var": "user.tags.1"}, "y"),
        ({"var": "user.tags.2"}, None),
        ({"var": "user.tags.-1"}, None),
        ({"var": "user.tags.01"}, None),
        ({"var": "no"}, None),
        ({"var": ["no", 7]}, 7),
        ({"var": ["no", {"var": "a"}]}, 1),
        ({"var": ["user.no.deeper", "x"]}, "x"),
        ({"var": ["null", "x"]}, None),
        ({"var": ["null.deeper", "x"]}, "x"),
        ({"var": {"cat": ["user", ".name"]}}, "Ada"),
        ({"var": ""}, DATA),
        ({"var": []}, DATA),
        ({"var": None}, DATA),
        ({"map": [{"var": "list"}, {"var": "a"}]}, [None, None, None]),
        ({"map": [[["p", "q"]], {"var": 1}]}, ["q"]),
    ],
    "missing": [
        ({"missing": ["a", "no", "empty", "null", "user.name"]}, ["no", "empty", "null"]),
        ({"missing": "no"}, ["no"]),
        ({"missing": [{"merge": ["a", "no"]}]}, ["no"]),
        ({"missing": []}, []),
    ],
    "missing_some": [
        ({"missing_some": [1, ["a", "no"]]}, []),
        ({"missing_some": [2, ["a", "no", "neither"]]}, ["no", "neither"]),
        ({"missing_some": [1, "no"]}, ["no"]),
    ],
    "if": [
        ({"if": [True, "yes", "no"]}, "yes"),
        ({"if": [False, "yes", "no"]}, "no"),
        ({"if": [False, "yes"]}, None),
        ({"if": [False, 1, False, 2, 3]}, 3),
        ({"if": [False, 1, "x", 2, 3]}, 2),
        ({"if": ["only"]}, "only"),
        ({"if": []}, None),
        ({"if": [[], 1, 2]}, 2),
        ({"if": [{}, 1, 2]}, 1),
        ({"if": ["0", 1, 2]}, 1),
        ({"if": [0, 1, 2]}, 2),
        ({"?:": [1, "yes", "no"]}, "yes"),
    ],
    "and or": [
        ({"and": [1, "x", 3]}, 3),
        ({"and": [1, "", 3]}, ""),
        ({"and": []}, None),
        ({"or": [0, "", "x", 3]}, "x"),
        ({"or": [0, False]}, False),
        ({"or": []}, None),
    ],
    "truth": [
        ({"!": True}, False),
        ({"!": [[]]}, True),
        ({"!": []}, True),
        ({"!": ["0"]}, False),
        ({"!!": [{}]}, True),
        ({"!!": [math.nan]}, False),
        ({"!!": [None]}, False),
        ({"!!": [-1]}, True),
    ],
    "==": [
        ({"==": [1, 1.0]}, True),
        ({"==": [1, "1"]}, True),
        ({"==": ["1", 1]}, True),
        ({"==": [" 1 ", 1]}, True),
        ({"==": ["0x1f", 31]}, True),
        ({"==": ["", 0]}, True),
        ({"==": [True, 1]}, True),
        ({"==": [True, "1"]}, True),
        ({"==": [True, "true"]}, False),
        ({"==": [None, None]}, True),
        ({"==": [None, 0]}, False),
        ({"==": [None, False]}, False),
        ({"==": [None, ""]}, False),
        ({"==": [[1], 1]}, True),
        ({"==": [[1, 2], "1,2"]}, True),
        ({"==": [[1], [1]]}, False),
        ({"==": [{"var": "list"}, {"var": "list"}]}, True),
        ({"==": ["abc", math.nan]}, False),
        ({"==": [math.nan, math.nan]}, False),
        ({"==": [{"var": "email"}, "ada@example.com"]}, True),
        ({"==": ["ada@example.com", {"var": "email"}]}, True),
        ({"==": [{"var": "a"}, "1"]}, True),
        ({"==": [2**64, 2**64 + 1]}, False),
        ({"==": [{"var": "user"}, "[object Object]"]}, True),
        ({"!=": [1, "1"]}, False),
        ({"!=": [1, 2]}, True),
    ],
    "===": [
        ({"===": [1, 1.0]}, True),
        ({"===": [1, "1"]}, False),
        ({"===": [1, True]}, False),
        ({"===": [True, True]}, True),
        ({"===": [None, None]}, True),
        ({"===": [None, 0]}, False),
        ({"===": [{"var": "a"}, "1"]}, False),
        ({"!==": [1, "1"]}, True),
        ({"!==": ["x", "x"]}, False),
    ],
    "order": [
        ({"<": [1, 2]}, True),
        ({"<": ["2", 10]}, True),
        ({"<": ["2", "10"]}, False),
        ({"<": ["a", 1]}, False),
        ({"<": [None, 1]}, True),
        ({"<": [1]}, False),
        ({"<": [[2], "3"]}, True),
        ({"<": [1, 5, 10]}, True),
        ({"<": [1, 1, 10]}, False),
        ({"<=": [1, 1, 10]}, True),
        ({"<=": [1, 11, 10]}, False),
        ({"<=": ["x", "x"]}, True),
        ({">": [2, 1]}, True),
        ({">": ["b", "a"]}, True),
        ({">": [{"var": "no"}, 0]}, False),
        ({">=": [1, 1]}, True),
        ({">=": ["x", 1]}, False),
    ],
    "arithmetic": [
        ({"+": [1, 2, 3]}, 6),
        ({"+": ["3.14"]}, 3.14),
        ({"+": ["3 apples", 1]}, 4),
        ({"+": []}, 0),
        ({"-": [5, 2]}, 3),
        ({"-": ["5"]}, -5),
        ({"-": ["3x", 1]}, math.nan),
        ({"*": [2, 3, "4"]}, 24),
        ({"*": ["x", 2]}, math.nan),
        ({"*": ["7"]}, "7"),
        ({"/": [7, 2]}, 3.5),
        ({"/": [1, 0]}, math.inf),
        ({"/": [-1, 0]}, -math.inf),
        ({"/": [0, 0]}, math.nan),
        ({"%": [7, 3]}, 1),
        ({"%": [-7, 3]}, -1),
        ({"%": [7, 0]}, math.nan),
        ({"+": [True, 1]}, math.nan),
        ({"-": [True, None]}, 1),
        ({"+": [10**400, 1]}, math.inf),
        ({"-": [-(10**400), 1]}, -math.inf),
        ({"+": ["9" * 5_000]}, math.inf),
        ({"-": ["9" * 5_000, 0]}, math.nan),
        ({"max": [1, "3", 2]}, 3),
        ({"max": [1, "x"]}, math.nan),
        ({"max": []}, -math.inf),
        ({"min": [1, None, 2]}, 0),
    ],
    "lists": [
        ({"map": [{"var": "list"}, {"*": [{"var": ""}, 2]}]}, [2, 4, 6]),
        ({"map": ["no list", 1]}, []),
        ({"filter": [{"var": "list"}, {">": [{"var": ""}, 1]}]}, [2, 3]),
        ({"filter": [{"var": "no"}, True]}, []),
        ({"reduce": [{"var": "list"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 10]}, 16),
        ({"reduce": [{"var": "no"}, 1, "start"]}, "start"),
        ({"reduce": [[], 1]}, None),
        ({"all": [{"var": "list"}, {">": [{"var": ""}, 0]}]}, True),
        ({"all": [[], True]}, False),
        ({"all": [{"var": "list"}, {">": [{"var": ""}, 1]}]}, False),
        ({"some": [{"var": "list"}, {"===": [{"var": ""}, 2]}]}, True),
        ({"some": [[], True]}, False),
        ({"none": [{"var": "list"}, {">": [{"var": ""}, 5]}]}, True),
        ({"none": [[], True]}, True),
        ({"merge": [[1], 2, [3, [4]]]}, [1, 2, 3, [4]]),
        ({"merge": []}, []),
    ],
    "in": [
        ({"in": ["Spring", "Springfield"]}, True),
        ({"in": ["x", "Springfield"]}, False),
        ({"in": ["Mike", ["Bob", "Mike"]]}, True),
        ({"in": [1, ["1"]]}, False),
        ({"in": [1, {"var": "mixed"}]}, True),
        ({"in": [None, {"var": "mixed"}]}, True),
        ({"in": ["x", None]}, False),
        ({"in": ["x", {"var": "user"}]}, False),
        ({"in": ["x", ""]}, False),
        ({"in": [1, "a1"]}, True),
        ({"in": [{"var": "email"}, ["ada@example.com", "eve@example.com"]]}, True),
        ({"in": [{"var": "no"}, ["ada@example.com"]]}, False),
    ],
    "texts": [
        ({"cat": ["I love", " ", 3.0, None, True]}, "I love 3true"),
        ({"cat": [1e21, " ", 1.5, " ", 1e-7, " ", 0.00001, " ", 2**60]}, "1e+21 1.5 1e-7 0.00001 1152921504606846976"),
        ({"cat": [math.nan, -math.inf, 10**400]}, "NaN-InfinityInfinity"),
        ({"cat": [[1, [2, None]], {"var": "user"}]}, "1,2,[object Object]"),
        ({"substr": ["jsonlogic", 4]}, "logic"),
        ({"substr": ["jsonlogic", -5]}, "logic"),
        ({"substr": ["jsonlogic", 1, 3]}, "son"),
        ({"substr": ["jsonlogic", 4, -2]}, "log"),
        ({"substr": ["jsonlogic", -99, 4]}, "json"),
        ({"substr": ["jsonlogic", 99]}, ""),
        ({"substr": ["jsonlogic", 0, None]}, ""),
        ({"substr": [12345, "1", 2]}, "23"),
        ({"log": ["apple"]}, "apple"),
    ],
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [pytest.param(*row, id=f"{name} {number}") for name, table in TABLES.items() for number, row in enumerate(table)],
)
def test_a_rule_gives_what_the_reference_gives(rule: Any, expected: Any) -> None:
    found = result(rule)
    if isinstance(expected, float) and math.isnan(expected):
        assert math.isnan(found), f"{rule} must be NaN, not {found!r}"
    else:
        assert found == expected and isinstance(found, bool) == isinstance(expected, bool), f"{rule} gives {found!r}"


def test_only_the_branch_that_is_taken_is_evaluated() -> None:
    endless = {"reduce": [{"map": [{"var": "list"}, 1]}, {"cat": ["x" * 60_000, "x" * 60_000]}, ""]}
    assert result({"if": [True, "taken", endless]}) == "taken"
    assert result({"or": ["first", endless]}) == "first"
    assert result({"and": [0, endless]}) == 0


def test_every_operator_of_json_logic_has_its_rows() -> None:
    shown = {operator for table in TABLES.values() for rule, _ in table if isinstance(rule, dict) for operator in rule}
    assert set(JSON_LOGIC) <= shown, f"{set(JSON_LOGIC) - shown} has no row"
