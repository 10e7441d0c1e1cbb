"""What an archive holds, subject by subject, and what is left out and why."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from creditapp.alerts.models import AlertRule, CreditAlert
from creditapp.checkout.models import Checkout, Dispute, Order, PolarCustomer, Refund
from creditapp.exports.parts import Part
from creditapp.identity.models import ApiKey, AuditEvent, Membership, User, UserSession
from creditapp.ledger.models import Account, CreditLot, CreditTransaction, Hold, UsageRecord
from creditapp.letters.models import Letter
from creditapp.packages.models import CreditPackage
from creditapp.recharge.models import RechargeAttempt, RechargePlan


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


def _columns(table: Any, names: str) -> tuple[Any, ...]:
    return tuple(getattr(table, name) for name in names.split())


PACKAGE = CreditPackage.key.label("package")

PARTS: tuple[Part, ...] = (
    Part(
        "account",
        "Your account and its balance, as they are now",
        _columns(
            Account,
            "id balance reserved debt consumed total_purchased total_reversed time_zone opened_at updated_at",
        ),
        (Account.id,),
        _of(Account.id),
    ),
    Part(
        "people",
        "Who belongs to the account",
        (
            *_columns(User, "email name"),
            *_columns(Membership, "role created_at"),
        ),
        (Membership.user_id,),
        lambda account_id: and_(Membership.account_id == account_id, Membership.user_id == User.id),
    ),
    Part(
        "sessions",
        "Where these people signed in",
        _columns(UserSession, "user_id user_agent address signed_in_at expires_at revoked_at"),
        (UserSession.id,),
        _of_members(UserSession.user_id),
    ),
    Part(
        "credit_transactions",
        "Every credit in and out",
        _columns(
            CreditTransaction,
            "number id processed_at transaction_type description operation_type operation_id amount "
            "debt_change balance_before balance_after reserved_after price_version key reference_id "
            "polar_order_id polar_transaction_id details",
        ),
        (CreditTransaction.number,),
        _of(CreditTransaction.account_id),
        at=CreditTransaction.processed_at,
    ),
    Part(
        "usage_records",
        "What each charge was for",
        _columns(
            UsageRecord,
            "credit_transaction_id created_at operation_type operation_id units_consumed cost_per_unit "
            "credits_consumed api_endpoint api_key_id request_id status started_at completed_at "
            "operation_details",
        ),
        (UsageRecord.created_at, UsageRecord.credit_transaction_id),
        _of(UsageRecord.account_id),
        at=UsageRecord.created_at,
    ),
    Part(
        "lots",
        "Credits that came in together, and what is left of them",
        _columns(
            CreditLot,
            "id credit_transaction_id source priority amount remaining returned expired revoked "
            "paid_cents currency expires_at created_at",
        ),
        (CreditLot.id,),
        _of(CreditLot.account_id),
    ),
    Part(
        "holds",
        "Credits set aside for work under way",
        _columns(
            Hold,
            "id state amount captured released operation_type description key price_version api_key_id "
            "details opened_at expires_at ended_at",
        ),
        (Hold.id,),
        _of(Hold.account_id),
    ),
    Part(
        "checkouts",
        "Every click on Buy",
        (
            *_columns(Checkout, "id"),
            PACKAGE,
            *_columns(
                Checkout,
                "state reason credits price_cents currency key polar_checkout_id requested_at expires_at paid_at",
            ),
        ),
        (Checkout.id,),
        _packaged(Checkout),
    ),
    Part(
        "orders",
        "What was paid at Polar",
        _columns(
            Order,
            "polar_order_id state reason checkout_id credit_transaction_id quantity credits "
            "polar_product_id subtotal_amount discount_amount net_amount tax_amount total_amount "
            "refunded_amount returned_amount taken_back currency invoice_number ordered_at",
        ),
        (Order.id,),
        _of(Order.account_id),
    ),
    Part(
        "refunds",
        "Money that went back",
        _columns(Refund, "polar_refund_id polar_order_id status amount currency reason told_at"),
        (Refund.id,),
        _of_orders(Refund.polar_order_id),
    ),
    Part(
        "disputes",
        "Payments contested at the bank",
        _columns(Dispute, "polar_dispute_id polar_order_id status amount currency reason told_at"),
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
            *_columns(RechargePlan, "enabled threshold"),
            PACKAGE,
            *_columns(
                RechargePlan,
                "quantity target monthly_cap_cents notify failures stopped stopped_reason cooling_until "
                "created_at updated_at",
            ),
        ),
        (RechargePlan.account_id,),
        _packaged(RechargePlan),
    ),
    Part(
        "recharge_attempts",
        "Every decision to recharge, or not to",
        _columns(
            RechargeAttempt,
            "id state reason quantity credits amount_cents currency polar_order_id at charged_at ended_at",
        ),
        (RechargeAttempt.id,),
        _of(RechargeAttempt.account_id),
    ),
    Part(
        "api_keys",
        "Your programs' keys, without their secrets",
        _columns(ApiKey, "id name prefix scopes created_at last_used_at expires_at revoked_at"),
        (ApiKey.id,),
        _of(ApiKey.account_id),
    ),
    Part(
        "alert_rules",
        "What you want to be told",
        _columns(AlertRule, "id kind threshold api_key_id enabled mail created_at updated_at"),
        (AlertRule.id,),
        _of(AlertRule.account_id),
    ),
    Part(
        "alerts",
        "What there was to tell",
        _columns(
            CreditAlert,
            "id rule_id alert_type message status api_key_id trigger_balance current_balance details "
            "triggered_at resolved_at email_sent email_sent_at",
        ),
        (CreditAlert.id,),
        _of(CreditAlert.account_id),
    ),
    Part(
        "letters",
        "Which mails you were sent, and when",
        _columns(Letter, "kind recipient state created_at sent_at"),
        (Letter.id,),
        _of(Letter.account_id),
    ),
    Part(
        "staff_actions",
        "What the seller's staff did to the account, and why",
        _columns(AuditEvent, "action reason at"),
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
    "usage_buckets": "sums of the usage records by day",
    "watch_levels": "at which balance auto-recharge looks again: it follows from its plan",
}
