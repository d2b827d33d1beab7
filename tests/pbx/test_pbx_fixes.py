"""The settings that repair what a rule finds: complete, filled in, safe, and of the form that the system reads."""

from __future__ import annotations

import configparser
import re
from xml.etree import ElementTree as ET

import pytest

from trunkline.pbx.remedies import TOPICS
from trunkline.pbx.snippets import DEFAULTS, FIXES, IN_WORDS, SYSTEMS, VALUES, fill, fixes_for, known, template_for
from trunkline.pbx.topics import RULE_TOPICS

GIVEN = {
    "public_ip": "203.0.113.10",
    "private_ip": "192.168.1.5",
    "local_net": "192.168.1.0/24",
    "provider_host": "acme.pstn.twilio.com",
    "provider_ip": "54.172.60.0",
    "provider_networks": "54.172.60.0/30,54.244.51.0/30",
    "username": "pbx",
    "realm": "sip.twilio.com",
    "did": "+15557654321",
    "called": "5551234567",
    "called_e164": "+15551234567",
}
EVERY = [(system, topic) for system in SYSTEMS for topic in TOPICS if template_for(system, topic) is not None]


def test_rules_name_topics_that_exist_and_topics_are_used_or_asked_for():
    named = {topic for topics in RULE_TOPICS.values() for topic in topics}
    assert named <= set(TOPICS)
    assert set(TOPICS) - named <= {"no_registration", "pacing"}, "what no rule of the list asks for by its id"


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_has_settings_for_sixty_rules(system):
    assert sum(system in FIXES[rule] for rule in FIXES) >= 60


@pytest.mark.parametrize(("system", "topic"), EVERY, ids=[" ".join(pair) for pair in EVERY])
def test_templates_name_known_values_only(system, topic):
    template = template_for(system, topic)
    assert template.file
    assert template.snippet or template.text
    for text in (template.file, template.snippet, template.text):
        holes = set(re.findall(r"(?<!\$)\{([a-z][a-z_0-9]*)\}", text)) - {"provider_network"}
        assert holes <= set(VALUES), holes - set(VALUES)


def test_every_value_has_a_way_to_be_unknown():
    assert set(VALUES) == set(DEFAULTS) | set(IN_WORDS)


def test_values_of_the_trace_are_filled_in():
    general, setting = fixes_for("SDP-01", "asterisk", GIVEN)
    assert general.pbx == "any"
    assert "192.168.1.5" in general.text
    assert "external_media_address=203.0.113.10" in setting.snippet
    assert "local_net=192.168.1.0/24" in setting.snippet
    assert "{" not in general.title + general.text + setting.file + setting.snippet + setting.text


def test_what_is_not_known_is_said_so():
    general, setting = fixes_for("SDP-01", "freeswitch", {})
    assert 'value="PUBLIC_IP"' in setting.snippet
    assert "its public address" in general.text


def test_networks_are_a_line_each():
    _, setting = fixes_for("NET-11", "asterisk", GIVEN)
    assert "match=54.172.60.0/30\nmatch=54.244.51.0/30" in setting.snippet


def test_codecs_are_spelt_as_the_system_spells_them():
    snippets = {fix.pbx: fix.snippet for fix in fixes_for("COD-01", "", {"codecs": "PCMU,PCMA,X-NONE"})}
    assert "allow=ulaw,alaw" in snippets["asterisk"]
    assert 'value="PCMU,PCMA,X-NONE"' in snippets["freeswitch"]
    assert "G.711 U-law,G.711 A-law" in snippets["3cx"]


@pytest.mark.parametrize(
    "bad",
    [
        "1.2.3.4\n[evil]\ntype=endpoint",
        "1.2.3.4;x",
        '"/><param name="x" value="y',
        "${SHELL(rm)}",
        "a,1,System(x)",
        "a b",
        "$(x)",
        "\x1b[31m",
        "<x>",
        "",
        "x" * 500,
    ],
)
@pytest.mark.parametrize("name", ["public_ip", "did", "username", "realm", "called", "provider_host"])
def test_nobody_writes_into_a_configuration_through_us(name, bad):
    assert name not in known({name: bad})
    for fix in fixes_for("credentials", "", {name: bad}) + fixes_for("SDP-01", "", {name: bad}):
        assert not bad or bad not in fix.snippet


def test_an_unknown_system_gives_all_and_an_unknown_rule_none():
    assert {fix.pbx for fix in fixes_for("AUTH-01", "", GIVEN)} == {"any", *SYSTEMS}
    assert {fix.pbx for fix in fixes_for("AUTH-01", "who?", GIVEN)} == {"any", *SYSTEMS}
    assert fixes_for("NONE-99", "asterisk", GIVEN) == []


def test_a_topic_can_be_asked_for_by_name():
    assert [fix.pbx for fix in fixes_for("no_registration", "freepbx", GIVEN)] == ["any", "freepbx"]


@pytest.mark.parametrize("topic", [topic for system, topic in EVERY if system == "freeswitch"])
def test_freeswitch_snippets_are_xml(topic):
    template = template_for("freeswitch", topic)
    snippet = fill(template.snippet, known(GIVEN))
    if template.file != "fs_cli":
        ET.fromstring(f"<x>{snippet}</x>")
    ET.fromstring(f"<x>{fill(template.snippet, known({})) if template.file != 'fs_cli' else ''}</x>")


@pytest.mark.parametrize("topic", [topic for system, topic in EVERY if system == "asterisk"])
def test_asterisk_snippets_are_sections_and_options(topic):
    template = template_for("asterisk", topic)
    snippet = fill(template.snippet, known(GIVEN))
    if template.file.startswith("extensions.conf"):
        assert re.match(r"(exten|same) *=>", snippet.splitlines()[0].strip())
        assert snippet.count("(") == snippet.count(")")
        return
    if "extensions.conf" in template.file:
        snippet = snippet.partition("\n\n")[0]
    reader = configparser.RawConfigParser(strict=False, comment_prefixes=(";",), delimiters=("=",))
    reader.read_string(f"[x]\n{snippet}")


@pytest.mark.parametrize("system", ["kamailio", "opensips"])
def test_brackets_of_scripts_are_balanced(system):
    for topic in TOPICS:
        template = template_for(system, topic)
        if template is not None:
            text = re.sub(r'"(\\.|[^"\\])*"', "", template.snippet)
            for opening, closing in ("()", "{}"):
                assert text.count(opening) == text.count(closing), (topic, template.snippet)
