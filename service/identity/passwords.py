"""Passwords: Argon2id, a few at once, and which may be chosen.

Work is bounded: two hashes at once, of 24 MiB each, and no more than 32 waiting, so that log-ins cannot take the memory
or the processors away from everything else; and no more than 4 waiting for one network, so that none takes the queue
away from the others.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.problems import FieldError, Problem

SHORTEST, LONGEST = 12, 128  # characters
_AT_ONCE, _WAITING, _WAITING_EACH = 2, 32, 4
# Above OWASP's minimum of 19 MiB. From 32 MiB on the system gives the memory anew each time, and the page faults
# cost more than half as much again.
_HASHER = PasswordHasher(time_cost=2, memory_cost=24 * 1024, parallelism=1)
# Of 32 random bytes that nobody has kept: whoever has no password costs as much as whoever has one.
_NOBODYS = "$argon2id$v=19$m=24576,t=2,p=1$3irXDdr7ZaDUMGQjvAK+2g$oBgANebyqh0PkrvTNSDDQQTYr8Si+jKW0rnAKHBKWGc"
_LEET = str.maketrans("0134578@$!", "oieastbasi")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
_WORDS = Path(__file__).parent / "common_words.txt"
T = TypeVar("T")


class Passwords:
    """Hashes and verifies in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
        self._busy = 0
        self._busy_of = Counter[str]()
        self.verified = 0  # how often, right or wrong: whoever asks, log-ins cost the same

    async def hash(self, password: str, network: str | None = None) -> str:
        """The password's hash in PHC form; raise a Problem (503 busy). `network`: for whom, if anybody may ask."""
        return await self._work(lambda: _HASHER.hash(password), network)

    async def verify(self, hashed: str | None, password: str, network: str | None = None) -> bool:
        """Whether it is the one; without a hash the same work for nothing. Raise a Problem, as `hash` does."""
        is_right = await self._work(lambda: _verify(hashed or _NOBODYS, password[: LONGEST + 1]), network)
        self.verified += 1
        return is_right and hashed is not None

    def check_new(self, password: str, email: str) -> None:
        """Raise a Problem (422) unless it may become the password of `email`."""
        wrong = _wrong(password, email)
        if wrong:
            raise Problem(
                422, "weak-password", "The password cannot be taken",
                f"it {wrong}; a few words that have nothing to do with each other make a good one",
                (FieldError("password", wrong),),
            )  # fmt: skip

    def close(self) -> None:
        """End the threads once they have nothing to do."""
        self._threads.shutdown(wait=False)

    async def _work(self, work: Callable[[], T], network: str | None) -> T:
        if self._busy >= _AT_ONCE + _WAITING:
            raise _busy()
        if network is not None and self._busy_of[network] >= _AT_ONCE + _WAITING_EACH:
            raise _busy()
        whose = [network] if network is not None else []
        self._busy += 1
        self._busy_of.update(whose)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._busy -= 1
            self._busy_of -= Counter(whose)  # which forgets who has nothing left


def _busy() -> Problem:
    return Problem(503, "busy", "Too many log-ins at once", "try again in a second", headers={"Retry-After": "1"})


def _verify(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _wrong(password: str, email: str) -> str:
    """What is wrong with it, or nothing."""
    plain = password.lower()
    if not SHORTEST <= len(password) <= LONGEST:
        return f"has {len(password)} characters; use {SHORTEST} to {LONGEST}"
    if email in plain:
        return "holds the address"
    if len(set(plain)) < 5:
        return "repeats a few characters"
    if any(_is_common(text) for text in (plain, plain.translate(_LEET))):
        return "is made of common words, rows of keys, digits and signs alone"
    return ""


def _is_common(text: str) -> bool:
    """Whether fewer than four letters are left without what everybody tries first."""
    for row in _ROWS:
        for length in range(len(row), 3, -1):
            for start in range(len(row) - length + 1):
                text = text.replace(row[start : start + length], " ")
    for word in _common_words():
        text = text.replace(word, " ")
    return sum(character.isalpha() for character in text) < 4


@cache
def _common_words() -> tuple[str, ...]:
    """The longest first."""
    return tuple(sorted(_WORDS.read_text(encoding="utf-8").split(), key=len, reverse=True))
