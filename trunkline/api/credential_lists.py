"""/2010-04-01/Accounts/{sid}/SIP/CredentialLists: named sets of digest users that trunks refer to."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.context import Ctx, created, deleted, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import FriendlyName, read_fields
from trunkline.api.limits import CREDENTIAL_LISTS_PER_ACCOUNT
from trunkline.api.owned import owned
from trunkline.api.refusals import refused_as
from trunkline.store.credentials import create_credential_list, delete_credential_list, rename_credential_list
from trunkline.store.errors import DuplicateFriendlyName, LimitReached, StillAttached
from trunkline.store.models import CredentialList

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/SIP/CredentialLists")

CODES = {DuplicateFriendlyName: 21240, LimitReached: 21239, StillAttached: 21241}


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(CredentialList).where(CredentialList.account_sid == context.account.sid)
    page = context.page(query, CredentialList.date_created_us, CredentialList.sid)
    return context.v2010_list(page, "credential_lists", [view(row) for row in page.rows])


@router.post("")
def create(context: Ctx) -> Response:
    values = read_fields((FriendlyName(),), context.params, required=["FriendlyName"])
    with refused_as(CODES):
        row = create_credential_list(
            context.session, context.account.sid, values["friendly_name"], most=CREDENTIAL_LISTS_PER_ACCOUNT
        )
    return created(view(row))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(owned(context, CredentialList, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    row = owned(context, CredentialList, sid)
    values = read_fields((FriendlyName(),), context.params, required=["FriendlyName"])
    with refused_as(CODES):
        rename_credential_list(context.session, row, values["friendly_name"])
    context.session.flush()
    return shown(view(row))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    row = owned(context, CredentialList, sid)
    with refused_as(CODES):
        delete_credential_list(context.session, row)
    return deleted()


def view(row: CredentialList) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{row.account_sid}/SIP/CredentialLists/{row.sid}"
    return {
        "account_sid": row.account_sid,
        "date_created": rfc2822(row.date_created_us),
        "date_updated": rfc2822(row.date_updated_us),
        "friendly_name": row.friendly_name,
        "sid": row.sid,
        "subresource_uris": {"credentials": f"{uri}/Credentials.json"},
        "uri": f"{uri}.json",
    }
