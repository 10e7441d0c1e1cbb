"""Credits in another program, without HTTP: the same verbs, on the same database.

    from creditapp import Credits

    credits = Credits()                                    # settings as for every other part
    credits.consume(account, "ai_analysis", key="job-17")

Accounts are named by id, or by their owner's email. Every verb is one transaction of its own; inside ``joining`` the
verbs write in the caller's session, and its commit is theirs.
"""

from creditapp.embedded.held import HeldCredits, Lease
from creditapp.embedded.verbs import Credits, Use

__all__ = ["Credits", "HeldCredits", "Lease", "Use"]
