"""`trunkline pbx lint` and `trunkline pbx config` as commands: exit status, text, JSON, one line for errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from trunkline.cli.main import cli
from trunkline.cli.pbx import SYSTEMS as CHOICES
from trunkline.node import home, started
from trunkline.pbx.config.pages import page
from trunkline.pbx.lint.provider import Provider, is_private, matches
from trunkline.pbx.snippets import SYSTEMS
from trunkline.settings import Settings

DOCS = Path(__file__).parents[2] / "docs" / "pbx"
WRONG = "[tw]\ntype=endpoint\naors=tw\nallow=g722\n[tw]\ntype=aor\ncontact=sip:acme.pstn.twilio.com\n"


def run(*arguments, **more):
    return CliRunner().invoke(cli, ["pbx", *map(str, arguments)], **more)


def test_lint_says_where_and_exits_with_1(tmp_path):
    path = tmp_path / "pjsip.conf"
    path.write_text(WRONG)
    done = run("lint", path)
    assert done.exit_code == 1
    assert f"{path}:4: problem COD-01: " in done.stdout
    assert "1 problem, " in done.stdout
    assert "  Instead:\n    [tw]\n" in done.stdout


def test_lint_as_json(tmp_path):
    path = tmp_path / "pjsip.conf"
    path.write_text(WRONG + "#include nothing.conf\n")
    done = run("lint", path, "--json", "--provider", "twilio")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["schema"] == "trunkline.lint/1"
    assert found["files"] == [{"file": str(path), "kind": "pjsip.conf"}]
    assert found["problems"] == 1
    first = found["findings"][0]
    assert (first["rule"], first["severity"], first["line"], first["provider"]) == ("COD-01", "problem", 4, "twilio")
    assert found["skipped"][0]["line"] == 8


def test_a_clean_file_exits_with_0(tmp_path):
    path = tmp_path / "rtp.conf"
    path.write_text("[general]\nrtpstart=10000\nrtpend=20000\n")
    done = run("lint", path)
    assert (done.exit_code, done.stdout) == (0, f"0 problems, 0 hints in {path} (rtp.conf)\n")


@pytest.mark.parametrize("name", ["trunk.txt", "pjsip.conf", "extensions.conf"])
def test_all_of_a_printed_configuration_in_one_file_is_not_called_clean(tmp_path, name):
    path = tmp_path / name
    path.write_text(run("config", "--pbx", "asterisk", "--domain", "acme.pstn.twilio.com").stdout)
    done = run("lint", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"trunkline: {path}: pjsip.conf and extensions.conf in one file: give each a file of its own\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lint", "/nowhere/pjsip.conf"], "there is no such file"),
        (["lint", "/"], "is a folder"),
        (["lint", __file__], "pjsip.conf"),
        (["lint", __file__, "--provider", "nobody"], "no provider profile 'nobody'"),
        (["config", "--pbx", "asterisk"], "--trunk"),
        (["config", "--pbx", "asterisk", "--trunk", "x", "--domain", "y"], "--trunk"),
        (["config", "--pbx", "asterisk", "--domain", "a b"], "--domain"),
        (["config", "--pbx", "asterisk", "--domain", "a.example", "--number", "555"], "--number"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(arguments, says):
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


@pytest.mark.parametrize("system", SYSTEMS)
def test_config_by_hand_needs_no_node(system, tmp_path):
    done = run("config", "--pbx", system, "--domain", "acme.pstn.twilio.com", "--username", "me", "--home", tmp_path)
    assert done.exit_code == 0, done.output
    assert "acme.pstn.twilio.com" in done.stdout
    assert "54.172.60.0" in done.stdout, "the networks of the provider whose domain this is"


def test_the_password_comes_from_the_user_alone():
    arguments = ("config", "--pbx", "asterisk", "--domain", "a.example.net")
    assert "password=YOUR_PASSWORD" in run(*arguments).stdout
    assert "password=geheim" in run(*arguments, env={"TRUNKLINE_PBX_PASSWORD": "geheim"}).stdout


def test_the_choices_are_all_systems():
    assert tuple(SYSTEMS) == CHOICES


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_pages_are_those_that_are_printed(system):
    assert (DOCS / f"{system}.md").read_text() == page(system), "run `make docs`"


class Api:
    """One trunk without lists, on whatever node."""

    def __init__(self, *_: str) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def list(self, path, **_):
        trunk = {"sid": "TK1", "friendly_name": "Office", "domain_name": "acme.pstn.twilio.com", "secure": False}
        return iter([trunk] if path == "/v1/Trunks" else [])

    def get(self, _path):
        return {}


def test_a_trunk_of_a_node_with_other_ports(tmp_path, monkeypatch):
    """Nobody tells the command again what `trunkline up` was told."""
    monkeypatch.setattr("trunkline.api.client.ApiClient", Api)
    node = Settings.load({"home": tmp_path, "sip_host": "192.0.2.10", "sip_port": "15060", "realm": "of.us"}, {})
    home.prepare(node)
    started.remember(node)
    account = {"account_sid": "AC1", "auth_token": "x", "api_url": "http://127.0.0.1:9"}
    node.account_file.write_text(json.dumps(account))
    done = run("config", "--pbx", "asterisk", "--trunk", "office", "--home", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    pjsip = json.loads(done.stdout)[0]["text"]
    assert "outbound_proxy=sip:192.0.2.10:15060" in pjsip
    assert "192.0.2.10:5060" not in pjsip


def test_hosts_and_addresses():
    provider = Provider(hosts=("*.pstn.example.net", "*.pstn.*.example.net"))
    assert provider.has_host("Acme.pstn.example.net.")
    assert provider.has_host("acme.pstn.dublin.example.net")
    assert not provider.has_host("pstn.example.net")
    assert provider.is_parent("pstn.example.net")
    assert not matches("acme..example.net", ("*.example.net",))
    assert [is_private(one) for one in ("10.1.1.1", "172.32.0.1", "100.64.0.1", "[fd00::1]", "203.0.113.1", "x")] == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]
