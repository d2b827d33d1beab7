"""/docs/errors/{code}: what an error code means, where `more_info` points to. Plain text, no credentials needed.

Of a call's refusal it shows what the customer should do: the section of docs/errors.md, which stands beside the program
in a checkout. Where it does not, the cause table's own text stays.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from trunkline.api.api_error import not_found
from trunkline.api.error_codes import API_ERRORS
from trunkline.core.cause import Cause

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
_SECTION = re.compile(r"^### (?:\d+ )?`(\w+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)

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
    advice = sections().get(cause.name)
    if advice is not None:
        text = f"{text}\n\n{advice}"
    fate = f"SIP {cause.sip_status} {cause.reason}" if cause.sip_status >= 300 else "a warning, the call went on"
    return f"{cause.code} on a call: {fate} ({cause.name})\n\n{text}"


@cache
def sections() -> dict[str, str]:
    """Name of a cause → what docs/errors.md says of it, as plain text; empty where the file is not there."""
    try:
        text = DOCS.read_text("utf-8")
    except OSError:
        return {}
    return {name: body.replace("**", "").replace("`", "").strip() for name, body in _SECTION.findall(text)}
