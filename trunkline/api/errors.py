"""Errors of the API in the vendor's shape, and the one place that turns any failure into it.

    ApiError(code, message)      what a handler raises; HTTP status by the table of error_codes.py
    store.Refused                by the table of refusals.py
    store.StoreUnavailable       20503, while the database does not answer
    anything else                20500, our own mistake (dispatch.py, so that nothing escapes)

The body is `{"code", "message", "more_info", "status"}` and an optional `details`; never HTML, never a traceback.
It must not hold `type` and `title` beside them: newer clients would read it as an RFC 9457 problem.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.base_url import base_url
from trunkline.api.refusals import refusal
from trunkline.store import errors as store

REALM = 'Basic realm="Trunkline API"'


def error_response(request: Request, error: ApiError) -> Response:
    body: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "more_info": f"{base_url(request.scope).own}/docs/errors/{error.code}",
        "status": error.http_status,
    }
    if error.details is not None:
        body["details"] = dict(error.details)
    headers = {"X-Twilio-Error-Code": str(error.code)}
    if error.http_status == 401:
        headers["WWW-Authenticate"] = REALM
    return JSONResponse(body, status_code=error.http_status, headers=headers)


def asked_path(request: Request) -> str:
    """The path as the client wrote it, before dispatch took suffixes and prefixes away."""
    return str(request.scope.get("asked_path", request.scope["path"]))


def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(request, error)


def _routing_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = asked_path(request)
    if error.status_code == 405:
        response = error_response(request, ApiError(20004, f"{request.method} is not allowed on {path}"))
        response.headers["Allow"] = ", ".join(_allowed_methods(request))
        return response
    if error.status_code == 404:
        return error_response(request, not_found(path))
    return error_response(request, ApiError(20001, str(error.detail), http_status=error.status_code))


def _allowed_methods(request: Request) -> list[str]:
    """Each method has a route of its own here, so the framework's own Allow header would name only the first."""
    routes: list[BaseRoute] = request.app.routes
    return [
        method
        for method in ("GET", "POST", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, store.Refused)
    return error_response(request, refusal(error))


def _database_unavailable(request: Request, _error: Exception) -> Response:
    message = "The database does not answer at the moment; nothing was changed. Try again in a few seconds"
    return error_response(request, ApiError(20503, message))


def install(app: FastAPI) -> None:
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _routing_error)
    app.add_exception_handler(store.Refused, _refused)
    app.add_exception_handler(store.StoreUnavailable, _database_unavailable)
