"""The demo's rows: made once, completed, kept; and its file."""

import json
import stat

import pytest
from node_fixtures import settings_in
from sqlalchemy import func, select

from trunkline.node import demo
from trunkline.settings import Ports
from trunkline.store import credentials, schema
from trunkline.store.database import database_url, open_database
from trunkline.store.models import Account, CallerId, Carrier, CarrierTarget, Change, Credential, PhoneNumber, Trunk

PORTS = Ports(1, 2, 3, 4000, 5)
FIELDS = {
    "account_sid", "auth_token", "api_url", "console_url", "sip_host", "sip_port", "tls_port", "trunk_sid",
    "domain_name", "username", "password", "numbers", "echo_number",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


@pytest.fixture
def database(settings):
    schema.upgrade(database_url(settings))
    found = open_database(settings)
    yield found
    found.close()


def counts(database):
    kinds = (Account, CallerId, Carrier, CarrierTarget, Credential, PhoneNumber, Trunk)
    with database.read() as session:
        return {kind.__name__: session.scalar(select(func.count()).select_from(kind)) for kind in kinds}


def test_the_file_has_the_fields_of_the_contract(settings, database):
    demo.prepare(settings, PORTS, database)
    found = json.loads(settings.demo_file.read_text())
    assert set(found) == FIELDS
    assert stat.S_IMODE(settings.demo_file.stat().st_mode) == 0o600
    assert found["domain_name"] == "demo.pstn.twilio.com"
    assert found["numbers"] == ["+15557770001", "+15557770002"]
    with database.read() as session:
        credential = session.scalars(select(Credential)).one()
    ha1 = credentials.digest_ha1("demo", "sip.twilio.com", found["password"])
    assert (credential.ha1_md5, credential.ha1_sha256) == ha1


def test_a_second_start_changes_nothing(settings, database):
    first = demo.prepare(settings, PORTS, database)
    before = counts(database)
    with database.read() as session:
        changes = session.scalar(select(func.count()).select_from(Change))
    assert demo.prepare(settings, PORTS, database) == first
    assert counts(database) == before
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Change)) == changes


def test_the_carrier_follows_its_port(settings, database):
    demo.prepare(settings, PORTS, database)
    demo.prepare(settings, Ports(1, 2, 3, 4001, 5), database)
    with database.read() as session:
        assert session.scalars(select(CarrierTarget.sip_uri)).all() == ["sip:127.0.5.60:4001;transport=udp"]


def test_a_lost_file_gives_a_new_password_to_the_same_account(settings, database):
    first = demo.prepare(settings, PORTS, database)
    settings.demo_file.unlink()
    second = demo.prepare(settings, PORTS, database)
    assert second.account_sid == first.account_sid
    assert second.password != first.password
    with database.read() as session:
        assert (
            session.scalars(select(Credential)).one().ha1_md5
            == credentials.digest_ha1("demo", settings.realm, second.password)[0]
        )


def test_another_realm_keeps_the_password(settings, database, tmp_path):
    first = demo.prepare(settings, PORTS, database)
    other = settings_in(tmp_path, realm="sip.example.com")
    assert demo.prepare(other, PORTS, database).password == first.password
    with database.read() as session:
        assert session.scalars(select(Credential)).one().realm == "sip.example.com"


@pytest.mark.parametrize("text", ["", "{", "{}", "[]"])
def test_a_damaged_file_is_none(settings, text):
    settings.demo_file.write_text(text)
    assert demo.Demo.read(settings) is None


def test_passwords_have_what_the_api_asks():
    for _ in range(50):
        password = demo.new_password()
        assert len(password) == 20
        assert any(map(str.isupper, password))
        assert any(map(str.islower, password))
        assert any(map(str.isdigit, password))
