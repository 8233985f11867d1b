"""Mail."""


class Mailer:
    """Sends mail by SMTP, or into a folder."""

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send it; what goes wrong is logged and counted, never raised."""
        raise NotImplementedError
