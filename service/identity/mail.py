"""Mail: by SMTP, or into a folder where nobody has a mail server. Whoever asks for a message does not wait for it."""

import asyncio
import logging
import os
import smtplib
import ssl
import uuid
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from prometheus_client import Counter

log = logging.getLogger("service.identity")
_TIMEOUT = 10.0  # seconds


class Mailer:
    """Sends from `sender`. `smtp_url`: smtps://user:password@host, or smtp:// for STARTTLS; else `.eml` files."""

    def __init__(self, smtp_url: str, folder: Path | None, sender: str, sent: Counter) -> None:
        self._smtp, self._folder, self._sender, self._sent = smtp_url, folder, sender, sent

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send it; what goes wrong is logged and counted, never raised."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            log.error("a message was not sent: %s", type(error).__name__)  # its text may hold the message
            self._sent.labels("failed").inc()
        else:
            self._sent.labels("sent").inc()

    def _send(self, message: EmailMessage) -> None:
        if self._smtp:
            _by_smtp(urlsplit(self._smtp), message)
        elif self._folder:
            _into(self._folder, message)
        else:
            raise OSError("neither SMTP_URL nor MAIL_FOLDER is set")


def _by_smtp(url: SplitResult, message: EmailMessage) -> None:
    context, host = ssl.create_default_context(), url.hostname or "localhost"
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=_TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=_TIMEOUT)
    with server:
        if url.scheme != "smtps":
            server.starttls(context=context)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _into(folder: Path, message: EmailMessage) -> None:
    """One file a message, which its owner alone may read, and that appears whole."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.part"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(message.as_bytes())
    path.rename(path.with_suffix(".eml"))
