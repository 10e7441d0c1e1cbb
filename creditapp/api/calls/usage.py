"""Calls about usage: what operations cost, what was used, what will be."""

from creditapp.api import answers, usage, usage_answers
from creditapp.api.call import Call

CALLS = (
    Call(
        name="prices",
        method="GET",
        path="/prices",
        scope="read",
        title="What operations cost",
        does="The rate card that holds now, and when another will.",
        answer=answers.PriceList,
    ),
    Call(
        name="usage_stats",
        method="GET",
        path="/usage_stats",
        scope="read",
        title="What was used",
        does=(
            "By operation, endpoint, key and day, with the same stretch before to compare. Operations that were given "
            "back are left out, and told apart."
        ),
        query=usage.Stretch,
        answer=usage_answers.UsageStatistics,
    ),
    Call(
        name="forecast",
        method="GET",
        path="/forecast",
        scope="read",
        title="What will be used",
        does=(
            "From the days that are over, at most 28, and by weekday from 21 on. Below three days with usage nothing "
            "is guessed: `enough_history` is false and the numbers are null."
        ),
        query=usage.Horizon,
        answer=usage_answers.Forecast,
    ),
)
