"""flagd's percentages: `fractional`, a stable share of everybody, and `rollout`, a share that grows with time."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from liveconfig.flags.bucketing import bucket, given_key, own_key
from liveconfig.flags.rules import COMPUTED, Node, Report, Rule, Run, shown

MAX_WEIGHT = 2**31 - 1

_Shares = tuple[list[Any], list[int]]
"""What may be given, and up to which bucket each."""


def fractional_rule(args: Sequence[Node], report: Report) -> Rule:
    keyed = bool(args) and args[0].items is None
    nodes = args[1:] if keyed else args
    _report_fractional(args[0] if keyed else None, nodes, report)
    shares_of = _shares_of(nodes)
    if not keyed:
        return lambda data, run: _share(_own_key(run), shares_of(data, run), run)
    key, all_shares_of = args[0].rule, _shares_of(args)

    def fractional(data: Any, run: Run) -> Any:
        bucket_by = key(data, run)
        if isinstance(bucket_by, list | tuple):  # a rule that makes a share, not a key
            return _share(_own_key(run), all_shares_of(data, run), run)
        return _share(_key(bucket_by, run), shares_of(data, run), run)

    return fractional


def _key(value: Any, run: Run) -> bytes | None:
    """What a rule buckets by; `v2` knows flag key and targeting key for a missing one too."""
    return _own_key(run) if value is None and run.hashing == "v2" else given_key(value, run.hashing)


def _own_key(run: Run) -> bytes | None:
    return own_key(run.flag_key, run.root.get("targetingKey"), run.hashing)


def _share(key: bytes | None, shares: _Shares | None, run: Run) -> Any:
    if key is None or shares is None:
        return None
    run.spend_text(len(key))
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


def rollout_rule(args: Sequence[Node], report: Report) -> Rule:
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
