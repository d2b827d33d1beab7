from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

import pytest
from published_routing import fill_store, rebuilt_digest, rows
from sqlalchemy import Engine

from trunkline.store.database import Database
from trunkline.store.errors import RoutingDbUnusable
from trunkline.store.models import (
    Trunk,
)
from trunkline.store.publish import Publisher
from trunkline.store.routing_file import content_digest


def spoil_with_rubbish(path: Path) -> None:
    path.write_bytes(b"these are not the tables that you are looking for" * 100)


def spoil_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = '0' WHERE key = 'schema'")
    connection.commit()
    connection.close()


def spoil_with_other_tables(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (cake TEXT)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_with_rubbish, "it is no database"),
        (spoil_schema, "it has schema 0, this Trunkline writes"),
        (spoil_with_other_tables, "it has other tables"),
        (lambda path: path.write_bytes(b""), "it is empty"),
    ],
    ids=["rubbish", "schema", "other tables", "empty"],
)
def test_a_file_that_is_none_of_ours_is_kept_aside_and_made_anew(
    database: Database, engine: Engine, routing_db: Path, caplog: pytest.LogCaptureFixture, spoil, said: str
):
    fill_store(database)
    first = Publisher(engine, routing_db)
    first.publish()
    first.close()
    spoil(routing_db)
    spoiled = routing_db.read_bytes()
    with caplog.at_level(logging.WARNING):
        publisher = Publisher(engine, routing_db)
        assert publisher.publish() == 14
    assert publisher.content_digest() == rebuilt_digest(engine, routing_db.with_name("rebuilt.db"))
    publisher.close()
    (kept,) = routing_db.parent.glob("routing.db.old-*[0-9Z]")
    assert kept.read_bytes() == spoiled
    assert said in caplog.text
    assert kept.name in caplog.text


def test_a_file_that_disappears_is_made_anew(database: Database, publisher: Publisher, routing_db: Path):
    fill_store(database)
    publisher.publish()
    routing_db.unlink()
    assert publisher.publish() == 14
    assert rows(routing_db, "SELECT label FROM trunks") == [("acme",)]


def test_a_file_that_breaks_while_it_is_open_is_made_anew(database: Database, publisher: Publisher, routing_db: Path):
    trunk = fill_store(database)
    publisher.publish()
    publisher.close()
    publisher.position()
    with routing_db.open("r+b") as file:  # the header stays, the pages go
        file.seek(4096)
        file.write(b"\xff" * (routing_db.stat().st_size - 4096))
    with database.write() as session:
        session.get_one(Trunk, trunk.sid).secure = False
    assert publisher.publish() == 14
    assert rows(routing_db, "SELECT secure FROM trunks") == [(0,)]


def test_readers_see_the_old_state_or_the_new_one_during_rebuilds(
    database: Database, publisher: Publisher, routing_db: Path
):
    fill_store(database)
    publisher.publish()
    done = threading.Event()
    seen: set[tuple] = set()

    def read() -> None:
        reader = sqlite3.connect(f"{routing_db.as_uri()}?mode=ro", uri=True, timeout=0)
        while not done.is_set():
            seen.update(reader.execute("SELECT (SELECT count(*) FROM trunks), (SELECT count(*) FROM carriers)"))
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(20):
        publisher.rebuild()
    done.set()
    thread.join()
    assert seen == {(1, 1)}


def test_a_rebuild_by_another_program_does_not_confuse_the_running_one(
    database: Database, engine: Engine, publisher: Publisher, routing_db: Path
):
    publisher.publish()
    fill_store(database)
    command = Publisher(engine, routing_db)
    command.rebuild()
    command.close()
    assert publisher.publish() == 0
    assert publisher.content_digest() == rebuilt_digest(engine, routing_db.with_name("rebuilt.db"))


def test_programs_that_start_together_make_one_file(
    database: Database, engine: Engine, routing_db: Path, caplog: pytest.LogCaptureFixture
):
    fill_store(database)
    barrier = threading.Barrier(4)
    taken: list[int] = []

    def start() -> None:
        publisher = Publisher(engine, routing_db)
        barrier.wait()
        taken.append(publisher.publish())
        publisher.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    with caplog.at_level(logging.INFO, logger="trunkline.store.routing_file"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(taken) <= {0, 14}
    assert len(taken) == 4
    assert caplog.text.count("is made anew") == 1
    assert list(routing_db.parent.glob("routing.db.old*")) == []
    assert content_digest(routing_db) == rebuilt_digest(engine, routing_db.with_name("rebuilt.db"))


def test_a_file_that_cannot_be_written_is_said(database: Database, engine: Engine, tmp_path: Path):
    (tmp_path / "taken").write_text("a file where a folder should be")
    publisher = Publisher(engine, tmp_path / "taken" / "routing.db")
    with pytest.raises(RoutingDbUnusable, match=r"routing\.db cannot be written"):
        publisher.publish()
