"""What happens to an account, and what is told of it; callers in other processes use it too."""

from decimal import Decimal

from creditapp import alerts, charging, ledger
from creditapp.db import db, transaction
from tests.web.seeing import grant


def tops_up(account: int, amount: int | str, *, transaction_type: str = "purchase") -> None:
    """A purchase, as whoever credits it does; or a gift."""
    grant(account, amount, transaction_type=transaction_type)
    with transaction():
        alerts.consider(account)


def charges(account: int, amount: int | str) -> None:
    """A charge, and the look after it."""
    with transaction():
        charge = ledger.Charge(amount=Decimal(amount), operation_type="basic_api_call")
        spent = ledger.spend(account, charge)
    if spent.watched:
        charging.look(account)


def told(account: int) -> list[tuple[str, str]]:
    """Every alert, oldest first: its type, and how it stands."""
    db.session.rollback()
    return [(one.alert_type, one.status) for one in reversed(alerts.page(account, 99))]
