"""/v1/Trunks/{sid}/Recording: from when calls are recorded. Kept and shown, not acted upon yet."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from trunkline.api.context import Ctx, shown
from trunkline.api.fields import Choice, change, read_fields
from trunkline.api.owned import owned
from trunkline.store.models import Trunk

router = APIRouter(prefix="/v1/Trunks/{trunk_sid}/Recording")

MODES = (
    "do-not-record",
    "record-from-ringing",
    "record-from-answer",
    "record-from-ringing-dual",
    "record-from-answer-dual",
)
FIELDS = (Choice("Mode", "recording_mode", MODES), Choice("Trim", "recording_trim", ("trim-silence", "do-not-trim")))


@router.get("")
def fetch(context: Ctx, trunk_sid: str) -> Response:
    return shown(view(owned(context, Trunk, trunk_sid)))


@router.post("")
def update(context: Ctx, trunk_sid: str) -> Response:
    trunk = owned(context, Trunk, trunk_sid)
    change(trunk, read_fields(FIELDS, context.params))
    return shown(view(trunk))


def view(trunk: Trunk) -> dict[str, Any]:
    return {"mode": trunk.recording_mode, "trim": trunk.recording_trim}
