"""Kubernetes quantities as exact numbers.

The grammar is Kubernetes' own (apimachinery `resource.Quantity`): a decimal number with a suffix; `1G` is 10^9 and
`1Gi` is 2^30. Exponents (`1e3`) are part of that grammar but not of ours: nobody writes a quota that way on purpose.

What is written here is the API server's canonical form: the largest suffix that leaves a whole number (`1000` pods
read back as `1k`). What is written can be read again.
"""

import re
from fractions import Fraction

from tenants.errors import InvalidQuantity

_NUMBER = r"(?P<number>[0-9]{1,30}(\.[0-9]{1,30})?)"
_CPU = re.compile(_NUMBER + r"(?P<unit>[mkMGTPE]?)")
_BYTES = re.compile(_NUMBER + r"(?P<unit>[KMGTPE]i)")
_DECIMAL = {suffix: 1000**power for power, suffix in enumerate("kMGTPE", 1)}
_BINARY = {f"{suffix}i": 1024**power for power, suffix in enumerate("KMGTPE", 1)}


def cpu_millicores(text: str) -> int:
    """Read a cpu quantity such as `2`, `0.5` or `500m` as whole millicores; raise InvalidQuantity."""
    match = _CPU.fullmatch(text)
    if not match:
        raise InvalidQuantity(
            f"{text!r} is not a cpu quantity; write cores such as 2 or 0.5, or millicores such as 500m"
        )
    unit = match["unit"]
    millicores = Fraction(match["number"]) * (1 if unit == "m" else 1000 * _DECIMAL.get(unit, 1))
    if millicores.denominator != 1:
        raise InvalidQuantity(
            f"{text!r} is finer than a millicore; the smallest cpu quantity is 1m (500m is half a core)"
        )
    return int(millicores)


def bytes_(text: str) -> int:
    """Read a memory or storage quantity such as `512Mi` or `20Gi` as bytes; raise InvalidQuantity.

    Only binary units are accepted: a catalog that mixes 1G with 1Gi is wrong by 7 % where nobody looks.
    """
    match = _BYTES.fullmatch(text)
    if not match:
        raise InvalidQuantity(f"{text!r} is not a size; use a whole binary unit (Ki, Mi, Gi, Ti) such as 512Mi or 20Gi")
    count = Fraction(match["number"]) * _BINARY[match["unit"]]
    if count.denominator != 1 or count % _BINARY["Ki"]:
        raise InvalidQuantity(
            f"{text!r} is no whole number of Ki; write it in a smaller unit, such as 1536Mi for 1.5Gi"
        )
    return int(count)


def format_cpu(millicores: int) -> str:
    """Write millicores as cores or, where they are not whole, as millicores."""
    return f"{millicores}m" if millicores % 1000 else format_count(millicores // 1000)


def format_count(count: int) -> str:
    """Write a number of objects (or cores)."""
    return _largest(count, _DECIMAL)


def format_bytes(count: int) -> str:
    """Write bytes in binary units."""
    return _largest(count, _BINARY)


def _largest(count: int, factors: dict[str, int]) -> str:
    for suffix, factor in reversed(factors.items()):
        if count and count % factor == 0:
            return f"{count // factor}{suffix}"
    return str(count)
