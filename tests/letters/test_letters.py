import email
import email.policy
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import clock, jobs, letters
from creditapp.db import db, transaction
from creditapp.letters import Letter, render
from creditapp.packages import CreditPackage
from creditapp.wiring import settings
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import deliver, order_paid

FACTS = {
    "package": "Professional",
    "credits": "5000.000000",
    "total_amount": 4_355,
    "currency": "usd",
    "balance_before": "150",
    "balance_after": "5150",
    "transaction_id": 7,
    "invoice_number": "INV-1",
}


class PostOffice:
    """A real SMTP server that keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return "451 come back later"
        self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"


def test_an_address_in_a_head_line_goes_whole_and_in_plain_letters() -> None:
    stop = "https://credits.example.com/unsubscribe?letters=" + "x" * 300
    envelope = letters.Envelope(1, "purchase_confirmed", "alice@example.com", FACTS)
    message = render.message(envelope, app_url="https://credits.example.com", sender="a@example.com", stop_url=stop)

    assert f"\r\nList-Unsubscribe: <{stop}>\r\n".encode() in message.as_bytes()


@pytest.fixture
def post_office() -> Iterator[tuple[PostOffice, str]]:
    """A post office and its address."""
    office = PostOffice()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(office, hostname="127.0.0.1", port=port)
    controller.start()
    yield office, f"smtp://127.0.0.1:{port}"
    controller.stop()


def written(key: str = "news", **facts: Any) -> int | None:
    with transaction():
        return letters.write("purchase_confirmed", key=key, recipient="alice@example.com", facts={**FACTS, **facts})


def files() -> list[Path]:
    return sorted((settings().data / "mail").glob("*.eml"))


def letter() -> Letter:
    return db.session.scalars(select(Letter)).one()


def test_a_letter_says_the_number_the_reason_and_has_one_button(app: Flask) -> None:
    written()
    with transaction():
        envelope = letters.due(letter().id)
    assert envelope is not None
    message = render.message(envelope, app_url="https://credits.example.com", sender="Credits <c@example.com>")
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]

    assert message["Subject"] == "5,000 credits added: Professional"
    assert message["To"] == "alice@example.com"
    for part in (text, html):
        assert "5,000" in part
        assert "$43.55" in part
        assert "5,150" in part
        assert "https://credits.example.com/credits/7" in part
    assert html.count("<a ") - html.count('class="a"') == 1
    assert "<script" not in html


def test_a_name_can_not_smuggle_markup_or_headers_into_a_letter(app: Flask) -> None:
    written(package="<b>Pro</b>\r\nBcc: all@example.com")
    jobs.send_letter(letter().id)
    [file] = files()
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)

    assert message["Bcc"] is None
    assert "<b>Pro" not in message.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_without_a_mail_server_letters_are_files(app: Flask) -> None:
    written()
    jobs.send_letter(letter().id)

    assert len(files()) == 1
    assert letter().state == "sent"


@pytest.mark.both_databases
def test_a_letter_goes_once_however_often_its_job_runs(app: Flask) -> None:
    written()
    assert written() is None
    for _ in range(3):
        jobs.send_letter(letter().id)

    assert len(files()) == 1
    assert letter().attempts == 1


def test_a_letter_goes_over_smtp_once(app: Flask, post_office: tuple[PostOffice, str]) -> None:
    office, address = post_office
    app.extensions["settings"] = settings().model_copy(update={"mail_url": address})
    written()
    jobs.send_letter(letter().id)
    jobs.send_letter(letter().id)

    assert [message["Subject"] for message in office.received] == ["5,000 credits added: Professional"]


def test_a_letter_that_the_server_refuses_is_sent_later(app: Flask, post_office: tuple[PostOffice, str]) -> None:
    office, address = post_office
    app.extensions["settings"] = settings().model_copy(update={"mail_url": address})
    office.refuses = True
    written()
    jobs.send_letter(letter().id)
    assert (letter().state, letter().attempts) == ("queued", 1)
    assert "451" in (letter().reason or "")

    office.refuses = False
    with clock.at(clock.now() + timedelta(minutes=2)):
        jobs.send_letter(letter().id)
    assert letter().state == "sent"
    assert len(office.received) == 1


def test_a_letter_is_given_up_after_ten_attempts(app: Flask) -> None:
    app.extensions["settings"] = settings().model_copy(update={"mail_url": "smtp://127.0.0.1:1"})
    written()
    moment = clock.now()
    for _ in range(12):
        with clock.at(moment):
            jobs.send_letter(letter().id)
        moment += timedelta(hours=2)

    assert (letter().state, letter().attempts) == ("dead", 10)


def test_who_claimed_a_letter_and_died_does_not_keep_it(app: Flask) -> None:
    written()
    with transaction():
        assert letters.due(letter().id) is not None
    with transaction():
        assert letters.due(letter().id) is None
    with clock.at(clock.now() + timedelta(minutes=2)), transaction():
        assert letters.due(letter().id) is not None


def test_news_that_is_taken_back_is_not_told(app: Flask) -> None:
    with pytest.raises(RuntimeError), transaction():
        letters.write("purchase_confirmed", key="k", recipient="alice@example.com", facts=FACTS)
        message = "the purchase failed after all"
        raise RuntimeError(message)

    assert db.session.scalars(select(Letter)).all() == []


def test_a_purchase_confirms_itself(
    client: FlaskClient, account: int, shelf: dict[str, CreditPackage], run_jobs: Callable[[], None]
) -> None:
    deliver(client, order_paid(shelf["professional"], account), WEBHOOK_SECRETS[0])
    run_jobs()
    [file] = files()
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)

    assert message["To"] == "alice@example.com"
    assert "from 100 to 5,100" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
