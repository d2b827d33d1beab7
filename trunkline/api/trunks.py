"""/v1/Trunks (trunking): a customer's connections."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from starlette.responses import Response

from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import HTTP_METHODS, Choice, Flag, FriendlyName, WebUrl, change, read_fields
from trunkline.api.limits import TRUNKS_PER_ACCOUNT
from trunkline.api.owned import owned
from trunkline.api.refusals import refused_as
from trunkline.store.errors import LimitReached
from trunkline.store.models import Trunk
from trunkline.store.trunks import create_trunk, set_domain

router = APIRouter(prefix="/v1/Trunks")

FIELDS = (
    FriendlyName(),
    WebUrl("DisasterRecoveryUrl", "disaster_recovery_url"),
    Choice("DisasterRecoveryMethod", "disaster_recovery_method", HTTP_METHODS),
    Choice("TransferMode", "transfer_mode", ("disable-all", "enable-all", "sip-only")),
    Flag("Secure", "secure"),
    Flag("CnamLookupEnabled", "cnam_lookup_enabled"),
    Choice("TransferCallerId", "transfer_caller_id", ("from-transferee", "from-transferor")),
)


@router.get("")
def list_(context: Ctx) -> Response:
    # What auth_type is made of, for all trunks of the page at once.
    query = select(Trunk).where(Trunk.account_sid == context.account.sid)
    query = query.options(selectinload(Trunk.credential_list_links), selectinload(Trunk.ip_access_control_list_links))
    page = context.page(query, Trunk.date_created_us, Trunk.sid)
    return context.v1_list(page, "trunks", [view(context, trunk) for trunk in page.rows], base(context))


@router.post("")
def create(context: Ctx) -> Response:
    values = read_fields(FIELDS, context.params)
    with refused_as({LimitReached: 21244}):
        trunk = create_trunk(
            context.session,
            context.account.sid,
            domain_name=context.params.get("DomainName"),
            suffixes=context.settings.domain_suffixes,
            most=TRUNKS_PER_ACCOUNT,
            **values,
        )
    return created(view(context, trunk))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(context, owned(context, Trunk, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    trunk = owned(context, Trunk, sid)
    change(trunk, read_fields(FIELDS, context.params))
    domain_name = context.params.get("DomainName")
    if domain_name is not None:
        set_domain(context.session, trunk, domain_name, context.settings.domain_suffixes)
    context.session.flush()
    return shown(view(context, trunk))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    """Its origination URLs go with it; its numbers are detached and stay the account's."""
    context.session.delete(owned(context, Trunk, sid))
    return deleted()


def base(context: Context) -> str:
    return context.base.of("trunking")


def auth_type(trunk: Trunk) -> str:
    """What a termination call has to pass; empty: the trunk takes none. Alphabetical, as the vendor has it."""
    attached = (("CREDENTIAL_LIST", trunk.credential_list_links), ("IP_ACL", trunk.ip_access_control_list_links))
    return ",".join(name for name, links in attached if links)


def view(context: Context, trunk: Trunk) -> dict[str, Any]:
    url = f"{base(context)}/v1/Trunks/{trunk.sid}"
    return {
        "account_sid": trunk.account_sid,
        "domain_name": trunk.domain_name,
        "disaster_recovery_method": trunk.disaster_recovery_method,
        "disaster_recovery_url": trunk.disaster_recovery_url,
        "friendly_name": trunk.friendly_name,
        "secure": trunk.secure,
        "recording": {"mode": trunk.recording_mode, "trim": trunk.recording_trim},
        "transfer_mode": trunk.transfer_mode,
        "transfer_caller_id": trunk.transfer_caller_id,
        "cnam_lookup_enabled": trunk.cnam_lookup_enabled,
        "auth_type": auth_type(trunk),
        "symmetric_rtp_enabled": trunk.symmetric_rtp_enabled,
        "auth_type_set": [],
        "date_created": iso8601(trunk.date_created_us),
        "date_updated": iso8601(trunk.date_updated_us),
        "sid": trunk.sid,
        "url": url,
        "links": {
            "origination_urls": f"{url}/OriginationUrls",
            "credential_lists": f"{url}/CredentialLists",
            "ip_access_control_lists": f"{url}/IpAccessControlLists",
            "phone_numbers": f"{url}/PhoneNumbers",
        },
    }
