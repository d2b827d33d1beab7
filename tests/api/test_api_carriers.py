"""/trunkline/v1/Carriers: the operator's, by form and by JSON."""

from __future__ import annotations

import pytest
from api_answers import code, made

from trunkline.store.models import Change


@pytest.fixture
def carrier(owner):
    return made(owner.post("/trunkline/v1/Carriers", json={"friendly_name": "First", "priority": 1}))


def test_carrier_life(owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}"
    assert carrier["sid"].startswith("CX")
    assert (carrier["enabled"], carrier["priority"], carrier["weight"]) == (True, 1, 10)
    assert owner.get(path).json() == carrier
    assert owner.post(path, data={"Enabled": "false", "Weight": "3"}).json()["weight"] == 3
    assert owner.get("/trunkline/v1/Carriers", params={"PageSize": 1}).json()["carriers"][0]["enabled"] is False
    assert owner.delete(path).status_code == 204
    assert code(owner.get(path), 404) == 20404


def test_targets(owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}/Targets"
    row = made(owner.post(path, json={"sip_uri": "sip:Carrier.example.com"}))
    assert row["sip_uri"] == "sip:carrier.example.com:5060;transport=udp"
    assert owner.get(path).json()["targets"] == [row]
    changed = owner.post(f"{path}/{row['sid']}", data={"SipUri": "sip:192.0.2.1:5080;transport=tcp", "Priority": "2"})
    assert changed.json() | {"date_updated": ""} == row | {
        "sip_uri": "sip:192.0.2.1:5080;transport=tcp", "priority": 2, "date_updated": "",
    }  # fmt: skip
    for bad in ("sip:user@host", "sips:host", "host", "sip:host;transport=ws", "sip:" + "a" * 300):
        assert code(owner.post(path, json={"sip_uri": bad})) == 20422
    assert code(owner.post(path)) == 20001
    assert owner.delete(f"{path}/{row['sid']}").status_code == 204
    assert code(owner.get(f"{path}/{row['sid']}"), 404) == 20404


def test_addresses(owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}/Addresses"
    row = made(owner.post(path, data={"Network": "192.0.2.9/24"}))
    assert row["network"] == "192.0.2.0/24"
    assert owner.get(path).json()["addresses"] == [row]
    assert owner.get(f"{path}/{row['sid']}").json() == row
    assert code(owner.post(path, data={"Network": "192.0.2.0/24"})) == 21235
    assert code(owner.post(path, data={"Network": "carrier.example.com"})) == 21238
    assert code(owner.post(path, data={"Network": "fe80::1%eth0"})) == 21238
    assert owner.delete(f"{path}/{row['sid']}").status_code == 204


def test_children_go_with_their_carrier_and_the_change_log_sees_it(api, owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}"
    target = made(owner.post(f"{path}/Targets", json={"sip_uri": "sip:192.0.2.1"}))["sid"]
    address = made(owner.post(f"{path}/Addresses", json={"network": "192.0.2.1"}))["sid"]
    other = made(owner.post("/trunkline/v1/Carriers", data={"FriendlyName": "x"}))["sid"]
    assert code(owner.get(f"/trunkline/v1/Carriers/{other}/Targets/{target}"), 404) == 20404
    assert code(owner.get(f"/trunkline/v1/Carriers/{other}/Addresses/{address}"), 404) == 20404
    with api.database.read() as session:
        before = session.query(Change.seq).order_by(Change.seq.desc()).limit(1).scalar()
    assert owner.delete(path).status_code == 204
    with api.database.read() as session:
        changed = {change.key for change in session.query(Change).where(Change.seq > before)}
    assert {carrier["sid"], target, address} <= changed


@pytest.mark.parametrize("below", ["", "/Targets", "/Addresses"])
def test_the_platform_account_only(customer, carrier, below):
    for path in ("/trunkline/v1/Carriers", f"/trunkline/v1/Carriers/{carrier['sid']}{below}"):
        assert code(customer.get(path), 403) == 20006
        assert code(customer.post(path), 403) == 20006
    assert code(customer.delete(f"/trunkline/v1/Carriers/{carrier['sid']}"), 403) == 20006


def test_misspelt_parameters_are_not_lost(owner, carrier):
    assert "Prio" in owner.post(f"/trunkline/v1/Carriers/{carrier['sid']}", json={"prio": 1}).json()["message"]
    assert code(owner.post("/trunkline/v1/Carriers", json={"priority": 1})) == 20001
    assert code(owner.post("/trunkline/v1/Carriers", json=[1])) == 20001
