"""Tax on top of the price, where ``/_control/tax`` says so; by itself there is none."""

from creditapp.polar_stand_in.store import Document, Transaction

HIGHEST_PERCENT = 50


def percent(t: Transaction) -> float:
    """How much is added."""
    return float(t.setting("tax_percent", 0))


def on(t: Transaction, net: int, address: Document | None) -> int:
    """The tax on a net amount; an unknown address is not taxed (facts §1.5)."""
    return round(net * percent(t) / 100) if address else 0
