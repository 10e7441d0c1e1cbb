"""Errors that carry what each reader needs: a code for programs, a status for HTTP, a sentence for people."""

from typing import Any


class CreditAppError(Exception):
    """Something was refused. ``fields`` are the extra facts a program can act on."""

    code = "error"
    status = 400
    title = "The request was refused"

    def __init__(self, sentence: str, **fields: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields = fields


class NotFound(CreditAppError):
    """There is no such thing, or it is not yours: the answer is the same."""

    code, status, title = "not_found", 404, "Not found"


class InvalidInput(CreditAppError):
    """The shape is right but a value can't be accepted."""

    code, status, title = "invalid_request", 422, "The request can't be accepted"


class Busy(CreditAppError):
    """Others hold what is needed; the same works in a moment."""

    code, status, title = "busy", 503, "Too busy at this moment"

    def __init__(self) -> None:
        super().__init__("Nothing was changed. Try again in a second; the same idempotency key is safe.", retry_after=1)


class Unavailable(CreditAppError):
    """The database can't be reached, or went away meanwhile: what was asked may have been done."""

    code, status, title = "unavailable", 503, "Not available at this moment"

    def __init__(self) -> None:
        super().__init__("Try again in a few seconds; with the same idempotency key it is done once.", retry_after=3)
