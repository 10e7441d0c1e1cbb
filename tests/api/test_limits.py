"""A key may call so often; who is over it is told when to come again, and others are not held up."""

from collections.abc import Callable

import pytest

from creditapp import identity, ledger
from tests.browsing import Api


@pytest.mark.settings(api_rate_limit="5/minute")
def test_a_key_over_its_limit_is_told_when_to_come_again(
    account: int, make_key: Callable[..., str], api: Callable[[str | None], Api], charlie: identity.User
) -> None:
    program, other = api(make_key(account)), api(make_key(identity.account_id_of(charlie)))
    answers = [program.post("/consume", {"amount": 1}) for _ in range(7)]

    assert [answer.status_code for answer in answers] == [201] * 5 + [429] * 2
    assert [answer.headers["RateLimit-Remaining"] for answer in answers[:5]] == ["4", "3", "2", "1", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "5"
    refused = answers[-1]
    assert (refused.content_type, refused.get_json()["code"]) == ("application/problem+json", "too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert other.get("/balance").status_code == 200
    assert ledger.balance(account).available == 95


def test_the_usual_limit_is_far_away(
    account: int, make_key: Callable[..., str], api: Callable[[str | None], Api]
) -> None:
    program = api(make_key(account))

    assert program.get("/balance").headers["RateLimit-Limit"] == "10000"
    assert {program.get("/balance").status_code for _ in range(100)} == {200}
