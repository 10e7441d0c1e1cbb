"""What the clock does, and how often. It needs no Redis: whatever no worker took in time, it does itself."""

import logging
from collections.abc import Callable
from datetime import timedelta

from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from creditapp import (
    alerts,
    charging,
    clock,
    exports,
    jobs,
    ledger,
    letters,
    recharge,
    reconciliation,
    reconciling,
    usage,
    watching,
    webhooks,
)
from creditapp.db import db, is_away, transaction
from creditapp.gateway import PolarRefused, PolarUnavailable
from creditapp.wiring import settings

log = logging.getLogger(__name__)

# A worker that hears its bell is faster than this; a row that waits longer was not heard of.
UNHEARD = timedelta(seconds=0.5)
# Where much waits, credits come before letters.
UNHEARD_LETTER = timedelta(seconds=3)
UNHEARD_EXPORT = timedelta(seconds=2)
ROWS_A_ROUND = 200
RECHARGE_LOOK = timedelta(minutes=5)
ONE_ROUND_AT_A_TIME = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}


def handle_webhooks() -> None:
    """Handle every webhook that no worker took."""
    for event_id in webhooks.waiting(ROWS_A_ROUND, longer_than=UNHEARD):
        _alone(jobs.handle_webhook, event_id)


def send_letters() -> None:
    """Send every letter that no worker took."""
    for letter_id in letters.waiting(ROWS_A_ROUND, longer_than=UNHEARD_LETTER):
        _alone(jobs.send_letter, letter_id)


def carry_on_recharges() -> None:
    """Carry on every recharge that no worker took."""
    for attempt_id in recharge.waiting(ROWS_A_ROUND, longer_than=UNHEARD):
        _alone(jobs.recharge, attempt_id)


def consider_recharges() -> None:
    """Look at accounts below their threshold that nobody looked at: a crash came between, or a cooldown ended."""
    for account_id in recharge.due_accounts(ROWS_A_ROUND, not_since=RECHARGE_LOOK):
        _alone(charging.consider, account_id)


def consider_alerts() -> None:
    """Look at accounts whose balance crossed something that nobody saw: a crash came between, or credits lapsed."""
    for account_id in alerts.due_accounts(ROWS_A_ROUND):
        _alone(charging.consider, account_id)


def watch_accounts() -> None:
    """Look at what changes with time: runway, use a day, credits that expire, the month's limit."""
    for account_id in alerts.unmeasured_accounts(ROWS_A_ROUND):
        _alone(watching.watch, account_id)


def expire_credits() -> None:
    """Book the expiry of credits and of holds that have fallen due."""
    for account_id in {*ledger.due_accounts(ROWS_A_ROUND), *ledger.due_holds(ROWS_A_ROUND)}:
        _alone(_expire, account_id)


def rebuild_usage() -> None:
    """Count usage anew where an account's zone was changed and much had been used."""
    for account_id in ledger.counted_otherwise(ROWS_A_ROUND):
        _alone(_rebuild, account_id)


def make_exports() -> None:
    """Make every archive that no worker took, or whose worker died."""
    for export_id in exports.waiting(ROWS_A_ROUND, longer_than=UNHEARD_EXPORT):
        _alone(jobs.export_data, export_id)


def delete_exports() -> None:
    """Delete archives that were ready for a day, and what workers left that died."""
    found = exports.files(settings().exports)
    with transaction():
        needed = exports.expire()
    exports.sweep(found, needed)


def reconcile() -> None:
    """Ask Polar for what its webhooks did not bring."""
    try:
        found = reconciling.reconcile(reconciliation.due_since())
    except (PolarUnavailable, PolarRefused) as error:
        log.warning("reconciling stopped and goes on later: %s", error.sentence)
        return
    if found.repaired:
        log.warning("reconciling put %s orders right whose webhooks did not come", found.repaired)


SCHEDULE: tuple[tuple[Callable[[], None], float], ...] = (
    (handle_webhooks, 0.5),
    (send_letters, 2),
    (carry_on_recharges, 1),
    (consider_recharges, 5),
    (expire_credits, 5),
    (consider_alerts, 10),
    (watch_accounts, 15),
    (rebuild_usage, 5),
    (make_exports, 2),
    (delete_exports, 60),
    (reconcile, 300),
)


def run(app: Flask) -> None:
    """Tick until told to stop; the first time at once, since what waits has waited while there was no clock."""
    # A round that takes longer than the pause after it is no news; the next one begins when it can.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BlockingScheduler(timezone="UTC", job_defaults=ONE_ROUND_AT_A_TIME)
    for work, seconds in SCHEDULE:
        ticked = _in_context(app, work)
        scheduler.add_job(ticked, "interval", seconds=seconds, name=work.__name__, next_run_time=clock.now())
    scheduler.start()


def _expire(account_id: int) -> None:
    with transaction():
        ledger.expire(account_id)


def _rebuild(account_id: int) -> None:
    with transaction():
        usage.rebuild(account_id)


def _alone(work: Callable[[int], None], row_id: int) -> None:
    """One row's failure never keeps the others waiting."""
    try:
        work(row_id)
    except Exception as error:
        if is_away(error):  # the others need it too
            raise
        log.exception("%s of row %s failed; it will be tried again", work.__name__, row_id)
        db.session.rollback()


def _in_context(app: Flask, work: Callable[[], None]) -> Callable[[], None]:
    def ticked() -> None:
        with app.app_context():
            try:
                work()
            except Exception as error:
                if is_away(error):
                    log.warning("%s waits: the database can't be reached", work.__name__)
                else:
                    log.exception("%s failed; it will be tried again", work.__name__)

    return ticked
