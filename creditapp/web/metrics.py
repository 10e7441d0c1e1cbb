"""For Prometheus: what waits, how late it is, what is away. Read when asked for: every process tells the same."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, literal_column, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute

from creditapp import clock, jobqueue, letters, recharge, webhooks
from creditapp.db import db

bp = Blueprint("metrics", __name__)

# When it is due, and which of them wait, in the words of the partial indexes: what is done is not read.
WAITING: Mapping[str, tuple[InstrumentedAttribute[Any], str]] = {
    "webhook": (webhooks.WebhookEvent.next_attempt_at, "state = 'received'"),
    "letter": (letters.Letter.next_attempt_at, "state = 'queued'"),
    "recharge": (recharge.RechargeAttempt.next_at, f"state IN ({', '.join(map(repr, recharge.IN_FLIGHT))})"),
}


class House(Collector):
    """How the house is at this moment."""

    def collect(self) -> Iterable[Metric]:
        """Every figure; where the database is away, that it is."""
        up = GaugeMetricFamily("creditapp_up", "Whether it answers: 1, or 0.", labels=["part"])
        up.add_metric(["redis"], jobqueue.answers())
        waiting = GaugeMetricFamily("creditapp_waiting", "Rows that are not done yet.", labels=["kind"])
        late = GaugeMetricFamily("creditapp_late_seconds", "How long the oldest of them has been due.", labels=["kind"])
        try:
            for kind, (due_at, words) in WAITING.items():
                count, oldest = db.session.execute(
                    select(func.count(), func.min(due_at)).where(literal_column(words))
                ).one()
                waiting.add_metric([kind], count)
                late.add_metric([kind], _seconds_since(oldest))
        except SQLAlchemyError:
            db.session.rollback()
            up.add_metric(["database"], 0)
            return [up]
        up.add_metric(["database"], 1)
        return [up, waiting, late]


@bp.get("/metrics")
def metrics() -> Response:
    """In Prometheus' own format; no amounts and nobody's name."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(House())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _seconds_since(due: datetime | None) -> float:
    return max((clock.now() - due).total_seconds(), 0) if due else 0
