"""How a letter leaves the house: over SMTP, or into a folder where no server is set."""

import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 15


def send(message: EmailMessage, *, name: str, mail_url: str, folder: Path) -> None:
    """Hand *message* over; *name* is its file's where it goes to *folder*, so that writing it twice leaves one.

    Raises OSError and smtplib.SMTPException where the server can't be reached or refuses.
    """
    if not mail_url:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{name}.part"
        unfinished.write_bytes(message.as_bytes())
        unfinished.replace(folder / f"{name}.eml")
        return
    server = urlsplit(mail_url)
    secure = server.scheme == "smtps"
    connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
    port = server.port or (465 if secure else 25)
    with connect(server.hostname or "", port, timeout=TIMEOUT_SECONDS) as smtp:
        if not secure and smtp.has_extn("starttls"):
            smtp.starttls(context=ssl.create_default_context())
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message)
