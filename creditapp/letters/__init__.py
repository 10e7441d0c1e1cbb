"""What a person must hear: letters, written with the business they tell of and sent afterwards.

Invariants: a letter is written in the same transaction as its news, once per key; it is sent by a job and tried
again until it went or is given up with a reason.
"""

from creditapp.letters.models import Letter
from creditapp.letters.post import Envelope, drop, due, give_up_or_postpone, sent, waiting, write

__all__ = ["Envelope", "Letter", "drop", "due", "give_up_or_postpone", "sent", "waiting", "write"]
