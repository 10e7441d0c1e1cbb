"""Usage summed up by operation, endpoint, key and day: pure, no database and no clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from creditapp.db import MILLIONTH

NOTHING = Decimal(0)
WEEK = 7
UNLABELLED = "other"  # usage that was charged without naming an operation

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Use:
    """Operations of one kind on one day, or in one hour: how many, their cost, and what was given back since."""

    on: date
    operation: str
    endpoint: str | None
    api_key_id: int | None
    operations: int
    credits: Decimal
    reversed_operations: int = 0
    reversed_credits: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Group(Generic[Name]):
    """What belongs together by name; what was given back is left out."""

    name: Name
    operations: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """What an account used on one of its days, by operation; what was given back is left out."""

    on: date
    by_operation: dict[str, Decimal] = field(default_factory=dict)
    operations: int = 0

    @property
    def total(self) -> Decimal:
        """All of it."""
        return sum(self.by_operation.values(), NOTHING)


@dataclass(frozen=True, slots=True)
class Summary:
    """A period's usage. What was given back counts nowhere but in ``reversed_…``; a charge given back in part counts.

    Groups are ordered by what they cost, the largest first; every day of the period is there.
    """

    operations: int
    credits: Decimal
    reversed_operations: int
    reversed_credits: Decimal
    by_operation: list[Group[str]]
    by_endpoint: list[Group[str | None]]
    by_key: list[Group[int | None]]
    daily: list[Day]

    @property
    def average_cost(self) -> Decimal | None:
        """What an operation cost on average, to the millionth; None without any."""
        return (self.credits / self.operations).quantize(MILLIONTH) if self.operations else None

    @property
    def dearest_operation(self) -> str | None:
        """The operation with the largest total; None without usage."""
        return self.by_operation[0].name if self.by_operation else None


def operation_of(use: Use) -> str:
    """What it is told apart by, where nothing else is said."""
    return use.operation


def summary(uses: Sequence[Use], days: Sequence[date]) -> Summary:
    """Sum up what was used on these days."""
    return Summary(
        operations=sum(use.operations - use.reversed_operations for use in uses),
        credits=sum((use.credits - use.reversed_credits for use in uses), NOTHING),
        reversed_operations=sum(use.reversed_operations for use in uses),
        reversed_credits=sum((use.reversed_credits for use in uses), NOTHING),
        by_operation=_groups(uses, operation_of),
        by_endpoint=_groups(uses, lambda use: use.endpoint),
        by_key=_groups(uses, lambda use: use.api_key_id),
        daily=by_day(uses, days),
    )


def charged(uses: Sequence[Use]) -> list[Group[str]]:
    """By operation, all that was charged on these days, whatever was given back since."""
    return _groups([replace(use, reversed_operations=0, reversed_credits=NOTHING) for use in uses], operation_of)


def by_day(uses: Sequence[Use], days: Sequence[date], name_of: Callable[[Use], str] = operation_of) -> list[Day]:
    """Each of *days* with what was used on it, stacked by operation, or by what *name_of* says."""
    found: dict[date, list[Use]] = {on: [] for on in days}
    for use in uses:
        found[use.on].append(use)
    return [_day(on, _groups(there, name_of)) for on, there in found.items()]


def taken_off(uses: Sequence[Use]) -> list[Use]:
    """Uses that take these off a sum to which they belong."""
    return [
        replace(
            use,
            operations=-use.operations,
            credits=-use.credits,
            reversed_operations=-use.reversed_operations,
            reversed_credits=-use.reversed_credits,
        )
        for use in uses
    ]


def weekly(days: Sequence[Day]) -> list[Day]:
    """Seven days each as one, named by its first; the last ends with the last day, the first may be shorter."""
    starts = range(len(days) % WEEK - WEEK if len(days) % WEEK else 0, len(days), WEEK)
    return [_merged(days[max(start, 0) : start + WEEK]) for start in starts]


def change(now: Decimal, before: Decimal) -> Decimal | None:
    """By how many per cent *now* is more than *before*, to a tenth; None where there was nothing before."""
    return ((now - before) * 100 / before).quantize(Decimal("0.1")) if before else None


def _merged(days: Sequence[Day]) -> Day:
    credits: dict[str, Decimal] = {}
    for day in days:
        for name, amount in day.by_operation.items():
            credits[name] = credits.get(name, NOTHING) + amount
    return Day(days[0].on, credits, sum(day.operations for day in days))


def _day(on: date, groups: Sequence[Group[str]]) -> Day:
    return Day(on, {group.name: group.credits for group in groups}, sum(group.operations for group in groups))


def _groups(uses: Sequence[Use], name_of: Callable[[Use], Name]) -> list[Group[Name]]:
    sums: dict[Name, tuple[int, Decimal]] = {}
    for use in uses:
        operations, credits = sums.get(name_of(use), (0, NOTHING))
        sums[name_of(use)] = (
            operations + use.operations - use.reversed_operations,
            credits + use.credits - use.reversed_credits,
        )
    groups = [Group(name, *of) for name, of in sums.items() if of[0]]
    return sorted(groups, key=lambda group: (-group.credits, str(group.name)))
