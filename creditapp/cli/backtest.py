"""``flask usage backtest``: how often the forecast came true, on what really was used."""

from functools import reduce
from operator import add
from zoneinfo import ZoneInfo

import click
from flask.cli import with_appcontext

from creditapp import clock, identity, usage
from creditapp.cli.usage import everybody
from creditapp.cli.words import in_words
from creditapp.usage import MEANT_PERCENT, Score

USUAL_DAYS = 7


@click.command("backtest")
@click.argument("email", required=False)
@with_appcontext
@in_words
def backtest(email: str | None) -> None:
    """Foretell each past day of EMAIL's account, or of every account, from what was known that morning.

    Tells how often the real use fell between low and high, which four of five outcomes are meant to. Complete days
    only, in the account's zone; what was given back later is left out from the start.
    """
    accounts = [identity.account_named(email)] if email else list(everybody())
    tested = [scores for account_id in accounts if (scores := _scores(account_id))]
    scores = [reduce(add, row) for row in zip(*tested, strict=True)]
    if not any(score.forecasts for score in scores):
        click.echo("Nothing to test yet: a forecast needs three days with usage, and another one that is over.")
        return
    click.echo(_sentence(scores, len(tested)))
    click.echo(f"{'Days ahead':<12}{'Forecasts':>10}{'Within':>10}{'Below low':>11}{'Above high':>12}{'Bias':>10}")
    for score in scores:
        if score.forecasts:
            bias = "" if score.bias is None else f"{score.bias:+} %"
            click.echo(
                f"{score.days:<12}{score.forecasts:>10,}{f'{score.coverage} %':>10}{score.below:>11,}"
                f"{score.above:>12,}{bias:>10}"
            )


def _scores(account_id: int) -> list[Score]:
    """None where nothing was used."""
    zone = usage.zone_of(account_id)
    first, today = usage.first_used_on(account_id, ZoneInfo(zone)), clock.now().astimezone(ZoneInfo(zone)).date()
    if first is None or first >= today:
        return []
    *complete, _today = usage.daily(account_id, (today - first).days + 1, zone)
    return usage.backtest([day.total for day in complete], first)


def _sentence(scores: list[Score], accounts: int) -> str:
    usual = next((score for score in scores if score.days == USUAL_DAYS and score.forecasts), scores[0])
    ahead = "the next day" if usual.days == 1 else f"the next {usual.days} days"
    return (
        f"Of {usual.forecasts:,} forecasts for {ahead}, {usual.coverage} % came true "
        f"({MEANT_PERCENT} % are meant to); {accounts:,} account{'' if accounts == 1 else 's'}."
    )
