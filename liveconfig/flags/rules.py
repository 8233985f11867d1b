"""What a compiled rule is: a closure over its compiled arguments, bounded in depth, size and work."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from liveconfig.flags.bucketing import Hashing
from liveconfig.flags.loose import Exceeded

MAX_DEPTH = 128  # lists and operators within each other, shared rules included; a nested `if` takes two
MAX_NODES = 100_000  # operators and values of one flag, shared rules counted wherever they are used
MAX_WORK = 200_000  # nodes that the loops of one evaluation may visit, 64 characters of a text counted as one

COMPUTED: Any = object()
"""The value of a node that is known only at evaluation."""


@dataclass(slots=True)
class Run:
    """One evaluation: whose flag, in which context, and what it may still do."""

    flag_key: str
    root: Mapping[str, Any]
    timestamp: int
    hashing: Hashing = "v3"
    work: int = MAX_WORK
    served: dict[str, Any] = field(default_factory=dict)

    def spend(self, nodes: int) -> None:
        """Take from the evaluation's work; raise Exceeded when it is used up."""
        self.work -= nodes
        if self.work < 0:
            raise Exceeded(f"the loops of a rule visit more than {MAX_WORK} nodes")

    def spend_text(self, length: int) -> None:
        """Take for the reading or making of a text of so many characters."""
        self.spend(length >> 6)


Rule = Callable[[Any, Run], Any]
"""From the data in sight (the context, or the element within a loop) and the run to a value."""


class Node(NamedTuple):
    """A compiled rule or value. `items` are the elements of a list that is written out."""

    rule: Rule
    size: int = 1
    depth: int = 1
    value: Any = COMPUTED
    items: tuple["Node", ...] | None = None


Report = Callable[[str], None]
"""Takes the text of a problem that spoils an operator but not the flag."""


class Operator(NamedTuple):
    """How an operator is compiled, and how many arguments it takes; `most` None: any number."""

    build: Callable[[Sequence[Node], Report], Rule]
    least: int
    most: int | None


def constant(value: Any) -> Rule:
    """The rule that always gives this value."""
    return lambda data, run: value


def argument(args: Sequence[Node], position: int, missing: Any = None) -> Rule:
    """The rule of an argument, or of what counts when it is missing."""
    return args[position].rule if position < len(args) else constant(missing)


def shown(value: Any) -> str:
    """A value for a message: short, whatever it is."""
    try:
        return reprlib.repr(value)[:80]
    except ValueError:  # an integer of thousands of digits
        return "a very long number"
