"""/v1/Trunks/{sid}/CredentialLists: the credential lists that are attached to a trunk."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import not_found
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.owned import owned, referred
from trunkline.core.sid import is_sid
from trunkline.store.models import CredentialList, Trunk, TrunkCredentialList
from trunkline.store.trunks import attach_credential_list

router = APIRouter(prefix="/v1/Trunks/{trunk_sid}/CredentialLists")

Link = TrunkCredentialList


@router.get("")
def list_(context: Ctx, trunk_sid: str) -> Response:
    trunk = owned(context, Trunk, trunk_sid)
    query = select(Link, CredentialList).join(Link.credential_list).where(Link.trunk_sid == trunk.sid)
    page = context.page(query, Link.date_created_us, Link.credential_list_sid)
    views = [view(context, link, attached) for link, attached in page.rows]
    return context.v1_list(page, "credential_lists", views, context.base.of("trunking"))


@router.post("")
def create(context: Ctx, trunk_sid: str) -> Response:
    trunk = owned(context, Trunk, trunk_sid)
    sid = context.params.required("CredentialListSid")
    attached = referred(context, CredentialList, sid, "CredentialListSid")
    link = attach_credential_list(context.session, trunk, attached)
    return created(view(context, link, attached))


@router.get("/{sid}")
def fetch(context: Ctx, trunk_sid: str, sid: str) -> Response:
    link = _attached(context, trunk_sid, sid)
    return shown(view(context, link, link.credential_list))


@router.delete("/{sid}")
def delete(context: Ctx, trunk_sid: str, sid: str) -> Response:
    context.session.delete(_attached(context, trunk_sid, sid))
    return deleted()


def _attached(context: Context, trunk_sid: str, sid: str) -> Link:
    trunk = owned(context, Trunk, trunk_sid)
    link = context.session.get(Link, (trunk.sid, sid)) if is_sid(sid, "CL") else None
    if link is None:
        raise not_found(context.path)
    return link


def view(context: Context, link: Link, attached: CredentialList) -> dict[str, Any]:
    return {
        "account_sid": attached.account_sid,
        "sid": attached.sid,
        "trunk_sid": link.trunk_sid,
        "friendly_name": attached.friendly_name,
        "date_created": iso8601(link.date_created_us),
        "date_updated": iso8601(link.date_updated_us),
        "url": f"{context.base.of('trunking')}/v1/Trunks/{link.trunk_sid}/CredentialLists/{attached.sid}",
    }
