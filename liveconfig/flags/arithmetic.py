"""JSON Logic's arithmetic, as JavaScript does it: what is no number is NaN, and so is a missing argument."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from liveconfig.flags.loose import NAN, bounded, leading_number, number
from liveconfig.flags.rules import Node, Operator, Report, Rule, argument


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
    one = argument(args, 0, NAN)
    if len(args) < 2:
        return lambda data, run: -float(number(one(data, run)))
    other = args[1].rule
    return lambda data, run: bounded(number(one(data, run)) - number(other(data, run)))


def _pairwise(combine: Callable[[int | float, int | float], int | float]) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        one, other = argument(args, 0, NAN), argument(args, 1, NAN)
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


ARITHMETIC: dict[str, Operator] = {
    "+": Operator(_fold(leading_number, _sum), 1, None),
    "*": Operator(_times, 1, None),
    "-": Operator(_minus, 1, 2),
    "/": Operator(_pairwise(_quotient), 2, 2),
    "%": Operator(_pairwise(_remainder), 2, 2),
    "min": Operator(_fold(number, _extreme(min, math.inf)), 1, None),
    "max": Operator(_fold(number, _extreme(max, -math.inf)), 1, None),
}
