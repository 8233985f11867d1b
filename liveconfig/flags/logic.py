"""The operators of JSON Logic, with the reference implementation's semantics; each is built from compiled arguments.

No operator fails on a value: what JavaScript would turn into NaN, null or false is that here. A missing argument of an
arithmetic or ordering operator counts as NaN.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from liveconfig.flags.loose import (
    NAN,
    at_most,
    bounded,
    equal,
    joined,
    leading_number,
    less,
    number,
    same,
    text,
    truthy,
)
from liveconfig.flags.rules import COMPUTED, Node, Operator, Report, Rule, Run, constant, shown

_log = logging.getLogger(__name__)
_ABSENT: Any = object()
_NULL = constant(None)


def look_up(data: Any, steps: Sequence[str]) -> Any:
    """Follow the steps into objects and lists; _ABSENT where there is nothing."""
    for step in steps:
        data = data.get(step, _ABSENT) if type(data) is dict else _member(data, step)
        if data is _ABSENT:
            break
    return data


def _member(data: Any, name: str) -> Any:
    if isinstance(data, Mapping):
        return data.get(name, _ABSENT)
    if isinstance(data, list | tuple | str) and name.isascii() and name.isdecimal() and len(name) < 10:
        return data[int(name)] if int(name) < len(data) and str(int(name)) == name else _ABSENT
    return _ABSENT


def _steps(key: Any) -> list[str]:
    return [] if key is None or key == "" else text(key).split(".")


def _rule(args: Sequence[Node], position: int, missing: Any = None) -> Rule:
    return args[position].rule if position < len(args) else constant(missing)


def _var(args: Sequence[Node], report: Report) -> Rule:
    key = args[0].value if args else None
    if key is COMPUTED:
        return _computed_var(args[0].rule, _rule(args, 1))
    steps = _steps(key)
    if steps[:1] == ["$flagd"] and ".".join(steps[1:]) not in ("flagKey", "timestamp"):
        report(f"{shown(key)} does not exist; of flagd there are $flagd.flagKey and $flagd.timestamp")
    fallback = args[1].value if len(args) > 1 else None
    if len(steps) == 1 and fallback is not COMPUTED:
        return _plain_var(steps[0], fallback)
    return _path_var(steps, _rule(args, 1))


def _plain_var(name: str, fallback: Any) -> Rule:
    def var(data: Any, run: Run) -> Any:
        if type(data) is dict:
            return data.get(name, fallback)
        found = _member(data, name)
        return fallback if found is _ABSENT else found

    return var


def _path_var(steps: Sequence[str], fallback: Rule) -> Rule:
    def var(data: Any, run: Run) -> Any:
        found = look_up(data, steps)
        return fallback(data, run) if found is _ABSENT else found

    return var


def _computed_var(key: Rule, fallback: Rule) -> Rule:
    def var(data: Any, run: Run) -> Any:
        found = look_up(data, _steps(key(data, run)))
        return fallback(data, run) if found is _ABSENT else found

    return var


def _missing_of(keys: Sequence[Any], data: Any, run: Run) -> list[Any]:
    run.spend(len(keys))
    return [key for key in keys if (found := look_up(data, _steps(key))) is _ABSENT or found is None or found == ""]


def _missing(args: Sequence[Node], report: Report) -> Rule:
    rules = [arg.rule for arg in args]

    def missing(data: Any, run: Run) -> Any:
        keys = [rule(data, run) for rule in rules]
        return _missing_of(keys[0] if keys and isinstance(keys[0], list | tuple) else keys, data, run)

    return missing


def _missing_some(args: Sequence[Node], report: Report) -> Rule:
    needed, options = _rule(args, 0, NAN), _rule(args, 1)

    def missing_some(data: Any, run: Run) -> Any:
        keys = options(data, run)
        keys = keys if isinstance(keys, list | tuple) else [keys]
        missing = _missing_of(keys, data, run)
        return [] if len(keys) - len(missing) >= number(needed(data, run)) else missing

    return missing_some


def _if(args: Sequence[Node], report: Report) -> Rule:
    rules = [arg.rule for arg in args]
    otherwise = rules.pop() if len(rules) % 2 else _NULL
    pairs = list(zip(rules[::2], rules[1::2], strict=True))

    def choose(data: Any, run: Run) -> Any:
        for condition, consequence in pairs:
            verdict = condition(data, run)
            if verdict is True or (verdict is not False and truthy(verdict)):
                return consequence(data, run)
        return otherwise(data, run)

    return choose


def _and(args: Sequence[Node], report: Report) -> Rule:
    rules = [arg.rule for arg in args]

    def conjunction(data: Any, run: Run) -> Any:
        current = None
        for rule in rules:
            current = rule(data, run)
            if not truthy(current):
                break
        return current

    return conjunction


def _or(args: Sequence[Node], report: Report) -> Rule:
    rules = [arg.rule for arg in args]

    def disjunction(data: Any, run: Run) -> Any:
        current = None
        for rule in rules:
            current = rule(data, run)
            if truthy(current):
                break
        return current

    return disjunction


def _not(args: Sequence[Node], report: Report) -> Rule:
    rule = _rule(args, 0)
    return lambda data, run: not truthy(rule(data, run))


def _truth(args: Sequence[Node], report: Report) -> Rule:
    rule = _rule(args, 0)
    return lambda data, run: truthy(rule(data, run))


def _comparison(compare: Callable[[Any, Any], bool], wanted: bool) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        for literal, computed in (args, reversed(args)) if len(args) == 2 else ():
            if isinstance(literal.value, str):
                return _compare_text(computed.rule, literal.value, compare, wanted)
        one, other = _rule(args, 0), _rule(args, 1)
        return lambda data, run: compare(one(data, run), other(data, run)) is wanted

    return build


def _compare_text(rule: Rule, literal: str, compare: Callable[[Any, Any], bool], wanted: bool) -> Rule:
    def compared(data: Any, run: Run) -> Any:
        value = rule(data, run)
        return (value == literal if type(value) is str else compare(value, literal)) is wanted

    return compared


def _rising(compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        one, other = _rule(args, 0, NAN), _rule(args, 1, NAN)
        if len(args) < 3:
            return lambda data, run: compare(one(data, run), other(data, run))
        last = args[2].rule

        def between(data: Any, run: Run) -> Any:
            middle = other(data, run)
            return compare(one(data, run), middle) and compare(middle, last(data, run))

        return between

    return build


def _falling(compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        one, other = _rule(args, 0, NAN), _rule(args, 1, NAN)
        return lambda data, run: compare(other(data, run), one(data, run))

    return build


def _fold(
    convert: Callable[[Any], int | float], combine: Callable[[list[int | float]], int | float]
) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        rules = [arg.rule for arg in args]
        return lambda data, run: bounded(combine([convert(rule(data, run)) for rule in rules]))

    return build


def _sum(numbers: list[int | float]) -> int | float:
    total: int | float = 0
    for summand in numbers:  # not sum(), which rounds otherwise than JavaScript
        total += summand
    return total


def _product(numbers: list[int | float]) -> int | float:
    product: int | float = 1
    for factor in numbers:
        product = bounded(product * factor)
    return product if numbers else NAN


def _times(args: Sequence[Node], report: Report) -> Rule:
    return args[0].rule if len(args) == 1 else _fold(leading_number, _product)(args, report)


def _extreme(choose: Callable[[list[int | float]], int | float], empty: float) -> Callable[[list[int | float]], Any]:
    return lambda numbers: NAN if any(map(math.isnan, numbers)) else choose(numbers) if numbers else empty


def _minus(args: Sequence[Node], report: Report) -> Rule:
    one = _rule(args, 0, NAN)
    if len(args) < 2:
        return lambda data, run: -float(number(one(data, run)))
    other = args[1].rule
    return lambda data, run: bounded(number(one(data, run)) - number(other(data, run)))


def _pairwise(combine: Callable[[int | float, int | float], int | float]) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        one, other = _rule(args, 0, NAN), _rule(args, 1, NAN)
        return lambda data, run: combine(number(one(data, run)), number(other(data, run)))

    return build


def _quotient(one: int | float, other: int | float) -> int | float:
    if other:
        return one / other
    return NAN if one == 0 or math.isnan(one) else math.copysign(math.inf, one) * math.copysign(1, other)


def _remainder(one: int | float, other: int | float) -> int | float:
    if other == 0 or not math.isfinite(one) or math.isnan(other):
        return NAN
    return math.fmod(one, other)


def _in(args: Sequence[Node], report: Report) -> Rule:
    one, among = _rule(args, 0), args[1].value if len(args) > 1 else None
    if isinstance(among, list) and all(isinstance(item, str) for item in among):
        return _in_texts(one, frozenset(among))
    rule = _rule(args, 1)
    return lambda data, run: _contains(rule(data, run), one(data, run), run)


def _in_texts(one: Rule, texts: frozenset[str]) -> Rule:
    def contained(data: Any, run: Run) -> Any:
        value = one(data, run)
        return isinstance(value, str) and value in texts

    return contained


def _contains(whole: Any, part: Any, run: Run) -> bool:
    if isinstance(whole, str):
        return whole != "" and text(part) in whole
    if not isinstance(whole, list | tuple):
        return False
    run.spend(len(whole))
    return any(same(part, item) for item in whole)


def _cat(args: Sequence[Node], report: Report) -> Rule:
    rules = [arg.rule for arg in args]
    return lambda data, run: joined([rule(data, run) for rule in rules], "")


def _substr(args: Sequence[Node], report: Report) -> Rule:
    source, start, length = _rule(args, 0), _rule(args, 1), args[2].rule if len(args) > 2 else None

    def substr(data: Any, run: Run) -> Any:
        whole = text(source(data, run))
        rest = whole[_index(start(data, run), len(whole)) :]
        return rest if length is None else rest[: _index(length(data, run), len(rest))]

    return substr


def _index(value: Any, size: int) -> int:
    """A position in a text of this size, counted from its end if it is negative."""
    position = number(value)
    if math.isnan(position):
        return 0
    whole = int(max(-size, min(size, position)))
    return whole if whole >= 0 else size + whole


def _merge(args: Sequence[Node], report: Report) -> Rule:
    rules = [arg.rule for arg in args]

    def merge(data: Any, run: Run) -> Any:
        merged: list[Any] = []
        for rule in rules:
            part = rule(data, run)
            if isinstance(part, list | tuple):
                run.spend(len(part))
                merged.extend(part)
            else:
                merged.append(part)
        return merged

    return merge


def _loop(args: Sequence[Node]) -> tuple[Callable[[Any, Run], Sequence[Any]], Rule]:
    source, body = _rule(args, 0), args[1] if len(args) > 1 else Node(_NULL)

    def elements(data: Any, run: Run) -> Sequence[Any]:
        found = source(data, run)
        if not isinstance(found, list | tuple):
            return ()
        run.spend(len(found) * body.size)
        return found

    return elements, body.rule


def _map(args: Sequence[Node], report: Report) -> Rule:
    elements, body = _loop(args)
    return lambda data, run: [body(element, run) for element in elements(data, run)]


def _filter(args: Sequence[Node], report: Report) -> Rule:
    elements, body = _loop(args)
    return lambda data, run: [element for element in elements(data, run) if truthy(body(element, run))]


def _all(args: Sequence[Node], report: Report) -> Rule:
    elements, body = _loop(args)

    def every(data: Any, run: Run) -> Any:
        found = elements(data, run)
        return len(found) > 0 and all(truthy(body(element, run)) for element in found)

    return every


def _some(args: Sequence[Node], report: Report) -> Rule:
    elements, body = _loop(args)
    return lambda data, run: any(truthy(body(element, run)) for element in elements(data, run))


def _none(args: Sequence[Node], report: Report) -> Rule:
    elements, body = _loop(args)
    return lambda data, run: not any(truthy(body(element, run)) for element in elements(data, run))


def _reduce(args: Sequence[Node], report: Report) -> Rule:
    elements, body = _loop(args)
    initial = _rule(args, 2)

    def reduce(data: Any, run: Run) -> Any:
        accumulator = initial(data, run)
        for element in elements(data, run):
            accumulator = body({"current": element, "accumulator": accumulator}, run)
        return accumulator

    return reduce


def _logged(args: Sequence[Node], report: Report) -> Rule:
    rule = _rule(args, 0)

    def logged(data: Any, run: Run) -> Any:
        value = rule(data, run)
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("flag %s: %s", run.flag_key, shown(value))
        return value

    return logged


JSON_LOGIC: dict[str, Operator] = {
    "var": Operator(_var, 0, 2),
    "missing": Operator(_missing, 0, None),
    "missing_some": Operator(_missing_some, 2, 2),
    "if": Operator(_if, 1, None),
    "?:": Operator(_if, 1, None),
    "and": Operator(_and, 1, None),
    "or": Operator(_or, 1, None),
    "!": Operator(_not, 1, 1),
    "!!": Operator(_truth, 1, 1),
    "==": Operator(_comparison(equal, True), 2, 2),
    "!=": Operator(_comparison(equal, False), 2, 2),
    "===": Operator(_comparison(same, True), 2, 2),
    "!==": Operator(_comparison(same, False), 2, 2),
    "<": Operator(_rising(less), 2, 3),
    "<=": Operator(_rising(at_most), 2, 3),
    ">": Operator(_falling(less), 2, 2),
    ">=": Operator(_falling(at_most), 2, 2),
    "+": Operator(_fold(leading_number, _sum), 1, None),
    "*": Operator(_times, 1, None),
    "-": Operator(_minus, 1, 2),
    "/": Operator(_pairwise(_quotient), 2, 2),
    "%": Operator(_pairwise(_remainder), 2, 2),
    "min": Operator(_fold(number, _extreme(min, math.inf)), 1, None),
    "max": Operator(_fold(number, _extreme(max, -math.inf)), 1, None),
    "map": Operator(_map, 2, 2),
    "filter": Operator(_filter, 2, 2),
    "reduce": Operator(_reduce, 2, 3),
    "all": Operator(_all, 2, 2),
    "some": Operator(_some, 2, 2),
    "none": Operator(_none, 2, 2),
    "merge": Operator(_merge, 0, None),
    "in": Operator(_in, 2, 2),
    "cat": Operator(_cat, 0, None),
    "substr": Operator(_substr, 2, 3),
    "log": Operator(_logged, 1, 1),
}
