"""The one exception that a handler raises to refuse a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.api.error_codes import API_ERRORS


class ApiError(Exception):
    """A request cannot be served; `code` is the vendor's, `message` says what to do about it."""

    def __init__(
        self, code: int, message: str, *, http_status: int | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = API_ERRORS[code].http_status if http_status is None else http_status
        self.details = details


def not_found(what: str) -> ApiError:
    """404 for a path or SID that does not exist or is not the caller's; both look the same from outside."""
    return ApiError(20404, f"The requested resource {what} was not found")
