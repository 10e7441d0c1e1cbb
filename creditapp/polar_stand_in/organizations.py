"""``/v1/organizations/``: the one organisation there is; clients read its feature switches (facts §1.4)."""

from typing import Any

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import shapes
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import page
from creditapp.polar_stand_in.reading import path_id
from creditapp.polar_stand_in.refusals import named, not_found
from creditapp.polar_stand_in.store import Transaction

bp = Blueprint("organizations", __name__, url_prefix="/v1/organizations")

OFF_SESSION, PAYMENTS = "off_session_charges_enabled", "checkout_payments"
SWITCHES = (OFF_SESSION, PAYMENTS)  # by ``/_control/organization``
FOUNDED = "2026-10-01T08:00:00.000000Z"
SWITCHED_ON = (
    "seat_based_pricing_enabled",
    "member_model_enabled",
    "off_session_charges_enabled",
    "slack_benefit_enabled",
)
SWITCHED_OFF = (
    "issue_funding_enabled",
    "unit_based_pricing_enabled",
    "wallets_enabled",
    "checkout_localization_enabled",
    "reset_proration_behavior_enabled",
    "meter_cycling_enabled",
    "preview_access_enabled",
    "disputes_enabled",
    "sso_enabled",
    "dispute_auto_accept_enabled",
    "compass_enabled",
    "merchant_migration_enabled",
    "frame_ancestors_enforced",
)
LETTERS = (
    "order_confirmation",
    "payment_method_expiration_reminder",
    "subscription_cancellation",
    "subscription_confirmation",
    "subscription_cycled",
    "subscription_cycled_after_trial",
    "subscription_past_due",
    "subscription_paused",
    "subscription_resumed",
    "subscription_renewal_reminder",
    "subscription_revoked",
    "subscription_trial_conversion_reminder",
    "subscription_uncanceled",
    "subscription_updated",
)
CAPABILITIES = (
    "checkout_payments",
    "subscription_renewals",
    "payouts",
    "refunds",
    "api_access",
    "dashboard_access",
)

ORGANIZATION: dict[str, Any] = {
    "created_at": FOUNDED,
    "modified_at": None,
    "id": shapes.ORGANIZATION_ID,
    "name": "Stand-in",
    "slug": "stand-in",
    "avatar_url": None,
    "proration_behavior": "prorate",
    "allow_customer_updates": True,
    "bio": None,
    "company": None,
    "blog": None,
    "location": None,
    "twitter_username": None,
    "pledge_minimum_amount": 0,
    "pledge_badge_show_amount": False,
    "default_upfront_split_to_contributors": None,
    "email": "support@example.com",
    "website": "https://example.com/",
    "socials": [],
    "status": "active",
    "details_submitted_at": None,
    "onboarding_resubmission_requested_at": None,
    "sso_enforced": False,
    "default_presentment_currency": "usd",
    "default_tax_behavior": "location",
    "feature_settings": {
        **dict.fromkeys(SWITCHED_ON, True),
        **dict.fromkeys(SWITCHED_OFF, False),
        "overview_metrics": None,
    },
    "subscription_settings": {
        "allow_multiple_subscriptions": False,
        "proration_behavior": "prorate",
        "benefit_revocation_grace_period": 0,
        "prevent_trial_abuse": False,
        "allow_customer_updates": True,
    },
    "customer_email_settings": dict.fromkeys(LETTERS, True),
    "customer_portal_settings": {
        "usage": {"show": True},
        "subscription": {"update_seats": True, "update_plan": True},
        "customer": {"allow_email_change": False},
    },
    "dispute_settings": {"auto_accept_below_amount": None},
    "embed_hosts": [],
    "embed_hosts_enforced": True,
    "country": None,
    "account_id": None,
    "payout_account_id": None,
    "capabilities": dict.fromkeys(CAPABILITIES, True),
    "notification_settings": {
        "new_order": True,
        "new_subscription": True,
        "chargeback_prevention": True,
        "subscription_renewal": False,
    },
}


@bp.get("/")
def list_organizations() -> Response:
    """The organisation of the token."""
    with store().reading() as t:
        return page([_organization(t)], dict)


@bp.get("/<id_>")
def get_organization(id_: str) -> Response:
    """The organisation by its id."""
    if path_id(id_) != shapes.ORGANIZATION_ID:
        raise not_found()
    with store().reading() as t:
        return jsonify(_organization(t))


def switched_on(t: Transaction, switch: str) -> bool:
    """Whether one of ``SWITCHES`` is on."""
    return bool(t.setting(switch, default=True))


def check_may_charge(t: Transaction) -> None:
    """403 when the organisation must not charge saved cards."""
    if not switched_on(t, OFF_SESSION):
        detail = (
            f"Off-session charges are not enabled for this organization ({shapes.ORGANIZATION_ID})."
            " Contact Polar support to opt in."
        )
        raise named(403, "OffSessionChargesNotEnabled", detail)
    if not switched_on(t, PAYMENTS):
        detail = (
            f"This organization ({shapes.ORGANIZATION_ID}) can't accept payments yet."
            " Its account may be pending onboarding or under review."
        )
        raise named(403, "OrganizationNotReadyForPayments", detail)


def _organization(t: Transaction) -> dict[str, Any]:
    switched = {OFF_SESSION: switched_on(t, OFF_SESSION)}
    return {
        **ORGANIZATION,
        "feature_settings": {**ORGANIZATION["feature_settings"], **switched},
        "capabilities": {**ORGANIZATION["capabilities"], PAYMENTS: switched_on(t, PAYMENTS)},
    }
