"""The whole history of an account, as tests hold it against the books."""

from collections.abc import Iterator

from creditapp import ledger

AT_ONCE = 500


def every_entry(account_id: int, filters: ledger.Filters | None = None) -> Iterator[ledger.CreditTransaction]:
    """All matching transactions, newest first, read page by page."""
    before: int | None = None
    while page := ledger.entries(account_id, filters or ledger.Filters(), before=before, limit=AT_ONCE):
        yield from page
        before = page[-1].number
