"""What a replica knows of signing keys and revoked tokens."""

from service.identity.keys import PublishedKey


class View:
    """Keys by `kid` and the denylist, in memory."""

    keys: dict[str, PublishedKey]
    revoked: set[str]

    @property
    def fresh(self) -> bool:
        """Whether it was read within the last 5 seconds."""
        raise NotImplementedError

    async def run(self) -> None:
        """Read every second and upon hints, until cancelled."""
        raise NotImplementedError

    async def read_now(self) -> None:
        """Return once a reading that began after this call has ended. Raise DatabaseError."""
        raise NotImplementedError
