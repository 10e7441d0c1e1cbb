"""How good the forecast was: judged by what was known each morning, and by nothing later."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from click.testing import Result
from flask import Flask

from creditapp import clock, identity, usage
from creditapp.db import db
from creditapp.usage import Score, backtest
from tests.web.seeing import DAY, FOUNDED, NOON, grant, signed_up, spend_at

MONDAY = date(2026, 8, 3)


def scores(*used: int) -> dict[int, Score]:
    return {score.days: score for score in backtest([Decimal(one) for one in used], MONDAY)}


def test_steady_use_is_foretold_without_fail() -> None:
    found = scores(*[10] * 40)

    # The first three days teach the pace.
    assert {days: score.forecasts for days, score in found.items()} == {1: 37, 7: 31, 14: 24, 28: 10}
    assert all(score.coverage == 100 and score.bias == 0 for score in found.values())


def test_before_there_was_a_pace_nothing_is_judged() -> None:
    assert all(score.forecasts == 0 for score in scores(10, 10, 10).values())
    assert scores(10, 10, 10, 10)[1].forecasts == 1
    assert all(score.coverage is None and score.bias is None for score in scores().values())


def test_a_spike_is_above_what_was_known_that_morning() -> None:
    found = scores(*[10] * 20, 500, *[10] * 3)

    assert found[1].above == 1
    assert found[1].within == 20
    assert found[1].bias is not None
    assert found[1].bias < 0


def test_a_sudden_rest_is_below() -> None:
    assert scores(*[10] * 20, 0)[1].below == 1


def test_a_morning_knows_nothing_of_what_came_later() -> None:
    before, later = scores(*[10, 12, 8] * 10)[7], scores(*[10, 12, 8] * 10, *[900] * 7)[7]

    assert later.forecasts == before.forecasts + 7
    assert later.above == 7
    assert later.within >= before.within - 7


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_four_of_five_come_true_for_a_company_with_weekends(seed: int) -> None:
    chance = Random(seed)
    used = [max(chance.gauss(*(100, 20) if number % 7 < 5 else (10, 4)), 0) for number in range(400)]

    found = backtest([Decimal(round(one)) for one in used], MONDAY)

    for score in found:
        assert score.coverage is not None
        assert 65 <= score.coverage <= 95
        assert score.bias is not None
        assert abs(score.bias) < 5


@pytest.fixture
def flask(app: Flask) -> Callable[..., Result]:
    def run(*words: str) -> Result:
        db.session.rollback()
        with clock.at(NOON):
            result: Result = app.test_cli_runner().invoke(args=["usage", "backtest", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.mark.both_databases
def test_the_command_judges_complete_days_of_one_account_or_of_all(app: Flask, flask: Callable[..., Result]) -> None:
    for name, amount in (("alice", 10), ("charlie", 20)):
        account = identity.account_id_of(signed_up(app, f"{name}@example.com"))
        with clock.at(FOUNDED):
            grant(account, 10_000)
        for ago in range(19, -1, -1):
            spend_at(NOON - ago * DAY - timedelta(hours=1), account, amount)
    signed_up(app, "rests@example.com")

    one, everybody = flask("alice@example.com").output, flask().output

    assert one.splitlines()[0] == (
        "Of 10 forecasts for the next 7 days, 100.0 % came true (80 % are meant to); 1 account."
    )
    assert [line.split() for line in one.splitlines()[2:]] == [
        ["1", "16", "100.0", "%", "0", "0", "+0.0", "%"],
        ["7", "10", "100.0", "%", "0", "0", "+0.0", "%"],
        ["14", "3", "100.0", "%", "0", "0", "+0.0", "%"],
    ]
    assert "Of 20 forecasts" in everybody
    assert "2 accounts." in everybody


def test_without_history_the_command_says_what_is_missing(flask: Callable[..., Result], alice: identity.User) -> None:
    assert flask("alice@example.com").output.startswith("Nothing to test yet")
    assert flask("nobody@example.com").exit_code == 1


def test_the_command_and_the_page_go_by_the_same_pace() -> None:
    used = [Decimal(10)] * 27 + [Decimal(24)]
    today = MONDAY + timedelta(days=len(used))

    [score, *_] = backtest([*used, Decimal(11)], MONDAY)
    foretold = usage.pace(used, today).project(today, 1)

    assert foretold
    assert score.expected == sum(
        (usage.pace(used[:known], MONDAY + timedelta(days=known)).on(MONDAY + timedelta(days=known)))
        for known in range(3, 29)
    ).quantize(score.expected)
