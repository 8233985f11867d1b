"""What is wrong with definitions, before they are stored: one flag, the shared rules, a whole set."""

from collections.abc import Iterator, Mapping
from typing import Any

from liveconfig.flags.compiling import Compiler, Problem
from liveconfig.flags.definitions import Flag, compiled
from liveconfig.flags.rules import shown


def check(definition: Any, evaluators: Mapping[str, Any] | None = None) -> list[Problem]:
    """What is wrong with a definition, empty if nothing; `evaluators` None: shared rules are not looked up.

    Stricter than evaluation: it also refuses what flagd passes by at run time, such as weights that are no integers.
    """
    return list(compiled(definition, evaluators).problems)


def check_evaluators(evaluators: Any) -> list[Problem]:
    """What is wrong with shared rules, by name; empty if nothing."""
    if not isinstance(evaluators, dict):
        return [Problem("", f"{shown(evaluators)} are no shared rules; they are an object of rules by name")]
    problems = []
    for name, rule in evaluators.items():
        compiler = Compiler(evaluators)
        if isinstance(rule, dict):
            compiler.opened.append(name)
            compiler.compile(rule, str(name))
        else:
            compiler.report(str(name), f"{shown(rule)} is no rule; a rule is an object with an operator")
        problems += compiler.problems
    return problems


def check_set(definitions: Mapping[str, Any], evaluators: Mapping[str, Any] | None = None) -> list[Problem]:
    """What is wrong with a whole set: each shared rule, each flag (paths begin with its key), and prerequisites."""
    shared = evaluators or {}
    flags = {key: compiled(definition, shared) for key, definition in definitions.items()}
    problems = [problem._replace(path=f"$evaluators/{problem.path}") for problem in check_evaluators(dict(shared))]
    for key, flag in flags.items():
        problems += [problem._replace(path=f"{key}/{problem.path}".rstrip("/")) for problem in flag.problems]
        problems += _unknown_prerequisites(key, flag, flags)
    return problems + list(_circles(flags))


def _unknown_prerequisites(key: str, flag: Flag, flags: Mapping[str, Flag]) -> Iterator[Problem]:
    for other, variant in flag.prerequisites:
        if other not in flags:
            yield Problem(f"{key}/prerequisites", f"there is no flag {shown(other)}, so it is never met", False)
        elif not flags[other].broken and variant not in flags[other].variants:
            yield Problem(f"{key}/prerequisites", f"flag {shown(other)} has no variant {shown(variant)}", False)


def _circles(flags: Mapping[str, Flag]) -> Iterator[Problem]:
    """One problem for each flag that needs itself; walks without recursion, however long the chain."""
    needs = {key: [other for other, _ in flag.prerequisites if other in flags] for key, flag in flags.items()}
    for key in flags:
        met, ahead = set[str](), list(needs[key])
        while ahead:
            other = ahead.pop()
            if other == key:
                message = "needs itself, directly or through others: a circle; cut it"
                yield Problem(f"{key}/prerequisites", message)
                break
            if other not in met:
                met.add(other)
                ahead += needs[other]
