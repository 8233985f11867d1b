"""Passwords."""


class Passwords:
    """Argon2id, a few at once."""

    async def hash(self, password: str) -> str:
        """The password's hash in PHC form; raise a Problem (503 busy)."""
        raise NotImplementedError

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether it is the one; without a hash the same work for nothing. Raise a Problem (503 busy)."""
        raise NotImplementedError

    def check_new(self, password: str, email: str) -> None:
        """Raise a Problem (422) unless it may become somebody's password."""
        raise NotImplementedError
