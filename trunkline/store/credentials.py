"""Credential lists and digest credentials. Passwords come in here and are never kept, only their HA1."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.store import change_log
from trunkline.store.counting import refuse_more
from trunkline.store.errors import DuplicateCredential, DuplicateFriendlyName, StillAttached
from trunkline.store.models import Credential, CredentialList, TrunkCredentialList


def digest_ha1(username: str, realm: str, password: str) -> tuple[str, str]:
    """H(username:realm:password) by MD5 and by SHA-256, in lower-case hex (RFC 7616 section 3.4.2, RFC 8760)."""
    text = f"{username}:{realm}:{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest(), hashlib.sha256(text).hexdigest()


def create_credential_list(
    session: Session, account_sid: str, friendly_name: str, *, most: int | None = None
) -> CredentialList:
    """A new, empty list. Raises DuplicateFriendlyName, LimitReached."""
    change_log.lock(session.connection())
    refuse_more(session, most, "credential lists of an account", CredentialList.account_sid == account_sid)
    credential_list = CredentialList(account_sid=account_sid)
    rename_credential_list(session, credential_list, friendly_name)
    session.add(credential_list)
    session.flush()
    return credential_list


def rename_credential_list(session: Session, credential_list: CredentialList, friendly_name: str) -> None:
    """Raises DuplicateFriendlyName. Any number of lists may have no name."""
    change_log.lock(session.connection())
    same = select(CredentialList.sid).where(
        CredentialList.account_sid == credential_list.account_sid, CredentialList.friendly_name == friendly_name
    )
    if friendly_name and set(session.scalars(same)) - {credential_list.sid}:
        raise DuplicateFriendlyName(f"the account has a credential list named {friendly_name!r} already")
    credential_list.friendly_name = friendly_name


def add_credential(
    session: Session,
    credential_list: CredentialList,
    username: str,
    password: str,
    realm: str,
    *,
    most: int | None = None,
) -> Credential:
    """One more user. What a good password is, the API says. Raises DuplicateCredential, LimitReached."""
    change_log.lock(session.connection())
    mine = Credential.credential_list_sid == credential_list.sid
    if session.scalar(select(Credential.sid).where(mine, Credential.username == username)) is not None:
        raise DuplicateCredential(f"the credential list has a user named {username!r} already")
    refuse_more(session, most, "credentials of a list", mine)
    credential = Credential(account_sid=credential_list.account_sid, credential_list=credential_list, username=username)
    set_password(credential, password, realm)
    session.add(credential)
    session.flush()
    return credential


def set_password(credential: Credential, password: str, realm: str) -> None:
    """Another password, for `realm` from now on."""
    credential.realm = realm
    credential.ha1_md5, credential.ha1_sha256 = digest_ha1(credential.username, realm, password)


def delete_credential_list(session: Session, credential_list: CredentialList) -> None:
    """Delete the list and its credentials. Raises StillAttached while a trunk refers to it."""
    change_log.lock(session.connection())
    holder = select(TrunkCredentialList.trunk_sid).where(TrunkCredentialList.credential_list_sid == credential_list.sid)
    trunk_sid = session.scalar(holder.order_by(TrunkCredentialList.trunk_sid).limit(1))
    if trunk_sid is not None:
        raise StillAttached(f"the credential list is attached to {trunk_sid}: detach it first")
    session.delete(credential_list)
    session.flush()
