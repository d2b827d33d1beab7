"""The publisher program: a change is in routing.db within a second, and an outage is waited out."""

import sqlite3
import threading

import pytest
from node_fixtures import settings_in, wait_until

from trunkline.node.publisher import PublisherProgram
from trunkline.store import accounts, schema
from trunkline.store.database import database_url, open_database
from trunkline.store.errors import StoreUnavailable
from trunkline.store.publish import Publisher


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


@pytest.fixture
def running(settings):
    program = PublisherProgram(settings)
    thread = threading.Thread(target=program.run)
    thread.start()
    yield program
    program.stop()
    thread.join(timeout=10)
    assert not thread.is_alive()


def published_accounts(settings):
    try:
        with sqlite3.connect(f"file:{settings.routing_db}?mode=ro", uri=True) as routing:
            return {sid for (sid,) in routing.execute("SELECT sid FROM accounts")}
    except sqlite3.OperationalError:
        return set()


def test_a_change_arrives_within_a_second(settings, running):
    schema.upgrade(database_url(settings))
    database = open_database(settings)
    wait_until(settings.routing_db.exists, "routing.db is made")
    with database.write() as session:
        sid = accounts.create_account(session, friendly_name="new").sid
    wait_until(lambda: sid in published_accounts(settings), "the account is published", within=1)
    database.close()


def test_an_outage_is_waited_out(settings, monkeypatch):
    tries = []
    publish = Publisher.publish

    def failing(self):
        tries.append(1)
        if len(tries) < 4:
            raise StoreUnavailable("away")
        return publish(self)

    monkeypatch.setattr(Publisher, "publish", failing)
    program = PublisherProgram(settings)
    thread = threading.Thread(target=program.run)
    thread.start()
    wait_until(lambda: len(tries) > 5, "it goes on")
    program.stop()
    thread.join(timeout=10)
    assert settings.routing_db.exists()
