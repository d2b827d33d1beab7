"""`trunkline pbx config --trunk` asks the node's API what a PBX needs to know of a trunk."""

from __future__ import annotations

import json

import pytest
from api_answers import label, made, phone_number
from click.testing import CliRunner

from trunkline.cli.main import cli


@pytest.fixture
def home(api, owner, tmp_path):
    (tmp_path / "account.json").write_text(
        json.dumps({"account_sid": owner.sid, "auth_token": owner.token, "api_url": api.url})
    )
    return str(tmp_path)


@pytest.fixture
def trunk(owner):
    """A trunk with a number and a credential list."""
    domain = f"{label()}.pstn.twilio.com"
    made_trunk = made(owner.post("/v1/Trunks", data={"FriendlyName": "Office " + domain[:6], "DomainName": domain}))
    number = phone_number()
    made(
        owner.post(owner.path("IncomingPhoneNumbers.json"), data={"PhoneNumber": number, "TrunkSid": made_trunk["sid"]})
    )
    listed = made(owner.post(owner.path("SIP/CredentialLists.json"), data={"FriendlyName": "office"}))
    made(
        owner.post(
            owner.path(f"SIP/CredentialLists/{listed['sid']}/Credentials.json"),
            data={"Username": "officepbx", "Password": "Correct1Horse2Battery"},
        )
    )
    made(owner.post(f"/v1/Trunks/{made_trunk['sid']}/CredentialLists", data={"CredentialListSid": listed["sid"]}))
    return made_trunk | {"number": number}


def config(home, *arguments):
    return CliRunner().invoke(cli, ["pbx", "config", "--home", home, "--pbx", "asterisk", *arguments])


@pytest.mark.parametrize("name", ["sid", "friendly_name", "domain_name"])
def test_a_trunk_is_found_by_its_names(home, trunk, name):
    done = config(home, "--trunk", trunk[name])
    assert done.exit_code == 0, done.output
    for value in (trunk["domain_name"], trunk["number"], "username=officepbx", "password=YOUR_PASSWORD"):
        assert value in done.stdout
    assert "outbound_proxy=sip:127.0.0.1:" in done.stdout
    assert "Correct1Horse" not in done.stdout


def test_options_win_over_what_the_node_says(home, trunk):
    done = config(
        home, "--trunk", trunk["sid"], "--number", "+15551230000", "--edge", "192.0.2.1", "--secure", "--json"
    )
    assert done.exit_code == 0, done.output
    text = json.loads(done.stdout)[0]["text"]
    assert "outbound_proxy=sip:192.0.2.1:5061\\;transport=tls\\;lr\\;hide" in text


def test_registration_only_where_the_trunk_takes_it(home, trunk, owner):
    refused = config(home, "--trunk", trunk["sid"], "--auth", "registration")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "Registration to allowed" in refused.stderr
    owner.post(f"/trunkline/v1/Trunks/{trunk['sid']}", data={"Registration": "allowed"}).raise_for_status()
    allowed = config(home, "--trunk", trunk["sid"], "--auth", "registration")
    assert allowed.exit_code == 0, allowed.output
    assert "type=registration" in allowed.stdout


def test_a_trunk_that_is_not_there_is_one_line(home):
    done = config(home, "--trunk", "nobody")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "no trunk 'nobody'" in done.stderr


def test_a_node_that_does_not_run_is_one_line(tmp_path):
    (tmp_path / "account.json").write_text(
        json.dumps({"account_sid": "AC1", "auth_token": "x", "api_url": "http://127.0.0.1:1"})
    )
    done = config(str(tmp_path), "--trunk", "x")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--domain" in done.stderr
