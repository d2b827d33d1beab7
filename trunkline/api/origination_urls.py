"""/v1/Trunks/{sid}/OriginationUrls: where origination calls of a trunk go, low priority first, shared by weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import Flag, FriendlyName, WholeNumber, change, quoted, read_fields
from trunkline.api.limits import ORIGINATION_URLS_PER_TRUNK, PRIORITY_MOST, SIP_URL_CHARACTERS, WEIGHT_MOST
from trunkline.api.owned import owned
from trunkline.api.refusals import refused_as
from trunkline.core import sip_uri
from trunkline.store.errors import LimitReached
from trunkline.store.models import OriginationUrl, Trunk
from trunkline.store.trunks import add_origination_url

router = APIRouter(prefix="/v1/Trunks/{trunk_sid}/OriginationUrls")

TRANSPORTS = ("udp", "tcp", "tls")


@dataclass(frozen=True, slots=True)
class SipUrl:
    """`sip:host[:port]` or `sip:user@host`, with `;transport=` and headers; `sip://host` is understood too."""

    name: str
    column: str

    def read(self, text: str) -> str:
        try:
            uri = sip_uri.parse(text.strip())
        except sip_uri.SipUriError as error:
            raise ApiError(20422, f"{self.name} {quoted(text)} is not usable: {error}") from error
        if uri.scheme == "tel":
            raise ApiError(20422, f"{self.name} must be a sip: URI, not {quoted(text)}")
        transport = uri.param("transport")
        if transport is not None and transport.lower() not in TRANSPORTS:
            raise ApiError(20422, f"{self.name} has transport {quoted(transport)}; use {', '.join(TRANSPORTS)}")
        normal = str(uri)
        if len(normal) > SIP_URL_CHARACTERS:
            raise ApiError(20422, f"{self.name} is longer than {SIP_URL_CHARACTERS} characters")
        return normal


FIELDS = (
    FriendlyName(),
    SipUrl("SipUrl", "sip_url"),
    WholeNumber("Priority", "priority", 0, PRIORITY_MOST),
    WholeNumber("Weight", "weight", 1, WEIGHT_MOST),
    Flag("Enabled", "enabled"),
)


@router.get("")
def list_(context: Ctx, trunk_sid: str) -> Response:
    trunk = owned(context, Trunk, trunk_sid)
    query = select(OriginationUrl).where(OriginationUrl.trunk_sid == trunk.sid)
    page = context.page(query, OriginationUrl.date_created_us, OriginationUrl.sid)
    views = [view(context, url) for url in page.rows]
    return context.v1_list(page, "origination_urls", views, context.base.of("trunking"))


@router.post("")
def create(context: Ctx, trunk_sid: str) -> Response:
    trunk = owned(context, Trunk, trunk_sid)
    values = read_fields(FIELDS, context.params, required=[field.name for field in FIELDS])
    with refused_as({LimitReached: 21249}):
        url = add_origination_url(context.session, trunk, most=ORIGINATION_URLS_PER_TRUNK, **values)
    return created(view(context, url))


@router.get("/{sid}")
def fetch(context: Ctx, trunk_sid: str, sid: str) -> Response:
    return shown(view(context, _of_trunk(context, trunk_sid, sid)))


@router.post("/{sid}")
def update(context: Ctx, trunk_sid: str, sid: str) -> Response:
    url = _of_trunk(context, trunk_sid, sid)
    change(url, read_fields(FIELDS, context.params))
    context.session.flush()
    return shown(view(context, url))


@router.delete("/{sid}")
def delete(context: Ctx, trunk_sid: str, sid: str) -> Response:
    context.session.delete(_of_trunk(context, trunk_sid, sid))
    return deleted()


def _of_trunk(context: Context, trunk_sid: str, sid: str) -> OriginationUrl:
    url = owned(context, OriginationUrl, sid)
    if url.trunk_sid != trunk_sid:
        raise not_found(context.path)
    return url


def view(context: Context, url: OriginationUrl) -> dict[str, Any]:
    return {
        "account_sid": url.account_sid,
        "sid": url.sid,
        "trunk_sid": url.trunk_sid,
        "weight": url.weight,
        "enabled": url.enabled,
        "sip_url": url.sip_url,
        "friendly_name": url.friendly_name,
        "priority": url.priority,
        "date_created": iso8601(url.date_created_us),
        "date_updated": iso8601(url.date_updated_us),
        "url": f"{context.base.of('trunking')}/v1/Trunks/{url.trunk_sid}/OriginationUrls/{url.sid}",
    }
