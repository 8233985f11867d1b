"""JSON Logic's operators on lists and texts. Loops take from the run's work before they start."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from liveconfig.flags.loose import joined, number, same, text, truthy
from liveconfig.flags.rules import Node, Operator, Report, Rule, Run, argument, constant


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
    source, body = argument(args, 0), args[1] if len(args) > 1 else Node(constant(None))

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
    initial = argument(args, 2)

    def reduce(data: Any, run: Run) -> Any:
        accumulator = initial(data, run)
        for element in elements(data, run):
            accumulator = body({"current": element, "accumulator": accumulator}, run)
        return accumulator

    return reduce


def _in(args: Sequence[Node], report: Report) -> Rule:
    one, among = argument(args, 0), args[1].value if len(args) > 1 else None
    if isinstance(among, list) and all(isinstance(item, str) for item in among):
        return _in_texts(one, frozenset(among))
    rule = argument(args, 1)
    return lambda data, run: _contains(rule(data, run), one(data, run), run)


def _in_texts(one: Rule, texts: frozenset[str]) -> Rule:
    def contained(data: Any, run: Run) -> Any:
        value = one(data, run)
        return isinstance(value, str) and value in texts

    return contained


def _contains(whole: Any, part: Any, run: Run) -> bool:
    if isinstance(whole, str):
        run.spend_text(len(whole))
        return whole != "" and text(part) in whole
    if not isinstance(whole, list | tuple):
        return False
    run.spend(len(whole))
    return any(same(part, item) for item in whole)


def _cat(args: Sequence[Node], report: Report) -> Rule:
    rules = [arg.rule for arg in args]

    def cat(data: Any, run: Run) -> Any:
        whole = joined([rule(data, run) for rule in rules], "")
        run.spend_text(len(whole))
        return whole

    return cat


def _substr(args: Sequence[Node], report: Report) -> Rule:
    source, start, length = argument(args, 0), argument(args, 1), args[2].rule if len(args) > 2 else None

    def substr(data: Any, run: Run) -> Any:
        whole = text(source(data, run))
        run.spend_text(len(whole))
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


LISTS: dict[str, Operator] = {
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
}
