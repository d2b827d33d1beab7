"""Profiles: those that come along, the one in the documentation, and what is said of wrong ones."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from trunkline.analyzer.profiles.profile import (
    Profile,
    ProfileInvalid,
    builtin_names,
    load_profile,
    matches_host,
    profile_of,
)

DOCUMENT = Path(__file__).parents[3] / "docs" / "analyzer-profiles.md"


def test_those_that_come_along():
    assert builtin_names() == ["generic", "trunkline", "twilio"]
    for name in builtin_names():
        assert load_profile(name).name == name
    assert load_profile("generic").is_generic


def test_twilio_knows_its_own():
    twilio = load_profile("twilio")
    assert twilio.has_address("54.172.60.3")
    assert not twilio.has_address("54.172.60.4")
    assert not twilio.has_address("not an address")
    assert not twilio.has_address("2001:db8::1")
    assert twilio.has_media_address("168.86.191.255")
    assert twilio.has_host("acme.pstn.ashburn.twilio.com")
    assert not twilio.has_request_host("acme.sip.twilio.com")
    assert twilio.has_host("acme.pstn.twilio.com")
    assert twilio.has_request_host("acme.pstn.twilio.com")
    assert not twilio.has_request_host("54.172.60.1")
    assert twilio.error_code("32201 Authentication failure - source IP Address not in ACL")[1].rule == "AUTH-04"
    assert twilio.error_code("", "Trunk CPS limit exceeded. Region: us1")[0] == "32001"
    assert twilio.error_code("99999 unheard of") is None
    assert twilio.error_code("") is None


def test_every_rule_that_a_code_names_is_one():
    from trunkline.analyzer.rules.table import TABLE

    rules = {code.rule for name in builtin_names() for code in load_profile(name).errors.codes.values() if code.rule}
    assert rules <= TABLE.keys()


@pytest.mark.parametrize(
    ("number", "wanted", "right"),
    [
        ("+15551230000", "+e164", True),
        ("15551230000", "+e164", False),
        ("+0555123000", "+e164", False),
        ("+1 555", "+e164", False),
        ("911", "+e164", True),
        ("15551230000", "e164", True),
        ("+15551230000", "e164", False),
        ("0301234567", "national", True),
        ("alice", "any", True),
        ("alice", "national", False),
        ("", "+e164", False),
    ],
)
def test_how_numbers_are_written(number, wanted, right):
    assert load_profile("twilio").number_ok(number, wanted) is right


def test_host_patterns():
    assert matches_host("A.example.net.", ("*.example.net",))
    assert not matches_host("example.net", ("*.example.net",))
    assert not matches_host(".example.net", ("*.example.net",))
    assert not matches_host("badexample.net", ("*.example.net",))
    assert matches_host("example.net", ("EXAMPLE.net",))
    assert matches_host("a.b.x.example.net", ("*.x.*.net",))
    assert not matches_host("a.x.b.example.net", ("*.x.*.net",))
    assert not matches_host("", ("*.net", "net"))


def test_the_documented_example_is_a_profile(tmp_path):
    example = DOCUMENT.read_text().split("```toml\n")[1].split("```")[0]
    path = tmp_path / "example-carrier.toml"
    path.write_text(example)
    profile = load_profile(str(path))
    assert profile.has_address("2001:db8:5::1")
    assert profile.error_code("17")[1].fix == "Send one of your numbers."


def test_every_key_is_documented():
    text = DOCUMENT.read_text()
    for table in fields(Profile):
        if hasattr(table.default, "__dataclass_fields__"):
            assert f"### {table.name}" in text
            section = text.split(f"### {table.name}\n")[1].split("\n### ")[0]
            for key in fields(table.default):
                assert f"`{key.name}`" in section, f"{table.name}.{key.name}"


WRONG = {
    'title = "x"\n[signalling]\nnetwork = []': "unknown key signalling.network",
    'title = "x"\n[signalling]\nnetworks = ["1.2.3.4/8"]': "signalling.networks",
    'title = "x"\n[signalling]\nnetworks = "1.2.3.4"': "must be a list",
    'title = "x"\n[numbers]\ncalled = "E164"': "numbers.called is 'E164', must be one of 'any'",
    'title = "x"\n[limits]\ncall_seconds = "1"': "limits.call_seconds is '1', must be a whole number",
    'title = "x"\n[limits]\ncall_seconds = -1': "limits.call_seconds",
    'title = "x"\n[media]\nsrtp_with_udp = 1': "must be true or false",
    'title = "x"\nmedia = 1': "media must be a table",
    'title = "x"\n[errors.codes]\n1 = "no"': "errors.codes.1 must be a table",
    'title = "x"\n[errors.codes.1]\nrule = "CLI-03"': "errors.codes.1.text is missing",
    'name = "x"': "title is missing",
    "title = ": "no valid TOML",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_a_wrong_profile_is_named_with_its_key(text, said, tmp_path):
    path = tmp_path / "carrier.toml"
    path.write_text(text)
    with pytest.raises(ProfileInvalid) as caught:
        load_profile(str(path))
    assert said in str(caught.value)
    assert "carrier.toml" in str(caught.value)


def test_no_such_profile(tmp_path):
    with pytest.raises(ProfileInvalid, match="there are generic, trunkline, twilio"):
        load_profile("twillio")
    with pytest.raises(ProfileInvalid, match=r"none\.toml: No such file"):
        load_profile(str(tmp_path / "none.toml"))


def test_a_profile_of_settings():
    values = tomllib.loads('name = "own"\ntitle = "Own"\n[signalling]\nnetworks = ["127.0.0.0/8"]')
    assert profile_of(values, "settings").has_address("127.0.0.1")
