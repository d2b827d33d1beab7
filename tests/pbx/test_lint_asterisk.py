"""Each rule of `trunkline pbx lint` on Asterisk's files: what breaks is found at its line, what is right is not."""

from __future__ import annotations

import pytest

from trunkline.cli.pbx import _provider
from trunkline.pbx.lint.run import lint

PJSIP = """[transport-udp]
type=transport
protocol=udp
bind=0.0.0.0:5060

[transport-tls]
type=transport
protocol=tls
bind=0.0.0.0:5061
method=tlsv1_2

[tw-auth]
type=auth
auth_type=userpass
username=pbx
password=geheim

[tw]
type=aor
contact=sip:acme.pstn.twilio.com

[tw]
type=endpoint
transport=transport-udp
context=from-tw
aors=tw
outbound_auth=tw-auth
disallow=all
allow=ulaw,alaw
dtmf_mode=rfc4733
direct_media=no
timers=no

[tw]
type=identify
endpoint=tw
match=54.172.60.0/30,54.244.51.0/30,54.171.127.192/30,35.156.191.128/30
match=54.65.63.192/30,54.169.127.128/30,54.252.254.64/30,177.71.206.192/30
"""
EXTENSIONS = """[from-tw]
exten => +15557654321,1,Dial(PJSIP/100,30)

[to-tw]
exten => _NXXNXXXXXX,1,Set(CALLERID(num)=+15557654321)
 same => n,Dial(PJSIP/+1${EXTEN}@tw,60)
exten => 911,1,Dial(PJSIP/${EXTEN}@tw,60)
"""
SIP = """[general]
externaddr=203.0.113.10
localnet=192.168.0.0/16
context=from-tw

[tw]
type=peer
host=acme.pstn.twilio.com
defaultuser=pbx
secret=geheim
insecure=port,invite
disallow=all
allow=ulaw
dtmfmode=rfc2833
directmedia=no
"""
RTP = "[general]\nrtpstart=10000\nrtpend=20000\n"
GOOD = {"pjsip.conf": PJSIP, "sip.conf": SIP, "rtp.conf": RTP, "extensions.conf": EXTENSIONS}

WRONG = [
    # file, what is replaced, by what, rule, severity, the line's text
    (
        "pjsip.conf",
        "outbound_auth=tw-auth",
        "auth=tw-auth\noutbound_auth=tw-auth",
        "AUTH-13",
        "problem",
        "auth=tw-auth",
    ),
    ("pjsip.conf", "outbound_auth=tw-auth", "outbound_auth=nobody", "AUTH-01", "problem", "outbound_auth=nobody"),
    ("pjsip.conf", "password=geheim\n", "", "AUTH-01", "problem", "[tw-auth]"),
    ("pjsip.conf", "username=pbx\n", "", "AUTH-01", "problem", "[tw-auth]"),
    ("pjsip.conf", "username=pbx\n", "username=pbx\nrealm=other\n", "AUTH-01", "problem", "realm=other"),
    ("pjsip.conf", "endpoint=tw\n", "endpoint=gone\n", "AUTH-13", "problem", "endpoint=gone"),
    ("pjsip.conf", ",177.71.206.192/30", "", "NET-11", "hint", None),
    ("pjsip.conf", "contact=sip:acme.pstn.twilio.com", "contact=sip:54.172.60.1", "NUM-05", "problem", None),
    ("pjsip.conf", "contact=sip:acme.pstn.twilio.com", "contact=sip:pstn.twilio.com", "NUM-05", "problem", None),
    ("pjsip.conf", "acme.pstn.twilio.com", "acme.pstn.twilio.com:5061", "NET-05", "problem", None),
    (
        "pjsip.conf",
        "acme.pstn.twilio.com",
        "acme.pstn.twilio.com\\;transport=tls",
        "NET-08",
        "problem",
        "transport=transport-udp",
    ),
    ("pjsip.conf", "transport=transport-udp", "transport=gone", "NET-01", "problem", "transport=gone"),
    ("pjsip.conf", "bind=0.0.0.0:5060", "bind=192.168.1.5", "SDP-01", "problem", "bind=192.168.1.5"),
    (
        "pjsip.conf",
        "bind=0.0.0.0:5060",
        "bind=0.0.0.0\nexternal_media_address=10.0.0.1\nexternal_signaling_address=203.0.113.1",
        "SDP-01",
        "problem",
        "external_media_address=10.0.0.1",
    ),
    (
        "pjsip.conf",
        "bind=0.0.0.0:5060",
        "bind=10.0.0.9\nexternal_media_address=203.0.113.1",
        "NAT-03",
        "problem",
        "[transport-udp]",
    ),
    (
        "pjsip.conf",
        "bind=0.0.0.0:5060",
        "bind=0.0.0.0\nexternal_media_address=203.0.113.1\nexternal_signaling_address=203.0.113.1\nlocal_net=0.0.0.0/0",
        "SDP-01",
        "problem",
        "local_net=0.0.0.0/0",
    ),
    ("pjsip.conf", "timers=no", "media_address=192.168.1.5", "SDP-01", "problem", "media_address=192.168.1.5"),
    ("pjsip.conf", "timers=no", "from_user=100", "CLI-01", "problem", "from_user=100"),
    ("pjsip.conf", "allow=ulaw,alaw", "allow=gsm,speex", "COD-01", "problem", "allow=gsm,speex"),
    ("pjsip.conf", "allow=ulaw,alaw\n", "", "COD-01", "hint", "disallow=all"),
    ("pjsip.conf", "allow=ulaw,alaw", "allow=ulaw\ndisallow=all", "COD-01", "hint", "disallow=all"),
    ("pjsip.conf", "allow=ulaw,alaw", "allow=g729,opus", "COD-05", "hint", "allow=g729,opus"),
    ("pjsip.conf", "allow=ulaw,alaw", "allow=ulaw:60", "COD-03", "hint", "allow=ulaw:60"),
    ("pjsip.conf", "rfc4733", "info", "DTMF-02", "problem", "dtmf_mode=info"),
    ("pjsip.conf", "rfc4733", "inband", "DTMF-03", "problem", "dtmf_mode=inband"),
    ("pjsip.conf", "rfc4733", "none", "DTMF-01", "problem", "dtmf_mode=none"),
    ("pjsip.conf", "timers=no", "media_encryption=sdes", "SRTP-02", "problem", "media_encryption=sdes"),
    ("pjsip.conf", "timers=no", "media_encryption=dtls", "SDP-08", "problem", "media_encryption=dtls"),
    ("pjsip.conf", "timers=no", "webrtc=yes", "SDP-08", "problem", "webrtc=yes"),
    ("pjsip.conf", "timers=no", "ice_support=yes", "SDP-08", "hint", "ice_support=yes"),
    ("pjsip.conf", "timers=no", "timers=always", "TIMER-02", "hint", "timers=always"),
    ("pjsip.conf", "timers=no", "timers=required", "ROUTE-06", "hint", "timers=required"),
    ("pjsip.conf", "timers=no", "timers_sess_expires=60", "TIMER-01", "problem", "timers_sess_expires=60"),
    ("pjsip.conf", "timers=no", "100rel=required", "ROUTE-06", "hint", "100rel=required"),
    ("pjsip.conf", "direct_media=no", "direct_media=yes", "REINV-02", "hint", "direct_media=yes"),
    (
        "pjsip.conf",
        "[tw-auth]",
        "[reg]\ntype=registration\nserver_uri=sip:acme.pstn.twilio.com\nclient_uri=sip:pbx@acme.pstn.twilio.com\n[tw-auth]",
        "AUTH-14",
        "problem",
        "type=registration",
    ),
    ("pjsip.conf", "[tw-auth]", "[anonymous]\ntype=endpoint\n[tw-auth]", "SEC-01", "hint", "[anonymous]"),
    ("sip.conf", "insecure=port,invite\n", "", "AUTH-13", "problem", "secret=(not shown)"),
    (
        "sip.conf",
        "[tw]",
        "register=pbx:geheim@acme.pstn.twilio.com\n[tw]",
        "AUTH-14",
        "problem",
        "register=(not shown)",
    ),
    ("sip.conf", "host=acme.pstn.twilio.com", "host=54.172.60.1", "NUM-05", "problem", "host=54.172.60.1"),
    ("sip.conf", "[tw]", "[tw]\nport=5061", "NET-05", "problem", "port=5061"),
    ("sip.conf", "[tw]", "[tw]\nfromuser=100", "CLI-01", "problem", "fromuser=100"),
    ("sip.conf", "allow=ulaw", "allow=gsm", "COD-01", "problem", "allow=gsm"),
    ("sip.conf", "allow=ulaw\n", "", "COD-01", "hint", "disallow=all"),
    ("sip.conf", "rfc2833", "info", "DTMF-02", "problem", "dtmfmode=info"),
    ("sip.conf", "rfc2833", "inband", "DTMF-03", "problem", "dtmfmode=inband"),
    ("sip.conf", "[tw]", "[tw]\nencryption=yes", "SRTP-02", "problem", "encryption=yes"),
    ("sip.conf", "directmedia=no", "directmedia=yes", "REINV-02", "hint", "directmedia=yes"),
    ("sip.conf", "[tw]", "[tw]\nsession-timers=originate", "TIMER-02", "hint", "session-timers=originate"),
    ("sip.conf", "[tw]", "[tw]\nsession-expires=30", "TIMER-01", "problem", "session-expires=30"),
    ("sip.conf", "localnet=192.168.0.0/16\n", "", "NAT-03", "problem", "externaddr=203.0.113.10"),
    ("sip.conf", "203.0.113.10", "10.1.1.1", "NAT-03", "problem", "externaddr=10.1.1.1"),
    ("sip.conf", "192.168.0.0/16", "0.0.0.0/0.0.0.0", "NAT-03", "problem", "localnet=0.0.0.0/0.0.0.0"),
    ("sip.conf", "[tw]", "allowguest=yes\n[tw]", "SEC-01", "hint", "allowguest=yes"),
    ("rtp.conf", "rtpend=20000", "rtpend=9000", "MEDIA-01", "problem", "rtpend=9000"),
    ("rtp.conf", "rtpend=20000", "rtpend=lots", "MEDIA-01", "problem", "rtpend=lots"),
    ("rtp.conf", "rtpend=20000", "rtpend=10009", "MEDIA-01", "hint", "rtpend=10009"),
    ("rtp.conf", "rtpstart=10000", "rtpstart=5000", "MEDIA-01", "hint", "rtpend=20000"),
    ("rtp.conf", "rtpend=20000", "rtpend=20000\nstrictrtp=no", "MEDIA-09", "hint", "strictrtp=no"),
    ("extensions.conf", "+1${EXTEN}", "${EXTEN}", "NUM-01", "problem", None),
    ("extensions.conf", "+1${EXTEN}", "1${EXTEN}", "NUM-01", "problem", None),
    ("extensions.conf", "(num)=+15557654321", "(num)=100", "CLI-01", "problem", None),
    ("extensions.conf", "+15557654321,1,Dial", "_1NXXNXXXXXX,1,Dial", "NUM-02", "problem", None),
    ("extensions.conf", "[from-tw]", "[other]", "NUM-02", "problem", "context=from-tw"),
    ("extensions.conf", "[from-tw]\n", "[from-tw]\ninclude => to-tw\n", "SEC-01", "hint", None),
]


def judged(folder, files, provider="twilio"):
    paths = []
    for name, text in files.items():
        path = folder / name
        path.write_text(text)
        paths.append(path)
    return lint(paths, _provider(provider) if provider else None, [_provider("twilio")])


def related(name):
    """The dialplan is judged with the trunks of pjsip.conf."""
    return [name] if name != "extensions.conf" else ["pjsip.conf", name]


@pytest.mark.parametrize(("name", "good", "bad", "rule", "severity", "text"), WRONG, ids=lambda value: str(value)[:30])
def test_what_breaks_is_found_where_it_stands(tmp_path, name, good, bad, rule, severity, text):
    assert good in GOOD[name]
    files = {one: GOOD[one] for one in related(name)} | {name: GOOD[name].replace(good, bad, 1)}
    report = judged(tmp_path, files)
    found = [one for one in report.findings if one.rule == rule]
    assert found, [one.to_json() for one in report.findings]
    assert found[0].severity == severity
    assert found[0].what
    assert found[0].why
    assert found[0].corrected
    if text is not None:
        assert found[0].place.text == text
        line = (tmp_path / found[0].place.file).read_text().splitlines()[found[0].place.line - 1]
        assert line == text or "(not shown)" in text
    assert "geheim" not in str(report.to_json())


@pytest.mark.parametrize("names", [["pjsip.conf"], ["sip.conf"], ["rtp.conf"], ["pjsip.conf", "extensions.conf"]])
@pytest.mark.parametrize("provider", ["twilio", "trunkline", "generic", None])
def test_what_is_right_is_clean(tmp_path, names, provider):
    assert judged(tmp_path, {name: GOOD[name] for name in names}, provider).findings == []


@pytest.mark.parametrize(
    "change",
    [
        ("disallow=all", "aors=tw ; with a comment\n;--\nallow=gsm\n--;\ndisallow=all"),
        ("timers=no", "from_user=+15557654321"),
        ("timers=no", "from_user=pbx\nsend_pai=yes"),
        ("username=pbx\n", "username=pbx\nrealm=sip.twilio.com\n"),
        ("allow=ulaw,alaw", "allow=!all,opus,ulaw"),
        ("timers=no", "dtmf_mode=auto"),
        ("timers=no", "media_encryption=no\nrewrite_contact=yes\nice_support=no"),
        ("bind=0.0.0.0:5060", "bind=0.0.0.0\nlocal_net=10.0.0.0/8\nlocal_net=192.168.0.0/16"),
    ],
)
def test_what_looks_odd_and_works_is_left_alone(tmp_path, change):
    assert judged(tmp_path, {"pjsip.conf": PJSIP.replace(*change, 1)}).findings == []


def test_a_trunk_of_somebody_else_is_not_judged_as_twilio(tmp_path):
    other = PJSIP.replace("acme.pstn.twilio.com", "sip.example.net").replace("rfc4733", "info")
    report = judged(tmp_path, {"pjsip.conf": other[: other.index("[tw]\ntype=identify")]})
    assert [(one.rule, one.severity, one.provider) for one in report.findings] == [("DTMF-02", "hint", "generic")]


def test_a_trunk_in_the_own_network_may_have_private_addresses(tmp_path):
    inner = "[t]\ntype=transport\nbind=192.168.1.5\n[pbx2]\ntype=endpoint\ntransport=t\naors=pbx2\nallow=ulaw\n"
    inner += "media_address=192.168.1.5\n[pbx2]\ntype=aor\ncontact=sip:192.168.1.9:5061\n"
    assert judged(tmp_path, {"pjsip.conf": inner}, "twilio").findings == []


def test_a_dialplan_that_goes_on_in_another_language_is_not_whole(tmp_path):
    (tmp_path / "extensions.ael").write_text("context from-tw {}")
    files = {"pjsip.conf": PJSIP, "extensions.conf": EXTENSIONS.replace("[from-tw]", "[other]")}
    assert judged(tmp_path, files).findings == []


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("sorcery.conf", "; a comment\n[res_pjsip]\n", {"AUTH-01"}),
        ("sorcery.conf", "[res_pjsip]\nauth=realtime,ps_auths\n", set()),
        ("pjsip_wizard.conf", "[x]\ntype=wizard\n", set()),
    ],
)
def test_what_may_be_elsewhere_is_not_called_missing(tmp_path, name, text, found):
    (tmp_path / name).write_text(text)
    report = judged(tmp_path, {"pjsip.conf": PJSIP.replace("outbound_auth=tw-auth", "outbound_auth=gone")})
    assert {one.rule for one in report.findings} == found


def test_wizards_are_said_to_be_left_out(tmp_path):
    path = tmp_path / "pjsip_wizard.conf"
    path.write_text("[x]\ntype=wizard\nremote_hosts=acme.pstn.twilio.com\n")
    report = lint([path])
    assert [(place.line, why) for place, why in report.skipped] == [(1, "type=wizard is not judged")]


def test_a_phone_is_no_trunk(tmp_path):
    phone = "[100]\ntype=endpoint\nauth=100\naors=100\nallow=g722\ndtmf_mode=info\n[100]\ntype=aor\nmax_contacts=1\n"
    assert judged(tmp_path, {"pjsip.conf": PJSIP + phone}).findings == []


@pytest.mark.parametrize(
    ("pattern", "number", "begins"),
    [
        ("_+X.", "${EXTEN}", True),
        ("_X.", "${EXTEN}", False),
        ("_X.", "+${EXTEN}", True),
        ("_9NXX", "+1${EXTEN:1}", True),
        ("_9+X.", "${EXTEN:1}", True),
        ("_9.", "${EXTEN:1}", None),
        ("_.", "${EXTEN}", None),
        ("_[+0-9].", "${EXTEN}", None),
        ("_X.", "${NUMBER}", None),
        ("_X.", "${EXTEN:-10}", None),
        ("_[2-9]XX", "${EXTEN}", False),
        ("s", "${EXTEN}", None),
        ("_X.", "011${EXTEN}", False),
        ("_X.", "alice", None),
        ("alice", "${EXTEN}", None),
    ],
)
def test_whether_a_dialled_number_begins_with_plus(pattern, number, begins):
    from trunkline.pbx.lint.dialplan_rules import begins_with_plus

    assert begins_with_plus(number, pattern) is begins
