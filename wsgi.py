"""The web: `granian --interface wsgi wsgi:app`, or `gunicorn wsgi:app`."""

import os
import sys
import threading

from creditapp.app import create_app
from creditapp.errors import CreditAppError

try:
    app = create_app()
except CreditAppError as error:
    sys.exit(error.sentence)

if os.environ.get("FLASK_RUN_FROM_CLI") != "true":  # a command looks in for a moment only
    # Beside serving, so that neither the start nor the first purchase waits for Polar's SDK to load.
    threading.Thread(target=app.extensions["gateway"].warm, daemon=True).start()
