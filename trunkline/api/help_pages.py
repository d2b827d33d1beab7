"""/docs/errors/{code}: what an error code means, where `more_info` points to. Plain text, no credentials needed."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from trunkline.api.api_error import not_found
from trunkline.api.error_codes import API_ERRORS
from trunkline.core.cause import Cause

router = APIRouter(prefix="/docs/errors")


@router.get("/{code}")
def fetch(code: str) -> Response:
    paragraphs = explanation(int(code)) if code.isascii() and code.isdigit() and len(code) <= 6 else []
    if not paragraphs:
        raise not_found(f"/docs/errors/{code}")
    return PlainTextResponse("\n\n".join(paragraphs) + "\n")


def explanation(code: int) -> list[str]:
    """Paragraphs about one code: as an answer of the API, and as the reason of a call's refusal. Empty: unknown."""
    paragraphs = []
    if code in API_ERRORS:
        error = API_ERRORS[code]
        paragraphs.append(f"{code} {error.title} (HTTP {error.http_status})\n\n{error.advice}")
    return paragraphs + [_on_a_call(cause) for cause in Cause if cause.code == code]


def _on_a_call(cause: Cause) -> str:
    seen = cause.value.alert.replace("{suggestion}", "")
    text = re.sub(r"\{(\w+)\}", r"<\1>", seen)  # what the platform saw of a call is in that call's alert
    fate = f"SIP {cause.sip_status} {cause.reason}" if cause.sip_status >= 300 else "a warning, the call went on"
    return f"{cause.code} on a call: {fate} ({cause.name})\n\n{text}"
