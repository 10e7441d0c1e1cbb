"""Every background job: one row id in; claim - ask - write. A job may run twice at once: its row is claimed first."""

import logging
import time
from dataclasses import replace

from creditapp import alerts, charging, exports, identity, letters, webhooks
from creditapp import recharge as recharges
from creditapp.db import transaction
from creditapp.gateway import PolarRefused, PolarUnavailable
from creditapp.letters import render
from creditapp.mail import send
from creditapp.wiring import gateway, settings

log = logging.getLogger(__name__)

NOTE_SECONDS = 1.0  # between two notes of how far an export is
RECHARGE_STEPS = 4  # draft, charge, and once more each; what is not done then goes on later


def handle_webhook(event_id: int) -> None:
    """Do what a stored webhook asks for; where Polar has to be asked for it, before the transaction begins."""
    try:
        answer = webhooks.ask(gateway(), event_id)
    except (PolarUnavailable, PolarRefused) as error:
        with transaction():
            webhooks.postpone(event_id, error.sentence)
        return
    with transaction():
        webhooks.handle(event_id, *answer)


def send_letter(letter_id: int) -> None:
    """Send a letter: claim it, hand it over, write down what became of it."""
    with transaction():
        envelope = letters.due(letter_id)
        if envelope is not None and envelope.kind == "password_reset":
            # Its secret is made now, and lies nowhere before; a stranger's address gets no letter.
            token = identity.begin_reset(envelope.recipient)
            if token is None:
                letters.sent(letter_id)
                return
            envelope = replace(envelope, facts={**envelope.facts, "token": token})
        if envelope is not None and envelope.facts.get("waited") and alerts.is_over(letter_id):
            letters.drop(letter_id, "What it tells was over before its turn came.")
            return
    if envelope is None:
        return
    try:
        message = render.message(
            envelope, app_url=settings().app_url, sender=settings().mail_from, stop_url=_stop_url(envelope)
        )
        send(
            message,
            name=f"{envelope.letter_id:06}-{envelope.kind}",
            mail_url=settings().mail_url,
            folder=settings().data / "mail",
        )
    except Exception as error:
        log.exception("letter %s did not go", letter_id)
        with transaction():
            letters.give_up_or_postpone(letter_id, f"{type(error).__name__}: {error}")
    else:
        with transaction():
            letters.sent(letter_id)
            alerts.mailed(letter_id)


def recharge(attempt_id: int) -> None:
    """Carry an attempt to recharge on, step by step: claim it, ask Polar, write down the answer."""
    for _ in range(RECHARGE_STEPS):
        with transaction():
            step = recharges.claim(attempt_id)
        if step is None:
            return
        charging.take(step)


def export_data(export_id: int) -> None:
    """Make an archive of an account's data: claim it, write it page by page, say that it is there."""
    with transaction():
        claimed = exports.claim(export_id)
    if claimed is None:
        return
    path, noted_at = exports.file_of(settings().exports, export_id, claimed.attempt), -NOTE_SECONDS

    def note(done: int, total: int) -> None:
        nonlocal noted_at
        if time.monotonic() - noted_at >= NOTE_SECONDS:
            noted_at = time.monotonic()
            with transaction():
                exports.note(claimed, done, total)

    try:
        size = exports.write(claimed, path, note)
        with transaction():
            exports.finished(claimed, size)
    except exports.TakenOver:  # the clock sweeps up what was written so far
        log.warning("export %s was taken over from a worker that was too slow", export_id)
    except Exception as error:
        log.exception("export %s failed", export_id)
        with transaction():
            exports.give_up_or_postpone(claimed, f"{type(error).__name__}: {error}")


def _stop_url(envelope: letters.Envelope) -> str | None:
    """Where letters like this one are stopped; None for those that can't be."""
    if envelope.kind != alerts.LETTER_KIND or envelope.account_id is None:
        return None
    token = alerts.stop_token(settings().secret_key, envelope.account_id, envelope.facts["alert_type"])
    return f"{settings().app_url}/unsubscribe?letters={token}" if token else None


JOBS = (handle_webhook, send_letter, recharge, export_data)
