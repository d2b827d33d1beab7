"""…/SIP/CredentialLists/{sid}/Credentials: digest users. A password comes in, is hashed, and never goes out again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import read_fields
from trunkline.api.limits import (
    CREDENTIALS_PER_LIST,
    PASSWORD_CHARACTERS_LEAST,
    PASSWORD_CHARACTERS_MOST,
    USERNAME_CHARACTERS,
)
from trunkline.api.owned import owned
from trunkline.api.refusals import refused_as
from trunkline.store.credentials import add_credential, set_password
from trunkline.store.errors import LimitReached
from trunkline.store.models import Credential, CredentialList

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/SIP/CredentialLists/{list_sid}/Credentials")


@dataclass(frozen=True, slots=True)
class Username:
    """What fits a quoted string of a digest header unescaped (RFC 7616 section 3.4); a colon would end it in HA1."""

    name: str = "Username"
    column: str = "username"

    def read(self, text: str) -> str:
        if re.fullmatch(rf"[!#-9;-\[\]-~]{{1,{USERNAME_CHARACTERS}}}", text):
            return text
        raise ApiError(
            21243,
            f"Username must be 1 to {USERNAME_CHARACTERS} printable ASCII characters without blank, quote, colon "
            "or backslash",
        )


@dataclass(frozen=True, slots=True)
class Password:
    """The message never repeats what was sent."""

    name: str = "Password"
    column: str = "password"

    def read(self, text: str) -> str:
        long_enough = PASSWORD_CHARACTERS_LEAST <= len(text) <= PASSWORD_CHARACTERS_MOST
        if long_enough and all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]")):
            return text
        raise ApiError(
            21243,
            f"Password must have {PASSWORD_CHARACTERS_LEAST} to {PASSWORD_CHARACTERS_MOST} characters, with at least "
            "one upper case letter, one lower case letter and one digit",
        )


@router.get("")
def list_(context: Ctx, list_sid: str) -> Response:
    credential_list = owned(context, CredentialList, list_sid)
    query = select(Credential).where(Credential.credential_list_sid == credential_list.sid)
    page = context.page(query, Credential.date_created_us, Credential.sid)
    return context.v2010_list(page, "credentials", [view(row) for row in page.rows])


@router.post("")
def create(context: Ctx, list_sid: str) -> Response:
    credential_list = owned(context, CredentialList, list_sid)
    values = read_fields((Username(), Password()), context.params, required=["Username", "Password"])
    with refused_as({LimitReached: 21242}):
        row = add_credential(
            context.session,
            credential_list,
            values["username"],
            values["password"],
            context.settings.realm,
            most=CREDENTIALS_PER_LIST,
        )
    return created(view(row))


@router.get("/{sid}")
def fetch(context: Ctx, list_sid: str, sid: str) -> Response:
    return shown(view(_of_list(context, list_sid, sid)))


@router.post("/{sid}")
def update(context: Ctx, list_sid: str, sid: str) -> Response:
    row = _of_list(context, list_sid, sid)
    values = read_fields((Password(),), context.params)
    if "password" in values:
        set_password(row, values["password"], context.settings.realm)
        context.session.flush()
    return shown(view(row))


@router.delete("/{sid}")
def delete(context: Ctx, list_sid: str, sid: str) -> Response:
    context.session.delete(_of_list(context, list_sid, sid))
    return deleted()


def _of_list(context: Context, list_sid: str, sid: str) -> Credential:
    row = owned(context, Credential, sid)
    if row.credential_list_sid != list_sid:
        raise not_found(context.path)
    return row


def view(row: Credential) -> dict[str, Any]:
    parent = f"/2010-04-01/Accounts/{row.account_sid}/SIP/CredentialLists/{row.credential_list_sid}"
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "credential_list_sid": row.credential_list_sid,
        "username": row.username,
        "date_created": rfc2822(row.date_created_us),
        "date_updated": rfc2822(row.date_updated_us),
        "uri": f"{parent}/Credentials/{row.sid}.json",
    }
