"""What to change in the user's PBX: rule id in, settings out, filled in with the values of the trace.

The settings are data: one file per system in `systems/`, by topic; `topics.py` says which rule needs which topic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module

from trunkline.pbx.remedies import TOPICS
from trunkline.pbx.template import PbxFix, Template, Topic
from trunkline.pbx.topics import RULE_TOPICS

SYSTEMS: dict[str, str] = {
    "asterisk": "Asterisk (PJSIP)",
    "chan_sip": "Asterisk (chan_sip)",
    "freepbx": "FreePBX",
    "freeswitch": "FreeSWITCH",
    "fusionpbx": "FusionPBX",
    "3cx": "3CX",
    "kamailio": "Kamailio",
    "opensips": "OpenSIPS",
    "cube": "Cisco CUBE",
    "audiocodes": "AudioCodes SBC",
}
"""Name to title: what `--pbx` takes and what `Dialog.pbx` holds."""

MODULES = {"3cx": "threecx"}
BUILT_ON = {"fusionpbx": "freeswitch"}
"""Where a system has no own way, that of the one inside it."""

VALUES: dict[str, str] = {
    "public_ip": "Address under which the world sees the PBX",
    "private_ip": "Address of the PBX inside its own network, as it wrote it into Contact or SDP",
    "local_net": "Its own network, as 192.168.1.0/24",
    "sip_port": "Port on which the PBX speaks SIP",
    "rtp_first": "First UDP port of its media",
    "rtp_last": "Last one",
    "trunk": "Name of the trunk in the PBX's configuration",
    "provider_host": "Domain of the trunk, as acme.pstn.twilio.com",
    "provider_ip": "Address of the provider's signalling that the trace shows",
    "provider_port": "Its port",
    "provider_networks": "Networks of the provider's signalling, by commas",
    "media_networks": "Networks of the provider's media, by commas",
    "username": "Digest user name",
    "realm": "Realm of the challenge",
    "did": "A number of the trunk, +E.164",
    "did_digits": "The same without +",
    "called": "Called number as it was sent",
    "called_e164": "The same as it should have been sent",
    "caller": "Caller ID as it was sent",
    "prefix": "What to put ahead of a dialled number, as +1",
    "strip": "How many leading digits to take away first",
    "codecs": "Codecs that the trunk takes, as names of SDP by commas: PCMU,PCMA",
    "ptime": "Packet time in ms",
    "dtmf_pt": "Payload type of telephone-event",
    "transport": "udp, tcp or tls",
    "expires": "Seconds of a registration",
    "min_se": "Smallest session interval that the other side takes, in seconds",
    "extension": "Option tag of Require or Supported",
    "method": "SIP method",
    "user_agent": "Name of the program that sent the faulty message",
    "phone_ip": "Address of the phone or of the third host that media was sent to",
}
"""What a template may hold, and what it means. Those that a trace does not give stand in a snippet as
`PUBLIC_IP`, and in a sentence by what `IN_WORDS` calls them."""

DEFAULTS = {
    "sip_port": "5060",
    "rtp_first": "10000",
    "rtp_last": "20000",
    "trunk": "trunk",
    "provider_port": "5060",
    "codecs": "PCMU,PCMA",
    "ptime": "20",
    "dtmf_pt": "101",
    "prefix": "+1",
    "strip": "0",
    "transport": "udp",
    "expires": "300",
    "min_se": "90",
}

IN_WORDS = {
    "public_ip": "its public address",
    "private_ip": "a private address",
    "local_net": "its own network",
    "provider_host": "the trunk's domain",
    "provider_ip": "the provider's address",
    "provider_networks": "the provider's networks",
    "media_networks": "see the provider's documents",
    "username": "the user name",
    "realm": "see the challenge in the trace",
    "did": "your number",
    "did_digits": "your number",
    "called": "the called number",
    "called_e164": "+ and country code",
    "caller": "the caller's number",
    "extension": "the extension",
    "method": "request",
    "user_agent": "The program named in the evidence",
    "phone_ip": "the other host",
}

_ASTERISK_CODECS = {"PCMU": "ulaw", "PCMA": "alaw", "G722": "g722", "G729": "g729", "GSM": "gsm", "OPUS": "opus"}
CODEC_NAMES: dict[str, dict[str, str]] = {
    "asterisk": _ASTERISK_CODECS,
    "chan_sip": _ASTERISK_CODECS,
    "freepbx": _ASTERISK_CODECS,
    "3cx": {"PCMU": "G.711 U-law", "PCMA": "G.711 A-law", "G722": "G.722", "G729": "G.729", "OPUS": "Opus"},
    "cube": {"PCMU": "g711ulaw", "PCMA": "g711alaw", "G722": "g722-64", "G729": "g729r8", "OPUS": "opus"},
    "audiocodes": {"PCMU": "G.711U-law", "PCMA": "G.711A-law", "G722": "G.722", "G729": "G.729", "OPUS": "Opus"},
}
"""How a system spells the codecs of SDP; others spell them as SDP does."""

_HOLE = re.compile(r"(?<!\$)\{([a-z_0-9]+)\}")
_WORD = re.compile(r"[A-Za-z0-9.+:@/_\[\]#*-]{1,100}")
_SAFE = {
    **dict.fromkeys(("provider_networks", "media_networks", "codecs"), re.compile(r"[A-Za-z0-9.:/_, -]{1,400}")),
    "user_agent": re.compile(r"[A-Za-z0-9.+:@/_,()~ -]{1,100}"),
}
"""What a value may hold, where it is not a single word. `user_agent` is written into sentences only."""


def fixes_for(rule: str, pbx: str, values: Mapping[str, str]) -> list[PbxFix]:
    """What to do about a finding.

    `rule` is a rule id, or the name of one topic (`remedies.TOPICS`). `pbx` is a name of `SYSTEMS`; empty (or not
    one of them) gives every system that has a setting for it. The first of each topic is for `any`: what to do in
    words; then come the settings. A rule without a fix gives none.

    `values` has names of `VALUES`. They come out of a capture and are hostile: one that holds more than an address or a
    number needs (quotes, line ends, markup) is shown as if it were not known, so that nobody can write into a
    configuration through us.
    """
    found: list[PbxFix] = []
    for name in (rule,) if rule in TOPICS else RULE_TOPICS.get(rule, ()):
        topic = TOPICS[name]
        usable = known(values)
        title, text = fill(topic.title, usable, sentence=True), fill(topic.text, usable, sentence=True)
        found.append(PbxFix("any", title, "", fill(topic.snippet, usable), text))
        for system in (pbx,) if pbx in SYSTEMS else SYSTEMS:
            template = template_for(system, name)
            if template is not None:
                found.append(_filled(system, topic, template, usable))
    return found


def template_for(system: str, topic: str) -> Template | None:
    """How a system (a name of `SYSTEMS`) does what a topic asks for; None: nothing is known."""
    module = import_module(f"trunkline.pbx.systems.{MODULES.get(system, system)}")
    templates: dict[str, Template] = module.TEMPLATES
    if topic in templates:
        return templates[topic]
    inner = BUILT_ON.get(system)
    return template_for(inner, topic) if inner else None


def known(values: Mapping[str, str]) -> dict[str, str]:
    """Values that may be written into a configuration, with the usual ones where the trace gave none."""
    given = {
        name: value for name, value in values.items() if name in VALUES and _SAFE.get(name, _WORD).fullmatch(value)
    }
    if "did" in given and "did_digits" not in given:
        given["did_digits"] = given["did"].lstrip("+")
    return DEFAULTS | given


def fill(template: str, values: Mapping[str, str], *, sentence: bool = False) -> str:
    """A template's text with the values in its holes. A line with `{provider_network}` is repeated for each network."""
    lines: list[str] = []
    for line in template.splitlines():
        if "{provider_network}" not in line:
            lines.append(line)
            continue
        networks = values.get("provider_networks", "PROVIDER_NETWORK").split(",")
        lines += [line.replace("{provider_network}", network.strip()) for network in networks]

    def value(hole: re.Match[str]) -> str:
        name = hole.group(1)
        if name not in VALUES:
            return hole.group()
        return values.get(name) or (IN_WORDS.get(name, name) if sentence else name.upper())

    return _HOLE.sub(value, "\n".join(lines))


def _filled(system: str, topic: Topic, template: Template, values: Mapping[str, str]) -> PbxFix:
    spelling = CODEC_NAMES.get(system)
    if spelling is not None:
        wanted = [spelling.get(name.strip().upper()) for name in values["codecs"].split(",")]
        values = {**values, "codecs": ",".join(name for name in wanted if name)}
    return PbxFix(
        system,
        fill(topic.title, values, sentence=True),
        fill(template.file, values),
        fill(template.snippet, values),
        fill(template.text, values, sentence=True),
    )


class _Fixes(Mapping[str, dict[str, Template]]):
    """`FIXES`: put together when somebody asks, since a report needs two or three of it."""

    def __getitem__(self, rule: str) -> dict[str, Template]:
        found: dict[str, Template] = {}
        for system in SYSTEMS:
            ways = [way for name in RULE_TOPICS[rule] if (way := template_for(system, name)) is not None]
            if ways:
                found[system] = ways[0]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(RULE_TOPICS)

    def __len__(self) -> int:
        return len(RULE_TOPICS)


FIXES: Mapping[str, dict[str, Template]] = _Fixes()
"""Rule id to the first template of each system."""
