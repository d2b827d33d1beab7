from __future__ import annotations

import pytest

from trunkline.api.api_error import ApiError
from trunkline.api.fields import Choice, E164Number, Flag, FriendlyName, WebUrl, WholeNumber, read_fields
from trunkline.api.limits import PARAMETERS
from trunkline.api.money import Amount, decimal_text
from trunkline.api.params import Params, parse_json, parse_urlencoded


def refused(code, call, *arguments):
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    assert caught.value.code == code
    return caught.value


def test_urlencoded_in_utf8_with_repeated_and_empty_values():
    params = Params(parse_urlencoded(b"A=%C3%A9&A=2&B=&StartTime%3E=x&C=a+b", "body"))
    assert params.get("A") == "2"
    assert params.get("B") == ""
    assert params.get("StartTime>") == "x"
    assert params.get("C") == "a b"
    assert params.get("D") is None


@pytest.mark.parametrize("raw", [b"A=%FF", b"A=\xff", b"A=%00", b"%00=1", b"A=%0a", b"A=%1b%5b31m", b"A=%C2%85"])
def test_bytes_that_are_no_text_are_refused(raw):
    assert refused(20001, parse_urlencoded, raw, "body").http_status == 400


def test_too_many_parameters_are_refused():
    assert refused(20001, parse_urlencoded, b"&".join([b"A=1"] * (PARAMETERS + 1)), "body").http_status == 400


def test_json_is_read_as_the_form_would_be():
    raw = b'{"friendly_name": "x", "enabled": true, "weight": 5, "default_caller_id": null, "SipUri": "sip:a"}'
    assert dict(parse_json(raw)) == {
        "FriendlyName": "x", "Enabled": "true", "Weight": "5", "DefaultCallerId": "", "SipUri": "sip:a",
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a": [1]}',
        b'{"a": {}}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_json_that_is_no_flat_object_is_refused(raw):
    refused(20001, parse_json, raw)


def test_unknown_parameters_of_our_own_resources_are_named():
    error = refused(20001, Params([("Wieght", "1")]).refuse_unknown, ["Weight", "Enabled"])
    assert "Wieght" in error.message
    assert "Weight" in error.message


def test_what_was_not_sent_changes_nothing_and_what_is_required_is_named():
    fields = (FriendlyName(), Flag("Secure", "secure"))
    assert read_fields(fields, Params([("Secure", "TRUE")])) == {"secure": True}
    assert "FriendlyName" in refused(20001, lambda: read_fields(fields, Params([]), required=["FriendlyName"])).message


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (FriendlyName(), "é" * 64, "é" * 64),
        (Flag("A", "a"), "False", False),
        (Choice("A", "a", ("GET", "POST")), "get", "GET"),
        (WholeNumber("A", "a", 1, 10), "010", 10),
        (WebUrl("A", "a"), "https://example.com:8443/x?y=1", "https://example.com:8443/x?y=1"),
        (WebUrl("A", "a"), "", None),
        (E164Number("A", "a"), "+15550100123", "+15550100123"),
        (E164Number("A", "a"), " 15550100123", "+15550100123"),
        (Amount("A", "a"), "-12.5", -12_500_000),
        (Amount("A", "a"), "0.000001", 1),
    ],
)
def test_fields_read(field, text, value):
    assert field.read(text) == value


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        (FriendlyName(), "x" * 65, 20002),
        (Flag("A", "a"), "yes", 20422),
        (Choice("A", "a", ("GET", "POST")), "PUT", 20422),
        (WholeNumber("A", "a", 1, 10), "11", 20422),
        (WholeNumber("A", "a", 1, 10), "-1", 20422),
        (WholeNumber("A", "a", 1, 10), "1.0", 20422),
        (WholeNumber("A", "a", 1, 10), "٣", 20422),
        (WholeNumber("A", "a", 1, 10), "9" * 5000, 20422),
        (WebUrl("A", "a"), "ftp://example.com", 20422),
        (WebUrl("A", "a"), "/relative", 20422),
        (WebUrl("A", "a"), "http://[::1", 20422),
        (WebUrl("A", "a"), "http://a:99999/", 20422),
        (WebUrl("A", "a"), "http://a/ b", 20422),
        (E164Number("A", "a"), "15550100123", 21421),
        (E164Number("A", "a"), "+0555010012", 21421),
        (E164Number("A", "a"), "+1555", 21421),
        (Amount("A", "a"), "1e3", 20422),
        (Amount("A", "a"), "0.0000001", 20422),
    ],
)
def test_fields_refuse(field, text, code):
    assert len(refused(code, field.read, text).message) < 250


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.00"), (12_500_000, "12.50"), (1, "0.000001"), (-1_000_000, "-1.00"), (-10, "-0.00001")]
)
def test_amounts_as_text(micros, text):
    assert decimal_text(micros) == text
