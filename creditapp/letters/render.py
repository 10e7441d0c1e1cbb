"""Letters as people read them: subject, text and HTML from ``templates/emails/<kind>.*``."""

from decimal import Decimal
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from functools import cache
from typing import Any

from babel.numbers import format_currency, get_currency_precision
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from creditapp.config import ROOT
from creditapp.letters.post import Envelope

# A folded address would be encoded, and no mail program could follow it (RFC 5322 allows lines of 998).
WHOLE_LINES = SMTP.clone(max_line_length=998)


def message(envelope: Envelope, *, app_url: str, sender: str, stop_url: str | None = None) -> EmailMessage:
    """The letter, ready to send. Its Message-ID is its own for good, so that a repeat is recognised.

    *stop_url* is where such letters are stopped: mail programs show it as a button of their own (RFC 8058).
    """
    facts = {**envelope.facts, "app_url": app_url, "recipient": envelope.recipient, "stop_url": stop_url}

    def render(part: str) -> str:
        return _templates().get_template(f"emails/{envelope.kind}.{part}").render(facts)

    letter = EmailMessage(policy=WHOLE_LINES)
    letter["Subject"] = " ".join(render("subject.txt").split())
    letter["From"] = sender
    letter["To"] = envelope.recipient
    letter["Date"] = formatdate(localtime=False)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    letter["Message-ID"] = f"<letter-{envelope.letter_id}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    if stop_url is not None:
        letter["List-Unsubscribe"] = f"<{stop_url}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(render("txt"))
    letter.add_alternative(render("html"), subtype="html")
    return letter


def credits(value: Decimal | str | int) -> str:
    """An amount of credits for people: grouped, never abbreviated, no idle zeros."""
    amount = Decimal(value)
    return f"{amount:,.6f}".rstrip("0").rstrip(".")


def money(amount: int, currency: str) -> str:
    """Minor units as money for people."""
    precision = get_currency_precision(currency.upper())
    return str(format_currency(Decimal(amount).scaleb(-precision), currency.upper(), locale="en_US"))


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {"credits": credits, "money": money}
    environment.filters.update(filters)
    return environment
