"""Every call of the API, said once: what it asks, answers and refuses. Its description is made of this."""

from creditapp.api.calls import buying, credits, keys, usage

CALLS = (*credits.CALLS, *usage.CALLS, *buying.CALLS, *keys.CALLS)

__all__ = ["CALLS"]
