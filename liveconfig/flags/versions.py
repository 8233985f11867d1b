"""flagd's `sem_ver`: semantic versions, compared by precedence."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from liveconfig.flags.rules import COMPUTED, Node, Report, Rule, Run, shown

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


def sem_ver_rule(args: Sequence[Node], report: Report) -> Rule:
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
