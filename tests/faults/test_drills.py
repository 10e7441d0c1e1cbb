"""The drills in their short form, on one running product a database; ``pytest --full`` does them at full size."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Processes are found through /proc."),
]

Drilled = Callable[[str], None]


def test_a_paid_order_is_credited_once_whatever_dies_in_between(drilled: Drilled) -> None:
    drilled("crash")


def test_a_paid_order_is_credited_while_redis_is_stopped(drilled: Drilled) -> None:
    drilled("redis-stopped")


def test_a_paid_order_is_credited_while_redis_is_frozen(drilled: Drilled) -> None:
    drilled("redis-frozen")


def test_64_callers_over_two_webs_get_exactly_the_last_ten_credits(drilled: Drilled) -> None:
    drilled("last-credits")


def test_one_key_that_64_callers_use_at_once_is_charged_once(drilled: Drilled) -> None:
    drilled("one-key")


def test_what_a_program_was_told_is_true_and_its_retry_charges_nothing_twice_when_the_web_is_killed(
    drilled: Drilled,
) -> None:
    drilled("web-killed")


def test_a_saved_card_is_charged_once_whatever_answer_is_lost_and_whatever_dies(drilled: Drilled) -> None:
    drilled("recharges")


def test_many_charges_that_cross_the_threshold_at_once_recharge_once_and_not_again_within_the_hour(
    drilled: Drilled,
) -> None:
    drilled("crossings")


def test_a_webhook_is_acknowledged_at_once_on_an_ordinary_day(drilled: Drilled) -> None:
    drilled("receiving")


def test_no_secret_that_was_used_is_in_any_log(drilled: Drilled) -> None:
    drilled("secrets-in-logs")
