"""The link in a letter that stops letters like it: signed, good for ever, and worth nothing for anything else."""

from itsdangerous import BadSignature, URLSafeSerializer

from creditapp.alerts.choosing import STOPPABLE

SALT = "stop letters"
LONGEST_TOKEN = 300


def stop_token(secret_key: str, account_id: int, alert_type: str) -> str | None:
    """What proves that the letter was ours; None for letters that can't be stopped."""
    if alert_type not in STOPPABLE:
        return None
    return str(_signed(secret_key).dumps([account_id, alert_type]))


def stopped_by(secret_key: str, token: str) -> tuple[int, str] | None:
    """The account and the type of letters that a token stops; None for one that is not ours."""
    try:
        account_id, alert_type = _signed(secret_key).loads(token[:LONGEST_TOKEN])
    except (BadSignature, ValueError, TypeError):
        return None
    return (account_id, alert_type) if alert_type in STOPPABLE else None


def _signed(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt=SALT)
