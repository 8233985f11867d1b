"""JSON Logic's operators that decide and compare; what is not needed is not evaluated."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from liveconfig.flags.loose import NAN, at_most, equal, less, same, truthy
from liveconfig.flags.rules import Node, Operator, Report, Rule, Run, argument, constant, shown

_log = logging.getLogger(__name__)
_NULL = constant(None)


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
    rule = argument(args, 0)
    return lambda data, run: not truthy(rule(data, run))


def _truth(args: Sequence[Node], report: Report) -> Rule:
    rule = argument(args, 0)
    return lambda data, run: truthy(rule(data, run))


def _comparison(compare: Callable[[Any, Any], bool], wanted: bool) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        for literal, computed in (args, reversed(args)) if len(args) == 2 else ():
            if isinstance(literal.value, str):
                return _compare_text(computed.rule, literal.value, compare, wanted)
        one, other = argument(args, 0), argument(args, 1)
        return lambda data, run: compare(one(data, run), other(data, run)) is wanted

    return build


def _compare_text(rule: Rule, literal: str, compare: Callable[[Any, Any], bool], wanted: bool) -> Rule:
    def compared(data: Any, run: Run) -> Any:
        value = rule(data, run)
        return (value == literal if type(value) is str else compare(value, literal)) is wanted

    return compared


def _rising(compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        one, other = argument(args, 0, NAN), argument(args, 1, NAN)
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
        one, other = argument(args, 0, NAN), argument(args, 1, NAN)
        return lambda data, run: compare(other(data, run), one(data, run))

    return build


def _logged(args: Sequence[Node], report: Report) -> Rule:
    rule = argument(args, 0)

    def logged(data: Any, run: Run) -> Any:
        value = rule(data, run)
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("flag %s: %s", run.flag_key, shown(value))
        return value

    return logged


CONTROL: dict[str, Operator] = {
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
    "log": Operator(_logged, 1, 1),
}
