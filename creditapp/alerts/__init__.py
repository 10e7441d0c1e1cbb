"""What people must hear about their credits: told in time, and once.

Invariants: an alert is one crossing, decided under the account's lock, and the database refuses a second one that
stands for the same; a rule that fired is armed again only by a recovery beyond its threshold, so that hovering around
it tells nothing; what recovered resolves its alert; at most one letter an hour of a type goes to an account, while
every alert stands in the inbox.
"""

from creditapp.alerts.choosing import (
    STOPPABLE,
    UnusableThreshold,
    add_for_key,
    begin,
    has_rules,
    remove,
    rule_named,
    rules_of,
    save,
    stop_letters,
)
from creditapp.alerts.considering import (
    catch_up,
    clear,
    consider,
    consider_refusal,
    due_accounts,
    hears_of_refusals,
    is_due,
    raise_alert,
)
from creditapp.alerts.inbox import Standing, Unusual, acknowledge, dismiss, page, standing_of, unusual
from creditapp.alerts.measuring import Cap, Reading, Runway, consider_cap, measure, unmeasured_accounts
from creditapp.alerts.models import ALERT_TYPES, AlertRule, AlertWatch, CreditAlert
from creditapp.alerts.raising import LETTER_KIND, is_over, mailed, write_letter
from creditapp.alerts.rules import KINDS
from creditapp.alerts.sampling import send_test
from creditapp.alerts.stopping import stop_token, stopped_by
from creditapp.alerts.words import NAMES, TONES, Words, words_of

__all__ = [
    "ALERT_TYPES",
    "KINDS",
    "LETTER_KIND",
    "NAMES",
    "STOPPABLE",
    "TONES",
    "AlertRule",
    "AlertWatch",
    "Cap",
    "CreditAlert",
    "Reading",
    "Runway",
    "Standing",
    "UnusableThreshold",
    "Unusual",
    "Words",
    "acknowledge",
    "add_for_key",
    "begin",
    "catch_up",
    "clear",
    "consider",
    "consider_cap",
    "consider_refusal",
    "dismiss",
    "due_accounts",
    "has_rules",
    "hears_of_refusals",
    "is_due",
    "is_over",
    "mailed",
    "measure",
    "page",
    "raise_alert",
    "remove",
    "rule_named",
    "rules_of",
    "save",
    "send_test",
    "standing_of",
    "stop_letters",
    "stop_token",
    "stopped_by",
    "unmeasured_accounts",
    "unusual",
    "words_of",
    "write_letter",
]
