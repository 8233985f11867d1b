"""Kubernetes quantities, just enough to compare two of them."""

import re
from decimal import Decimal

_SHAPE = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")
_DECIMAL = {suffix: Decimal(1000) ** power for power, suffix in enumerate(("", "k", "M", "G", "T", "P", "E"))}
_BINARY = {suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_FACTORS = {**_DECIMAL, **_BINARY, "m": Decimal("0.001")}


def exceeds(amount: str, limit: str) -> bool:
    """Whether `amount` is more than `limit`; what is no quantity is more than everything."""
    asked, most = _value(amount), _value(limit)
    return asked is None or most is None or asked > most


def _value(text: str) -> Decimal | None:
    shape = _SHAPE.match(text)
    return Decimal(shape[1]) * _FACTORS[shape[2] or ""] if shape else None
