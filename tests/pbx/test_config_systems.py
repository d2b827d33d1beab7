"""The configuration of each PBX: complete, with the values given, and of the form that the system reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import product
from xml.etree import ElementTree as ET

import pytest

from trunkline.pbx.config.request import PASSWORD, WAYS, RequestInvalid, TrunkRequest
from trunkline.pbx.config.write import WRITERS, as_text, configuration
from trunkline.pbx.snippets import SYSTEMS

VARIANTS = list(product(WAYS, [False, True], ["", "192.0.2.10"]))
NETWORKS = ("54.172.60.0/30", "54.244.51.0/30")


def request(way="credentials", secure=False, edge="", **more):
    values = {
        "domain": "acme.pstn.twilio.com",
        "way": way,
        "secure": secure,
        "edge": edge,
        "username": "pbxuser",
        "networks": (edge,) if edge else NETWORKS,
        "numbers": ("+15557654321", "+15557654322"),
        "extension": "231",
    }
    return TrunkRequest(**(values | more))


def text_of(system, **values):
    return as_text(configuration(request(**values), system), system)


def test_every_system_has_a_writer():
    assert set(WRITERS) == set(SYSTEMS)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("way", "secure", "edge"), VARIANTS)
def test_what_a_trunk_needs_is_there(system, way, secure, edge):
    text = text_of(system, way=way, secure=secure, edge=edge)
    assert "acme.pstn.twilio.com" in text
    assert all(number[1:] in text for number in request().numbers)
    if system not in ("kamailio", "opensips", "cube", "audiocodes"):  # these hand calls to a PBX
        assert "231" in text
    assert (PASSWORD in text) == (way != "address")
    assert ("pbxuser" in text) == (way != "address")
    if secure:
        assert "5061" in text
        assert re.search(r"srtp|sdes|SAVP|secure_media|encryption=yes", text, re.IGNORECASE)
    if edge:
        assert edge in text
    else:
        assert "54.172.60.0" in text


@pytest.mark.parametrize("system", ["asterisk", "chan_sip", "kamailio", "opensips"])
def test_the_trunk_proves_its_name_by_the_authority_that_it_has(system):
    public, own = (text_of(system, secure=True, own_ca=own_ca) for own_ca in (False, True))
    assert ("/etc/ssl/certs/ca-certificates.crt" in public, "trunk-ca.pem" in public) == (True, False)
    assert ("/etc/ssl/certs/ca-certificates.crt" in own, "trunk-ca.pem" in own) == (False, True)
    assert "Copy tls/ca.pem of the node's home to /etc/" in own
    assert text_of(system, own_ca=True) == text_of(system), "nothing of it without TLS"


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_password_is_written_only_where_it_was_given(system):
    assert "geheim" in text_of(system, password="geheim")
    assert "geheim" not in text_of(system, password="geheim", way="address")


@pytest.mark.parametrize(("way", "secure", "edge"), VARIANTS)
def test_freeswitch_is_xml(way, secure, edge):
    for one in configuration(request(way, secure, edge, password='<"&>'), "freeswitch"):
        root = ET.fromstring(one.text)
        for condition in root.iter("condition"):
            re.compile(condition.get("expression", ""))
    gateway = ET.fromstring(configuration(request(password='<"&>'), "freeswitch")[0].text)
    assert {param.get("name"): param.get("value") for param in gateway.iter("param")}["password"] == '<"&>'


@pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed: its own check cannot be run")
@pytest.mark.parametrize(("way", "secure", "edge"), VARIANTS)
def test_kamailio_takes_its_file(tmp_path, way, secure, edge):
    for one in configuration(request(way, secure, edge, password='a"b\\c', realm="sip.twilio.com"), "kamailio"):
        if one.path.startswith("/"):
            (tmp_path / one.path.rpartition("/")[2]).write_text(one.text.replace("/etc/kamailio", str(tmp_path)) + "\n")
    done = subprocess.run(
        ["kamailio", "-c", "-f", str(tmp_path / "kamailio.cfg")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "config file ok" in done.stderr


@pytest.mark.parametrize("system", ["asterisk", "freepbx"])
def test_the_name_goes_into_the_request_line_and_the_packets_to_the_edge(system):
    text = text_of(system, edge="192.0.2.10", port=5070)
    assert "sip:192.0.2.10:5070\\;lr\\;hide" in text
    assert "acme.pstn.twilio.com" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("domain", "a b"),
        ("domain", "x\nallow=all"),
        ("username", "a;b"),
        ("username", "<x>"),
        ("numbers", ("5551234",)),
        ("numbers", ("+1555\n",)),
        ("name", "9trunk"),
        ("name", "a]b"),
        ("password", "a\nb"),
        ("password", ""),
        ("edge", "a b"),
        ("networks", ("300.1.1.1/8",)),
        ("public_ip", "host"),
        ("local_net", "x"),
        ("extension", "1,2"),
        ("port", 70000),
        ("realm", 'a"b'),
    ],
)
def test_what_no_configuration_can_hold_is_refused(name, value):
    with pytest.raises(RequestInvalid) as caught:
        request(**{name: value})
    assert "\n" not in str(caught.value)
