"""Every kind of letter: the number, the reason, one button, the same in text and HTML."""

import re
from typing import Any

import pytest
from flask import Flask

from creditapp import letters
from creditapp.config import ROOT
from creditapp.db import transaction
from creditapp.letters import render

HOME = "https://credits.example.com"
REFUND = {
    "package": "Professional",
    "by_dispute": False,
    "full": False,
    "refunded_amount": 1_000,
    "currency": "usd",
    "credits_taken": "1250.000000",
    "debt": "0",
    "balance_after": "3850",
    "transaction_id": 9,
}
REVERSED = {"package": "Starter", "credits_returned": "1000", "balance_after": "1100", "transaction_id": 4}
RECHARGE = {
    "package": "Professional",
    "package_key": "professional",
    "credits": "5000",
    "amount_cents": 4_000,
    "currency": "usd",
    "reason": "Insufficient funds.",
    "card": "Visa ending in 4242",
    "balance": "5487",
}
KINDS: dict[str, tuple[str, dict[str, Any], list[str], str]] = {
    "partial refund": (
        "refund_processed",
        REFUND,
        ["1,250", "$10.00", "Part of your purchase of Professional", "3,850"],
        f"{HOME}/credits/9",
    ),
    "full refund of spent credits": (
        "refund_processed",
        {**REFUND, "full": True, "debt": "1150.5", "balance_after": "0"},
        ["All of your purchase", "1,150.5 credits had been spent already", "your next purchase repays them first"],
        f"{HOME}/credits/packages",
    ),
    "lost dispute": (
        "refund_processed",
        {**REFUND, "by_dispute": True},
        ["1,250", "$10.00", "Your bank took back part of your payment for Professional", "3,850"],
        f"{HOME}/credits/9",
    ),
    "lost dispute of spent credits": (
        "refund_processed",
        {**REFUND, "by_dispute": True, "full": True, "debt": "1150.5", "balance_after": "0"},
        ["Your bank took back your payment for Professional", "1,150.5 credits had been spent already"],
        f"{HOME}/credits/packages",
    ),
    "refund that fell through": (
        "refund_reversed",
        {**REVERSED, "by_dispute": False},
        ["1,000", "A refund of your purchase of Starter came to nothing", "1,100"],
        f"{HOME}/credits/4",
    ),
    "dispute that was won": (
        "refund_reversed",
        {**REVERSED, "by_dispute": True},
        ["1,000", "The dispute about your payment for Starter is over and the payment stands", "1,100"],
        f"{HOME}/credits/4",
    ),
    "payment failed": (
        "payment_failed",
        {
            "package": "Starter",
            "package_key": "starter",
            "credits": "1000",
            "price_cents": 1_000,
            "currency": "usd",
            "reason": "Your card was declined.",
            "checkout_id": "7",
        },
        ["Your card was declined.", "Nothing was charged", "1,000 credits for $10.00"],
        f"{HOME}/credits/packages?package=starter",
    ),
    "recharge succeeded": (
        "recharge_succeeded",
        RECHARGE,
        ["5,000", "$40.00", "Visa ending in 4242", "5,487"],
        f"{HOME}/credits/settings/auto_recharge",
    ),
    "recharge declined": (
        "recharge_failed",
        {**RECHARGE, "balance": "487", "switched_off": True},
        ["Insufficient funds.", "Nothing was charged", "switched off", "487"],
        f"{HOME}/credits/settings/auto_recharge",
    ),
    "recharge declined, tried again": (
        "recharge_failed",
        {**RECHARGE, "balance": "487", "switched_off": False},
        ["Insufficient funds.", "Nothing was charged", "We try once more in an hour.", "487"],
        f"{HOME}/credits/settings/auto_recharge",
    ),
    "recharge needs you": (
        "recharge_needs_you",
        {**RECHARGE, "reason": "The bank wants the cardholder to confirm the payment."},
        ["The bank wants the cardholder to confirm", "Nothing was charged"],
        f"{HOME}/credits/packages?package=professional",
    ),
    "password reset": (
        "password_reset",
        {"token": "secret-token"},
        ["alice@example.com", "half an hour", "works once"],
        f"{HOME}/reset-password?token=secret-token",
    ),
    "export ready": (
        "export_ready",
        {"size": 12_345, "hours": 24},
        ["ready to download", "24 hours", "then it is deleted", "alice@example.com"],
        f"{HOME}/credits/settings/data",
    ),
    "password changed": (
        "password_changed",
        {},
        ["alice@example.com", "was changed", "If it was not you"],
        f"{HOME}/forgot-password",
    ),
}


def rendered(kind: str, facts: dict[str, Any]) -> tuple[str, str, str]:
    envelope = letters.Envelope(1, kind, "alice@example.com", facts)
    message = render.message(envelope, app_url=HOME, sender="Credits <c@example.com>")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return str(message["Subject"]), plain.get_content(), html.get_content()


@pytest.mark.parametrize(("kind", "facts", "says", "leads_to"), KINDS.values(), ids=KINDS)
def test_a_letter_says_the_number_the_reason_and_has_one_button(
    kind: str, facts: dict[str, Any], says: list[str], leads_to: str
) -> None:
    subject, text, html = rendered(kind, facts)

    assert subject
    words = " ".join(re.sub(r"<[^>]*>", "", html).split())
    for part in says:
        assert part in words
        assert part in " ".join(text.split())
    assert re.findall(r'href="([^"]*)"', html) == [leads_to]
    assert leads_to in text
    assert "<script" not in html


def test_no_kind_of_letter_is_without_its_three_parts_and_its_test() -> None:
    files = {path.name for path in (ROOT / "templates" / "emails").iterdir()}
    kinds = {name.removesuffix(".subject.txt") for name in files if name.endswith(".subject.txt")}

    assert files == {f"{kind}.{part}" for kind in kinds for part in ("subject.txt", "txt", "html")} | {
        "_letter.html",
        "_lines.html",
    }
    assert kinds == {kind for kind, *_ in KINDS.values()} | {"purchase_confirmed", "alert"}  # tests/alerts has its own


def test_what_a_card_issuer_says_can_not_smuggle_markup(app: Flask) -> None:
    facts = {**KINDS["payment failed"][1], "reason": '<a href="https://evil.example">pay here</a>'}
    _, _, html = rendered("payment_failed", facts)

    assert '<a href="https://evil' not in html


def test_the_secret_of_a_reset_lies_in_no_table(app: Flask) -> None:
    with transaction():
        letters.write("password_reset", key="k", recipient="alice@example.com", facts={})
        [waiting] = letters.waiting(9, longer_than=letters.post.CLAIM * -1)
        envelope = letters.due(waiting)

    assert envelope is not None
    assert envelope.facts == {}
