"""flagd's own operators. One whose arguments are wrong gives null, so the default variant is served."""

from collections.abc import Callable, Sequence
from typing import Any

from liveconfig.flags.rules import COMPUTED, Node, Operator, Report, Rule, Run, shown
from liveconfig.flags.shares import fractional_rule, rollout_rule
from liveconfig.flags.versions import sem_ver_rule


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
            if not isinstance(value, str):
                return None
            run.spend_text(len(value))
            return value.translate(letters)

        return cased

    return build


FLAGD: dict[str, Operator] = {
    "fractional": Operator(fractional_rule, 1, None),
    "rollout": Operator(rollout_rule, 3, 5),
    "sem_ver": Operator(sem_ver_rule, 3, 3),
    "starts_with": Operator(_affix(str.startswith), 2, 2),
    "ends_with": Operator(_affix(str.endswith), 2, 2),
    "lower": Operator(_casing(_LOWER), 1, 1),
    "upper": Operator(_casing(_UPPER), 1, 1),
}
