"""/v1/Trunks and what hangs on a trunk."""

from __future__ import annotations

import pytest
from api_answers import code, label, made, phone_number

from trunkline.api.limits import ORIGINATION_URLS_PER_TRUNK, TRUNKS_PER_ACCOUNT
from trunkline.store.models import Change, Trunk


@pytest.fixture
def trunk(customer):
    return made(customer.post("/v1/Trunks", data={"FriendlyName": "Office"}))


def test_nothing_is_required(customer):
    trunk = made(customer.post("/v1/Trunks"))
    assert trunk["friendly_name"] == ""
    assert trunk["domain_name"] is None
    assert trunk["auth_type"] == ""
    assert trunk["recording"] == {"mode": "do-not-record", "trim": "do-not-trim"}
    assert trunk["url"] == f"{customer.base_url}/v1/Trunks/{trunk['sid']}".replace("//v1", "/v1")
    assert set(trunk["links"]) == {"origination_urls", "credential_lists", "ip_access_control_lists", "phone_numbers"}


def test_every_field_is_kept_and_an_update_changes_only_what_it_names(customer):
    name = label()
    sent = {
        "FriendlyName": "Bürö",
        "DomainName": f"{name.upper()}.pstn.twilio.com",
        "DisasterRecoveryUrl": "https://example.com/dr?x=1",
        "DisasterRecoveryMethod": "GET",
        "TransferMode": "sip-only",
        "Secure": "true",
        "CnamLookupEnabled": "true",
        "TransferCallerId": "from-transferor",
    }
    trunk = made(customer.post("/v1/Trunks", data=sent))
    assert trunk["domain_name"] == f"{name}.pstn.twilio.com"
    updated = customer.post(f"/v1/Trunks/{trunk['sid']}", data={"FriendlyName": "New"})
    assert updated.status_code == 200
    fetched = customer.get(f"/v1/Trunks/{trunk['sid']}").json()
    assert fetched == updated.json()
    different = {key for key in trunk if trunk[key] != fetched[key]}
    assert different - {"date_updated"} == {"friendly_name"}
    cleared = customer.post(f"/v1/Trunks/{trunk['sid']}", data={"DomainName": "", "DisasterRecoveryUrl": ""}).json()
    assert cleared["domain_name"] is None
    assert cleared["disaster_recovery_url"] is None


def test_a_configured_suffix_is_as_good(customer):
    assert made(customer.post("/v1/Trunks", data={"DomainName": f"{label()}.sip.example.com"}))


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("office.example.com", 21245),
        ("pstn.twilio.com", 21245),
        ("-a.pstn.twilio.com", 21245),
        ("a_b.pstn.twilio.com", 21245),
        ("é.pstn.twilio.com", 21245),
        ("a.b.pstn.twilio.com", 21247),
        ("x" * 64 + ".pstn.twilio.com", 21245),
    ],
)
def test_a_bad_domain_name(customer, domain, expected):
    assert code(customer.post("/v1/Trunks", data={"DomainName": domain})) == expected


def test_labels_are_unique_on_the_platform_whatever_the_suffix(customer, stranger):
    name = label()
    made(customer.post("/v1/Trunks", data={"DomainName": f"{name}.pstn.twilio.com"}))
    assert code(stranger.post("/v1/Trunks", data={"DomainName": f"{name.upper()}.sip.example.com"})) == 21248
    other = made(stranger.post("/v1/Trunks"))["sid"]
    assert code(stranger.post(f"/v1/Trunks/{other}", data={"DomainName": f"{name}.pstn.twilio.com"})) == 21248


def test_another_accounts_sid_is_no_domain_name(customer, stranger):
    data = {"DomainName": f"{stranger.sid}.pstn.twilio.com"}
    assert code(customer.post("/v1/Trunks", data=data)) == 21245
    assert made(stranger.post("/v1/Trunks", data=data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"FriendlyName": "x" * 65}, 20002),
        ({"Secure": "perhaps"}, 20422),
        ({"TransferMode": "some"}, 20422),
        ({"DisasterRecoveryUrl": "example.com"}, 20422),
    ],
)
def test_bad_values_change_nothing(customer, trunk, data, expected):
    assert code(customer.post("/v1/Trunks", data=data)) == expected
    assert code(customer.post(f"/v1/Trunks/{trunk['sid']}", data={"FriendlyName": "Changed"} | data)) == expected
    assert customer.get(f"/v1/Trunks/{trunk['sid']}").json() == trunk


def test_a_trunk_is_nobody_elses(customer, stranger, trunk):
    path = f"/v1/Trunks/{trunk['sid']}"
    for response in (
        stranger.get(path),
        stranger.post(path),
        stranger.delete(path),
        stranger.get(path + "/PhoneNumbers"),
    ):
        assert code(response, 404) == 20404
    assert stranger.get("/v1/Trunks").json()["trunks"] == []


def test_the_limit_of_trunks(api, customer):
    with api.database.write() as session:
        session.add_all(Trunk(account_sid=customer.sid) for _ in range(TRUNKS_PER_ACCOUNT))
    assert code(customer.post("/v1/Trunks")) == 21244


def test_deleting_detaches_its_numbers_and_tells_the_change_log(api, owner):
    trunk = made(owner.post("/v1/Trunks"))["sid"]
    url = made(owner.post(f"/v1/Trunks/{trunk}/OriginationUrls", data=ORIGINATION))["sid"]
    number = made(owner.post(owner.path("IncomingPhoneNumbers.json"), data={"PhoneNumber": phone_number()}))["sid"]
    made(owner.post(f"/v1/Trunks/{trunk}/PhoneNumbers", data={"PhoneNumberSid": number}))
    with api.database.read() as session:
        before = session.query(Change.seq).order_by(Change.seq.desc()).limit(1).scalar()
    gone = owner.delete(f"/v1/Trunks/{trunk}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert owner.get(owner.path(f"IncomingPhoneNumbers/{number}.json")).json()["trunk_sid"] is None
    with api.database.read() as session:
        changed = {(c.entity, c.key) for c in session.query(Change).where(Change.seq > before)}
    assert {("trunks", trunk), ("origination_urls", url), ("phone_numbers", number)} <= changed


# Origination URLs

ORIGINATION = {
    "FriendlyName": "PBX",
    "SipUrl": "sip:pbx.example.com:5070;transport=tcp",
    "Priority": "10",
    "Weight": "5",
    "Enabled": "true",
}


def test_origination_url_life(customer, trunk):
    path = f"/v1/Trunks/{trunk['sid']}/OriginationUrls"
    url = made(customer.post(path, data=ORIGINATION))
    assert (url["priority"], url["weight"], url["enabled"]) == (10, 5, True)
    assert url["sip_url"] == "sip:pbx.example.com:5070;transport=tcp"
    assert [row["sid"] for row in customer.get(path).json()["origination_urls"]] == [url["sid"]]
    updated = customer.post(f"{path}/{url['sid']}", data={"Enabled": "false", "SipUrl": "sip://10.0.0.1"}).json()
    assert (updated["enabled"], updated["sip_url"], updated["weight"]) == (False, "sip:10.0.0.1", 5)
    assert customer.delete(f"{path}/{url['sid']}").status_code == 204
    assert code(customer.get(f"{path}/{url['sid']}"), 404) == 20404


@pytest.mark.parametrize("missing", list(ORIGINATION))
def test_all_five_are_required(customer, trunk, missing):
    data = {name: value for name, value in ORIGINATION.items() if name != missing}
    assert code(customer.post(f"/v1/Trunks/{trunk['sid']}/OriginationUrls", data=data)) == 20001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SipUrl", "http://example.com"),
        ("SipUrl", "tel:+15550100123"),
        ("SipUrl", "sip:"),
        ("SipUrl", "sip:a b"),
        ("SipUrl", "sip:host:99999"),
        ("SipUrl", "sip:host;transport=sctp"),
        ("SipUrl", "sip:" + "a" * 60 + ".b" * 120),
        ("Priority", "65536"),
        ("Weight", "0"),
        ("Enabled", "2"),
    ],
)
def test_bad_origination_urls(customer, trunk, name, value):
    path = f"/v1/Trunks/{trunk['sid']}/OriginationUrls"
    assert code(customer.post(path, data=ORIGINATION | {name: value})) == 20422


def test_ten_origination_urls_and_no_more(customer, trunk):
    path = f"/v1/Trunks/{trunk['sid']}/OriginationUrls"
    for _ in range(ORIGINATION_URLS_PER_TRUNK):
        made(customer.post(path, data=ORIGINATION))
    assert code(customer.post(path, data=ORIGINATION)) == 21249


def test_an_origination_url_belongs_to_its_trunk(customer, trunk):
    other = made(customer.post("/v1/Trunks"))["sid"]
    url = made(customer.post(f"/v1/Trunks/{trunk['sid']}/OriginationUrls", data=ORIGINATION))["sid"]
    assert code(customer.get(f"/v1/Trunks/{other}/OriginationUrls/{url}"), 404) == 20404


# Lists attached to a trunk, and what auth_type says then

KINDS = [("CredentialLists", "CREDENTIAL_LIST"), ("IpAccessControlLists", "IP_ACL")]


@pytest.mark.parametrize(("kind", "auth_type"), KINDS)
def test_attaching_a_list(customer, stranger, trunk, kind, auth_type):
    path, parameter = f"/v1/Trunks/{trunk['sid']}/{kind}", kind.removesuffix("s") + "Sid"
    made_list = made(customer.post(customer.path(f"SIP/{kind}.json"), data={"FriendlyName": label()}))
    link = made(customer.post(path, data={parameter: made_list["sid"]}))
    assert (link["sid"], link["trunk_sid"]) == (made_list["sid"], trunk["sid"])
    assert link["friendly_name"] == made_list["friendly_name"]
    assert customer.get(f"/v1/Trunks/{trunk['sid']}").json()["auth_type"] == auth_type
    assert customer.get("/v1/Trunks").json()["trunks"][0]["auth_type"] == auth_type
    assert code(customer.post(path, data={parameter: made_list["sid"]})) == 21245
    assert code(customer.post(path)) == 20001
    in_use = customer.delete(customer.path(f"SIP/{kind}/{made_list['sid']}.json"))
    assert code(in_use) == {"CredentialLists": 21241, "IpAccessControlLists": 21236}[kind]
    (key,) = (name for name in customer.get(path).json() if name != "meta")
    assert [row["sid"] for row in customer.get(path).json()[key]] == [made_list["sid"]]
    assert customer.get(f"{path}/{made_list['sid']}").json() == link
    assert customer.delete(f"{path}/{made_list['sid']}").status_code == 204
    assert code(customer.get(f"{path}/{made_list['sid']}"), 404) == 20404
    assert customer.get(f"/v1/Trunks/{trunk['sid']}").json()["auth_type"] == ""
    foreign = made(stranger.post(stranger.path(f"SIP/{kind}.json"), data={"FriendlyName": label()}))["sid"]
    assert code(customer.post(path, data={parameter: foreign}), 404) == 20404


def test_auth_type_is_alphabetical(customer, trunk):
    for kind in ("IpAccessControlLists", "CredentialLists"):
        sid = made(customer.post(customer.path(f"SIP/{kind}.json"), data={"FriendlyName": "x"}))["sid"]
        made(customer.post(f"/v1/Trunks/{trunk['sid']}/{kind}", data={kind.removesuffix("s") + "Sid": sid}))
    assert customer.get(f"/v1/Trunks/{trunk['sid']}").json()["auth_type"] == "CREDENTIAL_LIST,IP_ACL"


# Recording, and our own settings


def test_recording(customer, trunk):
    path = f"/v1/Trunks/{trunk['sid']}/Recording"
    assert customer.get(path).json() == {"mode": "do-not-record", "trim": "do-not-trim"}
    sent = {"Mode": "record-from-answer-dual", "Trim": "trim-silence"}
    assert customer.post(path, data=sent).json() == {"mode": "record-from-answer-dual", "trim": "trim-silence"}
    assert customer.get(f"/v1/Trunks/{trunk['sid']}").json()["recording"]["mode"] == "record-from-answer-dual"
    assert code(customer.post(path, data={"Mode": "always"})) == 20422


def test_settings_of_ours(owner, customer, stranger, trunk):
    path = f"/trunkline/v1/Trunks/{trunk['sid']}"
    number = phone_number()
    made(owner.post(f"/2010-04-01/Accounts/{customer.sid}/IncomingPhoneNumbers.json", data={"PhoneNumber": number}))
    assert customer.get(path).json()["caller_id_policy"] == "reject"
    assert code(customer.post(path, json={"caller_id_policy": "replace"})) == 20422
    sent = {"caller_id_policy": "replace", "default_caller_id": number, "symmetric_rtp_enabled": True}
    assert customer.post(path, json=sent).json() | sent == customer.get(path).json()
    assert owner.post(path, data={"DigestAlgorithm": "SHA-256"}).json()["digest_algorithm"] == "SHA-256"
    assert code(customer.post(path, data={"DefaultCallerId": "+15559999999"})) == 21210
    assert code(customer.post(path, data={"DefaultCallerId": ""})) == 20422
    assert code(customer.post(path, data={"Digest": "MD5"})) == 20001
    assert code(stranger.get(path), 404) == 20404
    assert customer.get(f"/v1/Trunks/{trunk['sid']}").json()["symmetric_rtp_enabled"] is True
