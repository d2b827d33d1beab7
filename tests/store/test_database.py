from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from trunkline.settings import Settings
from trunkline.store.accounts import create_account
from trunkline.store.database import Database, database_url, open_database, open_engine, parse_url, snapshot
from trunkline.store.errors import Conflict, DatabaseUrlInvalid, StoreUnavailable
from trunkline.store.models import Account, Trunk


def test_the_store_is_a_file_in_the_home_unless_said_otherwise(tmp_path: Path):
    settings = Settings(home=tmp_path / "a home")
    assert database_url(settings).database == str(tmp_path / "a home" / "trunkline.db")
    named = replace(settings, database_url="postgres://trunkline:secret@db/trunkline")
    assert database_url(named).drivername == "postgresql+psycopg"
    database = open_database(settings)
    with database.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    database.close()
    assert (tmp_path / "a home" / "trunkline.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://somebody:hunter2@db/x", "mysql"),
        ("not a url: hunter2", "cannot be read"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_url_that_cannot_be_used_is_said_without_its_password(url: str, said: str):
    with pytest.raises(DatabaseUrlInvalid, match=said) as caught:
        parse_url(url)
    assert "hunter2" not in str(caught.value)
    assert "postgresql+psycopg://" in str(caught.value)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DatabaseUrlInvalid, match="cannot be opened"):
        open_engine(f"sqlite:///{tmp_path}/taken/trunkline.db")


def test_sqlite_is_set_up(sqlite_url: str):
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 15_000}
    engine.dispose()


def test_readers_and_a_writer_do_not_wait_for_each_other(database: Database):
    with database.write() as writer:
        create_account(writer)
        with database.read() as reader:
            assert reader.scalars(select(Account)).all() == []
    with database.read() as reader:
        assert len(reader.scalars(select(Account)).all()) == 1


def test_transactions_that_read_first_and_then_write_take_turns(database: Database):
    """On SQLite with a plain BEGIN, all but one would fail with `database is locked`, whatever the timeout."""
    with database.write() as session:
        account = create_account(session)
    barrier = threading.Barrier(4)
    failed: list[BaseException] = []

    def add() -> None:
        barrier.wait()
        try:
            for _ in range(10):
                with database.write() as session:
                    query = select(Account).where(Account.sid == account.sid).with_for_update()
                    mine = session.scalars(query).one()
                    mine.balance_micros += 1
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with database.read() as session:
        assert session.get_one(Account, account.sid).balance_micros == 40


def test_a_snapshot_does_not_see_what_comes_later(database: Database, engine: Engine):
    with snapshot(engine).connect() as before:
        assert before.scalar(select(Account.sid)) is None
        with database.write() as session:
            create_account(session)
        assert before.scalar(select(Account.sid)) is None
    with snapshot(engine).connect() as after:
        assert after.scalar(select(Account.sid)) is not None


def test_objects_stay_readable_after_the_commit(database: Database):
    with database.write() as session:
        account = create_account(session, friendly_name="Acme")
    assert account.friendly_name == "Acme"
    assert account.date_created_us > 1_500_000_000_000_000


def test_foreign_keys_hold(database: Database):
    with pytest.raises(Conflict), database.write() as session:
        session.add(Trunk(account_sid="AC" + "0" * 32))


def test_what_is_deleted_at_the_same_moment_is_a_conflict(database: Database):
    with database.write() as session:
        account = create_account(session)
    with database.write() as session:
        session.delete(session.get_one(Account, account.sid))
    account.status = "closed"
    with pytest.raises(Conflict), database.write() as session:
        session.add(account)


def test_a_bug_is_not_taken_for_an_outage(database: Database):
    with pytest.raises(Exception, match="nonsense") as caught, database.read() as session:
        session.execute(text("SELECT * FROM nonsense"))
    assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.postgresql
def test_an_outage_is_named_and_passes(postgres_server, migrated_postgres_url: str):
    database = Database(open_engine(migrated_postgres_url))
    with database.write() as session:
        create_account(session)
    postgres_server.stop()
    try:
        for opened in (database.read, database.write):
            with pytest.raises(StoreUnavailable), opened() as session:
                session.scalars(select(Account)).all()
    finally:
        postgres_server.start()
    with database.read() as session:
        assert len(session.scalars(select(Account)).all()) == 1
    database.close()


@pytest.mark.postgresql
def test_an_outage_in_the_middle_of_a_transaction_is_named(postgres_server, migrated_postgres_url: str):
    database = Database(open_engine(migrated_postgres_url))
    try:
        with pytest.raises(StoreUnavailable), database.write() as session:
            session.info["outage"] = (create_account(session), postgres_server.stop(), create_account(session))
    finally:
        postgres_server.start()
    with database.read() as session:
        assert session.scalars(select(Account)).all() == []
    database.close()
