"""Pages for what went wrong: in words, saying what to do next."""

from flask import render_template
from werkzeug.exceptions import HTTPException

from creditapp.errors import CreditAppError

WORDS = {
    400: ("That form can't be used any more", "Go back, reload the page and try again."),
    403: ("You may not do that", "Ask the owner of the account."),
    404: ("There is nothing here", "The address is wrong, or what stood here is not yours to see."),
    405: ("That can't be done here", "Go back and use the buttons of the page."),
    413: ("That is too large", "Send less than 1 MB."),
    429: ("Too many tries", "Wait a few minutes, then try again."),
    500: ("Something broke on our side", "Nothing was changed. Try again; if it stays, tell us the time it happened."),
    503: ("The payment provider can't be reached", "Nothing was charged. Try again in a minute."),
}


def page(status: int, heading: str | None = None, sentence: str | None = None) -> tuple[str, int]:
    """The page for *status*, in its usual words or the ones given."""
    words = WORDS.get(status, WORDS[500] if status >= 500 else WORDS[400])
    heading, sentence = heading or words[0], sentence or words[1]
    return render_template("error.html", heading=heading, sentence=sentence, status=status), status


def refused(error: CreditAppError) -> tuple[str, int]:
    """The page for a refusal of ours, in its own words."""
    if error.status == 404:
        return page(404)
    return page(error.status, error.title, error.sentence)


def http(error: HTTPException) -> tuple[str, int]:
    """The page for an error of the web server's own."""
    return page(error.code or 500)


def broken() -> tuple[str, int]:
    """The page for what broke on our side."""
    return page(500)
