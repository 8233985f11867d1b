"""Which bucket a key falls into: the same in every process and language, for all time.

flagd hashes the key's canonical CBOR (RFC 8949, 4.2.1) with MurmurHash3 (x86, 32 bits, seed 0), and takes its share of
the hash's range. That is `v3` of its test bed. `v2` hashes the text itself, and flag key and targeting key in one.
"""

import struct
from collections.abc import Mapping
from typing import Any, Literal

import mmh3

from liveconfig.flags.loose import MAX_TEXT, Exceeded

Hashing = Literal["v2", "v3"]

_SIMPLE = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}
_NAN = b"\xf9\x7e\x00"
_FLOATS = ((">e", b"\xf9"), (">f", b"\xfa"), (">d", b"\xfb"))
_SIZES = ((24, 0, 0), (2**8, 24, 1), (2**16, 25, 2), (2**32, 26, 4), (2**64, 27, 8))


def bucket(key: bytes, buckets: int) -> int:
    """The bucket, from 0, that a key always falls into."""
    return int(mmh3.hash(key, signed=False)) * buckets >> 32


def own_key(flag_key: str, targeting_key: Any, hashing: Hashing) -> bytes | None:
    """Flag key and targeting key: what buckets by unless a rule says otherwise. None without a targeting key."""
    if not isinstance(targeting_key, str) or not targeting_key:
        return None
    if hashing == "v2":
        return _utf8(flag_key + targeting_key)
    return b"\x82" + _text(flag_key) + _text(targeting_key)


def given_key(value: Any, hashing: Hashing) -> bytes | None:
    """What a rule buckets by; None if it can be no key. Raise Exceeded if it is too large."""
    if isinstance(value, str):
        return _utf8(value) if hashing == "v2" else _text(value)
    if value is None or hashing == "v2":
        return None
    return _encoded(value, [MAX_TEXT])


def _encoded(value: Any, room: list[int]) -> bytes:
    room[0] -= 1
    if room[0] < 0:
        raise Exceeded(f"a rule buckets by more than {MAX_TEXT} values at once")
    if value is None or isinstance(value, bool):
        return _SIMPLE[value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(_encoded(item, room) for item in value)
    if isinstance(value, Mapping):
        parts = sorted((_encoded(name, room), _encoded(item, room)) for name, item in value.items())
        return _head(5, len(parts)) + b"".join(name + item for name, item in parts)
    raise TypeError(f"{value.__class__.__name__} is no value of JSON")


def _number(value: int | float) -> bytes:
    if value != value:
        return _NAN
    if isinstance(value, float) and (not value.is_integer() or not -(2**63) <= value < 2**64):
        return _float(value)
    whole = int(value)
    return _head(0, whole) if whole >= 0 else _head(1, -1 - whole)


def _float(value: float) -> bytes:
    """In the shortest of the three forms that holds it."""
    for form, mark in _FLOATS:
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            return mark + packed
    raise AssertionError("the longest form holds every float")


def _head(kind: int, number: int) -> bytes:
    for limit, mark, size in _SIZES:
        if number < limit:
            return bytes([kind << 5 | (mark or number)]) + (number.to_bytes(size, "big") if size else b"")
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([0xC2 + kind]) + _head(2, len(digits)) + digits


def _text(value: str) -> bytes:
    encoded = _utf8(value)
    return _head(3, len(encoded)) + encoded


def _utf8(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")
