from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, delete, insert, select, text, update
from sqlalchemy.orm import Session

from trunkline.store import change_log
from trunkline.store.accounts import create_account
from trunkline.store.credentials import add_credential, create_credential_list
from trunkline.store.database import Database, open_engine
from trunkline.store.errors import ChangeNotLogged, ReadOnly
from trunkline.store.ip_access_control_lists import add_ip_address, create_ip_access_control_list
from trunkline.store.models import Account, Call, Change, CredentialList, IpAccessControlList, PhoneNumber, Trunk
from trunkline.store.phone_numbers import add_phone_number
from trunkline.store.trunks import (
    add_origination_url,
    attach_credential_list,
    attach_ip_access_control_list,
    create_trunk,
)


def logged(database: Database, after: int = 0) -> list[tuple[str, str]]:
    with database.read() as session:
        rows = session.execute(select(Change.entity, Change.key).where(Change.seq > after).order_by(Change.seq))
        return [(entity, key) for entity, key in rows]


def last_seq(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(Change.seq).order_by(Change.seq.desc())).first() or 0


@pytest.fixture
def account(database: Database) -> Account:
    with database.write() as session:
        return create_account(session)


def test_insert_update_and_delete_are_logged(database: Database):
    with database.write() as session:
        account = create_account(session)
    with database.write() as session:
        session.get_one(Account, account.sid).status = "suspended"
    with database.write() as session:
        session.delete(session.get_one(Account, account.sid))
    assert logged(database) == [("accounts", account.sid)] * 3


def test_deleting_a_trunk_logs_all_that_goes_or_changes_with_it(database: Database, account: Account):
    with database.write() as session:
        trunk = create_trunk(session, account.sid)
        url = add_origination_url(session, trunk, "sip:pbx.example.com")
        credentials = create_credential_list(session, account.sid, "PBX")
        attach_credential_list(session, trunk, credentials)
        addresses = create_ip_access_control_list(session, account.sid, "PBX")
        attach_ip_access_control_list(session, trunk, addresses)
        number = add_phone_number(session, account.sid, "+15550100", trunk=trunk)
    before = last_seq(database)
    with database.write() as session:
        session.delete(session.get_one(Trunk, trunk.sid))
    assert set(logged(database, before)) == {
        ("trunks", trunk.sid),
        ("origination_urls", url.sid),
        ("trunk_credential_lists", f"{trunk.sid}|{credentials.sid}"),
        ("trunk_ip_access_control_lists", f"{trunk.sid}|{addresses.sid}"),
        ("phone_numbers", number.sid),
    }
    with database.read() as session:
        assert session.get_one(PhoneNumber, number.sid).trunk_sid is None


def test_an_orphan_is_logged(database: Database, account: Account):
    with database.write() as session:
        addresses = create_ip_access_control_list(session, account.sid, "")
        address = add_ip_address(session, addresses, "192.0.2.1")
    before = last_seq(database)
    with database.write() as session:
        again = session.get_one(IpAccessControlList, addresses.sid)
        again.addresses.clear()
    assert logged(database, before) == [("ip_addresses", address.sid)]


def test_deleting_a_list_logs_its_members(database: Database, account: Account):
    with database.write() as session:
        credentials = create_credential_list(session, account.sid, "")
        users = {add_credential(session, credentials, name, "secret", "realm").sid for name in ("a", "b")}
    before = last_seq(database)
    with database.write() as session:
        session.delete(session.get_one(CredentialList, credentials.sid))
    assert set(logged(database, before)) == {("credentials", sid) for sid in users}


def test_a_change_inside_a_json_column_is_logged(database: Database, account: Account):
    with database.write() as session:
        number = add_phone_number(session, account.sid, "+15550100")
    before = last_seq(database)
    with database.write() as session:
        again = session.get_one(PhoneNumber, number.sid)
        again.options["voice_url"] = "https://example.com/"
    assert logged(database, before) == [("phone_numbers", number.sid)]


def test_what_did_not_change_is_not_logged(database: Database, account: Account):
    before = last_seq(database)
    with database.write() as session:
        again = session.get_one(Account, account.sid)
        again.status = again.status + ""
        session.add(Call(direction="trunking-terminating", started_us=1))
    assert logged(database, before) == []


def test_a_rolled_back_change_is_not_logged(database: Database, account: Account):
    before = last_seq(database)
    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.info["never"] = create_trunk(session, account.sid).secure / 0
    assert logged(database, before) == []


def test_a_savepoint_that_is_rolled_back_takes_its_changes_along(database: Database, account: Account):
    before = last_seq(database)
    with database.write() as session:
        first = create_trunk(session, account.sid)
        savepoint = session.begin_nested()
        create_trunk(session, account.sid)
        savepoint.rollback()
        last = create_trunk(session, account.sid)
    assert logged(database, before) == [("trunks", first.sid), ("trunks", last.sid)]


@pytest.mark.parametrize(
    "statement",
    [
        update(Trunk).values(secure=True),
        delete(PhoneNumber),
        insert(Account).values(auth_token="x"),
    ],
    ids=["update", "delete", "insert"],
)
def test_bulk_statements_are_refused(database: Database, statement):
    with pytest.raises(ChangeNotLogged, match="request_rebuild"), database.write() as session:
        session.execute(statement)


def test_bulk_statements_on_records_are_fine(database: Database):
    with database.write() as session:
        session.execute(delete(Call))


def test_a_reading_transaction_refuses_changes(database: Database, account: Account):
    with database.read() as session:
        session.get_one(Account, account.sid).status = "closed"
        with pytest.raises(ReadOnly):
            session.flush()


def test_prune_keeps_the_newest_and_never_reuses_a_number(database: Database, engine: Engine):
    with database.write() as session:
        for _ in range(5):
            create_account(session)
    with engine.begin() as connection:
        assert change_log.prune(connection, 2) == 3
        assert change_log.prune(connection, 0) == 1, "at least one stays"
        connection.execute(delete(Change))
    with database.write() as session:
        create_account(session)
    assert last_seq(database) == 6


def test_seq_is_in_the_order_of_commits(database: Database, engine: Engine):
    """Somebody who polls never sees a number appear below one that was there before."""
    done = threading.Event()
    seen: list[int] = []

    def poll() -> None:
        with engine.connect() as connection:
            while True:
                last = done.is_set()
                query = select(Change.seq).where(Change.seq > (seen[-1] if seen else 0)).order_by(Change.seq)
                seen.extend(connection.scalars(query))
                connection.rollback()
                if last:
                    return

    def write(times: int) -> None:
        for _ in range(times):
            with database.write() as session:
                create_account(session)
                session.execute(text("SELECT 1"))  # a transaction that goes on for a while after its change
                create_account(session)

    reader = threading.Thread(target=poll)
    writers = [threading.Thread(target=write, args=(20,)) for _ in range(3)]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    with database.read() as session:
        assert seen == list(session.scalars(select(Change.seq).order_by(Change.seq)))
    assert len(seen) == 120


@pytest.mark.postgresql
def test_the_second_writer_waits_for_the_first_to_commit(migrated_postgres_url: str):
    engine = open_engine(migrated_postgres_url)
    with Session(engine) as first, Session(engine) as second:
        create_account(first)
        second.execute(text("SET lock_timeout = '100ms'"))
        with pytest.raises(Exception, match="lock timeout"):
            create_account(second)
        first.commit()
        second.rollback()
        create_account(second)
        second.commit()
    engine.dispose()
