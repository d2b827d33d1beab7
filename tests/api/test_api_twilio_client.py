"""The vendor's own Python client, unchanged, against our API: by `base_url`, and by an HTTP client that rewrites hosts.

The seven operations to try first (create, fetch, update, list over three pages, delete, 404, 401), for both families.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import pytest
from api_answers import label, phone_number
from live_api import Credentials
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from trunkline.store.models import Alert, Call, now_us

PASSWORD = "Correct4HorseBattery"


class SelfHosted(TwilioHttpClient):
    """Method 1: send every request for the vendor's hosts to one local server, with the host it was meant for."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = urlsplit(base)

    def request(self, method, url, **named):
        asked = urlsplit(url)
        assert (asked.hostname or "").endswith(".twilio.com"), f"a link that the rewriting client cannot follow: {url}"
        url = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        named["headers"] = {**(named.get("headers") or {}), "Host": asked.netloc}
        return super().request(method, url, **named)


def by_http_client(url: str, credentials: Credentials) -> Client:
    return Client(credentials.sid, credentials.token, http_client=SelfHosted(url))


def by_base_url(url: str, credentials: Credentials) -> Client:
    client = Client(credentials.sid, credentials.token)
    client.trunking.base_url = client.api.base_url = client.monitor.base_url = url
    return client


def by_http_client_with_edge(url: str, credentials: Credentials) -> Client:
    return Client(credentials.sid, credentials.token, http_client=SelfHosted(url), edge="dublin", region="ie1")


METHODS = [by_http_client, by_base_url, by_http_client_with_edge]


@pytest.fixture
def credentials(api):
    return api.account(platform=True)


@pytest.fixture(params=METHODS, ids=lambda method: method.__name__)
def client(request, api, credentials, monkeypatch):
    for variable in ("TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(variable, raising=False)
    return request.param(api.url, credentials)


def refused(call, http_status, code):
    with pytest.raises(TwilioRestException) as caught:
        call()
    assert (caught.value.status, caught.value.code) == (http_status, code)
    return caught.value


def test_trunks(client):
    domain = f"{label()}.pstn.twilio.com"
    trunk = client.trunking.v1.trunks.create(friendly_name="Office", domain_name=domain, secure=True)
    assert isinstance(trunk.date_created, datetime)
    assert trunk.date_created.tzinfo is UTC or trunk.date_created.utcoffset() is not None
    fetched = client.trunking.v1.trunks(trunk.sid).fetch()
    assert (fetched.domain_name, fetched.secure, fetched.recording["mode"]) == (domain, True, "do-not-record")
    assert trunk.update(friendly_name="New", transfer_mode="sip-only").friendly_name == "New"
    for _ in range(4):
        client.trunking.v1.trunks.create()
    trunks = client.trunking.v1.trunks.list(page_size=2)
    assert len({each.sid for each in trunks}) == 5
    page = client.trunking.v1.trunks.page(page_size=2)
    third = page.next_page().next_page()
    assert [each.sid for each in third] == [trunk.sid]
    assert len(list(third.previous_page())) == 2
    assert trunk.delete() is True
    error = refused(lambda: client.trunking.v1.trunks(trunk.sid).fetch(), 404, 20404)
    assert trunk.sid in error.msg


def test_what_hangs_on_a_trunk(client):
    trunk = client.trunking.v1.trunks.create()
    url = trunk.origination_urls.create(
        weight=10, priority=20, enabled=True, friendly_name="PBX", sip_url="sip:pbx.example.com"
    )
    assert trunk.origination_urls(url.sid).update(weight=5, enabled=False).weight == 5
    assert [each.priority for each in trunk.origination_urls.list()] == [20]
    assert trunk.recordings().update(mode="record-from-answer").mode == "record-from-answer"
    assert trunk.recordings().fetch().trim == "do-not-trim"
    credential_list = client.api.v2010.account.sip.credential_lists.create(friendly_name="PBX")
    access_list = client.api.v2010.account.sip.ip_access_control_lists.create(friendly_name="PBX")
    trunk.credentials_lists.create(credential_list_sid=credential_list.sid)
    trunk.ip_access_control_lists.create(ip_access_control_list_sid=access_list.sid)
    assert trunk.fetch().auth_type == "CREDENTIAL_LIST,IP_ACL"
    assert trunk.credentials_lists(credential_list.sid).fetch().friendly_name == "PBX"
    assert [each.sid for each in trunk.ip_access_control_lists.list()] == [access_list.sid]
    refused(credential_list.delete, 400, 21241)
    number = client.api.v2010.account.incoming_phone_numbers.create(phone_number=phone_number())
    attached = trunk.phone_numbers.create(phone_number_sid=number.sid)
    assert attached.capabilities["voice"] is True
    assert number.fetch().trunk_sid == trunk.sid
    assert trunk.phone_numbers(number.sid).delete() is True
    assert trunk.credentials_lists(credential_list.sid).delete() is True
    assert trunk.ip_access_control_lists(access_list.sid).delete() is True
    assert trunk.origination_urls(url.sid).delete() is True


def test_credentials_over_three_pages(client):
    sip = client.api.v2010.account.sip
    row = sip.credential_lists.create(friendly_name="Office")
    assert isinstance(row.date_created, datetime)
    for n in range(5):
        row.credentials.create(username=f"user{n}", password=PASSWORD)
    credentials = row.credentials.list(page_size=2)
    assert sorted(each.username for each in credentials) == [f"user{n}" for n in range(5)]
    assert len(list(row.credentials.page(page_size=2).next_page().next_page())) == 1
    assert row.credentials(credentials[0].sid).update(password="Another9Password").sid == credentials[0].sid
    assert row.credentials(credentials[0].sid).delete() is True
    refused(row.credentials(credentials[0].sid).fetch, 404, 20404)
    refused(lambda: row.credentials.create(username="weak", password="weak"), 400, 21243)
    assert row.update(friendly_name="Renamed").friendly_name == "Renamed"
    assert row.delete() is True


def test_addresses(client):
    row = client.api.v2010.account.sip.ip_access_control_lists.create(friendly_name="Office")
    address = row.ip_addresses.create(friendly_name="Head office", ip_address="192.0.2.1", cidr_prefix_length=24)
    assert address.fetch().cidr_prefix_length == 24
    assert address.update(friendly_name="Branch").friendly_name == "Branch"
    refused(
        lambda: row.ip_addresses.create(friendly_name="x", ip_address="192.0.2.9", cidr_prefix_length=24), 400, 21235
    )
    assert address.delete() is True


def test_numbers_and_caller_ids(client):
    numbers = client.api.v2010.account.incoming_phone_numbers
    own = [phone_number() for _ in range(5)]
    made = [numbers.create(phone_number=number, voice_url="https://example.com/") for number in own]
    assert {each.phone_number for each in numbers.list(page_size=2)} == set(own)
    assert [each.sid for each in numbers.list(phone_number=own[2])] == [made[2].sid]
    assert made[0].update(friendly_name="Main", voice_method="GET").voice_method == "GET"
    assert made[0].delete() is True
    refused(made[0].fetch, 404, 20404)
    refused(lambda: numbers.create(phone_number=own[1]), 400, 21422)
    assert client.api.v2010.account.outgoing_caller_ids.list() == []
    refused(lambda: client.api.v2010.account.validation_requests.create(phone_number=own[0]), 405, 20004)


def test_accounts_and_balance(client, credentials):
    sub = client.api.v2010.accounts.create(friendly_name="Sub")
    assert sub.owner_account_sid == credentials.sid
    assert sub.update(status="suspended").status == "suspended"
    assert sub.sid in {each.sid for each in client.api.v2010.accounts.list(friendly_name="Sub")}
    assert client.api.v2010.accounts(credentials.sid).fetch().type == "Full"
    assert client.api.v2010.account.balance.fetch().balance == "0.00"
    assert client.api.v2010.accounts(sub.sid).calls.list() == []


def test_calls_and_alerts(api, client, credentials):
    now = now_us() // 1_000_000 * 1_000_000
    with api.database.write() as session:
        for n in range(5):
            session.add(
                Call(account_sid=credentials.sid, direction="trunking-terminating", started_us=now + n, duration=n)
            )
            session.add(Alert(account_sid=credentials.sid, error_code=32201, generated_us=now + n))
    calls = client.api.v2010.account.calls
    listed = calls.list(page_size=2)
    assert [each.duration for each in listed] == ["4", "3", "2", "1", "0"]
    moment = datetime.fromtimestamp(now // 1_000_000, UTC)
    assert listed[0].start_time == moment
    assert len(calls.list(start_time=moment)) == 5
    assert calls.list(start_time_after=moment.replace(year=moment.year + 1)) == []
    assert len(calls.list(start_time_before=moment)) == 5
    assert calls(listed[0].sid).fetch().direction == "trunking-terminating"
    listed = client.monitor.v1.alerts.list(page_size=2, log_level="error")
    alerts = [each for each in listed if each.account_sid]  # the platform account also sees those of nobody
    assert {each.error_code for each in alerts} == {"32201"}
    assert len(alerts) == 5
    assert isinstance(client.monitor.v1.alerts(alerts[0].sid).fetch().date_generated, datetime)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_wrong_credentials(api, credentials, method):
    client = method(api.url, Credentials(credentials.sid, "wrong"))
    refused(client.trunking.v1.trunks.create, 401, 20003)
    refused(client.trunking.v1.trunks("TK" + "0" * 32).fetch, 401, 20003)
    refused(client.api.v2010.account.balance.fetch, 401, 20003)
    with pytest.raises(TwilioException):
        client.api.v2010.account.calls.list()


@pytest.mark.postgresql
@pytest.mark.parametrize("method", METHODS[:2], ids=lambda method: method.__name__)
def test_the_same_over_postgresql(postgres_api, method):
    stories = (
        test_trunks,
        test_what_hangs_on_a_trunk,
        test_credentials_over_three_pages,
        test_addresses,
        test_numbers_and_caller_ids,
    )
    for story in stories:
        story(method(postgres_api.url, postgres_api.account(platform=True)))
