"""SIP/CredentialLists, SIP/IpAccessControlLists and what is in them."""

from __future__ import annotations

import hashlib
import logging

import pytest
from api_answers import code, made

from trunkline.api.limits import ADDRESSES_PER_LIST, CREDENTIAL_LISTS_PER_ACCOUNT, CREDENTIALS_PER_LIST
from trunkline.store.models import Credential, CredentialList, IpAddress

PASSWORD = "Correct4Horse-é"


@pytest.fixture
def credentials(customer):
    """Path of the credentials of a new list."""
    made_list = made(customer.post(customer.path("SIP/CredentialLists.json"), data={"FriendlyName": "PBX"}))
    return customer.path(f"SIP/CredentialLists/{made_list['sid']}/Credentials")


@pytest.fixture
def addresses(customer):
    made_list = made(customer.post(customer.path("SIP/IpAccessControlLists.json"), data={"FriendlyName": "PBX"}))
    return customer.path(f"SIP/IpAccessControlLists/{made_list['sid']}/IpAddresses")


@pytest.mark.parametrize(("kind", "duplicate"), [("CredentialLists", 21240), ("IpAccessControlLists", 21235)])
def test_list_life(customer, stranger, kind, duplicate):
    path = customer.path(f"SIP/{kind}")
    row = made(customer.post(path + ".json", data={"FriendlyName": "One"}))
    assert row["uri"] == f"{path}/{row['sid']}.json"
    assert customer.get(f"{path}/{row['sid']}.json").json() == row
    assert code(customer.post(path + ".json", data={"FriendlyName": "One"})) == duplicate
    assert code(customer.post(path + ".json")) == 20001
    two = made(customer.post(path + ".json", data={"FriendlyName": "Two"}))
    assert code(customer.post(f"{path}/{two['sid']}.json", data={"FriendlyName": "One"})) == duplicate
    assert customer.post(f"{path}/{two['sid']}.json", data={"FriendlyName": "Two"}).json()["friendly_name"] == "Two"
    assert customer.post(f"{path}/{two['sid']}.json", data={"FriendlyName": "2"}).json()["friendly_name"] == "2"
    assert made(stranger.post(stranger.path(f"SIP/{kind}.json"), data={"FriendlyName": "One"}))
    assert customer.delete(f"{path}/{row['sid']}.json").status_code == 204
    assert code(customer.get(f"{path}/{row['sid']}.json"), 404) == 20404


def test_credential_life(api, customer, credentials):
    row = made(customer.post(credentials + ".json", data={"Username": "pbx", "Password": PASSWORD}))
    assert row["username"] == "pbx"
    assert "password" not in str(row).lower()
    with api.database.read() as session:
        stored = session.get(Credential, row["sid"])
    text = f"pbx:{api.settings.realm}:{PASSWORD}".encode()
    assert stored.ha1_md5 == hashlib.md5(text).hexdigest()
    assert stored.ha1_sha256 == hashlib.sha256(text).hexdigest()
    assert customer.post(f"{credentials}/{row['sid']}.json", data={"Password": "Another9Password"}).status_code == 200
    with api.database.read() as session:
        assert session.get(Credential, row["sid"]).ha1_md5 != stored.ha1_md5
    assert code(customer.post(credentials + ".json", data={"Username": "pbx", "Password": PASSWORD})) == 21243
    assert [found["sid"] for found in customer.get(credentials + ".json").json()["credentials"]] == [row["sid"]]
    assert customer.delete(f"{credentials}/{row['sid']}.json").status_code == 204
    assert code(customer.get(f"{credentials}/{row['sid']}.json"), 404) == 20404


@pytest.mark.parametrize(
    "password", ["", "Short1", "alllowercase12", "ALLUPPERCASE12", "NoDigitsAtAllHere", "Aa1" * 50]
)
def test_weak_passwords_are_not_repeated(customer, credentials, password, caplog):
    caplog.set_level(logging.DEBUG)
    response = customer.post(credentials + ".json", data={"Username": "pbx", "Password": password})
    assert code(response) == (21243 if password else 20001)
    assert not password or password not in response.text + caplog.text


@pytest.mark.parametrize("username", ["a b", 'a"b', "a:b", "a\\b", "x" * 33, "é"])
def test_usernames_that_a_digest_cannot_carry(customer, credentials, username):
    assert code(customer.post(credentials + ".json", data={"Username": username, "Password": PASSWORD})) == 21243


def test_limits_of_credentials(api, customer, credentials):
    list_sid = credentials.split("/")[-2]
    with api.database.write() as session:
        parent = session.get(CredentialList, list_sid)
        session.add_all(
            Credential(
                account_sid=customer.sid, credential_list=parent, username=str(n), realm="r", ha1_md5="", ha1_sha256=""
            )
            for n in range(CREDENTIALS_PER_LIST)
        )
        session.add_all(CredentialList(account_sid=customer.sid) for _ in range(CREDENTIAL_LISTS_PER_ACCOUNT - 1))
    assert code(customer.post(credentials + ".json", data={"Username": "one-more", "Password": PASSWORD})) == 21242
    assert code(customer.post(customer.path("SIP/CredentialLists.json"), data={"FriendlyName": "one more"})) == 21239


@pytest.mark.parametrize(
    ("sent", "network"),
    [
        ({"IpAddress": "192.0.2.7"}, ("192.0.2.7", 32, "192.0.2.7/32")),
        ({"IpAddress": "192.0.2.7", "CidrPrefixLength": "24"}, ("192.0.2.7", 24, "192.0.2.0/24")),
        ({"IpAddress": "2001:DB8::1", "CidrPrefixLength": "32"}, ("2001:db8::1", 32, "2001:db8::/32")),
        ({"IpAddress": "2001:db8::1"}, ("2001:db8::1", 128, "2001:db8::1/128")),
    ],
)
def test_address_life(api, customer, addresses, sent, network):
    row = made(customer.post(addresses + ".json", data={"FriendlyName": "x"} | sent))
    with api.database.read() as session:
        stored = session.get(IpAddress, row["sid"])
    assert (row["ip_address"], row["cidr_prefix_length"], stored.network) == network
    assert code(customer.post(addresses + ".json", data={"FriendlyName": "again"} | sent)) == 21235
    path = f"{addresses}/{row['sid']}.json"
    assert customer.post(path, data={"FriendlyName": "y"}).json()["friendly_name"] == "y"
    changed = customer.post(path, data={"CidrPrefixLength": "16"}).json()
    assert (changed["ip_address"], changed["cidr_prefix_length"]) == (row["ip_address"], 16)
    moved = customer.post(path, data={"IpAddress": "198.51.100.1"}).json()
    assert (moved["ip_address"], moved["cidr_prefix_length"]) == ("198.51.100.1", 16)
    assert customer.delete(path).status_code == 204


@pytest.mark.parametrize(
    "sent",
    [
        {"IpAddress": "192.0.2.256"},
        {"IpAddress": "pbx.example.com"},
        {"IpAddress": "192.0.2.0/24"},
        {"IpAddress": "192.0.2.1", "CidrPrefixLength": "33"},
        {"IpAddress": "fe80::1%eth0"},
    ],
)
def test_addresses_that_are_none(customer, addresses, sent):
    assert code(customer.post(addresses + ".json", data={"FriendlyName": "x"} | sent)) == 21238


def test_the_whole_internet_is_no_access_list(customer, addresses):
    sent = {"FriendlyName": "x", "IpAddress": "0.0.0.0", "CidrPrefixLength": "0"}
    assert code(customer.post(addresses + ".json", data=sent)) == 20422


def test_limit_of_addresses(customer, addresses):
    for n in range(ADDRESSES_PER_LIST):
        made(customer.post(addresses + ".json", data={"FriendlyName": "x", "IpAddress": f"192.0.2.{n}"}))
    assert code(customer.post(addresses + ".json", data={"FriendlyName": "x", "IpAddress": "198.51.100.1"})) == 21237
