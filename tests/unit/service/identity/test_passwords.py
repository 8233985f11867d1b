"""Which passwords may be chosen, and that hashing them is bounded."""

import asyncio

import pytest

from service.identity.passwords import Passwords
from service.problems import Problem

EMAIL = "ada@acme.example"


@pytest.mark.parametrize(
    "password",
    [
        "short-one", "x" * 129, "aaaaaaaaaaaaaaaa", "ababababababab", "123456789012", "password1234", "P@ssw0rd123!",
        "passwordpassword", "qwertyuiop123", "Welcome2026!!", "Summer2026Summer", "abcdefghijklmnop", "adminadmin123!",
        "iloveyou-forever"[:12], EMAIL, f"my-{EMAIL}-2026", "ADA@ACME.EXAMPLE", "asdfghjkl!!!!", "agentready2026",
    ],
)  # fmt: skip
def test_what_everybody_tries_first_is_refused_with_the_reason(password: str) -> None:
    with pytest.raises(Problem) as caught:
        Passwords().check_new(password, EMAIL)
    assert caught.value.status == 422 and caught.value.errors[0].field == "password"
    assert password not in str(caught.value), "and never repeated"


@pytest.mark.parametrize(
    "password", ["correct-vehicle-lantern-9", "fjord umbrella ninety", "Xk7#mQ9$vL2pWz", "пароль-которого-нет",
                 "🦊" * 3 + "fox den of mine"]
)  # fmt: skip
def test_a_few_words_or_random_characters_are_taken(password: str) -> None:
    Passwords().check_new(password, EMAIL)


def test_a_hash_is_argon2id_above_the_minimum_and_verifies_nothing_else() -> None:
    async def run() -> None:
        passwords = Passwords()
        hashed = await passwords.hash("correct-vehicle-lantern-9")
        assert hashed.startswith("$argon2id$v=19$m=24576,t=2,p=1$"), "OWASP's minimum is m=19456,t=2,p=1"
        assert await passwords.verify(hashed, "correct-vehicle-lantern-9")
        for hash_, password in (
            (hashed, "correct-vehicle-lantern-8"), (hashed, ""), (None, "correct-vehicle-lantern-9"),
            ("no hash", "correct-vehicle-lantern-9"), (hashed, "\ud800"), (hashed, "x" * 10**6),
        ):  # fmt: skip
            assert not await passwords.verify(hash_, password)
        passwords.close()

    asyncio.run(run())


def test_so_many_wait_and_no_more() -> None:
    async def run() -> None:
        passwords = Passwords()
        answers = await asyncio.gather(*(passwords.verify(None, "guess") for _ in range(40)), return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Problem)]
        assert len(refused) == 6, "two at work, thirty-two wait"
        assert {(one.status, one.headers["Retry-After"]) for one in refused} == {(503, "1")}
        assert not await passwords.verify(None, "guess"), "and afterwards there is room again"
        passwords.close()

    asyncio.run(run())


def test_one_network_does_not_take_the_queue_away_from_the_others() -> None:
    async def run() -> None:
        passwords = Passwords()
        greedy = [asyncio.ensure_future(passwords.verify(None, "guess", "203.0.113.7")) for _ in range(40)]
        await asyncio.sleep(0)  # all of them are in the queue, or refused
        assert not await passwords.verify(None, "guess", "198.51.100.7"), "there is room for others"
        answers = await asyncio.gather(*greedy, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Problem)]
        assert len(refused) == 34 and {one.kind for one in refused} == {"busy"}, "two at work, four wait"
        assert not await passwords.verify(None, "guess", "203.0.113.7"), "and afterwards there is room again"
        passwords.close()

    asyncio.run(run())
