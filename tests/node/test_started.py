"""A home tells with which settings its node was started."""

import json
import stat

import pytest
from node_fixtures import settings_in

from trunkline.node import home
from trunkline.node.started import as_started, remember, started_file
from trunkline.settings import Settings

URL = "postgresql://trunkline:geheim@db.example.net/trunkline"


def started(tmp_path, **values):
    """The settings of a node that was started with these."""
    settings = Settings.load({"home": tmp_path, **values}, {})
    home.prepare(settings)
    remember(settings)
    return settings


def beside(tmp_path, options=None, environ=None):
    """What a command sees that is given these options and variables."""
    given, variables = {"home": str(tmp_path), **(options or {})}, environ or {}
    return as_started(Settings.load(given, variables), given, variables)


def test_all_settings_but_the_database_come_back(tmp_path):
    node = started(
        tmp_path, sip_host="192.0.2.10", public_ip="198.51.100.1", second_host="2001:db8::1", sip_port="15060",
        tls_port="15061", http_port="18080", rtp_ports="40000-40100", domain_suffixes="a.example,b.example",
    )  # fmt: skip
    assert beside(tmp_path) == node


def test_the_password_of_the_database_is_not_told(tmp_path):
    node = started(tmp_path, database_url=URL)
    text = started_file(node).read_text()
    assert "geheim" not in text
    assert "TRUNKLINE_SIP_PORT" in json.loads(text)
    assert stat.S_IMODE(started_file(node).stat().st_mode) == 0o600


def test_options_and_the_environment_come_first(tmp_path):
    started(tmp_path, sip_port="15060", tls_port="15061", http_port="18080")
    found = beside(tmp_path, {"sip_port": "7"}, {"TRUNKLINE_TLS_PORT": "8", "TRUNKLINE_HTTP_PORT": ""})
    assert (found.sip_port, found.tls_port, found.http_port) == (7, 8, 18080)


def test_a_home_that_was_moved_is_where_it_is(tmp_path):
    started(tmp_path / "old", sip_port="15060")
    (tmp_path / "old").rename(tmp_path / "new")
    found = beside(tmp_path / "new")
    assert (found.home, found.sip_port) == (tmp_path / "new", 15060)


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{", '{"TRUNKLINE_SIP_PORT": "many"}', '{"TRUNKLINE_TLS_PORT": 5060}']
)
def test_a_home_that_does_not_tell(tmp_path, text):
    settings = settings_in(tmp_path)
    home.prepare(settings)
    if text is not None:
        started_file(settings).write_text(text)
    assert beside(tmp_path) == Settings(tmp_path)
