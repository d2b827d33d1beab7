from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from published_routing import fill_store, rebuilt_digest, rows
from sqlalchemy import Engine, delete, insert, select, text, update

from trunkline.core import routing_schema
from trunkline.store import change_log, schema
from trunkline.store.accounts import create_account
from trunkline.store.database import Database, open_engine
from trunkline.store.errors import StoreUnavailable
from trunkline.store.models import (
    Account,
    CallerId,
    Change,
    PhoneNumber,
    Trunk,
)
from trunkline.store.phone_numbers import add_phone_number
from trunkline.store.publish import Publisher
from trunkline.store.trunks import (
    create_trunk,
    set_domain,
)


def test_a_missing_file_is_made_with_everything_in_it(database: Database, publisher: Publisher, routing_db: Path):
    trunk = fill_store(database)
    assert publisher.publish() == 14
    assert rows(routing_db, "SELECT label, secure, digest_algorithm FROM trunks") == [("acme", 1, "MD5")]
    assert rows(routing_db, "SELECT funds FROM accounts") == [(1,)]
    assert rows(routing_db, "SELECT network FROM acl_addresses") == [("192.0.2.0/24",)]
    assert rows(routing_db, "SELECT phone_number FROM caller_ids") == [("+15550100200",)]
    assert rows(routing_db, "SELECT phone_number, trunk_sid FROM phone_numbers") == [("+15550100100", trunk.sid)]
    assert rows(routing_db, "SELECT priority, weight, enabled FROM origination_urls") == [(1, 2, 0)]
    assert rows(routing_db, "SELECT sip_uri FROM carrier_targets") == [("sip:127.0.0.1:5070;transport=udp",)]
    assert rows(routing_db, "SELECT network FROM carrier_addresses") == [("2001:db8::/32",)]
    assert rows(routing_db, "SELECT length(ha1_md5), length(ha1_sha256) FROM credentials") == [(32, 64)]
    assert {name: rows(routing_db, f"SELECT count(*) FROM {name}") for name in routing_schema.TABLES} == {
        name: [(1,)] for name in routing_schema.TABLES
    }
    assert publisher.publish() == 0
    assert routing_db.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in routing_db.parent.glob("routing.db.*")] == ["routing.db.lock"]


def test_changes_are_published_one_by_one(database: Database, publisher: Publisher, routing_db: Path):
    trunk = fill_store(database)
    publisher.publish()
    with database.write() as session:
        session.get_one(Account, trunk.account_sid).balance_micros = 0
    assert publisher.publish() == 1
    assert rows(routing_db, "SELECT funds FROM accounts") == [(0,)]
    with database.write() as session:
        session.scalars(select(CallerId).where(CallerId.verified)).one().verified = False
    assert publisher.publish() == 1
    assert rows(routing_db, "SELECT * FROM caller_ids") == []
    with database.write() as session:
        session.delete(session.get_one(Trunk, trunk.sid))
    assert publisher.publish() == 5
    assert rows(routing_db, "SELECT * FROM trunks") == []
    assert rows(routing_db, "SELECT phone_number, trunk_sid FROM phone_numbers") == [("+15550100100", None)]
    assert (
        publisher.position() == rows(routing_db, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'change'")[0][0]
    )


def test_a_label_and_a_number_may_change_hands(
    database: Database, publisher: Publisher, engine: Engine, tmp_path: Path
):
    with database.write() as session:
        account = create_account(session)
        one = create_trunk(session, account.sid, domain_name="one.pstn.twilio.com")
        two = create_trunk(session, account.sid, domain_name="two.pstn.twilio.com")
        number = add_phone_number(session, account.sid, "+15550100100", trunk=one)
    publisher.publish()
    with database.write() as session:
        one, two = session.get_one(Trunk, one.sid), session.get_one(Trunk, two.sid)
        set_domain(session, one, None, ())
        session.flush()
        set_domain(session, two, "one.pstn.twilio.com", ())
        session.flush()
        set_domain(session, one, "two.pstn.twilio.com", ())
        session.delete(session.get_one(PhoneNumber, number.sid))
        session.flush()
        add_phone_number(session, account.sid, "+15550100100", trunk=two)
    publisher.publish()
    assert publisher.content_digest() == rebuilt_digest(engine, tmp_path / "rebuilt.db")


def test_an_edge_that_was_away_too_long_is_rebuilt(
    database: Database, engine: Engine, publisher: Publisher, routing_db: Path
):
    publisher.publish()
    fill_store(database)
    with engine.begin() as connection:
        change_log.prune(connection, 3)
    assert publisher.publish() == 14, "rows of a rebuild, and not the three changes that are left"
    assert rows(routing_db, "SELECT label FROM trunks") == [("acme",)]
    assert publisher.publish() == 0


def test_far_behind_is_rebuilt(database: Database, engine: Engine, routing_db: Path):
    publisher = Publisher(engine, routing_db, most_changes=5)
    publisher.publish()
    fill_store(database)
    assert publisher.publish() == 14
    assert publisher.publish() == 0
    publisher.close()


def test_the_publisher_forgets_old_changes(database: Database, engine: Engine, routing_db: Path):
    publisher = Publisher(engine, routing_db, keep_changes=10)
    for _ in range(40):
        with database.write() as session:
            create_account(session)
        publisher.publish()
    with database.read() as session:
        kept = session.scalars(select(Change.seq).order_by(Change.seq)).all()
    assert 10 <= len(kept) <= 11
    assert kept[-1] == publisher.position() == 40
    publisher.close()


def test_another_store_behind_the_same_file_is_noticed(
    database: Database, engine: Engine, publisher: Publisher, tmp_path: Path
):
    """A restored backup, or another URL: the numbers of the changes look right, and are of something else."""
    fill_store(database)
    publisher.publish()
    other_url = f"sqlite:///{tmp_path / 'other.db'}"
    schema.upgrade(other_url)
    other_engine = open_engine(other_url)
    with Database(other_engine).write() as session:
        for _ in range(publisher.position() or 0):
            create_account(session)
    other = Publisher(other_engine, tmp_path / "routing.db")
    assert other.publish() > 0
    assert other.content_digest() == rebuilt_digest(other_engine, tmp_path / "rebuilt.db")
    other.close()
    other_engine.dispose()


def test_a_bulk_load_asks_for_a_rebuild(database: Database, engine: Engine, publisher: Publisher, routing_db: Path):
    publisher.publish()
    with engine.begin() as connection:
        connection.execute(insert(Account), [{"sid": f"AC{number:032x}", "auth_token": ""} for number in range(500)])
        change_log.request_rebuild(connection)
    assert publisher.publish() == 500
    assert rows(routing_db, "SELECT count(*) FROM accounts") == [(500,)]
    assert publisher.publish() == 0


def test_content_that_contradicts_the_store_is_rebuilt(
    database: Database, engine: Engine, publisher: Publisher, routing_db: Path, caplog: pytest.LogCaptureFixture
):
    trunk = fill_store(database)
    publisher.publish()
    vandal = sqlite3.connect(routing_db)
    vandal.execute("UPDATE trunks SET sid = 'TK0'")
    vandal.commit()
    vandal.close()
    with database.write() as session:
        session.get_one(Trunk, trunk.sid).secure = False
    assert publisher.publish() == 14
    assert "holds what the store does not" in caplog.text
    assert rows(routing_db, "SELECT sid FROM trunks") == [(trunk.sid,)]


@pytest.mark.postgresql
def test_an_outage_of_the_database_is_survived(postgres_server, migrated_postgres_url: str, routing_db: Path):
    engine = open_engine(migrated_postgres_url)
    database = Database(engine)
    fill_store(database)
    publisher = Publisher(engine, routing_db)
    publisher.publish()
    before = publisher.content_digest()
    postgres_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                publisher.publish()
            with pytest.raises(StoreUnavailable):
                publisher.rebuild()
            with pytest.raises(StoreUnavailable), database.write() as session:
                create_account(session)
        assert publisher.content_digest() == before, "calls go on as before"
    finally:
        postgres_server.start()
    with database.write() as session:
        create_account(session)
    assert publisher.publish() == 1
    publisher.close()
    engine.dispose()


def test_a_broken_store_is_an_outage_too(sqlite_url: str, routing_db: Path):
    schema.upgrade(sqlite_url)
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
    engine.dispose()
    Path(path).write_bytes(b"rubbish" * 1000)
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    publisher = Publisher(engine, routing_db)
    with pytest.raises(StoreUnavailable):
        publisher.publish()
    assert not routing_db.exists()
    engine.dispose()


def test_a_change_of_a_table_from_the_future_is_skipped(database: Database, engine: Engine, publisher: Publisher):
    fill_store(database)
    publisher.publish()
    with engine.begin() as connection:
        connection.execute(insert(Change).values(entity="number_rules", key="NR1"))
    assert publisher.publish() == 1


def test_lost_changes_cannot_be_made_up_for_but_by_a_rebuild(database: Database, engine: Engine, publisher: Publisher):
    fill_store(database)
    publisher.publish()
    with engine.begin() as connection:
        connection.execute(delete(Change))
        connection.execute(update(Trunk).values(secure=False))
        connection.execute(text("SELECT 1"))
    assert publisher.publish() == 14
    assert publisher.publish() == 0
