"""``python -m creditapp.polar_stand_in``: serve until SIGTERM, which ends it at once and loses nothing."""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from creditapp.polar_stand_in.app import create_app
from creditapp.polar_stand_in.house import Settings
from creditapp.polar_stand_in.signing import SecretFile

BACKLOG = 128


class QuietHandler(WSGIRequestHandler):
    """No line per request: addresses of hosted pages are secrets."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def main() -> None:
    """Read the command line, open the port, say ``ready``, serve."""
    parser = argparse.ArgumentParser(prog="python -m creditapp.polar_stand_in", description="A stand-in for Polar.")
    parser.add_argument("--port", type=int, default=5050)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, help="folder of polar.sqlite")
    parser.add_argument("--webhook-url", required=True, help="where webhooks are sent; may be on this machine")
    secrets_help = "file with comma-separated secrets, the first signs; read anew for every delivery"
    parser.add_argument("--webhook-secret-file", type=Path, required=True, help=secrets_help)
    known = os.environ.get("POLAR_ACCESS_TOKEN", "")
    parser.add_argument("--token", default=known, help="the only accepted bearer token (default: POLAR_ACCESS_TOKEN)")
    args = parser.parse_args()

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((args.host, args.port))
    except OSError as error:
        sys.exit(f"The stand-in for Polar cannot listen on {args.host}:{args.port}: {error.strerror}.")
    listener.listen(BACKLOG)
    port = listener.getsockname()[1]
    base_url = f"http://{args.host}:{port}"
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: os._exit(0))
    settings = Settings(args.data, base_url, args.webhook_url, SecretFile(args.webhook_secret_file), args.token)
    app = create_app(settings)
    server = make_server(args.host, port, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    sys.stdout.write(f"ready {base_url}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
