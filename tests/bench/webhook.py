"""What receiving a webhook costs beside what Polar's SDK would take to parse it."""

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook

RECORDING = Path(__file__).parents[1] / "polar" / "recordings" / "sdk_1_0_2" / "025_order.paid_paid_professional.json"
SECRET = "whsec_" + "A" * 43 + "="
ID = "5d0f6bd4-0000-4000-8000-000000000000"


def measure(*, pairs: int, calls: int) -> dict[str, float]:
    """Microseconds of CPU a delivery, ours and the SDK's, medians of interleaved pairs, and their ratio."""
    from polar.v2026_10.webhooks import validate_event

    from creditapp.gateway import check
    from creditapp.webhooks.inbox import _type_of

    body: str = json.loads(RECORDING.read_text())["body"]
    now = datetime.now(UTC)
    headers = {
        "webhook-id": ID,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(ID, now, body),
    }
    raw = body.encode()

    def ours() -> None:
        check(raw, headers, (SECRET,), now)
        _type_of(raw)

    def sdk() -> None:
        validate_event(raw, headers, SECRET)

    begun = time.process_time()
    sdk()
    first = time.process_time() - begun
    ours()
    figures = [(_cpu(ours, calls), _cpu(sdk, calls)) for _ in range(pairs)]
    mine = statistics.median(figure[0] for figure in figures)
    theirs = statistics.median(figure[1] for figure in figures)
    return {
        "receive_us": mine * 1e6,
        "sdk_validate_event_us": theirs * 1e6,
        "sdk_first_call_ms": first * 1e3,
        "ratio": statistics.median(a / b for a, b in figures),
    }


def _cpu(call: Callable[[], None], calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begun) / calls
