"""`python -m tests.bench [--quick] [--json]`: figures as ratios, measured side by side in one run."""

import argparse
import json
import sys
from importlib.metadata import version

from tests.bench import webhook


def main() -> int:
    """Measure and print; exit 1 where a figure is not reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, within a minute")
    parser.add_argument("--json", action="store_true", help="for machines")
    asked = parser.parse_args()
    received = webhook.measure(pairs=5 if asked.quick else 15, calls=50 if asked.quick else 200)
    reached = received["ratio"] <= 1 / 20
    if asked.json:
        print(json.dumps({"receiving_a_webhook": received | {"reach": 1 / 20, "reached": reached}}))
    else:
        print(f"Python {sys.version.split()[0]}, polar-sdk {version('polar-sdk')}")
        print(f"{'figure':<28}{'reach':>18}{'measured':>18}")
        print(f"{'receiving a webhook (CPU)':<28}{'1/20 of the SDK':>18}{'1/' + str(round(1 / received['ratio'])):>18}")
        print(
            f"  {received['receive_us']:.0f} us beside {received['sdk_validate_event_us']:.0f} us; "
            f"the SDK's first call takes {received['sdk_first_call_ms']:.0f} ms"
        )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
