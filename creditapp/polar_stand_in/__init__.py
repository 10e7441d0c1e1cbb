"""A stand-in for Polar: a program of its own with Polar's HTTP API, hosted pages and webhooks.

The application never knows that it is not Polar: it talks to it through the ordinary SDK and a base URL. For that
reason nothing in here imports anything from the rest of the package, and nothing in the rest of it imports this.

    python -m creditapp.polar_stand_in --port 5050 --data DIR --webhook-url URL --webhook-secret-file FILE

Where to begin reading: ``app.py`` puts the house together; ``paying.py`` is the moment when money moves at
a checkout, ``off_session.py`` with a saved card, ``refunds.py`` and ``disputes.py`` how it goes back; ``deliveries.py``
and ``postman.py`` are how the world hears of it; ``control.py`` and ``staff.py`` are what a test or a drill may turn.

What holds throughout:

- One row in ``charges`` is one charge really made (``processor.py``). At a checkout it is written in the same
  transaction as the paid order; a saved card is charged first, and its order becomes paid after it.
- An event is written in the transaction that caused it, and sent from the table: a killed process loses none.
- Every answer carries exactly the keys that Polar's own server answers with API version 2026-10.
- A net amount is the price; there is no tax on top of it unless ``/_control/tax`` says so.
"""
