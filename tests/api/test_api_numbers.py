"""IncomingPhoneNumbers, the numbers of a trunk, caller IDs."""

from __future__ import annotations

import pytest
from api_answers import code, made, phone_number


@pytest.fixture
def number(owner, customer):
    """A number of the customer's, declared by the owner."""
    path = f"/2010-04-01/Accounts/{customer.sid}/IncomingPhoneNumbers.json"
    return made(owner.post(path, data={"PhoneNumber": phone_number(), "FriendlyName": "Main"}))


def test_a_number_is_declared_with_a_trunk_and_urls(owner):
    trunk = made(owner.post("/v1/Trunks"))["sid"]
    sent = {
        "PhoneNumber": phone_number(),
        "TrunkSid": trunk,
        "VoiceUrl": "https://example.com/voice",
        "VoiceMethod": "GET",
        "VoiceReceiveMode": "fax",
        "BundleSid": "BU" + "0" * 32,
        "EmergencyStatus": "Active",
    }
    row = made(owner.post(owner.path("IncomingPhoneNumbers.json"), data=sent))
    assert row["trunk_sid"] == trunk
    assert row["friendly_name"] == row["phone_number"] == sent["PhoneNumber"]
    assert (row["voice_url"], row["voice_method"], row["voice_receive_mode"]) == (
        "https://example.com/voice",
        "GET",
        "fax",
    )
    assert row["bundle_sid"] == sent["BundleSid"]
    assert row["emergency_status"] == "Inactive"
    path = owner.path(f"IncomingPhoneNumbers/{row['sid']}.json")
    updated = owner.post(path, data={"VoiceUrl": "", "SmsUrl": "http://example.com", "TrunkSid": ""}).json()
    assert (updated["voice_url"], updated["sms_url"], updated["trunk_sid"]) == (None, "http://example.com", None)
    assert updated["voice_method"] == "GET"
    assert owner.get(path).json() == updated
    assert owner.delete(path).status_code == 204
    assert code(owner.get(path), 404) == 20404


def test_a_plus_sign_that_was_not_escaped_is_understood(owner):
    number = phone_number()
    response = owner.post(
        owner.path("IncomingPhoneNumbers.json"),
        content=f"PhoneNumber={number}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert made(response)["phone_number"] == number


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, 21452),
        ({"AreaCode": "415"}, 21452),
        ({"PhoneNumber": "15550100123"}, 21421),
        ({"PhoneNumber": "+1"}, 21421),
        ({"PhoneNumber": "+15550109999", "TrunkSid": "TK" + "0" * 32}, 20404),
        ({"PhoneNumber": "+15550109999", "VoiceApplicationSid": "AP" + "0" * 32}, 20422),
        ({"PhoneNumber": "+15550109999", "EmergencyAddressSid": "AD" + "0" * 32}, 20422),
        ({"PhoneNumber": "+15550109999", "BundleSid": "x"}, 20422),
    ],
)
def test_numbers_that_cannot_be_declared(owner, sent, expected):
    status = 404 if expected == 20404 else 400
    assert code(owner.post(owner.path("IncomingPhoneNumbers.json"), data=sent), status) == expected


def test_a_number_is_on_the_platform_once(owner, stranger, number):
    data = {"PhoneNumber": number["phone_number"]}
    assert code(owner.post(owner.path("IncomingPhoneNumbers.json"), data=data)) == 21422
    assert code(stranger.post(stranger.path("IncomingPhoneNumbers.json"), data=data)) == 21422


def test_a_subaccount_uses_numbers_and_declares_none(customer, stranger, number):
    path = customer.path(f"IncomingPhoneNumbers/{number['sid']}.json")
    assert customer.post(path, data={"FriendlyName": "Mine"}).json()["friendly_name"] == "Mine"
    new = customer.post(customer.path("IncomingPhoneNumbers.json"), data={"PhoneNumber": phone_number()})
    assert code(new, 403) == 20006
    assert code(stranger.get(stranger.path(f"IncomingPhoneNumbers/{number['sid']}.json")), 404) == 20404


def test_filters(owner):
    found = made(owner.post(owner.path("IncomingPhoneNumbers.json"), data={"PhoneNumber": "+4930555000111"}))
    made(owner.post(owner.path("IncomingPhoneNumbers.json"), data={"PhoneNumber": phone_number(), "FriendlyName": "%"}))

    def numbers(**filters):
        rows = owner.get(owner.path("IncomingPhoneNumbers.json"), params=filters).json()["incoming_phone_numbers"]
        return [row["phone_number"] for row in rows]

    assert numbers(PhoneNumber="+4930555000111") == [found["phone_number"]]
    assert numbers(PhoneNumber="49*05550") == [found["phone_number"]]
    assert numbers(PhoneNumber="%") == []
    assert numbers(PhoneNumber="_4930") == []
    assert len(numbers(FriendlyName="%")) == 1
    assert len(numbers(Beta="false", Origin="hosted")) == 2
    assert numbers(Beta="true") == numbers(Origin="twilio") == []


def test_a_number_goes_to_another_account_with_its_trunk_left_behind(owner, customer, stranger):
    trunk = made(owner.post("/v1/Trunks"))["sid"]
    sent = {"PhoneNumber": phone_number(), "TrunkSid": trunk}
    number = made(owner.post(owner.path("IncomingPhoneNumbers.json"), data=sent))["sid"]
    moved = owner.post(owner.path(f"IncomingPhoneNumbers/{number}.json"), data={"AccountSid": customer.sid}).json()
    assert (moved["account_sid"], moved["trunk_sid"]) == (customer.sid, None)
    back = customer.post(customer.path(f"IncomingPhoneNumbers/{number}.json"), data={"AccountSid": stranger.sid})
    assert code(back, 403) == 20006


def test_the_numbers_of_a_trunk(customer, number):
    trunk = made(customer.post("/v1/Trunks"))["sid"]
    path = f"/v1/Trunks/{trunk}/PhoneNumbers"
    row = made(customer.post(path, data={"PhoneNumberSid": number["sid"]}))
    assert (row["trunk_sid"], row["phone_number"]) == (trunk, number["phone_number"])
    assert customer.get(f"{path}/{number['sid']}").json() == row
    assert [found["sid"] for found in customer.get(path).json()["phone_numbers"]] == [number["sid"]]
    assert customer.get(customer.path(f"IncomingPhoneNumbers/{number['sid']}.json")).json()["trunk_sid"] == trunk
    assert customer.delete(f"{path}/{number['sid']}").status_code == 204
    assert code(customer.get(f"{path}/{number['sid']}"), 404) == 20404
    assert customer.get(customer.path(f"IncomingPhoneNumbers/{number['sid']}.json")).json()["trunk_sid"] is None
    assert code(customer.post(path, data={"PhoneNumberSid": "PN" + "0" * 32}), 404) == 20404


def test_a_default_caller_id_cannot_go(customer, owner, number):
    trunk = made(customer.post("/v1/Trunks"))["sid"]
    customer.post(f"/trunkline/v1/Trunks/{trunk}", data={"DefaultCallerId": number["phone_number"]})
    path = f"/2010-04-01/Accounts/{customer.sid}/IncomingPhoneNumbers/{number['sid']}.json"
    assert code(customer.delete(path), 409) == 20409
    assert code(owner.post(path, data={"AccountSid": owner.sid}), 409) == 20409
    customer.post(f"/trunkline/v1/Trunks/{trunk}", data={"DefaultCallerId": ""})
    assert customer.delete(path).status_code == 204


def test_caller_ids_are_declared_by_the_operator(owner, customer):
    number = phone_number()
    refused = customer.post(customer.path("OutgoingCallerIds.json"), data={"PhoneNumber": number})
    assert code(refused, 405) == 20004
    assert "/trunkline/v1/CallerIds" in refused.json()["message"]
    assert code(customer.post("/trunkline/v1/CallerIds", data={"PhoneNumber": number}), 403) == 20006
    sent = {"account_sid": customer.sid, "phone_number": number, "friendly_name": "Mobile"}
    row = made(owner.post("/trunkline/v1/CallerIds", json=sent))
    assert row["verified"] is True
    assert code(owner.post("/trunkline/v1/CallerIds", json=sent)) == 21450
    assert owner.get(f"/trunkline/v1/CallerIds/{row['sid']}").json() == row
    listed = owner.get("/trunkline/v1/CallerIds", params={"AccountSid": customer.sid}).json()["caller_ids"]
    assert listed == [row]
    shown = customer.get(customer.path("OutgoingCallerIds.json"), params={"PhoneNumber": number}).json()
    assert [found["sid"] for found in shown["outgoing_caller_ids"]] == [row["sid"]]
    path = customer.path(f"OutgoingCallerIds/{row['sid']}.json")
    assert customer.post(path, data={"FriendlyName": "Phone"}).json()["friendly_name"] == "Phone"
    assert customer.delete(path).status_code == 204
    assert code(customer.get(path), 404) == 20404
    again = made(owner.post("/trunkline/v1/CallerIds", json=sent))["sid"]
    assert owner.delete(f"/trunkline/v1/CallerIds/{again}").status_code == 204


def test_an_own_number_needs_no_declaration(owner, customer, number):
    sent = {"AccountSid": customer.sid, "PhoneNumber": number["phone_number"]}
    assert code(owner.post("/trunkline/v1/CallerIds", data=sent)) == 21449
    assert code(owner.post("/trunkline/v1/CallerIds", data=sent | {"PhoneNumber": "x"})) == 21211
    assert code(owner.post("/trunkline/v1/CallerIds", data=sent | {"AccountSid": "ACx"}), 403) == 20006
