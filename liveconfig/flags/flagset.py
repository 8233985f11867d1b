"""A set of flags, and the evaluation of one of them: local, total, bounded."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from liveconfig.flags.compiling import Problem
from liveconfig.flags.definitions import Flag, compiled, variant_name
from liveconfig.flags.loose import Exceeded
from liveconfig.flags.results import MISMATCH, NO_METADATA, Details, ErrorCode, Failed, FlagType, Metadata, Reason, cast
from liveconfig.flags.rules import Run, shown

T = TypeVar("T")

MAX_PREREQUISITES = 32  # flags that one evaluation may ask

_DECIDING: Any = object()


class FlagSet:
    """An immutable set of flags. Each is compiled at its first evaluation; safe to share between threads and forks.

    `definitions` maps keys to definitions, `evaluators` names to shared rules. From `previous` compiled flags are taken
    over whose definition, and every shared rule that they use, is the very same object. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        definitions: Mapping[str, Any],
        evaluators: Mapping[str, Any] | None = None,
        *,
        previous: "FlagSet | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._definitions = dict(definitions)
        self._evaluators = dict(evaluators) if isinstance(evaluators, Mapping) else {}
        self._clock = clock
        self._flags = {} if previous is None else dict(self._reusable(previous))

    def __contains__(self, key: object) -> bool:
        return key in self._definitions

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    def problems(self, key: str) -> list[Problem]:
        """What is wrong with a flag's definition; nothing if there is no such flag."""
        flag = self._flag(key)
        return [] if flag is None else list(flag.problems)

    def evaluate(
        self, key: str, default: T, context: Mapping[str, Any] | None = None, type: FlagType | None = None
    ) -> Details[T]:
        """Evaluate a flag for a context (attributes and `targetingKey`); `type` None takes a value of any type.

        Never raises and never blocks: whatever is wrong is the default, reason ERROR and a code.
        """
        try:
            return self._evaluate(key, default, context, type)
        except Failed as failure:
            return _failed(default, failure.code, str(failure))
        except Exceeded as excess:
            return _failed(default, ErrorCode.GENERAL, f"flag {shown(key)}: {excess}")
        except Exception as error:  # noqa: BLE001 - an evaluation is total, whatever objects the context holds
            return _failed(default, ErrorCode.GENERAL, f"flag {shown(key)}: {error.__class__.__name__}")

    def _evaluate(self, key: str, default: T, context: Mapping[str, Any] | None, type: FlagType | None) -> Details[T]:
        flag = self._flag(key)
        if flag is None:
            return _failed(default, ErrorCode.FLAG_NOT_FOUND, f"there is no flag {shown(key)}")
        if flag.problems and (broken := flag.broken):
            return _failed(default, ErrorCode.PARSE_ERROR, f"flag {shown(key)}, {broken}", flag.metadata)
        if not flag.enabled:
            return Details(default, None, Reason.DISABLED, None, None, flag.metadata)
        variant, reason, metadata = flag.default_variant, Reason.STATIC, flag.metadata
        if flag.decide or flag.prerequisites:
            variant, reason, metadata = self._decide(flag, self._run(key, flag, context))
        if variant is None:
            return Details(default, None, Reason.DEFAULT, None, None, metadata)
        value = cast(flag.variants[variant], type)
        if value is MISMATCH:
            message = f"flag {shown(key)}: variant {shown(variant)} is {shown(flag.variants[variant])}, no {type}"
            return _failed(default, ErrorCode.TYPE_MISMATCH, message, metadata)
        return Details(value, variant, reason, None, None, metadata)

    def _run(self, key: str, flag: Flag, context: Mapping[str, Any] | None) -> Run:
        if context is not None and not isinstance(context, Mapping):
            raise Failed(ErrorCode.INVALID_CONTEXT, f"{shown(context)} is no context; give a mapping of attributes")
        timestamp = int(self._clock())
        root = {**(context or {}), "$flagd": {"flagKey": key, "timestamp": timestamp}}
        return Run(key, root, timestamp, flag.hashing)

    def _decide(self, flag: Flag, run: Run) -> tuple[str | None, Reason, Metadata]:
        for key, wanted in flag.prerequisites:
            if self._served(key, run) != wanted:
                return flag.default_variant, Reason.DEFAULT, {**flag.metadata, "unmetPrerequisite": key}
        outcome = flag.decide(run.root, run) if flag.decide else None
        if outcome is None:
            return flag.default_variant, Reason.DEFAULT, flag.metadata
        variant = outcome if type(outcome) is str else variant_name(outcome)
        if variant not in flag.variants:
            message = f"flag {shown(run.flag_key)}: targeting gives {shown(outcome)}, which is no variant"
            raise Failed(ErrorCode.GENERAL, message)
        return variant, Reason.TARGETING_MATCH, flag.metadata

    def _served(self, key: str, run: Run) -> str | None:
        """The variant that a prerequisite serves in the same context; None if it is off, missing or in error."""
        run.served[run.flag_key] = run.served.get(run.flag_key, _DECIDING)
        if key in run.served:
            known: str | None = run.served[key]
            if known is _DECIDING:
                raise Failed(ErrorCode.PARSE_ERROR, f"the prerequisites of flag {shown(key)} go round in a circle")
            return known
        if len(run.served) > MAX_PREREQUISITES:
            raise Exceeded(f"it asks more than {MAX_PREREQUISITES} other flags")
        flag = self._flag(key)
        usable = flag is not None and flag.enabled and not flag.broken
        variant = self._served_by(flag, key, run) if usable and flag else None
        run.served[key] = variant
        return variant

    def _served_by(self, flag: Flag, key: str, run: Run) -> str | None:
        flagd = {"flagKey": key, "timestamp": run.timestamp}
        inner = Run(key, {**run.root, "$flagd": flagd}, run.timestamp, flag.hashing, run.work, run.served)
        inner.served[key] = _DECIDING
        try:
            return self._decide(flag, inner)[0]
        except Failed as failure:
            if failure.code is not ErrorCode.GENERAL:
                raise
            return None
        finally:
            run.work = inner.work

    def _flag(self, key: str) -> Flag | None:
        flag = self._flags.get(key)
        if flag is None and key in self._definitions:
            flag = self._flags[key] = compiled(self._definitions[key], self._evaluators)
        return flag

    def _reusable(self, previous: "FlagSet") -> Iterator[tuple[str, Flag]]:
        for key, flag in list(previous._flags.items()):
            same = key in self._definitions and previous._definitions[key] is self._definitions[key]
            if same and all(self._evaluators.get(name) is previous._evaluators.get(name) for name in flag.shared):
                yield key, flag


def _failed(default: T, code: ErrorCode, message: str, metadata: Metadata = NO_METADATA) -> Details[T]:
    return Details(default, None, Reason.ERROR, code, message, metadata)
