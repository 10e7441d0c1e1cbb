"""Every drill by its name, in its short and in its full form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults import (
    crash,
    crossings,
    killed_under_programs,
    last_credits,
    receiving,
    recharges,
    redis_away,
    secrets_in_logs,
)
from tests.faults.product import Product
from tests.faults.report import Report


@dataclass(frozen=True, slots=True)
class Drill:
    """What is done to the running product, and how much of it."""

    run: Callable[[Product, Any, int], Report]
    short: Any
    full: Any
    on_its_own_postgresql: bool = False


DRILLS = {
    "crash": Drill(crash.crash, crash.SHORT, crash.FULL),
    "crash-without-redis": Drill(crash.crash_without_redis, crash.SHORT, crash.FULL),
    "crash-with-frozen-redis": Drill(crash.crash_with_frozen_redis, crash.SHORT, crash.FULL),
    "redis-stopped": Drill(redis_away.redis_stopped, redis_away.SHORT, redis_away.FULL),
    "redis-frozen": Drill(redis_away.redis_frozen, redis_away.SHORT, redis_away.FULL),
    "receiving": Drill(receiving.receiving, redis_away.SHORT, redis_away.FULL),
    "last-credits": Drill(last_credits.last_credits, last_credits.SHORT, last_credits.FULL),
    "one-key": Drill(last_credits.one_key, last_credits.SHORT, last_credits.FULL),
    "web-killed": Drill(killed_under_programs.web_killed, killed_under_programs.SHORT, killed_under_programs.FULL),
    "postgresql-killed": Drill(
        killed_under_programs.postgresql_killed,
        killed_under_programs.SHORT_OF_DATABASE,
        killed_under_programs.FULL_OF_DATABASE,
        on_its_own_postgresql=True,
    ),
    "crash-of-postgresql": Drill(
        crash.crash_of_postgresql, crash.SHORT_OF_DATABASE, crash.FULL_OF_DATABASE, on_its_own_postgresql=True
    ),
    "recharges": Drill(recharges.recharges, recharges.SHORT, recharges.FULL),
    "crossings": Drill(crossings.crossings, crossings.SHORT, crossings.FULL),
    "secrets-in-logs": Drill(secrets_in_logs.secrets_in_logs, None, None),
}
