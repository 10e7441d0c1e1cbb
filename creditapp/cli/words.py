"""How a command refuses: one sentence, no traceback, exit 1."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from creditapp.errors import CreditAppError

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

NO_DATABASE = "The database can't be used. Is it running, and migrated with `flask db upgrade`?"


def in_words(command: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Turn a refusal of *command* into its sentence."""

    @wraps(command)
    def spoken(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        try:
            return command(*arguments, **named)
        except CreditAppError as error:
            raise click.ClickException(error.sentence) from error
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(NO_DATABASE) from error

    return spoken


class AmountType(click.ParamType[Decimal]):
    """A number of credits with at most six decimals."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The amount as a Decimal, or a sentence."""
        try:
            text = str(value)
            amount = Decimal(text if text.isascii() and "_" not in text else "")
        except InvalidOperation:
            self.fail(f"{value!r} is not a number of credits.", param, ctx)
        if not amount.is_finite():
            self.fail(f"{value!r} is not a number of credits.", param, ctx)
        return amount


AMOUNT = AmountType()
