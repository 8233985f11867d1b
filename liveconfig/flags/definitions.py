"""One flag: from its definition as data to what is evaluated, and what is wrong with it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from liveconfig.flags.bucketing import Hashing
from liveconfig.flags.compiling import Compiler, Problem
from liveconfig.flags.loose import text
from liveconfig.flags.results import NO_METADATA, Metadata
from liveconfig.flags.rules import MAX_DEPTH, Rule, shown

_KEYS = ("state", "variants", "defaultVariant", "targeting", "metadata", "prerequisites")
_KINDS: list[tuple[type | tuple[type, ...], str]] = [
    (bool, "boolean"),
    (str, "string"),
    ((int, float), "number"),
    ((dict, list), "object"),
]
COMPUTED_OUTCOME: Any = object()
"""An outcome of a rule that only an evaluation knows."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A compiled flag. With a fatal problem nothing but `problems` and `metadata` counts."""

    enabled: bool
    variants: Mapping[str, Any]
    default_variant: str | None
    decide: Rule | None
    prerequisites: Sequence[tuple[str, str]]
    metadata: Metadata
    hashing: Hashing
    problems: Sequence[Problem]
    shared: Sequence[str]
    """The shared rules that it uses, by name."""

    @property
    def broken(self) -> Problem | None:
        """The first fatal problem."""
        return next((problem for problem in self.problems if problem.fatal), None)


def compiled(definition: Any, evaluators: Mapping[str, Any] | None) -> Flag:
    """Compile a definition, whatever it is. `evaluators` None: shared rules are not known, nor looked up."""
    compiler = Compiler(evaluators)
    if not isinstance(definition, dict):
        compiler.report("", f"{shown(definition)} is no flag; a flag is an object with state and variants")
        definition = {}
    else:
        _report_keys(definition, compiler)
    variants = _variants(definition.get("variants"), compiler)
    default_variant = _default_variant(definition.get("defaultVariant"), variants, compiler)
    decide = _targeting(definition, variants, compiler)
    metadata = _metadata(definition.get("metadata"), compiler)
    return Flag(
        enabled=_enabled(definition.get("state"), compiler),
        variants=variants,
        default_variant=default_variant,
        decide=decide,
        prerequisites=_prerequisites(definition, compiler),
        metadata=metadata,
        hashing="v2" if metadata.get("fractional") == "v2" else "v3",
        problems=tuple(compiler.problems),
        shared=tuple(compiler.shared),
    )


def variant_name(outcome: Any) -> str | None:
    """The variant that a rule's outcome names: a text itself, true and false "true" and "false", null none."""
    if outcome is None or isinstance(outcome, str):
        return outcome
    return text(outcome) if isinstance(outcome, bool | int | float) else shown(outcome)


def expiry(metadata: Metadata) -> datetime | None:
    """When `metadata.expires` says that the flag should be gone; None if it does not. A date counts from 00:00 UTC."""
    given = metadata.get("expires")
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given, UTC)
        moment = datetime.fromisoformat(given) if isinstance(given, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def outcomes(rule: Any, evaluators: Mapping[str, Any], level: int = 0) -> Iterator[Any]:
    """What a rule may come to, as far as it is written out; COMPUTED_OUTCOME for the rest."""
    if level > MAX_DEPTH or isinstance(rule, list | tuple):
        yield COMPUTED_OUTCOME
    elif not isinstance(rule, dict) or len(rule) != 1:
        yield rule
    else:
        ((operator, given),) = rule.items()
        yield from _operator_outcomes(operator, given if isinstance(given, list) else [given], evaluators, level)


def _operator_outcomes(operator: Any, args: list[Any], evaluators: Mapping[str, Any], level: int) -> Iterator[Any]:
    if operator in ("if", "?:"):
        branches = [*args[1::2], *(args[-1:] if len(args) % 2 else [None])]
    elif operator == "fractional":
        branches = [*(arg[0] for arg in args if isinstance(arg, list) and arg), None]  # null without a key
    elif operator == "$ref" and args and isinstance(args[0], str) and args[0] in evaluators:
        branches = [evaluators[args[0]]]
    else:
        branches = [[]]
    for branch in branches:
        yield from outcomes(branch, evaluators, level + 1)


def _report_keys(definition: Mapping[Any, Any], compiler: Compiler) -> None:
    for key in definition:
        near = get_close_matches(str(key)[:50], _KEYS, 1, 0.8) if key not in _KEYS else []
        if near:
            compiler.report("", f"{shown(key)} means nothing; did you mean {near[0]!r}?", fatal=False)


def _enabled(state: Any, compiler: Compiler) -> bool:
    if state not in ("ENABLED", "DISABLED"):
        compiler.report("state", f"{shown(state)} is no state; take ENABLED or DISABLED")
    return bool(state == "ENABLED")


def _variants(given: Any, compiler: Compiler) -> Mapping[str, Any]:
    if not isinstance(given, dict) or not given or not all(isinstance(name, str) for name in given):
        compiler.report(
            "variants", f'{shown(given)} are no variants; name each value, as in {{"on": true, "off": false}}'
        )
        return {}
    kinds = {name: _kind(value) for name, value in given.items()}
    for name, kind in kinds.items():
        if kind is None:
            compiler.report(f"variants/{name}", f"{shown(given[name])} can be no variant's value", fatal=False)
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{shown(name)} {kind}" for name, kind in list(kinds.items())[:10])
        compiler.report("variants", f"are of several types ({listed}); a flag has one type", fatal=False)
    return given


def _kind(value: Any) -> str | None:
    kind = next((kind for types, kind in _KINDS if isinstance(value, types)), None)
    return None if isinstance(value, float) and not math.isfinite(value) else kind


def _default_variant(given: Any, variants: Mapping[str, Any], compiler: Compiler) -> str | None:
    if given is None or given == "":
        return None
    name = variant_name(given) if isinstance(given, str | bool) else None
    if name is None or (variants and name not in variants):
        compiler.report(
            "defaultVariant", f"{shown(given)} is no variant; take {_listed(variants)}, or null for the code's default"
        )
        return None
    return name


def _targeting(definition: Mapping[str, Any], variants: Mapping[str, Any], compiler: Compiler) -> Rule | None:
    targeting = definition.get("targeting")
    if targeting is None or targeting == {}:
        return None
    if not isinstance(targeting, dict):
        compiler.report(
            "targeting", f'{shown(targeting)} is no rule; write an object such as {{"if": [condition, "on"]}}'
        )
        return None
    node = compiler.compile(targeting, "targeting")
    if any(problem.fatal for problem in compiler.problems):
        return None
    for outcome in outcomes(targeting, compiler.evaluators or {}):
        name = None if outcome is COMPUTED_OUTCOME else variant_name(outcome)
        if name is not None and name not in variants:
            compiler.report(
                "targeting", f"gives {shown(outcome)}, which is no variant; take {_listed(variants)}", fatal=False
            )
    return node.rule


def _listed(variants: Mapping[str, Any]) -> str:
    return " or ".join(shown(name) for name in list(variants)[:20]) or "one of the variants"


def _prerequisites(definition: Mapping[str, Any], compiler: Compiler) -> Sequence[tuple[str, str]]:
    given = definition.get("prerequisites")
    if given is None:
        return ()
    if not isinstance(given, list) or not all(_is_prerequisite(one) for one in given):
        compiler.report("prerequisites", f'{shown(given)} are none; write [{{"flag": "other", "variant": "on"}}]')
        return ()
    if given and not definition.get("targeting"):
        way_out = '{"if": [true, "on"]}'
        compiler.report("prerequisites", f"decide nothing without targeting; add it, such as {way_out}", fatal=False)
    return tuple((one["flag"], one["variant"]) for one in given)


def _is_prerequisite(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and set(one) == {"flag", "variant"}
        and all(isinstance(word, str) for word in one.values())
    )


def _metadata(given: Any, compiler: Compiler) -> Metadata:
    if given is None:
        return NO_METADATA
    if not isinstance(given, dict):
        compiler.report("metadata", f"{shown(given)} is no object", fatal=False)
        return NO_METADATA
    good = {key: value for key, value in given.items() if isinstance(key, str) and isinstance(value, str | int | float)}
    for key in given.keys() - good.keys():
        compiler.report(f"metadata/{key}", f"{shown(given[key])} is no text, number or boolean", fatal=False)
    if "expires" in good and expiry(good) is None:
        compiler.report("metadata/expires", f"{shown(good['expires'])} is no date; write 2026-12-31", fatal=False)
    if good.get("fractional", "v3") not in ("v2", "v3"):
        compiler.report("metadata/fractional", f"{shown(good['fractional'])} is no hashing; take v3 or v2", fatal=False)
    return good
