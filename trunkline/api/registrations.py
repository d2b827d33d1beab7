"""/trunkline/v1/Trunks/{sid}/Registrations: where the trunk's PBXs are registered now."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from trunkline.api.api_error import ApiError
from trunkline.api.context import Ctx
from trunkline.api.dates import iso8601
from trunkline.api.trunk_settings import owned_trunk
from trunkline.core.registration import Contact, needs_keep_alive
from trunkline.engines.kamailio.registrations import Registrations

router = APIRouter(prefix="/trunkline/v1/Trunks/{sid}/Registrations")


@router.get("")
def list_(context: Ctx, sid: str) -> Response:
    """In the order in which a call tries them."""
    trunk = owned_trunk(context, sid)
    registrations = Registrations(context.settings.registrations_db)
    try:
        contacts = registrations.contacts(trunk.sid, time.time())
    except sqlite3.Error as problem:
        raise ApiError(20503, f"The registrations cannot be read: {problem}") from None
    finally:
        registrations.close()
    return JSONResponse({"registration": trunk.registration, "registrations": [view(row) for row in contacts]})


def view(contact: Contact) -> dict[str, Any]:
    return {
        "trunk_sid": contact.trunk_sid,
        "contact": contact.uri,
        "q": contact.q,
        "source": f"{contact.transport}:{contact.source_ip}:{contact.source_port}",
        "behind_nat": needs_keep_alive(contact),
        "user_agent": contact.user_agent,
        "date_refreshed": iso8601(round(contact.refreshed * 1_000_000)),
        "date_expires": iso8601(round(contact.until * 1_000_000)),
    }
