"""Values compared, converted and written as JavaScript does it: what rules in JSON Logic take for granted.

Booleans, numbers, texts, lists and objects as JSON has them; anything else counts as an object that equals itself only.
Whatever could grow without bound says so with `Exceeded`.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

MAX_TEXT = 65_536  # characters of a text that a rule may make
MAX_LIST_TEXT = 256  # characters of a list that is compared or counted with as a text
NAN = math.nan

_EXACT = 2**53  # up to here a JavaScript number holds every integer
_LONGEST_NUMBER = 1_000  # characters; a longer text is no number
_DECIMAL = r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_START = re.compile(_DECIMAL)
_WHOLE = re.compile(_DECIMAL + r"\Z")
_OTHER_BASE = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")


class Exceeded(Exception):
    """An evaluation would take more than its bound; the text says which."""


def truthy(value: Any) -> bool:
    """False are false, 0, NaN, "", null and the empty list, as JSON Logic has it; "0" and {} are true."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str | list | tuple):
        return len(value) > 0
    if isinstance(value, int | float):
        return value != 0 and not math.isnan(value)
    return value is not None


def equal(one: Any, other: Any) -> bool:
    """JavaScript's `==`."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if one is None or other is None:
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    if not isinstance(one, str | int | float) and not isinstance(other, str | int | float):
        return one is other
    left, right = _primitive(one), _primitive(other)
    return left == right if isinstance(left, str) and isinstance(right, str) else number(left) == number(right)


def same(one: Any, other: Any) -> bool:
    """JavaScript's `===`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str):
        return isinstance(other, str) and one == other
    if isinstance(one, int | float):
        return isinstance(other, int | float) and one == other
    return one is other


def less(one: Any, other: Any) -> bool:
    """JavaScript's `<`: two texts by their characters, everything else as numbers."""
    left, right = _primitive(one), _primitive(other)
    return left < right if isinstance(left, str) and isinstance(right, str) else number(left) < number(right)


def at_most(one: Any, other: Any) -> bool:
    """JavaScript's `<=`."""
    left, right = _primitive(one), _primitive(other)
    return left <= right if isinstance(left, str) and isinstance(right, str) else number(left) <= number(right)


def number(value: Any) -> int | float:
    """JavaScript's `Number()`: NaN for what is none. Integers beyond 2**53 become floats, so no number grows."""
    if isinstance(value, int | float):
        return bounded(value)
    if value is None:
        return 0
    if isinstance(value, str | list | tuple):
        return _number_of(text(value))
    return NAN


def leading_number(value: Any) -> int | float:
    """JavaScript's `parseFloat()`: the number that a text begins with, else NaN."""
    if isinstance(value, int | float):
        return NAN if isinstance(value, bool) else bounded(value)
    found = _START.match(text(value)[:_LONGEST_NUMBER].lstrip())
    return _float(found[0]) if found else NAN


def bounded(value: int | float) -> int | float:
    """A number as JavaScript could hold it."""
    if isinstance(value, float):
        return value
    if -_EXACT <= value <= _EXACT:
        return int(value)  # True is 1
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def text(value: Any) -> str:
    """JavaScript's `String()`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _digits(value)
    if isinstance(value, list | tuple):
        return _joined(value, ",", [MAX_LIST_TEXT])
    return "null" if value is None else "[object Object]"


def joined(values: Iterable[Any], between: str) -> str:
    """The texts of the values in one, null as nothing; raise Exceeded beyond MAX_TEXT characters."""
    return _joined(values, between, [MAX_TEXT])


def _joined(values: Iterable[Any], between: str, room: list[int]) -> str:
    parts = []
    for value in values:
        part = "" if value is None else _joined(value, ",", room) if isinstance(value, list | tuple) else text(value)
        room[0] -= len(part) + 1
        if room[0] < 0:
            raise Exceeded("a rule makes too long a text")
        parts.append(part)
    return between.join(parts)


def _primitive(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else text(value)


def _number_of(written: str) -> int | float:
    if len(written) > _LONGEST_NUMBER:
        return NAN
    written = written.strip()
    if not written:
        return 0
    if _WHOLE.match(written):
        return _float(written)
    return bounded(int(written, 0)) if _OTHER_BASE.match(written) else NAN


def _float(written: str) -> int | float:
    exact = float(written)
    return int(exact) if exact.is_integer() and abs(exact) <= _EXACT else exact


def _digits(value: int | float) -> str:
    if not math.isfinite(bounded(value)):
        return "NaN" if isinstance(value, float) and math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if abs(value) < 1e21 and value == int(value):
        return str(int(value))
    shortest = repr(float(value))
    mantissa, _, exponent = shortest.partition("e")
    if not exponent:
        return shortest
    if -6 <= int(exponent) < 0:
        return f"{value:.{len(mantissa.replace('.', '').lstrip('-')) - 1 - int(exponent)}f}"
    return f"{mantissa}e{int(exponent):+d}"
