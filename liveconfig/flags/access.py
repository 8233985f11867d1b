"""JSON Logic's operators that read the data in sight: `var`, `missing`, `missing_some`."""

from collections.abc import Mapping, Sequence
from typing import Any

from liveconfig.flags.loose import NAN, number, text
from liveconfig.flags.rules import COMPUTED, Node, Operator, Report, Rule, Run, argument, shown

_ABSENT: Any = object()


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


def _var(args: Sequence[Node], report: Report) -> Rule:
    key = args[0].value if args else None
    if key is COMPUTED:
        return _computed_var(args[0].rule, argument(args, 1))
    steps = _steps(key)
    if steps[:1] == ["$flagd"] and ".".join(steps[1:]) not in ("flagKey", "timestamp"):
        report(f"{shown(key)} does not exist; of flagd there are $flagd.flagKey and $flagd.timestamp")
    fallback = args[1].value if len(args) > 1 else None
    if len(steps) == 1 and fallback is not COMPUTED:
        return _plain_var(steps[0], fallback)
    return _path_var(steps, argument(args, 1))


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
        steps = _steps(key(data, run))
        run.spend(len(steps))
        found = look_up(data, steps)
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
    needed, options = argument(args, 0, NAN), argument(args, 1)

    def missing_some(data: Any, run: Run) -> Any:
        keys = options(data, run)
        keys = keys if isinstance(keys, list | tuple) else [keys]
        missing = _missing_of(keys, data, run)
        return [] if len(keys) - len(missing) >= number(needed(data, run)) else missing

    return missing_some


ACCESS: dict[str, Operator] = {
    "var": Operator(_var, 0, 2),
    "missing": Operator(_missing, 0, None),
    "missing_some": Operator(_missing_some, 2, 2),
}
