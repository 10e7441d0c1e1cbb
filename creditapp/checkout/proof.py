"""Paid orders checked against the ledger."""

from collections.abc import Iterator

from sqlalchemy import text

from creditapp.db import db
from creditapp.ledger import Difference

RULES = {
    "every credited order stands in the ledger with its credits less those taken back": """
        SELECT o.account_id, 'order ' || o.polar_order_id || ': ' || coalesce(CAST(s.amount AS TEXT), 'nothing'),
               CAST(o.credits - o.taken_back AS TEXT)
        FROM orders o LEFT JOIN (SELECT account_id, polar_order_id, sum(amount - debt_change) amount
                                 FROM credit_transactions WHERE polar_order_id IS NOT NULL
                                 GROUP BY account_id, polar_order_id) s
          ON s.polar_order_id = o.polar_order_id AND s.account_id = o.account_id
        WHERE o.state = 'credited' AND (s.amount IS NULL OR s.amount <> o.credits - o.taken_back)""",
    "every order is credited once": """
        SELECT account_id, 'order ' || polar_order_id || ': ' || count(*) || ' purchases', '1'
        FROM credit_transactions WHERE transaction_type = 'purchase' AND polar_order_id IS NOT NULL
        GROUP BY account_id, polar_order_id HAVING count(*) <> 1""",
    "no credits are taken back beyond those of the order, nor for more money than was paid": """
        SELECT account_id, 'order ' || polar_order_id || ': ' || taken_back || ' for ' || returned_amount,
               credits || ' for ' || net_amount
        FROM orders WHERE taken_back < 0 OR taken_back > credits OR returned_amount > net_amount""",
    "no purchase is without its paid order": """
        SELECT t.account_id, 'transaction ' || t.id || ' of order ' || coalesce(t.polar_order_id, 'none'),
               'a paid order'
        FROM credit_transactions t LEFT JOIN orders o ON o.credit_transaction_id = t.id AND o.state = 'credited'
        WHERE t.transaction_type = 'purchase' AND o.id IS NULL""",
}


def verify() -> Iterator[Difference]:
    """Every difference between paid orders and the ledger; nothing when they tie out."""
    for rule, query in RULES.items():
        for account_id, found, expected in db.session.execute(text(query)):
            yield Difference(rule, account_id, str(found), str(expected))
