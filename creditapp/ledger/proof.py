"""The books checked against themselves: each rule is one query that finds nothing when all is well."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from creditapp.db import db, is_postgres
from creditapp.ledger.buckets import FROM_RECORDS

STREAM_ROWS = 1_000

RULES = {
    "the balance is the sum of the amounts, and the debt of the debt changes": """
        SELECT a.id, a.balance || ' with debt ' || a.debt, coalesce(s.amount, 0) || ' with debt ' || coalesce(s.debt, 0)
        FROM accounts a LEFT JOIN (SELECT account_id, sum(amount) amount, sum(debt_change) debt
                                   FROM credit_transactions GROUP BY account_id) s ON s.account_id = a.id
        WHERE a.balance <> coalesce(s.amount, 0) OR a.debt <> coalesce(s.debt, 0)""",
    "the balance is the last balance after": """
        SELECT a.id, CAST(a.balance AS TEXT), CAST(t.balance_after AS TEXT)
        FROM accounts a JOIN credit_transactions t ON t.account_id = a.id AND t.number = a.last_number
        WHERE a.balance <> t.balance_after""",
    "each row begins where the one before ended, numbered without gaps": """
        SELECT account_id, 'number ' || number || ' from ' || balance_before, 'number ' || expected || ' from ' || start
        FROM (SELECT account_id, number, balance_before,
                     row_number() OVER w AS expected, coalesce(lag(balance_after) OVER w, 0) AS start
              FROM credit_transactions WINDOW w AS (PARTITION BY account_id ORDER BY number)) rows_in_order
        WHERE number <> expected OR balance_before <> start""",
    "the last number is the number of rows": """
        SELECT a.id, CAST(a.last_number AS TEXT), CAST(count(t.id) AS TEXT)
        FROM accounts a LEFT JOIN credit_transactions t ON t.account_id = a.id
        GROUP BY a.id, a.last_number HAVING a.last_number <> count(t.id)""",
    "time never runs backward within an account": """
        SELECT account_id, CAST(processed_at AS TEXT), CAST(before AS TEXT)
        FROM (SELECT account_id, processed_at, lag(processed_at) OVER w AS before
              FROM credit_transactions WINDOW w AS (PARTITION BY account_id ORDER BY number)) rows_in_order
        WHERE processed_at < before""",
    "what was consumed is the sum of the charges": """
        SELECT a.id, CAST(a.consumed AS TEXT), CAST(coalesce(s.amount, 0) AS TEXT)
        FROM accounts a LEFT JOIN (SELECT account_id, -sum(amount) amount FROM credit_transactions
                                   WHERE transaction_type = 'consumption' GROUP BY account_id) s ON s.account_id = a.id
        WHERE a.consumed <> coalesce(s.amount, 0)""",
    "charges lie on the consumption axis without gap or overlap": """
        SELECT account_id, CAST(axis_from AS TEXT), CAST(expected AS TEXT)
        FROM (SELECT account_id, axis_from,
                     coalesce(lag(axis_from - amount) OVER (PARTITION BY account_id ORDER BY number), 0) AS expected
              FROM credit_transactions WHERE transaction_type = 'consumption') charges
        WHERE axis_from IS NULL OR axis_from <> expected""",
    "every consumption has one usage record of the same credits": """
        SELECT t.account_id, coalesce(u.credits_consumed || ' of account ' || u.account_id, 'no usage record'),
               -t.amount || ' of account ' || t.account_id
        FROM credit_transactions t LEFT JOIN usage_records u ON u.credit_transaction_id = t.id
        WHERE t.transaction_type = 'consumption'
          AND (u.credits_consumed IS NULL OR u.credits_consumed <> -t.amount OR u.account_id <> t.account_id)""",
    "no usage record is without its consumption": """
        SELECT u.account_id, CAST(u.credit_transaction_id AS TEXT), 'no consumption'
        FROM usage_records u LEFT JOIN credit_transactions t
          ON t.id = u.credit_transaction_id AND t.transaction_type = 'consumption'
        WHERE t.id IS NULL""",
    "reserved is the sum of the open holds": """
        SELECT a.id, CAST(a.reserved AS TEXT), CAST(coalesce(h.rest, 0) AS TEXT)
        FROM accounts a LEFT JOIN (SELECT account_id, sum(amount - captured - released) rest FROM credit_holds
                                   WHERE state = 'open' GROUP BY account_id) h ON h.account_id = a.id
        WHERE a.reserved <> coalesce(h.rest, 0)""",
    "a closed hold keeps nothing, and none gave more than it had": """
        SELECT account_id, state || ' hold ' || id || ' keeps ' || (amount - captured - released), '0'
        FROM credit_holds WHERE captured + released > amount OR (state <> 'open' AND captured + released <> amount)""",
    "no charge is given back beyond what it took": """
        SELECT r.account_id, 'charge ' || r.reference_id || ' given back ' || r.amount, CAST(-t.amount AS TEXT)
        FROM (SELECT account_id, reference_id, sum(amount) amount FROM credit_transactions
              WHERE transaction_type = 'reversal' GROUP BY account_id, reference_id) r
        LEFT JOIN credit_transactions t ON CAST(t.id AS TEXT) = r.reference_id
          AND t.account_id = r.account_id AND t.transaction_type = 'consumption'
        WHERE t.id IS NULL OR r.amount > -t.amount""",
    "no purchase is taken back beyond what it brought, or given back beyond what was taken": """
        SELECT r.account_id, 'purchase ' || r.reference_id || ' taken back ' || r.taken,
               '0 to ' || coalesce(t.amount, 0)
        FROM (SELECT account_id, reference_id, sum(debt_change - amount) taken FROM credit_transactions
              WHERE transaction_type = 'refund' GROUP BY account_id, reference_id) r
        LEFT JOIN credit_transactions t ON CAST(t.id AS TEXT) = r.reference_id
          AND t.account_id = r.account_id AND t.transaction_type = 'purchase'
        WHERE t.id IS NULL OR r.taken < 0 OR r.taken > t.amount""",
    "what was given back of charges is their reversals": """
        SELECT a.id, CAST(a.total_reversed AS TEXT), CAST(coalesce(s.amount, 0) AS TEXT)
        FROM accounts a LEFT JOIN (SELECT account_id, sum(amount) amount FROM credit_transactions
                                   WHERE transaction_type = 'reversal' GROUP BY account_id) s ON s.account_id = a.id
        WHERE a.total_reversed <> coalesce(s.amount, 0)""",
    "debt changes by what can make, repay or forgive it": """
        SELECT account_id, transaction_type || ' ' || id || ': ' || amount || ' with debt ' || debt_change, 'another'
        FROM credit_transactions
        WHERE (transaction_type NOT IN ('refund', 'adjustment', 'repayment') AND debt_change <> 0)
           OR (transaction_type = 'repayment' AND (amount >= 0 OR debt_change <> amount))
           OR (transaction_type = 'adjustment' AND amount <> 0 AND debt_change <> 0)
           OR (transaction_type = 'refund' AND (debt_change < 0 OR (amount > 0 AND debt_change <> 0)))""",
    "what was purchased is the purchases less their refunds": """
        SELECT a.id, CAST(a.total_purchased AS TEXT), CAST(coalesce(s.amount, 0) AS TEXT)
        FROM accounts a LEFT JOIN (SELECT account_id, sum(amount - debt_change) amount FROM credit_transactions
                                   WHERE transaction_type IN ('purchase', 'refund') GROUP BY account_id) s
          ON s.account_id = a.id
        WHERE a.total_purchased <> coalesce(s.amount, 0)""",
    "the lots hold the balance": """
        SELECT a.id, CAST(a.balance AS TEXT), CAST(coalesce(s.remaining, 0) - (a.consumed - a.settled) AS TEXT)
        FROM accounts a LEFT JOIN (SELECT account_id, sum(remaining) remaining FROM credit_lots
                                   GROUP BY account_id) s ON s.account_id = a.id
        WHERE a.balance <> coalesce(s.remaining, 0) - (a.consumed - a.settled)""",
    "each lot is what came in less what went out": """
        SELECT l.account_id, CAST(l.remaining AS TEXT),
               CAST(l.amount + l.returned - l.expired - l.revoked - coalesce(r.drawn, 0) AS TEXT)
        FROM credit_lots l LEFT JOIN (SELECT lot_id, sum(axis_to - axis_from) drawn FROM credit_lot_ranges
                                      GROUP BY lot_id) r ON r.lot_id = l.id
        WHERE l.remaining <> l.amount + l.returned - l.expired - l.revoked - coalesce(r.drawn, 0)""",
    "what lots were returned, lost and let expire is what the rows say": """
        SELECT a.id, coalesce(l.returned, 0) || ', ' || coalesce(l.revoked, 0) || ', ' || coalesce(l.expired, 0),
               coalesce(t.returned, 0) || ', ' || coalesce(t.revoked, 0) || ', ' || coalesce(t.expired, 0)
        FROM accounts a
        LEFT JOIN (SELECT account_id, sum(returned) returned, sum(revoked) revoked, sum(expired) expired
                   FROM credit_lots GROUP BY account_id) l ON l.account_id = a.id
        LEFT JOIN (SELECT account_id,
                          sum(CASE WHEN transaction_type IN ('refund', 'reversal') AND amount > 0
                              THEN amount ELSE 0 END) returned,
                          sum(CASE WHEN transaction_type IN ('refund', 'repayment', 'adjustment') AND amount < 0
                              THEN -amount ELSE 0 END) revoked,
                          sum(CASE WHEN transaction_type = 'expiration' THEN -amount ELSE 0 END) expired
                   FROM credit_transactions WHERE transaction_type <> 'consumption' GROUP BY account_id) t
          ON t.account_id = a.id
        WHERE coalesce(l.returned, 0) <> coalesce(t.returned, 0) OR coalesce(l.revoked, 0) <> coalesce(t.revoked, 0)
           OR coalesce(l.expired, 0) <> coalesce(t.expired, 0)""",
    "every credit in is a lot of its own": """
        SELECT t.account_id, CAST(t.amount AS TEXT), coalesce(CAST(l.amount AS TEXT), 'no lot')
        FROM credit_transactions t LEFT JOIN credit_lots l ON l.credit_transaction_id = t.id
        WHERE t.transaction_type IN ('purchase', 'bonus', 'adjustment') AND t.amount > 0
          AND (l.amount IS NULL OR l.amount <> t.amount)""",
    "the ranges of the lots cover the settled axis once": """
        SELECT account_id, CAST(axis_from AS TEXT), CAST(expected AS TEXT)
        FROM (SELECT account_id, axis_from,
                     coalesce(lag(axis_to) OVER (PARTITION BY account_id ORDER BY axis_from), 0) AS expected
              FROM credit_lot_ranges) ranges
        WHERE axis_from <> expected
        UNION ALL
        SELECT a.id, CAST(a.settled AS TEXT), CAST(coalesce(s.covered, 0) AS TEXT)
        FROM accounts a LEFT JOIN (SELECT account_id, sum(axis_to - axis_from) covered FROM credit_lot_ranges
                                   GROUP BY account_id) s ON s.account_id = a.id
        WHERE a.settled <> coalesce(s.covered, 0)""",
    "the next expiry is the soonest of a lot with something left": """
        SELECT a.id, coalesce(CAST(a.next_expiry_at AS TEXT), 'none'), coalesce(CAST(s.soonest AS TEXT), 'none')
        FROM accounts a LEFT JOIN (SELECT account_id, min(expires_at) soonest FROM credit_lots WHERE remaining > 0
                                   GROUP BY account_id) s ON s.account_id = a.id
        WHERE coalesce(CAST(a.next_expiry_at AS TEXT), 'none') <> coalesce(CAST(s.soonest AS TEXT), 'none')""",
    "what was used each day is what the usage records say": f"""
        SELECT account_id,
               used_on || ' ' || operation_type || ' ' || sum(o) || ' times, ' || sum(u) || ' units for ' || sum(c)
                   || ', given back ' || sum(ro) || ' for ' || sum(rc),
               sum(xo) || ' times, ' || sum(xu) || ' units for ' || sum(xc)
                   || ', given back ' || sum(xro) || ' for ' || sum(xrc)
        FROM (SELECT account_id, used_on, operation_type, api_endpoint, api_key_id, operations o, units u, credits c,
                     reversed_operations ro, reversed_credits rc, 0 xo, 0 xu, 0 xc, 0 xro, 0 xrc
              FROM usage_buckets
              UNION ALL
              SELECT account_id, used_on, operation_type, api_endpoint, api_key_id, 0, 0, 0, 0, 0,
                     operations, units, credits, reversed_operations, reversed_credits
              FROM ({FROM_RECORDS.format(of_account="", of_record="")}) recorded) rolled_up_and_recorded
        GROUP BY account_id, used_on, operation_type, api_endpoint, api_key_id
        HAVING sum(o) <> sum(xo) OR sum(u) <> sum(xu) OR sum(c) <> sum(xc)
            OR sum(ro) <> sum(xro) OR sum(rc) <> sum(xrc)""",  # noqa: S608  (our own words)
    "the watch level is the highest that anybody wants": """
        SELECT a.id, coalesce(CAST(a.watch_level AS TEXT), 'none'), coalesce(CAST(w.level AS TEXT), 'none')
        FROM accounts a LEFT JOIN (SELECT account_id, max(level) level FROM watch_levels GROUP BY account_id) w
          ON w.account_id = a.id
        WHERE coalesce(CAST(a.watch_level AS TEXT), 'none') <> coalesce(CAST(w.level AS TEXT), 'none')""",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule that does not hold for an account; amounts are in millionths."""

    rule: str
    account_id: int | None
    found: str
    expected: str


def verify() -> Iterator[Difference]:
    """Every difference in the books; nothing when they tie out. Streams, so that size does not matter."""
    if is_postgres():
        db.session.execute(text("SET LOCAL statement_timeout = 0"))
    for rule, query in RULES.items():
        rows = db.session.execute(text(query).execution_options(yield_per=STREAM_ROWS))
        for account_id, found, expected in rows:
            yield Difference(rule, account_id, str(found), str(expected))
