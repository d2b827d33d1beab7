from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select, text

from trunkline.store.accounts import create_account
from trunkline.store.credentials import (
    add_credential,
    create_credential_list,
    delete_credential_list,
    digest_ha1,
    rename_credential_list,
    set_password,
)
from trunkline.store.database import Database
from trunkline.store.errors import DuplicateCredential, DuplicateFriendlyName, LimitReached, StillAttached
from trunkline.store.models import Credential
from trunkline.store.trunks import attach_credential_list, create_trunk


def test_ha1_is_that_of_the_rfc():
    """RFC 7616 section 3.9.1 gives user, realm and password; HA1 is the hash of the three."""
    md5, sha256 = digest_ha1("Mufasa", "http-auth@example.org", "Circle of Life")
    assert md5 == "3d78807defe7de2157e2b0b6573a855f"
    assert sha256 == "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"


def test_the_password_is_not_kept(database: Database):
    with database.write() as session:
        users = create_credential_list(session, create_account(session).sid, "PBX")
        credential = add_credential(session, users, "pbx", "Pässword-12345", "sip.twilio.com")
    expected = hashlib.md5("pbx:sip.twilio.com:Pässword-12345".encode()).hexdigest()
    assert (credential.realm, credential.ha1_md5) == ("sip.twilio.com", expected)
    with database.read() as session:
        assert "ssword" not in repr(session.execute(text("SELECT * FROM credentials")).all())
    with database.write() as session:
        again = session.get_one(Credential, credential.sid)
        set_password(again, "another", "example.com")
        assert again.ha1_md5 == digest_ha1("pbx", "example.com", "another")[0]


def test_names_and_users_are_unique_where_they_have_to_be(database: Database):
    with database.write() as session:
        account, other = create_account(session), create_account(session)
        users = create_credential_list(session, account.sid, "PBX")
        create_credential_list(session, other.sid, "PBX")
        create_credential_list(session, account.sid, "")
        unnamed = create_credential_list(session, account.sid, "")
        with pytest.raises(DuplicateFriendlyName):
            create_credential_list(session, account.sid, "PBX")
        with pytest.raises(DuplicateFriendlyName):
            rename_credential_list(session, unnamed, "PBX")
        rename_credential_list(session, users, "PBX")
        add_credential(session, users, "a", "p", "realm")
        with pytest.raises(DuplicateCredential):
            add_credential(session, users, "a", "p", "realm")
        add_credential(session, unnamed, "a", "p", "realm")


def test_limits(database: Database):
    with database.write() as session:
        account = create_account(session)
        users = create_credential_list(session, account.sid, "", most=1)
        with pytest.raises(LimitReached):
            create_credential_list(session, account.sid, "", most=1)
        add_credential(session, users, "a", "p", "realm", most=1)
        with pytest.raises(LimitReached):
            add_credential(session, users, "b", "p", "realm", most=1)


def test_a_list_that_is_attached_stays(database: Database):
    with database.write() as session:
        account = create_account(session)
        trunk = create_trunk(session, account.sid)
        users = create_credential_list(session, account.sid, "")
        add_credential(session, users, "a", "p", "realm")
        link = attach_credential_list(session, trunk, users)
        with pytest.raises(StillAttached, match=trunk.sid):
            delete_credential_list(session, users)
        session.delete(link)
        delete_credential_list(session, users)
        assert session.scalars(select(Credential)).all() == []
