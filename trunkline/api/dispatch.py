"""The outermost layer of the HTTP face: one request in, one path that the routes know, one line of log out.

- `Host: trunking.twilio.com` names a product; the path must be of that product. Any other host goes by the path alone.
- `/trunking/v1/Trunks` (an explicit product) is `/v1/Trunks`; `.json` of 2010-04-01 and a slash at the end are dropped,
  because the published clients follow no redirect.
- every answer gets Twilio-Request-Id and -Duration; every request is one line of the log, without its query and its
  credentials.
- a fault of ours ends here: 500 with code 20500, its place in the log.
"""

from __future__ import annotations

import logging
import time
import traceback
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.base_url import PRODUCT_OF_PREFIX, product_of_path, vendor_product
from trunkline.api.errors import error_response

log = logging.getLogger("trunkline.api")

_PRODUCTS = frozenset(PRODUCT_OF_PREFIX.values())


def canonical_path(path: str) -> str:
    """The path that the routes know."""
    first, _, rest = path.lstrip("/").partition("/")
    if first in _PRODUCTS and product_of_path("/" + rest) == first:
        path = "/" + rest
    path = path.rstrip("/") or "/"
    return path.removesuffix(".json") if path.startswith("/2010-04-01/") else path


class Dispatch:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Exchange(scope, send).run(self._app, receive)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = {**scope, "asked_path": scope["path"], "path": canonical_path(scope["path"])}
        self._send = send
        self._request_id = "RQ" + uuid4().hex
        self._started = time.monotonic()
        self._status = 0
        self._error_code: str | None = None

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        request = Request(self._scope)
        product = vendor_product(request.headers.get("host", ""))
        try:
            if product is not None and product != product_of_path(self._scope["path"]):
                response = error_response(request, not_found(self._scope["asked_path"]))
                await response(self._scope, receive, self._answer)
            else:
                await app(self._scope, receive, self._answer)
        except Exception as error:  # noqa: BLE001  (an answer must go out, and never a traceback)
            self._report(error)
            if not self._status:
                fault = ApiError(20500, f"Internal error; the server's log has it under {self._request_id}")
                await error_response(request, fault)(self._scope, receive, self._answer)
        finally:
            self._log()

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            duration = f"{time.monotonic() - self._started:.3f}"
            headers = list(message.get("headers", ()))
            self._error_code = next((v.decode() for k, v in headers if k.lower() == b"x-twilio-error-code"), None)
            headers += [
                (b"twilio-request-id", self._request_id.encode()),
                (b"twilio-request-duration", duration.encode()),
            ]
            message = {**message, "headers": headers}
        await self._send(message)

    def _report(self, error: Exception) -> None:
        """The type and the place, on one line; the text of a database error may hold what a customer sent."""
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-6:]))
        log.error("fault in %s: %s at %s", self._request_id, type(error).__name__, places)

    def _log(self) -> None:
        account = self._scope.get("account_sid", "-")
        client = (self._scope.get("client") or ("-", 0))[0]
        milliseconds = (time.monotonic() - self._started) * 1000
        # A path may hold anything; in a line of JSON it can forge nothing, and 200 characters of it are enough.
        log.info(
            "%s %s %d %.1f ms error=%s account=%s client=%s %s",
            self._scope["method"],
            self._scope["asked_path"][:200],
            self._status,
            milliseconds,
            self._error_code or "-",
            account,
            client,
            self._request_id,
        )
