"""Accounts, their balance, and who may see and do what."""

from __future__ import annotations

import base64

import pytest
from api_answers import code, made

from trunkline.api.auth import basic_credentials
from trunkline.store.models import Account


def header(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (header(b"ACx:to:ken"), ("ACx", "to:ken")),
        (header(b"ACx:").replace("Basic", "bAsIc"), ("ACx", "")),
        (header(b"no colon"), None),
        (header(b"\xff:x"), None),
        ("Basic ===", None),
        ("Basic \xff\xfe==", None),
        ("Bearer x", None),
        ("", None),
    ],
)
def test_basic_credentials(value, expected):
    assert basic_credentials(value) == expected


def test_who_may_not_come_in(api, customer):
    wrong = [
        {},
        {"Authorization": header(f"{customer.sid}:wrong".encode())},
        {"Authorization": header(f"{customer.sid}:".encode())},
        {"Authorization": header(f"AC{'0' * 32}:{customer.token}".encode())},
        {"Authorization": header(f"{customer.sid.upper()}:{customer.token}".encode())},
        {"Authorization": header(f"{customer.sid}\0:{customer.token}".encode())},
        {"Authorization": f"Bearer {customer.token}"},
    ]
    with api.anyone() as anyone:
        for headers in wrong:
            for method in ("GET", "POST"):
                response = anyone.request(method, "/v1/Trunks", headers=headers)
                assert code(response, 401) == 20003
                assert response.json()["message"] == "Authenticate"
                assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_not_active(api, customer, status):
    with api.database.write() as session:
        session.get(Account, customer.sid).status = status
    assert code(customer.get("/v1/Trunks"), 403) == 20005
    assert code(customer.post("/v1/Trunks"), 403) == 20005


def test_an_account_sees_itself_and_its_subaccounts(api, stranger):
    sub = api.account(owner_account_sid=stranger.sid, friendly_name="Sub")
    listed = stranger.get("/2010-04-01/Accounts.json").json()["accounts"]
    assert {row["sid"] for row in listed} == {stranger.sid, sub.sid}
    named = stranger.get("/2010-04-01/Accounts.json", params={"FriendlyName": "Sub", "Status": "active"}).json()
    assert [row["sid"] for row in named["accounts"]] == [sub.sid]
    assert stranger.get("/2010-04-01/Accounts.json", params={"Status": "closed"}).json()["accounts"] == []
    own = stranger.get(f"/2010-04-01/Accounts/{stranger.sid}.json").json()
    assert (own["auth_token"], own["owner_account_sid"]) == (stranger.token, stranger.sid)
    with api.client(sub) as client:
        assert [row["sid"] for row in client.get("/2010-04-01/Accounts.json").json()["accounts"]] == [sub.sid]
        assert code(client.get(f"/2010-04-01/Accounts/{stranger.sid}.json"), 404) == 20404
        assert code(client.get(stranger.path("Calls.json")), 403) == 20006
    assert stranger.get(f"/2010-04-01/Accounts/{sub.sid}/Calls.json").status_code == 200


def test_one_answer_for_a_foreign_account_and_for_none(owner, customer):
    foreign = customer.get(owner.path("Balance.json"))
    none = customer.get(f"/2010-04-01/Accounts/AC{'0' * 32}/Balance.json")
    odd = customer.get("/2010-04-01/Accounts/ACx/Balance.json")
    assert foreign.json() == none.json() == odd.json()
    assert code(foreign, 403) == 20006


def test_subaccounts_are_made_and_closed_by_the_platform_account(api, owner, customer):
    assert code(customer.post("/2010-04-01/Accounts.json"), 403) == 20006
    row = made(owner.post("/2010-04-01/Accounts.json", data={"FriendlyName": "New"}))
    assert (row["status"], row["type"], row["owner_account_sid"]) == ("active", "Full", owner.sid)
    path = f"/2010-04-01/Accounts/{row['sid']}.json"
    assert code(customer.post(path, data={"Status": "closed"}), 404) == 20404
    with api.client(api.account()) as other:
        assert code(other.get(path), 404) == 20404
    assert owner.post(path, data={"Status": "suspended"}).json()["status"] == "suspended"
    assert owner.post(path, data={"Status": "active", "FriendlyName": "N"}).json()["friendly_name"] == "N"
    assert owner.post(path, data={"Status": "closed"}).json()["status"] == "closed"
    assert code(owner.post(path, data={"Status": "active"}), 409) == 20409


def test_nobody_changes_his_own_status(owner, customer):
    for client in (owner, customer):
        path = f"/2010-04-01/Accounts/{client.sid}.json"
        assert client.post(path, data={"FriendlyName": "Me"}).json()["friendly_name"] == "Me"
        assert code(client.post(path, data={"Status": "suspended"}), 403) == 20006


def test_balance(owner, customer):
    path = f"/trunkline/v1/Accounts/{customer.sid}"
    changed = owner.post(path, json={"billing": "prepaid", "balance": "10.5"}).json()
    assert (changed["billing"], changed["balance"]) == ("prepaid", "10.50")
    assert owner.post(path, data={"Credit": "-0.25"}).json()["balance"] == "10.25"
    expected = {"account_sid": customer.sid, "balance": "10.25", "currency": "USD"}
    assert customer.get(customer.path("Balance.json")).json() == expected
    assert code(owner.post(path, data={"Balance": "lots"})) == 20422
    assert code(owner.post(path, data={"Money": "1"})) == 20001
    assert code(customer.post(path, data={"Credit": "100"}), 403) == 20006
    assert code(customer.get(path), 403) == 20006


def test_the_operators_accounts(api, owner):
    row = made(
        owner.post("/trunkline/v1/Accounts", json={"friendly_name": "Tenant", "billing": "prepaid", "balance": 5})
    )
    assert (row["balance"], row["platform"], row["owner_account_sid"]) == ("5.00", False, owner.sid)
    token = row.pop("auth_token")
    with api.anyone() as anyone:
        assert anyone.get("/v1/Trunks", auth=(row["sid"], token)).status_code == 200
    assert owner.get(f"/trunkline/v1/Accounts/{row['sid']}").json() == row
    assert row in owner.get("/trunkline/v1/Accounts", params={"PageSize": 1}).json()["accounts"]
    assert (
        owner.post(f"/trunkline/v1/Accounts/{row['sid']}", data={"Status": "suspended"}).json()["status"] == "suspended"
    )
