"""Calls about money: what can be bought, a checkout, and recharges."""

from creditapp import checkout, gateway, packages
from creditapp.api import answers, auto_recharge, purchase
from creditapp.api import packages as packages_api
from creditapp.api.call import Call

CALLS = (
    Call(
        name="packages",
        method="GET",
        path="/packages",
        scope="read",
        title="What can be bought",
        does="Every package, with whether, and why not, the account can buy it now.",
        query=packages_api.Question,
        answer=answers.PackageList,
    ),
    Call(
        name="purchase",
        method="POST",
        path="/purchase",
        scope="purchase",
        title="Open a checkout",
        does="Gives the address at which a person pays. The credits come when the payment is confirmed.",
        body=purchase.Purchase,
        once=True,
        answer=answers.OpenedCheckout,
        status=201,
        refuses=(packages.PackageUnavailable, checkout.StillOpening, gateway.PolarUnavailable, gateway.PolarRefused),
        example={"package": "professional"},
    ),
    Call(
        name="auto_recharge",
        method="GET",
        path="/auto_recharge",
        scope="read",
        title="How auto-recharge stands",
        does="The plan, its state with the reason in words, and every decision, those not to charge among them.",
        query=auto_recharge.Question,
        answer=answers.AutoRecharge,
    ),
    Call(
        name="set_auto_recharge",
        method="PUT",
        path="/auto_recharge",
        scope="purchase",
        title="Recharge by itself",
        does=(
            "When available credits fall to `threshold`, buy `quantity` of `package`, or as many as reach `target`. "
            "It is saved without a card, too, and waits for one. Below the threshold it charges at once."
        ),
        body=auto_recharge.Plan,
        once=True,
        answer=answers.AutoRecharge,
        example={"enabled": True, "threshold": 500, "package": "professional", "quantity": 1},
    ),
)
