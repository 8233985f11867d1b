"""Tokens that are mailed: who brings one shows that the address is theirs."""


class Mailed:
    """Makes and mails them."""

    async def invite_to_set_password(self, email: str, subject: str, opening: str) -> None:
        """Mail a token that sets the password once, with `opening` as the text's first lines. Raise DatabaseError."""
        raise NotImplementedError
