"""`trunkline pbx config --write DIR`: each file by itself, none lost, and the password for its owner alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from trunkline.cli.main import cli
from trunkline.pbx.config.request import TrunkRequest
from trunkline.pbx.config.write import configuration
from trunkline.pbx.snippets import SYSTEMS

DOMAIN = "acme.pstn.twilio.com"
PASSWORD = 'pass;word"<&'
FREESWITCH = [
    "autoload_configs/acl.conf.xml.part",
    "dialplan/default/trunk.xml",
    "dialplan/public/trunk.xml",
    "sip_profiles/external.xml.part",
    "sip_profiles/external/trunk.xml",
]


@pytest.fixture(autouse=True)
def _usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def config(*arguments: object):
    given = ["pbx", "config", "--domain", DOMAIN, *map(str, arguments)]
    return CliRunner().invoke(cli, given, env={"TRUNKLINE_PBX_PASSWORD": PASSWORD})


def in_folder(folder: Path) -> dict[str, int]:
    """Name below the folder → mode of each file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in files}


def test_files_have_the_names_that_the_pbx_wants(tmp_path):
    folder = tmp_path / "not" / "there"
    done = config("--pbx", "asterisk", "--write", folder)
    assert (done.exit_code, done.stderr) == (0, "")
    assert in_folder(folder) == {"pjsip.conf": 0o600, "rtp.conf": 0o644, "extensions.conf": 0o644}
    assert done.stdout.startswith(
        f"Wrote 3 files into {folder}:\n\n  pjsip.conf\n      goes to /etc/asterisk/pjsip.conf\n"
    )
    assert "password=pass\\;word" in (folder / "pjsip.conf").read_text()
    assert PASSWORD not in done.stdout
    names = [str(folder / name) for name in in_folder(folder)]
    linted = CliRunner().invoke(cli, ["pbx", "lint", *names, "--provider", "twilio"])
    assert linted.exit_code == 0, linted.output


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("way", ["credentials", "address", "registration"])
def test_all_of_every_system_is_written(tmp_path, system, way):
    """What is printed stands in the folder, and only what has the password in it is private."""
    done = config("--pbx", system, "--auth", way, "--write", tmp_path / "x", "--username", "me", "--json")
    assert done.exit_code == 0, done.output
    printed = json.loads(config("--pbx", system, "--auth", way, "--username", "me", "--json").stdout)
    written = json.loads(done.stdout)
    assert [{name: one[name] for name in ("path", "text", "note")} for one in written] == printed
    modes = in_folder(tmp_path / "x")
    assert {str(Path(one["written"]).relative_to(tmp_path / "x")) for one in written} == modes.keys()
    asked = TrunkRequest(DOMAIN, way=way, username="me", password="plain")
    known = {one.path for one in configuration(asked, system) if "plain" in one.text}
    for one in written:
        path = Path(one["written"])
        assert one["text"] in path.read_text(), path
        if one["path"] in known:
            assert modes[str(path.relative_to(tmp_path / "x"))] == 0o600, path
    assert (0o600 in modes.values()) == bool(known)
    assert bool(known) == (way != "address")


def test_lines_for_a_file_that_is_there_do_not_have_its_name(tmp_path):
    done = config("--pbx", "freeswitch", "--write", tmp_path)
    assert sorted(in_folder(tmp_path)) == FREESWITCH
    assert (
        "  sip_profiles/external.xml.part\n      lines for /etc/freeswitch/sip_profiles/external.xml\n" in done.stdout
    )
    assert in_folder(tmp_path)["sip_profiles/external/trunk.xml"] == 0o600


def test_what_is_no_file_stands_in_one(tmp_path):
    done = config("--pbx", "3cx", "--write", tmp_path)
    assert in_folder(tmp_path) == {"by-hand.txt": 0o600}
    assert "      - Voice & Chat > Outbound Rules > Add\n" in done.stdout
    assert "Voice & Chat > Outbound Rules > Add\n" in (tmp_path / "by-hand.txt").read_text()


def test_no_file_is_overwritten(tmp_path):
    (tmp_path / "rtp.conf").write_text("mine")
    (tmp_path / "extensions.conf").symlink_to(tmp_path / "nowhere")
    done = config("--pbx", "asterisk", "--write", tmp_path)
    there = f"{tmp_path}/rtp.conf, {tmp_path}/extensions.conf"
    told = f"trunkline: {there}: there already; --force replaces, or choose another folder\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", told)
    assert in_folder(tmp_path) == {"rtp.conf": 0o644}, "nothing is written then"
    assert (tmp_path / "rtp.conf").read_text() == "mine"


def test_force_replaces_and_keeps_the_password_private(tmp_path):
    mine = tmp_path / "of somebody"
    mine.write_text("theirs")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "rtp.conf").symlink_to(mine)
    (tmp_path / "x" / "pjsip.conf").write_text("old")
    (tmp_path / "x" / "pjsip.conf").chmod(0o666)
    done = config("--pbx", "asterisk", "--write", tmp_path / "x", "--force")
    assert done.exit_code == 0, done.output
    assert in_folder(tmp_path / "x") == {"pjsip.conf": 0o600, "rtp.conf": 0o644, "extensions.conf": 0o644}
    assert not (tmp_path / "x" / "rtp.conf").is_symlink()
    assert mine.read_text() == "theirs", "a link is replaced, not followed"


def test_the_placeholder_is_named(tmp_path):
    given = ["pbx", "config", "--domain", DOMAIN, "--pbx", "asterisk", "--write", str(tmp_path)]
    done = CliRunner().invoke(cli, given)
    assert done.stdout.count("Write the trunk's password for YOUR_PASSWORD.") == 1
    assert in_folder(tmp_path)["pjsip.conf"] == 0o600, "the password will stand there"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--write", "{0}/file/below"], "cannot write "),
        (["--write", "{0}/file"], "is a file"),
        (["--force"], "--force goes with --write"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(tmp_path, options, says):
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(
        cli, ["pbx", "config", "--pbx", "asterisk", "--domain", DOMAIN, *[one.format(tmp_path) for one in options]]
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
