"""What a page does that nobody sees: errors in its console, blocked scripts, requests to elsewhere."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

HERE = "127.0.0.1"
OWN_SCHEMES = ("data", "blob")
# A page that is left while it asks is no fault of its own.
LEFT = "net::ERR_ABORTED"
REFUSED_TO_LOAD = "Failed to load resource"


class Watch:
    """Notes every problem in the pages of a context.

    A page that answers with an error on purpose, such as 422, is itself written into the console as not loaded: that
    line, and no other, is expected.
    """

    def __init__(self, context: BrowserContext, expected: str | None = None) -> None:
        self._expected = expected
        self.problems: list[str] = []
        self._refused_pages: set[str] = set()
        context.on("console", self._console)
        context.on("weberror", self._web_error)
        context.on("request", self._request)
        context.on("requestfailed", self._request_failed)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        refused = message.text.startswith(REFUSED_TO_LOAD) and message.location["url"] in self._refused_pages
        expected = self._expected is not None and self._expected in message.text
        if not refused and not expected:
            self.problems.append(f"console: {message.text} ({message.location['url']})")

    def _web_error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.hostname != HERE and parts.scheme not in OWN_SCHEMES:
            self.problems.append(f"asked elsewhere: {request.url}")

    def _request_failed(self, request: Request) -> None:
        if request.failure != LEFT:
            self.problems.append(f"not answered: {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.request.is_navigation_request():
            self._refused_pages.add(response.url)
