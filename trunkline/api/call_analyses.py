"""/trunkline/v1/Calls/{sid}/Analysis and /Trace: what the trace analyzer says of a call, and the SIP messages it saw.

Both exist for calls that failed or sounded poor, for 30 days. The account that owns the call may see them, and the
platform account.
"""

from __future__ import annotations

import gzip
import json

from fastapi import APIRouter
from starlette.responses import Response

from trunkline.api.api_error import not_found
from trunkline.api.context import Context, Ctx, shown
from trunkline.api.owned import found
from trunkline.store.call_analyses import CallAnalysis, analysis_of
from trunkline.store.models import Call

router = APIRouter(prefix="/trunkline/v1/Calls/{sid}")


@router.get("/Analysis")
def analysis(context: Ctx, sid: str) -> Response:
    row = _row(context, sid)
    if not row.document:
        raise not_found(context.path)
    return shown({"call_sid": sid} | json.loads(row.document))


@router.get("/Trace")
def trace(context: Ctx, sid: str) -> Response:
    """A pcap, for `trunkline analyze`, Wireshark or sngrep."""
    return Response(gzip.decompress(_row(context, sid).capture), media_type="application/vnd.tcpdump.pcap")


def _row(context: Context, sid: str) -> CallAnalysis:
    call = found(context, Call, sid)
    row = analysis_of(context.session, sid)
    if row is None or (not context.caller.platform and call.account_sid != context.account.sid):
        raise not_found(context.path)
    return row
