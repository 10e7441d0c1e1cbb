"""What auto-recharge will do at moments to come, if its plan stays as it is: the same rules, asked beforehand. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from creditapp.recharge.rules import COOLDOWN, NOTHING, Sold, Standing, Terms, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A plan as it will stand at some moment: its terms, what it buys, what it cost in the month begun on *month*."""

    terms: Terms
    standing: Standing
    sold: Sold
    month: date
    zone: ZoneInfo

    def buys(self, moment: datetime, available: Decimal) -> tuple[Decimal, "Ahead"]:
        """The credits it buys at this moment, 0 if none; and the plan after it. Moments are asked in their order."""
        month = moment.astimezone(self.zone).date().replace(day=1)
        spent = self.standing.spent_this_month_cents if month == self.month else 0
        standing = replace(self.standing, available=available, spent_this_month_cents=spent)
        decision = decide(self.terms, standing, self.sold, moment)
        if not decision.charge:
            return NOTHING, replace(self, standing=standing, month=month)
        cost = decision.quantity * self.sold.price_cents
        after = replace(
            self,
            terms=replace(self.terms, cooling_until=moment + COOLDOWN),
            standing=replace(standing, spent_this_month_cents=spent + cost),
            month=month,
        )
        return decision.quantity * self.sold.credits, after
