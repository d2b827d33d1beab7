"""/trunkline/v1/Bans: sources that the edge has stopped listening to. The platform account only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.auth import require_platform
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import WholeNumber
from trunkline.core.defence import LONGEST_BAN, Ban
from trunkline.core.networks import NetworkError
from trunkline.engines.kamailio.ban_list import BanList
from trunkline.engines.kamailio.rpc import KamailioRefused, KamailioUnreachable

router = APIRouter(prefix="/trunkline/v1/Bans")

SECONDS = WholeNumber("Seconds", "seconds", 1, LONGEST_BAN)
USUAL_SECONDS = 3600


@router.get("")
def list_(context: Ctx) -> Response:
    with edge_bans(context) as bans:
        return JSONResponse({"bans": [view(context, ban) for ban in bans.all()]})


@router.post("")
def create(context: Ctx) -> Response:
    """`Address` is required; `Seconds`: how long, 3600 unless said otherwise. Access lists do not protect from it."""
    context.params.refuse_unknown(("Address", "Seconds"))
    address, given = context.params.required("Address"), context.params.get("Seconds")
    seconds = USUAL_SECONDS if given is None else int(SECONDS.read(given))
    with edge_bans(context) as bans:
        return created(view(context, bans.add(address, seconds)))


@router.get("/{address}")
def fetch(context: Ctx, address: str) -> Response:
    with edge_bans(context) as bans:
        ban = bans.find(address)
    if ban is None:
        raise not_found(context.path)
    return shown(view(context, ban))


@router.delete("/{address}")
def delete(context: Ctx, address: str) -> Response:
    """Lift the ban: the source is heard again at once."""
    with edge_bans(context) as bans:
        if not bans.lift(address):
            raise not_found(context.path)
    return deleted()


@contextmanager
def edge_bans(context: Context) -> Iterator[BanList]:
    """The list, for the platform account. Raises ApiError 20006, 21238, 20503."""
    require_platform(context.caller)
    try:
        yield BanList(context.settings)
    except NetworkError as problem:
        raise ApiError(21238, str(problem)) from None
    except (KamailioUnreachable, KamailioRefused) as problem:
        raise ApiError(20503, f"The edge does not answer: {problem}") from None


def view(context: Context, ban: Ban) -> dict[str, Any]:
    return {
        "address": ban.address,
        "offence": ban.offence.name.lower(),
        "number": ban.number,
        "date_created": iso8601(ban.since * 1_000_000),
        "date_expires": iso8601(ban.until * 1_000_000),
        "url": f"{context.base.own}/trunkline/v1/Bans/{ban.address}",
    }
