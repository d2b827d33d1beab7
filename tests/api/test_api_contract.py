"""Each published operation that we offer is called once, and its answer compared with the published description."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from api_answers import label, phone_number
from api_coverage import coverage_text
from published import REFUSED_ON_PURPOSE, has_route, offered, operations, problem

from trunkline.store import credentials, trunks
from trunkline.store import ip_access_control_lists as acls
from trunkline.store import phone_numbers as numbers
from trunkline.store.models import Alert, Call, now_us

COVERAGE = Path(__file__).resolve().parents[2] / "docs" / "api-coverage.md"

NEEDED = {
    "CreateOriginationUrl": {
        "Weight": "1", "Priority": "1", "Enabled": "true", "FriendlyName": "x", "SipUrl": "sip:a.example",
    },
    "CreateSipCredential": {"Username": "another", "Password": "Correct4HorseBattery"},
    "CreateDialingPermissionsCountryBulkUpdate": {
        "UpdateRequest": '[{"iso_code": "DE", "high_risk_special_numbers_enabled": "true"}]'
    },
    "CreateSipIpAddress": {"FriendlyName": "x", "IpAddress": "198.51.100.1"},
}  # fmt: skip
"""Forms of operations with required parameters of their own."""


@pytest.fixture
def world(api, owner):
    """One of each, by the names that the published paths have for them."""
    now = now_us()
    with api.database.write() as session:
        trunk = trunks.create_trunk(session, owner.sid)
        url = trunks.add_origination_url(session, trunk, "sip:a.example")
        # Attached lists cannot be deleted, so there are two of each kind.
        users, more_users = (credentials.create_credential_list(session, owner.sid, name) for name in "ab")
        networks, more_networks = (acls.create_ip_access_control_list(session, owner.sid, name) for name in "ab")
        trunks.attach_credential_list(session, trunk, users)
        trunks.attach_ip_access_control_list(session, trunk, networks)
        credential = credentials.add_credential(session, more_users, "a", "Correct4HorseBattery", api.settings.realm)
        address = acls.add_ip_address(session, more_networks, "192.0.2.1")
        number = numbers.add_phone_number(session, owner.sid, phone_number(), trunk=trunk)
        loose = numbers.add_phone_number(session, owner.sid, phone_number())
        caller_id = numbers.add_caller_id(session, owner.sid, phone_number(), verified=True)
        call = Call(account_sid=owner.sid, direction="trunking-terminating", started_us=now, ended_us=now, duration=1)
        alert = Alert(account_sid=owner.sid, error_code=32201, generated_us=now, resource_sid="CA" + "0" * 32)
        session.add_all([call, alert])
        session.flush()
        return {
            r"/v1/Trunks/{(Trunk)?Sid}": trunk.sid,
            r"OriginationUrls/{Sid}": url.sid,
            r"Countries/{IsoCode}": "DE",
            r"/v1/Trunks/TK\w+/CredentialLists/{Sid}": users.sid,
            r"/v1/Trunks/TK\w+/IpAccessControlLists/{Sid}": networks.sid,
            r"/v1/Trunks/TK\w+/PhoneNumbers/{Sid}": number.sid,
            r"Accounts/{(Account)?Sid}": owner.sid,
            r"IncomingPhoneNumbers/{Sid}": loose.sid,
            r"OutgoingCallerIds/{Sid}": caller_id.sid,
            r"SIP/CredentialLists/{(CredentialList)?Sid}": more_users.sid,
            r"SIP/IpAccessControlLists/{(IpAccessControlList)?Sid}": more_networks.sid,
            r"Credentials/{Sid}": credential.sid,
            r"IpAddresses/{Sid}": address.sid,
            r"Calls/{Sid}": call.sid,
            r"Alerts/{Sid}": alert.sid,
            "form": {
                "CredentialListSid": more_users.sid,
                "IpAccessControlListSid": more_networks.sid,
                "PhoneNumberSid": loose.sid,
            },
        }


def filled(path, world):
    for pattern, sid in world.items():
        if pattern != "form":
            match = re.search(pattern, path)
            if match:
                path = path.replace(match[0], re.sub(r"{\w+}", sid, match[0]))
    assert "{" not in path, f"the test has nothing for {path}"
    return path


def form(operation, world):
    needed = NEEDED.get(operation.name)
    if needed is None:
        required = [each["name"] for each in operation.parameters if each["required"] and each["in"] == "form"]
        needed = {name: world["form"].get(name) or label() for name in required}
    return needed | ({"PhoneNumber": phone_number()} if operation.name == "CreateIncomingPhoneNumber" else {})


@pytest.mark.parametrize("operation", offered(), ids=str)
def test_answer_as_published(owner, world, operation):
    path = filled(operation.path, world)
    data = form(operation, world) if operation.method == "POST" else None
    response = owner.request(operation.method, path, data=data)
    assert response.status_code == operation.status, response.text
    if operation.status == 204:
        assert response.content == b""
        return
    body, schema = response.json(), operation.response
    assert set(body) == set(schema)
    key = operation.list_key
    rows = [body] if key is None else body[key]
    assert rows, "the test has no row to look at"
    fields = schema if key is None else schema[key]["items"]["properties"]
    for row in rows:
        assert set(row) == set(fields)
        problems = {name: problem(row[name], fields[name]) for name in fields}
        assert not {name: text for name, text in problems.items() if text}
    if key is not None and "meta" in body:
        assert body["meta"]["key"] == key
        assert set(body["meta"]) == set(schema["meta"]["properties"])


def test_what_is_refused_on_purpose_has_a_route_that_says_so():
    names = {operation.name for operation in operations() if has_route(operation)}
    assert set(REFUSED_ON_PURPOSE) <= names


def test_the_trunking_product_is_complete():
    missing = [str(each) for each in operations() if each.product == "trunking" and not has_route(each)]
    assert missing == []


def test_the_coverage_page_is_up_to_date():
    expected = coverage_text(operations())
    assert COVERAGE.read_text() == expected, "run: .venv/bin/python tests/api/api_coverage.py"
