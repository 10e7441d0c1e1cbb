"""What an archive holds: its parts, each from one table, and what is left out and why."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, literal, select, tuple_

from creditapp.alerts.models import AlertRule, CreditAlert
from creditapp.checkout.models import Checkout, Dispute, Order, PolarCustomer, Refund
from creditapp.db import db
from creditapp.identity.models import ApiKey, AuditEvent, Membership, User, UserSession
from creditapp.ledger.models import Account, CreditLot, CreditTransaction, Hold, UsageRecord
from creditapp.letters.models import Letter
from creditapp.packages.models import CreditPackage
from creditapp.recharge.models import RechargeAttempt, RechargePlan

PAGE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """One subject of the archive: the columns of its rows, in the order in which they are read.

    ``order`` is unique within an account; ``at`` is when a row came, where rows come while the archive is made.
    """

    name: str
    what: str
    columns: tuple[Any, ...]
    order: tuple[Any, ...]
    belongs: Callable[[int], ColumnElement[bool]]
    at: Any = None

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return [column.key for column in self.columns]

    def count(self, account_id: int) -> int:
        """How many rows there are; for what may be millions, the most that there can be."""
        if self.at is not None:
            return db.session.scalar(select(Account.last_number).where(Account.id == account_id)) or 0
        return db.session.scalar(select(func.count()).where(self.belongs(account_id))) or 0

    def pages(self, account_id: int, until: datetime) -> Iterator[Sequence[Row[Any]]]:
        """The account's rows as they were at *until*, some hundred at a time; between two of them nothing is held."""
        query = select(*self.columns, *self.order).where(self.belongs(account_id)).order_by(*self.order)
        if self.at is not None:
            query = query.where(self.at <= until)
        following = query.limit(PAGE_ROWS)
        while rows := db.session.execute(following).all():
            db.session.rollback()
            yield [row[: len(self.columns)] for row in rows]  # type: ignore[misc]
            last = [
                literal(value, column.type)
                for column, value in zip(self.order, rows[-1][len(self.columns) :], strict=True)
            ]
            following = query.where(tuple_(*self.order) > tuple_(*last)).limit(PAGE_ROWS)


def _of(column: Any) -> Callable[[int], ColumnElement[bool]]:
    return lambda account_id: column == account_id


def _of_orders(named: Any) -> Callable[[int], ColumnElement[bool]]:
    """What belongs to an order of the account."""
    return lambda account_id: named.in_(select(Order.polar_order_id).where(Order.account_id == account_id))


def _of_members(user_id: Any) -> Callable[[int], ColumnElement[bool]]:
    return lambda account_id: user_id.in_(select(Membership.user_id).where(Membership.account_id == account_id))


def _packaged(table: Any) -> Callable[[int], ColumnElement[bool]]:
    """Of the account, beside its package."""
    return lambda account_id: and_(table.account_id == account_id, table.package_id == CreditPackage.id)


PACKAGE = CreditPackage.key.label("package")

PARTS: tuple[Part, ...] = (
    Part(
        "account",
        "Your account and its balance, as they are now",
        (
            Account.id,
            Account.balance,
            Account.reserved,
            Account.debt,
            Account.consumed,
            Account.total_purchased,
            Account.total_reversed,
            Account.time_zone,
            Account.opened_at,
            Account.updated_at,
        ),
        (Account.id,),
        _of(Account.id),
    ),
    Part(
        "people",
        "Who belongs to the account",
        (User.email, User.name, Membership.role, Membership.created_at),
        (Membership.user_id,),
        lambda account_id: and_(Membership.account_id == account_id, Membership.user_id == User.id),
    ),
    Part(
        "sessions",
        "Where these people signed in",
        (
            UserSession.user_id,
            UserSession.user_agent,
            UserSession.address,
            UserSession.signed_in_at,
            UserSession.expires_at,
            UserSession.revoked_at,
        ),
        (UserSession.id,),
        _of_members(UserSession.user_id),
    ),
    Part(
        "credit_transactions",
        "Every credit in and out",
        (
            CreditTransaction.number,
            CreditTransaction.id,
            CreditTransaction.processed_at,
            CreditTransaction.transaction_type,
            CreditTransaction.description,
            CreditTransaction.operation_type,
            CreditTransaction.operation_id,
            CreditTransaction.amount,
            CreditTransaction.debt_change,
            CreditTransaction.balance_before,
            CreditTransaction.balance_after,
            CreditTransaction.reserved_after,
            CreditTransaction.price_version,
            CreditTransaction.key,
            CreditTransaction.reference_id,
            CreditTransaction.polar_order_id,
            CreditTransaction.polar_transaction_id,
            CreditTransaction.details,
        ),
        (CreditTransaction.number,),
        _of(CreditTransaction.account_id),
        at=CreditTransaction.processed_at,
    ),
    Part(
        "usage_records",
        "What each charge was for",
        (
            UsageRecord.credit_transaction_id,
            UsageRecord.created_at,
            UsageRecord.operation_type,
            UsageRecord.operation_id,
            UsageRecord.units_consumed,
            UsageRecord.cost_per_unit,
            UsageRecord.credits_consumed,
            UsageRecord.api_endpoint,
            UsageRecord.api_key_id,
            UsageRecord.request_id,
            UsageRecord.status,
            UsageRecord.started_at,
            UsageRecord.completed_at,
            UsageRecord.operation_details,
        ),
        (UsageRecord.created_at, UsageRecord.credit_transaction_id),
        _of(UsageRecord.account_id),
        at=UsageRecord.created_at,
    ),
    Part(
        "lots",
        "Credits that came in together, and what is left of them",
        (
            CreditLot.id,
            CreditLot.credit_transaction_id,
            CreditLot.source,
            CreditLot.priority,
            CreditLot.amount,
            CreditLot.remaining,
            CreditLot.returned,
            CreditLot.expired,
            CreditLot.revoked,
            CreditLot.paid_cents,
            CreditLot.currency,
            CreditLot.expires_at,
            CreditLot.created_at,
        ),
        (CreditLot.id,),
        _of(CreditLot.account_id),
    ),
    Part(
        "holds",
        "Credits set aside for work under way",
        (
            Hold.id,
            Hold.state,
            Hold.amount,
            Hold.captured,
            Hold.released,
            Hold.operation_type,
            Hold.description,
            Hold.key,
            Hold.price_version,
            Hold.api_key_id,
            Hold.details,
            Hold.opened_at,
            Hold.expires_at,
            Hold.ended_at,
        ),
        (Hold.id,),
        _of(Hold.account_id),
    ),
    Part(
        "checkouts",
        "Every click on Buy",
        (
            Checkout.id,
            PACKAGE,
            Checkout.state,
            Checkout.reason,
            Checkout.credits,
            Checkout.price_cents,
            Checkout.currency,
            Checkout.key,
            Checkout.polar_checkout_id,
            Checkout.requested_at,
            Checkout.expires_at,
            Checkout.paid_at,
        ),
        (Checkout.id,),
        _packaged(Checkout),
    ),
    Part(
        "orders",
        "What was paid at Polar",
        (
            Order.polar_order_id,
            Order.state,
            Order.reason,
            Order.checkout_id,
            Order.credit_transaction_id,
            Order.quantity,
            Order.credits,
            Order.polar_product_id,
            Order.subtotal_amount,
            Order.discount_amount,
            Order.net_amount,
            Order.tax_amount,
            Order.total_amount,
            Order.refunded_amount,
            Order.returned_amount,
            Order.taken_back,
            Order.currency,
            Order.invoice_number,
            Order.ordered_at,
        ),
        (Order.id,),
        _of(Order.account_id),
    ),
    Part(
        "refunds",
        "Money that went back",
        (
            Refund.polar_refund_id,
            Refund.polar_order_id,
            Refund.status,
            Refund.amount,
            Refund.currency,
            Refund.reason,
            Refund.told_at,
        ),
        (Refund.id,),
        _of_orders(Refund.polar_order_id),
    ),
    Part(
        "disputes",
        "Payments contested at the bank",
        (
            Dispute.polar_dispute_id,
            Dispute.polar_order_id,
            Dispute.status,
            Dispute.amount,
            Dispute.currency,
            Dispute.reason,
            Dispute.told_at,
        ),
        (Dispute.id,),
        _of_orders(Dispute.polar_order_id),
    ),
    Part(
        "billing",
        "What Polar told of you as its customer",
        (
            PolarCustomer.polar_customer_id,
            PolarCustomer.name,
            PolarCustomer.billing_email,
            PolarCustomer.card_brand,
            PolarCustomer.card_last4,
            PolarCustomer.card_expires,
            PolarCustomer.told_at,
            PolarCustomer.deleted_at,
            PolarCustomer.created_at,
        ),
        (PolarCustomer.account_id,),
        _of(PolarCustomer.account_id),
    ),
    Part(
        "recharge_plan",
        "What you want of auto-recharge",
        (
            RechargePlan.enabled,
            RechargePlan.threshold,
            PACKAGE,
            RechargePlan.quantity,
            RechargePlan.target,
            RechargePlan.monthly_cap_cents,
            RechargePlan.notify,
            RechargePlan.failures,
            RechargePlan.stopped,
            RechargePlan.stopped_reason,
            RechargePlan.cooling_until,
            RechargePlan.created_at,
            RechargePlan.updated_at,
        ),
        (RechargePlan.account_id,),
        _packaged(RechargePlan),
    ),
    Part(
        "recharge_attempts",
        "Every decision to recharge, or not to",
        (
            RechargeAttempt.id,
            RechargeAttempt.state,
            RechargeAttempt.reason,
            RechargeAttempt.quantity,
            RechargeAttempt.credits,
            RechargeAttempt.amount_cents,
            RechargeAttempt.currency,
            RechargeAttempt.polar_order_id,
            RechargeAttempt.at,
            RechargeAttempt.charged_at,
            RechargeAttempt.ended_at,
        ),
        (RechargeAttempt.id,),
        _of(RechargeAttempt.account_id),
    ),
    Part(
        "api_keys",
        "Your programs' keys, without their secrets",
        (
            ApiKey.id,
            ApiKey.name,
            ApiKey.prefix,
            ApiKey.scopes,
            ApiKey.created_at,
            ApiKey.last_used_at,
            ApiKey.expires_at,
            ApiKey.revoked_at,
        ),
        (ApiKey.id,),
        _of(ApiKey.account_id),
    ),
    Part(
        "alert_rules",
        "What you want to be told",
        (
            AlertRule.id,
            AlertRule.kind,
            AlertRule.threshold,
            AlertRule.api_key_id,
            AlertRule.enabled,
            AlertRule.mail,
            AlertRule.created_at,
            AlertRule.updated_at,
        ),
        (AlertRule.id,),
        _of(AlertRule.account_id),
    ),
    Part(
        "alerts",
        "What there was to tell",
        (
            CreditAlert.id,
            CreditAlert.rule_id,
            CreditAlert.alert_type,
            CreditAlert.message,
            CreditAlert.status,
            CreditAlert.api_key_id,
            CreditAlert.trigger_balance,
            CreditAlert.current_balance,
            CreditAlert.details,
            CreditAlert.triggered_at,
            CreditAlert.resolved_at,
            CreditAlert.email_sent,
            CreditAlert.email_sent_at,
        ),
        (CreditAlert.id,),
        _of(CreditAlert.account_id),
    ),
    Part(
        "letters",
        "Which mails you were sent, and when",
        (Letter.kind, Letter.recipient, Letter.state, Letter.created_at, Letter.sent_at),
        (Letter.id,),
        _of(Letter.account_id),
    ),
    Part(
        "staff_actions",
        "What the seller's staff did to the account, and why",
        (AuditEvent.action, AuditEvent.reason, AuditEvent.at),
        (AuditEvent.id,),
        _of(AuditEvent.account_id),
    ),
)

# Tables that know of an account or of its people and are in no archive.
LEFT_OUT: Mapping[str, str] = {
    "alert_watches": "when your account was last looked at for alerts",
    "credit_lot_ranges": "which lot paid which charge: it follows from the lots and the transactions",
    "data_exports": "that you asked for archives such as this one",
    "idempotent_answers": "copies of answers that your programs were given",
    "password_resets": "links for a forgotten password: they hold secrets",
    "watch_levels": "at which balance auto-recharge looks again: it follows from its plan",
}
