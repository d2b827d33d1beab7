"""`trunkline pbx lint` on FreeSWITCH's gateways, profiles and vars.xml."""

from __future__ import annotations

import pytest

from trunkline.cli.pbx import _provider
from trunkline.pbx.lint.run import lint

GATEWAY = """<include>
  <gateway name="tw">
    <param name="proxy" value="acme.pstn.twilio.com"/>
    <param name="username" value="pbx"/>
    <param name="password" value="geheim"/>
    <param name="register" value="false"/>
    <param name="caller-id-in-from" value="true"/>
  </gateway>
</include>
"""
PROFILE = """<?xml version="1.0"?>
<profile name="external">
  <!-- comments stay -->
  <settings>
    <param name="rtp-ip" value="$${local_ip_v4}"/>
    <param name="ext-rtp-ip" value="$${external_rtp_ip}"/>
    <param name="ext-sip-ip" value="$${external_sip_ip}"/>
    <param name="auth-calls" value="false"/>
    <param name="inbound-codec-prefs" value="$${global_codec_prefs}"/>
    <param name="outbound-codec-prefs" value="$${global_codec_prefs}"/>
    <param name="dtmf-type" value="rfc2833"/>
    <param name="tls-version" value="tlsv1.2"/>
  </settings>
</profile>
"""
VARS = """<include>
  <X-PRE-PROCESS cmd="set" data="public=203.0.113.10"/>
  <X-PRE-PROCESS cmd="set" data="external_rtp_ip=$${public}"/>
  <X-PRE-PROCESS cmd="set" data="external_sip_ip=$${public}"/>
  <X-PRE-PROCESS cmd="set" data="global_codec_prefs=OPUS,G722,PCMU,PCMA@20i"/>
</include>
"""
SECURE = '<variables><variable name="rtp_secure_media" value="mandatory:X" direction="outbound"/></variables>'
GOOD = {"sip_profiles/external/tw.xml": GATEWAY, "sip_profiles/external.xml": PROFILE, "vars.xml": VARS}
TW, EXTERNAL, ALL = GOOD

WRONG = [
    (TW, 'name="register" value="false"', 'name="register" value="true"', "AUTH-14", "problem", 6),
    (TW, '    <param name="register" value="false"/>\n', "", "AUTH-14", "problem", 2),
    (TW, "acme.pstn.twilio.com", "54.172.60.1", "NUM-05", "problem", 3),
    (TW, "acme.pstn.twilio.com", "pstn.twilio.com", "NUM-05", "problem", 3),
    (TW, "acme.pstn.twilio.com", "acme.pstn.twilio.com:5061", "NET-05", "problem", 3),
    (TW, "acme.pstn.twilio.com", "acme.pstn.twilio.com:5060;transport=tls", "NET-05", "problem", 3),
    (TW, 'from" value="true"', 'from" value="false"', "CLI-01", "hint", 7),
    (TW, "  </gateway>", SECURE + "</gateway>", "SRTP-02", "problem", 8),
    (EXTERNAL, 'auth-calls" value="false"', 'auth-calls" value="true"', "AUTH-13", "problem", 8),
    (EXTERNAL, "$${external_rtp_ip}", "192.168.1.5", "SDP-01", "problem", 6),
    (EXTERNAL, "$${external_sip_ip}", "192.168.1.5", "NAT-03", "problem", 7),
    (ALL, "203.0.113.10", "10.0.0.1", "SDP-01", "problem", 6),
    (EXTERNAL, "$${global_codec_prefs}", "GSM,SPEEX", "COD-01", "problem", 9),
    (ALL, "OPUS,G722,PCMU,PCMA@20i", "G722,GSM", "COD-01", "problem", 9),
    (ALL, "OPUS,G722,PCMU,PCMA@20i", "OPUS", "COD-05", "hint", 9),
    (ALL, "PCMA@20i", "PCMA@60i", "COD-03", "hint", 9),
    (EXTERNAL, "rfc2833", "info", "DTMF-02", "problem", 11),
    (EXTERNAL, "rfc2833", "none", "DTMF-01", "problem", 11),
    (EXTERNAL, "tlsv1.2", "tlsv1", "NET-04", "problem", 12),
    (EXTERNAL, "</settings>", '<param name="inbound-bypass-media" value="true"/></settings>', "REINV-02", "hint", 13),
    (EXTERNAL, "</settings>", '<param name="session-timeout" value="30"/></settings>', "TIMER-01", "problem", 13),
    (EXTERNAL, "</settings>", '<param name="aggressive-nat-detection" value="true"/></settings>', "DLG-02", "hint", 13),
]


def judged(folder, files, provider="twilio"):
    paths = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)
    return lint(paths, _provider(provider) if provider else None, [_provider("twilio")])


@pytest.mark.parametrize(("name", "good", "bad", "rule", "severity", "line"), WRONG)
def test_what_breaks_is_found_where_it_stands(tmp_path, name, good, bad, rule, severity, line):
    assert good in GOOD[name]
    report = judged(tmp_path, GOOD | {name: GOOD[name].replace(good, bad, 1)})
    found = [one for one in report.findings if one.rule == rule]
    assert found, [one.to_json() for one in report.findings]
    assert (found[0].severity, found[0].place.line) == (severity, line)
    assert found[0].corrected
    assert "geheim" not in str(report.to_json())


@pytest.mark.parametrize("provider", ["twilio", "trunkline", "generic", None])
def test_what_is_right_is_clean(tmp_path, provider):
    assert judged(tmp_path, GOOD, provider).findings == []


def test_a_gateway_that_registers_needs_credentials(tmp_path):
    other = GATEWAY.replace("acme.pstn.twilio.com", "sip.example.net").replace('"false"', '"true"')
    assert judged(tmp_path, {TW: other}, None).findings == []
    (found,) = judged(tmp_path, {TW: other.replace('    <param name="password" value="geheim"/>\n', "")}, None).findings
    assert (found.rule, found.severity, found.provider) == ("AUTH-01", "problem", "generic")


def test_several_gateways_side_by_side_are_one_file(tmp_path):
    inner = GATEWAY.replace("<include>", "").replace("</include>", "")
    bad = inner.replace("false", "true")
    (found,) = judged(tmp_path, {TW: inner + bad}, None).findings
    assert (found.rule, found.place.line) == ("AUTH-14", 15)


def test_gateways_of_other_modules_are_none_of_ours(tmp_path):
    other = '<configuration name="smpp.conf"><gateways><gateway name="x"/></gateways></configuration>'
    assert judged(tmp_path, {"smpp.conf.xml": other}, None).findings == []
    own = other.replace("smpp", "sofia")
    assert {one.rule for one in judged(tmp_path, {"sofia.conf.xml": own}, None).findings} == {"AUTH-01"}
