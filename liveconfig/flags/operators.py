"""flagd's own operators: stable percentages, roll-outs over time, semantic versions, texts.

An operator whose arguments are wrong gives null, so the default variant is served.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from liveconfig.flags.bucketing import bucket, given_key, own_key
from liveconfig.flags.logic import JSON_LOGIC
from liveconfig.flags.rules import COMPUTED, Node, Operator, Report, Rule, Run, shown

MAX_WEIGHT = 2**31 - 1

_Shares = tuple[list[Any], list[int]]
"""What may be given, and up to which bucket each."""


def _fractional(args: Sequence[Node], report: Report) -> Rule:
    keyed = bool(args) and args[0].items is None
    nodes = args[1:] if keyed else args
    _report_fractional(args[0] if keyed else None, nodes, report)
    shares_of = _shares_of(nodes)
    if not keyed:
        return lambda data, run: _share(_own_key(run), shares_of(data, run))
    key, all_shares_of = args[0].rule, _shares_of(args)

    def fractional(data: Any, run: Run) -> Any:
        bucket_by = key(data, run)
        if isinstance(bucket_by, list | tuple):  # a rule that makes a share, not a key
            return _share(_own_key(run), all_shares_of(data, run))
        return _share(_key(bucket_by, run), shares_of(data, run))

    return fractional


def _key(value: Any, run: Run) -> bytes | None:
    """What a rule buckets by; `v2` knows flag key and targeting key for a missing one too."""
    return _own_key(run) if value is None and run.hashing == "v2" else given_key(value, run.hashing)


def _own_key(run: Run) -> bytes | None:
    return own_key(run.flag_key, run.root.get("targetingKey"), run.hashing)


def _share(key: bytes | None, shares: _Shares | None) -> Any:
    if key is None or shares is None:
        return None
    values, bounds = shares
    return values[bisect_right(bounds, bucket(key, bounds[-1]))]


def _shares_of(nodes: Sequence[Node]) -> Callable[[Any, Run], _Shares | None]:
    if all(node.value is not COMPUTED for node in nodes):
        fixed = _shares([node.value for node in nodes])
        return lambda data, run: fixed
    rules = [node.rule for node in nodes]
    return lambda data, run: _shares([rule(data, run) for rule in rules])


def _shares(distribution: Sequence[Any]) -> _Shares | None:
    """Values and cumulated weights; None if they are none, or nothing has weight."""
    weights = [_weight(share) for share in distribution]
    known = [weight for weight in weights if weight is not None]
    if len(known) < len(weights) or not 0 < sum(known) <= MAX_WEIGHT:
        return None
    return [share[0] for share in distribution], list(accumulate(known))


def _weight(share: Any) -> int | None:
    """The weight of `[value]` or `[value, weight]`, 1 if it has none, 0 if it is negative; None if it is wrong."""
    if not isinstance(share, list | tuple) or not share or isinstance(share[0], list | tuple | dict):
        return None
    weight = share[1] if len(share) > 1 else None
    if weight is None:
        return 1
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight != weight // 1:
        return None
    return max(0, int(weight))


def _report_fractional(key: Node | None, nodes: Sequence[Node], report: Report) -> None:
    if key is not None and key.value is not COMPUTED:
        report(f'buckets everybody by the same {shown(key.value)}; did you mean {{"var": …}}?')
    if not nodes:
        report('has no shares; add some: ["variant", weight]')
    for node in nodes:
        _report_share(node, report)
    fixed = [node.value for node in nodes]
    weights = [_weight(share) for share in fixed]
    if all(share is not COMPUTED for share in fixed) and None not in weights and nodes:
        total = sum(weight or 0 for weight in weights)
        if not 0 < total <= MAX_WEIGHT:
            report(f"the weights' sum is {total}; it must be 1 to {MAX_WEIGHT}")


def _report_share(node: Node, report: Report) -> None:
    if node.items is None and node.value is COMPUTED:
        return
    if node.items is None or not 1 <= len(node.items) <= 2:
        report('a share is ["variant"] or ["variant", weight]')
        return
    weight = node.items[1].value if len(node.items) > 1 else 1
    if weight is not COMPUTED and (_weight(["", weight]) is None or (isinstance(weight, int) and weight < 0)):
        report(f"weight {shown(weight)} is no whole number from 0; the sum is free: for 0.5 % take 1 and 199")


def _rollout(args: Sequence[Node], report: Report) -> Rule:
    keyed = len(args) == 5 or (len(args) == 4 and not isinstance(args[0].value, int | float))
    key, rest = (args[0].rule, args[1:]) if keyed else (None, args)
    if not 3 <= len(rest) <= 4:
        report("takes [bucketing value,] start, end [, variant before], variant after")
        return lambda data, run: None
    start, end = rest[0].rule, rest[1].rule
    before, after = (rest[2].rule if len(rest) == 4 else None), rest[-1].rule

    def rollout(data: Any, run: Run) -> Any:
        bucket_by = _own_key(run) if key is None else _key(key(data, run), run)
        chosen = _rolled_out(bucket_by, start(data, run), end(data, run), run.timestamp)
        if chosen is None:
            return None
        return after(data, run) if chosen else before(data, run) if before else None

    return rollout


def _rolled_out(key: bytes | None, start: Any, end: Any, now: int) -> bool | None:
    """Whether this key has moved on at this time; None if the arguments are wrong."""
    if key is None or not all(_is_time(moment) for moment in (start, end)) or end <= start:
        return None
    elapsed, duration = now - int(start), int(end) - int(start)
    return elapsed >= duration or (elapsed > 0 and bucket(key, duration) < elapsed)


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


_VERSION = re.compile(
    r"[vV]?(0|[1-9][0-9]{0,17})(?:\.(0|[1-9][0-9]{0,17})(?:\.(0|[1-9][0-9]{0,17})"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?)?)?\Z"
)
_LONGEST_VERSION = 256  # characters

_Version = tuple[int, int, int, tuple[Any, ...]]

_VERSION_TESTS: dict[str, Callable[[_Version, _Version], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "^": lambda one, other: one[0] == other[0],
    "~": lambda one, other: one[:2] == other[:2],
}


def _version(value: Any) -> _Version | None:
    """A semantic version as something that sorts by precedence (semver.org, 11); `v1` and `1.2` are versions too."""
    match = _VERSION.match(value) if isinstance(value, str) and len(value) <= _LONGEST_VERSION else None
    if not match:
        return None
    major, minor, patch, label = match.groups()
    return int(major), int(minor or 0), int(patch or 0), _precedence(label)


def _precedence(label: str | None) -> tuple[Any, ...]:
    if label is None:
        return (1,)
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in label.split(".")]
    return (0, *parts)


def _sem_ver(args: Sequence[Node], report: Report) -> Rule:
    if len(args) != 3:
        return lambda data, run: None
    _report_sem_ver(args, report)
    test, target = args[1], args[2]
    if test.value is COMPUTED or target.value is COMPUTED:
        return _computed_sem_ver([arg.rule for arg in args])
    compare = _VERSION_TESTS.get(test.value) if isinstance(test.value, str) else None
    wanted = _version(target.value)
    if compare is None or wanted is None:
        return lambda data, run: None
    return _fixed_sem_ver(args[0].rule, compare, wanted)


def _fixed_sem_ver(rule: Rule, compare: Callable[[_Version, _Version], bool], wanted: _Version) -> Rule:
    def sem_ver(data: Any, run: Run) -> Any:
        version = _version(rule(data, run))
        return None if version is None else compare(version, wanted)

    return sem_ver


def _computed_sem_ver(rules: Sequence[Rule]) -> Rule:
    def sem_ver(data: Any, run: Run) -> Any:
        one, test, other = (rule(data, run) for rule in rules)
        left, right = _version(one), _version(other)
        compare = _VERSION_TESTS.get(test) if isinstance(test, str) else None
        return None if left is None or right is None or compare is None else compare(left, right)

    return sem_ver


def _report_sem_ver(args: Sequence[Node], report: Report) -> None:
    for arg in (args[0], args[2]):
        if arg.value is not COMPUTED and _version(arg.value) is None:
            report(f"{shown(arg.value)} is no semantic version, such as 1.2.3 or 2.0.0-rc.1")
    test = args[1].value
    if test is not COMPUTED and (not isinstance(test, str) or test not in _VERSION_TESTS):
        report(f"{shown(test)} compares no versions; take one of {' '.join(_VERSION_TESTS)}")


def _affix(test: Callable[[str, str], bool]) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        for arg in args:
            if arg.value is not COMPUTED and not isinstance(arg.value, str):
                report(f"compares texts, and {shown(arg.value)} is none")
        if len(args) != 2:
            return lambda data, run: None
        whole, part = args[0].rule, args[1].rule

        def affixed(data: Any, run: Run) -> Any:
            one, other = whole(data, run), part(data, run)
            return test(one, other) if isinstance(one, str) and isinstance(other, str) else None

        return affixed

    return build


_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_UPPER = {ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}


def _casing(letters: dict[int, str]) -> Callable[[Sequence[Node], Report], Rule]:
    def build(args: Sequence[Node], report: Report) -> Rule:
        if len(args) != 1:
            return lambda data, run: None
        rule = args[0].rule

        def cased(data: Any, run: Run) -> Any:
            value = rule(data, run)
            return value.translate(letters) if isinstance(value, str) else None

        return cased

    return build


OPERATORS: dict[str, Operator] = {
    **JSON_LOGIC,
    "fractional": Operator(_fractional, 1, None),
    "rollout": Operator(_rollout, 3, 5),
    "sem_ver": Operator(_sem_ver, 3, 3),
    "starts_with": Operator(_affix(str.startswith), 2, 2),
    "ends_with": Operator(_affix(str.endswith), 2, 2),
    "lower": Operator(_casing(_LOWER), 1, 1),
    "upper": Operator(_casing(_UPPER), 1, 1),
}
"""Every operator that a rule may use."""
