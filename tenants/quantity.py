"""Kubernetes quantities as exact numbers.

The grammar is Kubernetes' own (apimachinery `resource.Quantity`): a decimal number with a suffix; `1G` is 10^9 and
`1Gi` is 2^30. Exponents (`1e3`) are part of that grammar but not of ours: nobody writes a quota that way on purpose.
"""

import re
from decimal import Decimal

from tenants.errors import InvalidQuantity

_CPU = re.compile(r"^(?P<number>\d+(\.\d{1,3})?)(?P<unit>m?)$")
_BYTES = re.compile(r"^(?P<number>\d+(\.\d+)?)(?P<unit>Ki|Mi|Gi|Ti)$")
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def cpu_millicores(text: str) -> int:
    """Read a cpu quantity such as `2`, `0.5` or `500m` as whole millicores; raise InvalidQuantity."""
    match = _CPU.match(text)
    if not match:
        raise InvalidQuantity(
            f"{text!r} is not a cpu quantity; write cores such as 2 or 0.5, or millicores such as 500m"
        )
    number = Decimal(match["number"])
    millicores = number if match["unit"] else number * 1000
    if millicores != int(millicores):
        raise InvalidQuantity(f"{text!r} is finer than a millicore; the smallest cpu quantity is 1m")
    return int(millicores)


def bytes_(text: str) -> int:
    """Read a memory or storage quantity such as `512Mi` or `20Gi` as bytes; raise InvalidQuantity.

    Only binary units are accepted: a catalog that mixes 1G with 1Gi is wrong by 7 % where nobody looks.
    """
    match = _BYTES.match(text)
    if not match:
        raise InvalidQuantity(f"{text!r} is not a size; use a whole binary unit (Ki, Mi, Gi, Ti) such as 512Mi or 20Gi")
    return int(Decimal(match["number"]) * _BINARY[match["unit"]])


def format_cpu(millicores: int) -> str:
    """Write millicores the way the API server does (its canonical form), so that a read-back compares equal."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_bytes(count: int) -> str:
    """Write bytes in the largest binary unit that keeps them whole (the API server's canonical form)."""
    for unit, factor in reversed(_BINARY.items()):
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return str(count)
