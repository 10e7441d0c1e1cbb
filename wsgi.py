"""The web: `granian --interface wsgi wsgi:app`, or `gunicorn wsgi:app`."""

import sys
import threading

from creditapp.app import create_app
from creditapp.errors import CreditAppError

try:
    app = create_app()
except CreditAppError as error:
    sys.exit(error.sentence)

# Beside serving, so that neither the start nor the first purchase waits for Polar's SDK to load.
threading.Thread(target=app.extensions["gateway"].warm, daemon=True).start()
