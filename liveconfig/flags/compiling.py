"""From rules as data to closures: the walk over a rule, its shared rules (`$ref`), and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

from liveconfig.flags.operators import OPERATORS
from liveconfig.flags.rules import COMPUTED, MAX_DEPTH, MAX_NODES, Node, constant, shown

_NOTHING = Node(constant(None))


class Problem(NamedTuple):
    """What is wrong with a definition: where (`targeting/if/0`), and the value, the rule and the way out in one text.

    A fatal one makes the whole flag an error; the others are refused when a flag is written, and evaluated as flagd
    does it when they are there all the same.
    """

    path: str
    message: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(slots=True)
class Compiler:
    """Compiles the rules of one flag. `evaluators` None: they are not known, so any reference is taken for good."""

    evaluators: Mapping[str, Any] | None
    problems: list[Problem] = field(default_factory=list)
    shared: dict[str, Node] = field(default_factory=dict)
    """Every shared rule that was used, by name."""
    opened: list[str] = field(default_factory=list)

    def report(self, path: str, message: str, fatal: bool = True) -> None:
        """Keep a problem; the first hundred are enough, but a fatal one among them."""
        if len(self.problems) < 100 or (fatal and not any(problem.fatal for problem in self.problems)):
            self.problems.append(Problem(path, message, fatal))

    def compile(self, rule: Any, path: str) -> Node:
        """Compile a whole rule, within the bounds of one flag."""
        node = self._node(rule, path, 1)
        if node.depth > MAX_DEPTH:
            self.report(path, f"its rules are {node.depth} deep with their shared rules; {MAX_DEPTH} are the most")
        if node.size > MAX_NODES:
            self.report(path, f"it has more than {MAX_NODES} operators and values; shorten lists or split the flag")
        return node

    def _node(self, rule: Any, path: str, level: int) -> Node:
        if level > MAX_DEPTH:
            self.report(path, f"is more than {MAX_DEPTH} deep; write it flatter, with `and`, `or` and one long `if`")
            return _NOTHING
        if isinstance(rule, list | tuple):
            return self._list(rule, path, level)
        if isinstance(rule, dict):
            return self._object(rule, path, level)
        return Node(constant(rule), value=rule)

    def _list(self, values: Sequence[Any], path: str, level: int) -> Node:
        if len(values) > MAX_NODES:
            self.report(path, f"is a list of {len(values)} values; {MAX_NODES} are the most")
            return _NOTHING
        items = tuple(self._node(value, f"{path}/{index}", level + 1) for index, value in enumerate(values))
        size, depth = _measure(items)
        if all(item.value is not COMPUTED for item in items):
            fixed = [item.value for item in items]
            return Node(constant(fixed), size, depth, fixed, items)
        rules = [item.rule for item in items]
        return Node(lambda data, run: [rule(data, run) for rule in rules], size, depth, items=items)

    def _object(self, rule: Mapping[Any, Any], path: str, level: int) -> Node:
        if len(rule) != 1:
            if rule:
                self.report(path, "has several keys, so it is data; a rule has one: its operator", fatal=False)
            return Node(constant(rule), value=rule)
        ((name, given),) = rule.items()
        if name == "$ref":
            return self._reference(given, f"{path}/$ref", level)
        operator = OPERATORS.get(name) if isinstance(name, str) else None
        if operator is None:
            self.report(path, f"{shown(name)} is no operator; {_nearest(str(name)[:50], OPERATORS)}")
            return _NOTHING
        args = self._arguments(given, f"{path}/{name}", level)
        if len(args) < operator.least or (operator.most is not None and len(args) > operator.most):
            self.report(path, f"{name} takes {_counted(operator.least, operator.most)}, not {len(args)}", fatal=False)
        build = operator.build(args, lambda message: self.report(f"{path}/{name}", message, fatal=False))
        size, depth = _measure(args)
        return Node(build, size, depth)

    def _arguments(self, given: Any, path: str, level: int) -> tuple[Node, ...]:
        node = self._node(given, path, level + 1)
        return (node,) if node.items is None else node.items

    def _reference(self, name: Any, path: str, level: int) -> Node:
        if self.evaluators is None:
            return Node(constant(None))
        if not isinstance(name, str):
            self.report(path, f"{shown(name)} is no name of a shared rule")
            return _NOTHING
        if name not in self.evaluators:
            self.report(path, f"there is no shared rule {shown(name)}; {_nearest(name[:50], self.evaluators)}")
            self.shared[name] = _NOTHING
            return _NOTHING
        if name in self.opened:
            self.report(path, f"the shared rules {' → '.join([*self.opened, name])} go round in a circle; cut it")
            return _NOTHING
        if name not in self.shared:
            self.opened.append(name)
            self.shared[name] = self._node(self.evaluators[name], path, level + 1)
            self.opened.pop()
        return self.shared[name]


def _measure(nodes: Sequence[Node]) -> tuple[int, int]:
    """Size and depth of what has these parts; size stops growing just above the bound."""
    size = 1 + sum(node.size for node in nodes)
    return min(size, MAX_NODES + 1), 1 + max((node.depth for node in nodes), default=0)


def _nearest(name: str, names: Mapping[str, Any]) -> str:
    near = get_close_matches(name, [str(known)[:50] for known in names], 1)
    if near:
        return f"did you mean {near[0]!r}?"
    listed = " ".join(sorted(map(str, names))[:50])
    return f"there are: {listed}" if listed else "there are none"


def _counted(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} arguments"
    return f"{least} arguments" if least == most else f"{least} to {most} arguments"
