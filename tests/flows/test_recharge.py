"""Never run dry: a saved card is charged once when credits run low, whatever answer is lost, and never twice.

The judge of money is the stand-in's list of charges.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from creditapp import alerts, charging, checkout, clock, identity, ledger, packages, recharge, schedule, watching
from creditapp.db import db, transaction
from creditapp.gateway import charging as gateway_charging
from creditapp.ledger.watching import WatchLevel
from tests.flows.house import PATIENCE_SECONDS, Polar, Program, Visitor, eventually

PAYS, LATER_DECLINES, ASKS = "4242 4242 4242 4242", "4000 0000 0000 0341", "4000 0027 6000 3184"
CALLERS = 32
HOUR = timedelta(hours=1, seconds=1)
Told = Callable[[], None]


@pytest.fixture
def told(polar: Polar, run_jobs: Callable[[], None]) -> Told:
    """All that Polar has to tell has arrived, and all work behind the web is done."""

    def until_all_is_done() -> None:
        run_jobs()
        assert eventually(lambda: polar.has_told_all, seconds=PATIENCE_SECONDS)
        run_jobs()

    return until_all_is_done


@pytest.fixture
def save_card(polar: Polar, account: int, told: Told) -> Callable[..., None]:
    """Alice saves a card at Polar, and we hear of it."""

    def saved(number: str = PAYS) -> None:
        polar.control("card", customer=str(account), card_number=number)
        told()

    return saved


def plans(program: Program, **terms: Any) -> Any:
    """Recharge with a Starter below 50 credits."""
    usual = {"enabled": True, "threshold": 50, "package": "starter", "quantity": 1, "monthly_cap_cents": 20_000}
    answer = program.put("/auto_recharge", {**usual, **terms})
    assert answer.status_code == 200, answer.text
    return answer.json()


def spends(program: Program, amount: int) -> Any:
    return program.post("/consume", {"amount": amount})


def log(account: int) -> list[tuple[str, str]]:
    db.session.rollback()
    return [(one.state, one.reason) for one in recharge.attempts(account, 99)]


def states(account: int) -> list[str]:
    return [state for state, _ in log(account)]


def watch_level(account: int) -> Decimal | None:
    """At how many credits recharging wants to hear of the account."""
    db.session.rollback()
    wanted = db.session.get(WatchLevel, (account, "recharge"), populate_existing=True)
    return wanted.level if wanted else None


def books_tie_out() -> bool:
    db.session.rollback()
    return [*ledger.verify(), *checkout.verify()] == []


def later(hours: timedelta = HOUR) -> Any:
    return clock.at(clock.now() + hours)


def test_credits_that_run_low_are_recharged_once(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told,
    letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    save_card()
    assert plans(program)["state"] == "on"
    assert spends(program, 49).status_code == 201
    told()
    assert polar.charges_of(account) == []  # 51 are left: above the threshold

    assert spends(program, 1).status_code == 201  # 50: at it
    told()
    [charge] = polar.charges_of(account)
    assert (charge["amount"], charge["currency"], charge["card"]) == (1_000, "usd", "4242")
    assert program.available == 1_050
    assert states(account) == ["paid"]
    assert [str(one["Subject"]) for one in letters() if "recharged" in str(one["Subject"])] == [
        "1,000 credits recharged for $10.00"
    ]
    assert program.get("/auto_recharge")["attempts"][0]["state"] == "paid"
    assert books_tie_out()


def test_thirty_two_charges_at_once_that_cross_the_threshold_charge_once(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program, threshold=90)
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(lambda _: spends(program, 1).status_code, range(CALLERS)))
    told()

    assert answers == [201] * CALLERS
    assert len(polar.charges_of(account)) == 1
    assert program.available == 100 - CALLERS + 1_000
    for _ in range(3):
        spends(program, 300)
    told()
    assert len(polar.charges_of(account)) == 1  # within the hour
    assert books_tie_out()


def test_the_next_recharge_waits_for_an_hour_and_says_so(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program)
    spends(program, 60)
    told()
    spends(program, 1_000)
    told()
    assert len(polar.charges_of(account)) == 1
    assert log(account)[0][0] == "skipped"
    assert "At most one recharge an hour" in log(account)[0][1]

    with later():
        schedule.consider_recharges()
        told()
    assert len(polar.charges_of(account)) == 2
    assert program.available == 1_040
    assert books_tie_out()


def test_who_is_low_already_is_charged_once_when_it_is_switched_on(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program, threshold=500)
    told()
    plans(program, threshold=500)
    told()

    assert len(polar.charges_of(account)) == 1
    assert program.available == 1_100


def test_without_a_card_it_waits_and_charges_as_soon_as_one_is_saved(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    assert plans(program, threshold=500)["state"] == "no_card"
    told()
    assert states(account) == ["skipped"]

    save_card()
    told()
    assert len(polar.charges_of(account)) == 1
    assert program.available == 1_100
    assert program.get("/auto_recharge")["payment_method"]["last4"] == "4242"


def test_a_decline_switches_it_off_tells_why_and_is_not_tried_again(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor,
    letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    save_card(LATER_DECLINES)
    plans(program)
    spends(program, 60)
    told()
    for hours in (2, 30):
        with later(timedelta(hours=hours)):
            spends(program, 1)
            schedule.consider_recharges()
            told()

    assert polar.charges_of(account) == []
    assert states(account) == ["declined"]
    plan = program.get("/auto_recharge")
    assert (plan["enabled"], plan["state"]) == (False, "declined")
    assert watch_level(account) is None  # charges have nothing to tell any more
    assert [one for one in letters() if "declined" in str(one["Subject"])].__len__() == 1
    assert "Auto-recharge is switched off" in browser.sees("/credits")
    assert "Switched off: card declined" in browser.sees("/credits/settings/auto_recharge")


@pytest.mark.settings(auto_recharge_max_failures=2)
def test_where_two_declines_are_allowed_the_first_waits_for_the_hour_and_the_second_switches_it_off(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor,
    letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    save_card(LATER_DECLINES)
    plans(program)
    spends(program, 60)
    told()
    assert states(account) == ["declined"]
    assert program.get("/auto_recharge")["state"] == "on"
    assert "A recharge was declined" in browser.sees("/credits/alerts")
    assert "switched off" not in browser.sees("/credits")
    spends(program, 1)
    schedule.consider_recharges()
    told()
    assert states(account).count("declined") == 1  # it waits for the hour

    with later():
        schedule.consider_recharges()
        told()
    assert states(account).count("declined") == 2
    assert program.get("/auto_recharge")["state"] == "declined"
    assert "Auto-recharge is switched off" in browser.sees("/credits")
    declined = [str(one["Subject"]).partition(":")[0] for one in letters() if "declined" in str(one["Subject"])]
    assert declined == ["Auto-recharge did not go through", "Auto-recharge is switched off"]
    assert polar.charges_of(account) == []


@pytest.mark.settings(auto_recharge_max_failures=2)
def test_a_recharge_that_goes_well_and_a_new_card_forget_the_decline_before(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card(LATER_DECLINES)
    plans(program)
    spends(program, 60)
    told()
    save_card(PAYS)
    told()
    assert len(polar.charges_of(account)) == 1
    assert "A recharge was declined" in browser.sees("/credits/alerts")  # it stands there as over
    assert [one.status for one in alerts.page(account, 9) if one.alert_type == "auto_recharge_failed"] == ["resolved"]

    save_card(LATER_DECLINES)
    with later():
        spends(program, 1_000)
        schedule.consider_recharges()
        told()
    assert program.get("/auto_recharge")["state"] == "on"  # the first decline again


def test_a_new_card_after_a_decline_is_charged_at_once(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card(LATER_DECLINES)
    plans(program)
    spends(program, 60)
    told()
    save_card(PAYS)
    told()

    assert len(polar.charges_of(account)) == 1
    assert states(account) == ["paid", "declined"]
    assert program.get("/auto_recharge")["state"] == "on"
    assert watch_level(account) == 50
    assert program.available == 1_040


def test_a_person_who_presses_try_again_is_charged_at_once(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card()
    plans(program)
    polar.control("bank", customer=str(account), refuses="insufficient_funds")
    spends(program, 60)
    told()
    assert states(account) == ["declined"]
    polar.control("bank", customer=str(account), refuses=None)
    pressed = browser.submits("/credits/settings/auto_recharge", "/credits/recharge_now")
    assert pressed.status_code == 303
    told()

    assert len(polar.charges_of(account)) == 1
    assert states(account) == ["paid", "declined"]


def test_a_bank_that_wants_its_customer_is_said_and_nothing_is_charged(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card(ASKS)
    plans(program)
    spends(program, 60)
    told()

    assert polar.charges_of(account) == []
    assert states(account) == ["needs_customer"]
    assert program.get("/auto_recharge")["state"] == "needs_customer"
    assert "Auto-recharge needs you" in browser.sees("/credits")


def test_where_polar_does_not_charge_saved_cards_it_says_so(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program)
    polar.control("organization", off_session_charges_enabled=False)
    try:
        spends(program, 60)
        told()
    finally:
        polar.control("organization", off_session_charges_enabled=True)

    assert polar.charges_of(account) == []
    assert states(account) == ["needs_operator"]
    assert program.get("/auto_recharge")["state"] == "unavailable"
    assert recharge.spent_this_month(account) == 0


def test_what_its_owner_switches_off_no_new_card_switches_on(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card(ASKS)
    plans(program)
    spends(program, 60)
    told()
    off = browser.submits("/credits/settings/auto_recharge", "/credits/auto_recharge_toggle")
    assert off.status_code == 303
    save_card(PAYS)
    told()

    assert polar.charges_of(account) == []
    assert program.get("/auto_recharge")["state"] == "off"


def test_what_is_switched_off_before_the_card_was_charged_is_not_charged_any_more(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    polar.control("fail_next", path="/v1/orders", status=503)
    plans(program)
    spends(program, 60)
    told()
    assert plans(program, enabled=False)["state"] == "off"
    with later():
        schedule.carry_on_recharges()
        told()

    assert polar.charges_of(account) == []
    assert log(account) == [("canceled", "It was switched off before the card was charged.")]


@pytest.fixture
def waiting_recharge(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> Callable[[], None]:
    """A recharge of a hundred dollars that waits since Polar is away; what is given goes on with it."""
    save_card()
    plans(program, quantity=10)
    polar.control("fail_next", path="/v1/orders", method="POST", status=503)
    spends(program, 60)
    told()
    assert states(account) == ["requested"]

    def goes_on() -> None:
        for minutes in (1, 3, 9):
            with later(timedelta(minutes=minutes)):
                schedule.carry_on_recharges()
                told()

    return goes_on


def test_terms_lowered_before_the_charge_bind_it(
    program: Program, polar: Polar, account: int, waiting_recharge: Callable[[], None]
) -> None:
    plans(program, quantity=1, monthly_cap_cents=1_000)
    waiting_recharge()

    assert [charge["amount"] for charge in polar.charges_of(account)] == [1_000]
    assert states(account) == ["paid", "canceled"]
    assert books_tie_out()


def test_credits_that_come_from_elsewhere_before_the_charge_make_it_needless(
    program: Program, polar: Polar, account: int, waiting_recharge: Callable[[], None]
) -> None:
    with transaction():
        ledger.grant(account, Decimal(1_000), transaction_type="bonus", key="a gift")
    waiting_recharge()

    assert polar.charges_of(account) == []
    [(state, reason)] = log(account)
    assert (state, reason) == ("canceled", "Not charged any more: 1,040 credits are above 50.")


def test_what_is_switched_off_while_the_answer_is_lost_is_asked_for_and_not_tried_again(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card()
    plans(program)
    polar.control("fail_next", path="/finalize", status=500)
    spends(program, 60)
    told()
    browser.submits("/credits/settings/auto_recharge", "/credits/auto_recharge_toggle")
    assert "may still be charged" in browser.sees("/credits/settings/auto_recharge")
    for minutes in (1, 5, 20):
        with later(timedelta(minutes=minutes)):
            schedule.carry_on_recharges()
            told()

    assert polar.charges_of(account) == []
    assert states(account) == ["canceled"]


def test_a_card_saved_while_another_is_charged_does_not_end_the_cooldown_of_that_charge(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program, threshold=50_000, monthly_cap_cents=None, enabled=False)
    polar.control("fail_next", path="/finalize", status=500, after_charge=True)
    polar.control("webhooks", drop=True)
    plans(program, threshold=50_000, monthly_cap_cents=None)
    told()
    with transaction():
        recharge.card_saved(account)
    for minutes in (1, 5, 20):
        with later(timedelta(minutes=minutes)):
            schedule.carry_on_recharges()
            spends(program, 1)
            told()

    assert len(polar.charges_of(account)) == 1


def test_the_first_switch_asks_before_it_charges(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card()
    browser.submits("/credits/settings/auto_recharge", "/credits/auto_recharge_toggle")
    told()
    assert polar.charges_of(account) == []
    assert "saving will charge $40.00 now" in browser.sees("/credits/settings/auto_recharge")


def test_saving_the_same_again_and_again_does_not_end_the_cooldown(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    for _ in range(4):
        plans(program, threshold=50_000, monthly_cap_cents=None)
        told()

    assert len(polar.charges_of(account)) == 1


def test_a_price_raised_while_the_card_is_charged_does_not_bind_the_recharge(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, shelf: dict[str, Any]
) -> None:
    save_card()
    plans(program)
    polar.control("webhooks", drop=True)
    polar.control("fail_next", path="/finalize", status=500, after_charge=True)
    spends(program, 60)
    told()
    with transaction():
        packages.by_key("starter").price_cents = 15_00
    for minutes in (1, 3, 9, 20):
        with later(timedelta(minutes=minutes)):
            schedule.carry_on_recharges()
            told()

    assert len(polar.charges_of(account)) == 1
    assert program.available == 1_040
    assert states(account) == ["paid"]


LOST = {
    "the draft's answer is lost": [{"path": "/v1/orders", "status": None, "after_charge": True}],
    "the draft is never made": [{"path": "/v1/orders", "status": 500}],
    "the charge's answer is lost": [{"path": "/finalize", "status": None, "after_charge": True}],
    "charged, then 500": [{"path": "/finalize", "status": 500, "after_charge": True}],
    "500 before the charge": [{"path": "/finalize", "status": 500}],
    "busy": [{"path": "/finalize", "status": 429}],
    "nonsense after the charge": [{"path": "/finalize", "status": 200, "after_charge": True}],
    "two answers lost": [
        {"path": "/v1/orders", "status": None, "after_charge": True},
        {"path": "/finalize", "status": None, "after_charge": True},
    ],
    "lost, and then Polar is away": [
        {"path": "/finalize", "status": None, "after_charge": True},
        {"path": "/v1/orders", "status": 503, "times": 3},
    ],
}


@pytest.mark.parametrize("webhooks", [{}, {"drop": True}, {"duplicate": True, "reorder": True}], ids=str)
@pytest.mark.parametrize("troubles", LOST.values(), ids=LOST)
def test_whatever_answer_is_lost_one_recharge_is_one_charge(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told,
    troubles: list[dict[str, Any]], webhooks: dict[str, Any],
) -> None:  # fmt: skip
    save_card()
    plans(program)
    polar.control("webhooks", **webhooks)
    for trouble in troubles:
        polar.control("fail_next", **trouble)
    spends(program, 60)
    told()
    for minutes in (1, 3, 9, 20, 45):
        with later(timedelta(minutes=minutes)):
            schedule.carry_on_recharges()
            told()

    assert len(polar.charges_of(account)) == 1
    assert states(account) == ["paid"]
    assert program.available == 1_040
    assert len(program.purchases) == 1
    assert books_tie_out()


def test_a_charge_slower_than_our_patience_is_asked_for_and_never_drafted_anew(
    app: Flask, program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told,
    full: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    takes, patience = (90, gateway_charging.CHARGE_SECONDS) if full else (4, 2)
    monkeypatch.setattr(gateway_charging, "CHARGE_SECONDS", patience)
    save_card()
    plans(program)
    polar.control("fail_next", path="/finalize", seconds=takes, right_answer=True)
    spends(program, 60)

    def works() -> None:
        with app.app_context():
            told()

    with ThreadPoolExecutor(1) as hand:
        slow = hand.submit(works)
        assert eventually(lambda: states(account) == ["charging"], seconds=PATIENCE_SECONDS)
        with later(timedelta(seconds=31)):  # its claim is over; others may be at it
            schedule.carry_on_recharges()
        slow.result()
    assert eventually(lambda: polar.orders_of(account)[0]["status"] == "paid", seconds=takes + PATIENCE_SECONDS)
    for minutes in (1, 3, 9, 20):
        with later(timedelta(minutes=minutes)):
            schedule.carry_on_recharges()
            told()

    assert len(polar.charges_of(account)) == 1
    assert len(polar.orders_of(account)) == 1
    assert (states(account), program.available) == (["paid"], 1_040)


def test_a_card_taken_away_at_polar_is_missed_before_anything_is_charged(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program)
    polar.control("webhooks", drop=True)
    polar.forgets_the_cards_of(account)
    spends(program, 60)
    told()

    assert polar.charges_of(account) == []
    assert log(account)[-1] == ("needs_customer", charging.NO_CARD)


def test_a_token_that_polar_refuses_is_a_delay_to_the_customer_and_charged_once_later(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program)
    polar.control("fail_next", path="/v1/orders", status=401)
    spends(program, 60)
    told()
    assert states(account)[-1] in recharge.IN_FLIGHT
    assert program.get("/auto_recharge")["state"] == "on"
    for minutes in (1, 3):
        with later(timedelta(minutes=minutes)):
            schedule.carry_on_recharges()
            told()

    assert len(polar.charges_of(account)) == 1
    assert states(account) == ["paid"]


def test_a_card_changed_between_the_lost_answer_and_its_retry_is_not_charged_too(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program)
    polar.control("webhooks", drop=True)
    polar.control("fail_next", path="/finalize", status=500, after_charge=True)
    spends(program, 60)
    told()
    polar.control("webhooks")
    save_card(ASKS)  # would be refused, were it tried
    for minutes in (1, 3, 9, 20):
        with later(timedelta(minutes=minutes)):
            schedule.carry_on_recharges()
            told()

    assert [charge["card"] for charge in polar.charges_of(account)] == ["4242"]
    assert program.available == 1_040


def test_after_twenty_hours_without_an_answer_a_person_looks_and_nothing_more_is_tried(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program)
    polar.control("webhooks", drop=True)
    polar.control("fail_next", path="/finalize", status=500)
    spends(program, 60)
    told()
    for hours in (1, 8, 21, 22):
        polar.control("fail_next", path="/v1/orders", status=503)
        with later(timedelta(hours=hours)):
            schedule.carry_on_recharges()
            told()
        while polar.http.get("/v1/orders/").status_code == 503:
            pass  # what was not asked for is not left for another test

    assert states(account)[-1] == "needs_operator"
    assert polar.charges_of(account) == []


def test_the_monthly_limit_stops_it_and_says_so(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program, monthly_cap_cents=1_000)
    spends(program, 60)
    told()
    spends(program, 1_000)
    with later():  # the last hour of a month is another one: then it may charge again
        same_month = clock.now().month == (clock.now() - HOUR).month
        db.session.rollback()
        schedule.consider_recharges()
        told()

    assert len(polar.charges_of(account)) == (1 if same_month else 2)
    if same_month:
        assert log(account)[0] == ("skipped", "This month's limit would be passed.")
        assert program.get("/auto_recharge")["state"] == "cap_reached"


def test_a_package_smaller_than_the_gap_is_told_in_the_inbox(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card()
    plans(program, threshold=5_000)
    told()
    shown = browser.sees("/credits/alerts")
    assert "Auto-recharge can't keep up" in shown
    assert "After a recharge no more than 5,000 credits were available still" in shown


def test_the_months_limit_is_told_when_it_is_used_up_and_over_when_it_is_raised(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told, browser: Visitor
) -> None:
    save_card()
    plans(program, monthly_cap_cents=1_000)
    spends(program, 60)
    told()
    [cap] = [one for one in alerts.page(account, 9) if one.alert_type == "recharge_cap"]
    assert cap.message.startswith("$10.00 of your monthly limit of $10.00 are spent")
    assert "of your monthly limit of $10.00 are spent" in browser.sees("/credits")  # nothing is more urgent

    plans(program, monthly_cap_cents=20_000)
    watching.watch(account)
    db.session.rollback()
    assert [one.status for one in alerts.page(account, 9) if one.alert_type == "recharge_cap"] == ["resolved"]


def test_without_a_card_the_inbox_says_so_until_one_is_saved(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    plans(program, threshold=500)
    [alert] = [one for one in alerts.page(account, 9) if one.alert_type == "auto_recharge_failed"]
    assert alert.message == (
        "Auto-recharge needs a card. No card is saved yet. Credits fell to your threshold, and none were bought."
    )
    save_card()
    told()
    assert alert.status == "resolved"


def test_while_it_is_recharged_no_letter_says_that_credits_are_low(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told,
    letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    save_card()
    plans(program, threshold=20)
    with transaction():
        alerts.begin(account)
    spends(program, 80)
    told()
    assert [str(one["Subject"]) for one in letters() if "left" in str(one["Subject"])] == []
    assert [one.status for one in alerts.page(account, 9) if one.alert_type == "low_balance"] == ["resolved"]


def test_a_package_smaller_than_the_gap_charges_once_an_hour_and_never_in_a_loop_and_is_told_once(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told,
    letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    save_card()
    plans(program, threshold=5_000)
    for _ in range(3):
        schedule.consider_recharges()
        told()
    assert len(polar.charges_of(account)) == 1

    with later():
        for _ in range(3):
            schedule.consider_recharges()
            told()
    assert len(polar.charges_of(account)) == 2
    assert [str(one["Subject"]) for one in letters() if "keep up" in str(one["Subject"])] == [
        "Auto-recharge can't keep up"
    ]


def test_a_target_is_reached_by_one_charge_for_several_packages(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program, quantity=None, target=3_500)
    spends(program, 60)
    told()

    [charge] = polar.charges_of(account)
    assert charge["amount"] == 4_000
    assert program.available == 4_040
    assert books_tie_out()


def test_an_account_in_debt_is_not_charged(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    bought = program.buys("starter")
    polar.pays(bought["checkout_url"])
    [order] = polar.orders_for(bought["checkout_id"])
    told()
    spends(program, 1_100)
    polar.control("refund", order=order["id"], amount=1_000, status="succeeded")
    told()
    save_card()
    plans(program)
    told()

    assert len(polar.charges_of(account)) == 1
    assert "owes 1,000 credits" in log(account)[0][1]


def test_a_recharge_that_is_refunded_is_taken_back(
    program: Program, polar: Polar, account: int, save_card: Callable[..., None], told: Told
) -> None:
    save_card()
    plans(program)
    spends(program, 60)
    told()
    [charge] = polar.charges_of(account)
    polar.control("refund", order=charge["order"], amount=1_000, status="succeeded")
    told()

    assert program.available == 40
    assert books_tie_out()


def test_nobody_recharges_anothers_account(
    app: Flask, program: Program, charlie: identity.User, web: Callable[[], Any], make_key: Callable[..., str]
) -> None:
    stranger = Program(web(), make_key(identity.account_id_of(charlie)))
    owner = program.get("/balance")["account"]
    refused = stranger.put("/auto_recharge", {"account": owner, "enabled": True, "threshold": 5, "package": "starter"})

    assert refused.status_code == 404
    assert program.get("/auto_recharge")["enabled"] is False
