"""How long the evaluation of a flag takes, in the pod: no server is needed."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from liveconfig.flags import FlagSet

AIM = 20.0  # microseconds, three rules
_CONTEXT = {"targetingKey": "user-4711", "country": "US", "email": "ada@acme.com", "version": "2.3.1", "plan": "pro"}
_RULES = {
    "no rule": None,
    "3 rules: in, ends_with, fractional": {
        "if": [
            {"in": [{"var": "country"}, ["DE", "FR"]]},
            "on",
            {"ends_with": [{"var": "email"}, "@example.com"]},
            "off",
            {"fractional": [["on", 10], ["off", 90]]},
        ]
    },
    "3 rules: sem_ver, ==, shared": {
        "if": [
            {"sem_ver": [{"var": "version"}, "<", "2.0.0"]},
            "off",
            {"==": [{"var": "plan"}, "free"]},
            "off",
            {"$ref": "pro"},
            "on",
        ]
    },
}
_SHARED = {"pro": {"and": [{"==": [{"var": "plan"}, "pro"]}, {"!": {"in": [{"var": "country"}, ["CU", "KP"]]}}]}}


def run(rounds: int = 20_000) -> tuple[str, list[dict[str, Any]]]:
    """The table as Markdown, and its rows: p50 and p99 in microseconds of so many evaluations each."""
    rows = [_measure(name, _evaluation(targeting), rounds) for name, targeting in _RULES.items()]
    rows.append(_measure("compiling a flag with 3 rules", _compilation(), rounds // 20))
    lines = [f"| {row['what']} | {row['p50']:.1f} µs | {row['p99']:.1f} µs |" for row in rows]
    title = f"### Flags (aim: an evaluation with 3 rules within {AIM:.0f} µs)"
    return "\n".join([title, "", "| what | p50 | p99 |", "| --- | --- | --- |", *lines, ""]), rows


def _definition(targeting: Any) -> dict[str, Any]:
    base = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    return {**base, "targeting": targeting} if targeting else base


def _evaluation(targeting: Any) -> Callable[[], object]:
    flags = FlagSet({"flag": _definition(targeting)}, _SHARED)
    assert flags.evaluate("flag", False, _CONTEXT, "boolean").error_code is None
    return lambda: flags.evaluate("flag", False, _CONTEXT, "boolean")


def _compilation() -> Callable[[], object]:
    definitions = {"flag": _definition(_RULES["3 rules: in, ends_with, fractional"])}
    return lambda: FlagSet(definitions, _SHARED).problems("flag")


def _measure(what: str, work: Callable[[], object], rounds: int) -> dict[str, Any]:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - began) / 1_000)
    cuts = statistics.quantiles(taken, n=100)
    return {"what": what, "p50": cuts[49], "p99": cuts[98], "rounds": rounds}
