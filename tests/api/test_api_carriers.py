"""/trunkline/v1/Carriers: the operator's, by form and by JSON."""

from __future__ import annotations

import hashlib

import pytest
from api_answers import code, made

from trunkline.store.models import Carrier, Change


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
    assert row["sip_uri"] == "sip:carrier.example.com;transport=udp"
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


@pytest.mark.parametrize("below", ["", "/Targets", "/Addresses", "/Rates"])
def test_the_platform_account_only(customer, carrier, below):
    for path in ("/trunkline/v1/Carriers", f"/trunkline/v1/Carriers/{carrier['sid']}{below}"):
        assert code(customer.get(path), 403) == 20006
        assert code(customer.post(path), 403) == 20006
    assert code(customer.delete(f"/trunkline/v1/Carriers/{carrier['sid']}"), 403) == 20006


def test_misspelt_parameters_are_not_lost(owner, carrier):
    assert "Prio" in owner.post(f"/trunkline/v1/Carriers/{carrier['sid']}", json={"prio": 1}).json()["message"]
    assert code(owner.post("/trunkline/v1/Carriers", json={"priority": 1})) == 20001
    assert code(owner.post("/trunkline/v1/Carriers", json=[1])) == 20001


def test_how_it_wants_its_calls(owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}"
    assert (carrier["number_format"], carrier["caller_header"], carrier["probe_seconds"]) == ("e164", "both", 30)
    fields = {
        "number_format": "digits", "tech_prefix": "77#", "caller_header": "asserted", "from_user": "acme",
        "from_domain": "c.example:5080", "cps_limit": 0.5, "concurrent_calls_limit": 30, "probe_seconds": 0,
        "probe_misses": 5,
    }  # fmt: skip
    changed = owner.post(path, json=fields).json()
    assert {name: changed[name] for name in fields} == fields
    cleared = {"from_user": "", "from_domain": "", "cps_limit": "", "concurrent_calls_limit": "", "tech_prefix": ""}
    changed = owner.post(path, json=cleared).json()
    assert [changed[name] for name in cleared] == [None, None, None, None, ""]
    for bad in (
        {"number_format": "national"}, {"tech_prefix": "a b"}, {"caller_header": "to"}, {"from_user": "a@b"},
        {"from_domain": "a;b"}, {"from_domain": "a b"}, {"cps_limit": "-1"}, {"probe_misses": 0},
        {"registrar": "sip:a@b"}, {"register_expires": 5}, {"register_enabled": True},
    ):  # fmt: skip
        assert code(owner.post(path, json=bad)) == 20422, bad


def test_credentials_are_never_shown(api, owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}"
    given = {"auth_username": "acme", "auth_realm": "c.example", "auth_password": "Top Secret 1"}
    changed = owner.post(path, json=given | {"register_enabled": True})
    assert (changed.json()["auth_username"], changed.json()["auth_realm"]) == ("acme", "c.example")
    with api.database.read() as session:
        row = session.get_one(Carrier, carrier["sid"])
        assert row.auth_ha1_md5 == hashlib.md5(b"acme:c.example:Top Secret 1").hexdigest()
        hidden = (row.auth_ha1_md5, row.auth_ha1_sha256, "Top Secret")
    shown = owner.get(path).text + owner.get("/trunkline/v1/Carriers").text + changed.text
    assert not [word for word in hidden if word in shown]
    assert changed.json()["registration"] == {"state": "trying", "until": None, "last_answer": None}
    assert code(owner.post(path, json={"auth_password": "alone"})) == 20422
    assert code(owner.post(path, json={"auth_username": ""})) == 20422, "it is still to register"
    changed = owner.post(path, json={"auth_username": "", "register_enabled": False}).json()
    assert (changed["auth_username"], changed["auth_realm"], changed["registration"]) == (None, None, None)


def test_rates(owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}/Rates"
    row = made(owner.post(path, json={"prefix": "+4930", "price_per_minute": "0.0125"}))
    assert row["sid"].startswith("CF")
    assert (row["prefix"], row["price_per_minute"], row["first_seconds"]) == ("+4930", "0.0125", 60)
    fields = {"Prefix": "+4930", "PricePerMinute": "1", "FirstSeconds": "30", "NextSeconds": "6"}
    again = made(owner.post(path, data=fields))
    assert (again["sid"], again["price_per_minute"], again["next_seconds"]) == (row["sid"], "1.00", 6)
    assert owner.get(path).json()["rates"] == [again]
    assert owner.post(f"{path}/{row['sid']}", data={"PricePerMinute": "2"}).json()["price_per_minute"] == "2.00"
    assert made(owner.post(path, json={"prefix": "+", "price_per_minute": "0"}))["prefix"] == "+"
    for bad in ({"prefix": "+49x", "price_per_minute": "1"}, {"prefix": "+49", "price_per_minute": "-1"}):
        assert code(owner.post(path, json=bad)) == 20422
    assert code(owner.post(path, json={"prefix": "+49"})) == 20001
    assert owner.delete(f"{path}/{row['sid']}").status_code == 204
    assert code(owner.get(f"{path}/{row['sid']}"), 404) == 20404
    assert owner.delete(path.removesuffix("/Rates")).status_code == 204


def test_a_whole_deck_takes_the_place_of_all_rates(owner, carrier):
    path = f"/trunkline/v1/Carriers/{carrier['sid']}/Rates"
    kept = made(owner.post(path, json={"prefix": "+4930", "price_per_minute": "0.01"}))
    made(owner.post(path, json={"prefix": "+44", "price_per_minute": "0.01"}))
    deck = "# prefix, price;+4930,0.01; ;+1,0.5,30,6;" + "".join(f"+33{n:04d},0.02;" for n in range(2000))
    assert owner.post(f"{path}/Deck", json={"deck": deck}).json() == {"carrier_sid": carrier["sid"], "rates": 2002}
    rates = {row["prefix"]: row for row in owner.get(path, params={"PageSize": 1000}).json()["rates"]}
    assert len(rates) == 1000
    assert owner.get(f"{path}/{kept['sid']}").json()["price_per_minute"] == "0.01"
    for bad in ("+49", "+49,1,2", "49x,1", "+49,-1", "+49,1,0,1"):
        answer = owner.post(f"{path}/Deck", json={"deck": f"+1,1;{bad}"})
        assert code(answer) == 20422
        assert answer.json()["message"].startswith("Deck, entry 2: "), bad
    assert owner.post(f"{path}/Deck", data={"Deck": "+1,0.5,30,6"}).json()["rates"] == 1
    (left,) = owner.get(path).json()["rates"]
    assert (left["prefix"], left["first_seconds"]) == ("+1", 30)
