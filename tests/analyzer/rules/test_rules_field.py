"""What captures of the field taught: healthy habits that look like faults, and faults that looked like nothing."""

from __future__ import annotations

import pytest
from judging import answer, judged, of_rule
from test_rules_media import FAR, OURS, back, talk, there, with_gap
from test_rules_net import CLIENT, SERVER, certificate, tcp, tls
from test_rules_sdp import PLAIN, THEIRS, call, sdp, stream
from traffic import BASE, OTHER, PBX, PHONE, PUBLIC, TWILIO, endpoint, trace_of

from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.fixes import add_fixes
from trunkline.analyzer.model.capture import Capture, IcmpError, Place, RawMessage, SourceFile
from trunkline.analyzer.model.stream import Gap, Media, OtherFlow
from trunkline.analyzer.model.trace import Options
from trunkline.analyzer.rules.engine import judge

LAN = {"a": PHONE, "b": PBX}


def test_a_pbx_that_does_not_know_the_number_is_told_without_a_provider():
    (found,) = of_rule(trace_of("0 > INVITE sip:201@192.168.1.10\n0.1 < 404 Not Found\n0.2 > ACK", **LAN), "ROUTE-02")
    assert (found.severity, "192.168.1.10:5060" in found.what) == ("warn", True)


def test_a_call_that_another_hop_refused_is_told_once():
    text = (
        "0 > INVITE sip:201@192.168.1.10 #id=1\n0.1 b>c INVITE sip:201@198.51.100.20 #id=1\n"
        "0.2 c>b 404 #id=1\n0.3 < 404 #id=1"
    )
    found = of_rule(trace_of(text, **LAN, hosts={"c": OTHER}), "ROUTE-02")
    assert len(found) == 1


def test_a_scanner_that_is_refused_is_no_unknown_number():
    text = "0 > INVITE sip:9001@192.168.1.10 | User-Agent: friendly-scanner\n0.1 < 404\n0.2 > ACK"
    assert "ROUTE-02" not in {finding.rule for finding in of_rule(trace_of(text, **LAN), "ROUTE-02")}


def test_zrtp_agrees_on_encryption_without_sdp():
    media = Media([there(encrypted=True), back()], captured=True)
    assert "SRTP-05" in judged(trace_of(call(), media=media))
    ends = endpoint(OURS), endpoint(FAR)
    media.other = [OtherFlow("zrtp", *ends, 6, BASE, BASE + 1, Place())]
    assert "SRTP-05" not in judged(trace_of(call(), media=media))


@pytest.mark.parametrize(("port", "severity"), [(4002, "critical"), (0, "info")])
def test_an_answer_may_leave_out_what_was_switched_off(port, severity):
    offer = sdp("audio 4000 RTP/AVP 0", f"m=video {port} RTP/AVP 34")
    (found,) = of_rule(trace_of(call(offer, sdp("audio 5000 RTP/AVP 0", ip="168.86.128.5"))), "SDP-04")
    assert found.severity == severity


def test_one_wrong_password_is_one_finding():
    refused = (
        "0 > REGISTER sip:x.example #id=r | {0}\n0.1 < 403 #id=r\n1 > SUBSCRIBE sip:x.example #id=s | {0}\n"
        "1.1 < 403 #id=s"
    )
    found = [f for f in judge(trace_of(refused.format(answer()))) if f.rule == "AUTH-03"]
    assert [(f.severity, f.calls) for f in found] == [("critical", ["c1", "c2"])]


def test_a_message_without_any_header_is_one_finding():
    headers = " | ".join(f"-{name}" for name in ("Via", "From", "To", "Call-ID", "CSeq"))
    found = of_rule(trace_of(f"0 > INVITE | {headers}\n0.1 < 400"), "MALF-01")
    assert [finding.what.rpartition(" has no ")[2] for finding in found if finding.severity == "critical"] == [
        "Via, From, To, Call-ID, CSeq."
    ]


def unreachable(at: float) -> IcmpError:
    ends = endpoint(FAR), endpoint(OURS)
    return IcmpError(Place(frame=9), BASE + at, OURS.partition(":")[0], 3, 3, *ends, "udp")


@pytest.mark.parametrize(
    ("at", "severity"),
    [
        ([1.2], "info"),
        ([1.2, 30.0], "critical"),
        ([1.2 + n / 99 for n in range(6)], "info"),
        ([1.2] * 4 + [2.4], "critical"),
    ],
)
def test_the_first_packet_may_come_before_the_port_is_open(at, severity):
    media = Media([there(), back(first=BASE + 1.2)], captured=True)
    trace = trace_of(call(), media=media, capture=Capture(icmp=[unreachable(moment) for moment in at]))
    assert {finding.severity for finding in of_rule(trace, "NET-02")} == {severity}


def test_tcp_that_is_refused_does_not_matter_where_udp_works():
    refused = [tcp("syn", PUBLIC, TWILIO, 0.0), tcp("rst", TWILIO, PUBLIC, 0.1)]
    (over_udp,) = of_rule(trace_of("0.2 > OPTIONS sip:x\n0.3 < 200", capture=Capture(tcp=list(refused))), "NET-07")
    (unheard,) = of_rule(trace_of("0.2 > OPTIONS sip:x", capture=Capture(tcp=list(refused))), "NET-07")
    assert (over_udp.severity, unheard.severity) == ("info", "critical")


def test_a_client_that_goes_on_does_not_verify_the_certificate():
    shown = tls("certificate", SERVER, CLIENT, certificates=(certificate("other.example", -5),))
    data = tls("application_data", CLIENT, SERVER, 2.0)
    text = "0 > OPTIONS sip:x\n0.1 < 200"

    def gravest(*facts):
        found = of_rule(trace_of(text, capture=Capture(tls=list(facts))), "NET-06")
        return {finding.severity for finding in found}

    assert "critical" in gravest(shown)
    assert gravest(shown, data) == {"warn"}


def test_a_moment_in_which_the_sender_stands_still_is_no_drop_out():
    assert "MEDIA-06" in judged(talk(with_gap(), back()))
    assert "MEDIA-06" not in judged(talk(there(gaps=[Gap(BASE + 30, 1.3, lost=1, excused=False)]), back()))


def test_audio_that_stops_after_half_a_second_is_told():
    short = stream(FAR, OURS, packets=32, seconds=0.64)
    assert "MEDIA-06" in judged(talk(there(), short))


def test_a_handful_of_packets_that_no_sdp_names_says_nothing_of_loss():
    few = stream("192.0.2.1:9000", "192.0.2.2:9000", packets=5, seconds=1, expected=297, lost=292, heuristic=True)
    assert "QUAL-01" not in judged(trace_of("0 > OPTIONS sip:x\n0.1 < 200", media=Media([few], captured=True)))


def test_a_private_address_that_hurts_nothing_explains_no_silence():
    text = call(sdp("audio 4000 RTP/AVP 0 8 101", ip="192.168.1.10"), THEIRS)
    heard = stream(FAR, "192.168.1.10:4000", packets=2900, seconds=58)
    found = judge(trace_of(text, a=PBX, media=Media([heard], captured=True)))
    causes = {finding.rule: finding.caused_by for finding in found}
    assert causes["MEDIA-02"] == ""
    assert {finding.severity for finding in found if finding.rule == "SDP-01"} == {"warn"}


def test_a_capture_at_one_host_does_not_see_media_that_pass_it_by():
    through = (
        "0 > INVITE #id=2 | {0}\n0.1 b>c INVITE #id=2 | {0}\n1 c>b 200 #id=2 | {1}\n1.1 < 200 #id=2 | {1}\n"
        "1.2 > ACK #id=2\n1.3 b>c ACK #id=2\n60 > BYE #id=2\n60.1 b>c BYE #id=2\n60.2 c>b 200 #id=2\n60.3 < 200 #id=2"
    ).format(sdp("audio 4010 RTP/AVP 0", ip="192.168.1.77"), sdp("audio 5010 RTP/AVP 0", ip="198.51.100.20"))
    later = {"packets": 1500, "first": BASE + 100, "last": BASE + 130}
    with_server = stream("192.168.1.77:4000", "192.168.1.10:6000", **later)
    elsewhere = stream("192.168.1.77:4000", "198.51.100.99:6000", **later)
    how = {**LAN, "hosts": {"c": OTHER}}
    assert not of_rule(trace_of(through, media=Media([with_server], captured=True), **how), "MEDIA-01")
    assert of_rule(trace_of(through, media=Media([elsewhere], captured=True), **how), "MEDIA-01")


def test_a_call_on_hold_that_is_transferred_is_no_fault():
    hold = f"9 > INVITE #totag=x | {sdp('audio 4000 RTP/AVP 0', 'a=sendonly', version=2)}\n9.1 < 200\n9.2 > ACK"
    assert "SDP-03" in judged(trace_of(call(after=hold)))
    refer = "\n8 < REFER sip:a #totag=x | Refer-To: <sip:201@198.51.100.20>\n8.1 > 202"
    assert "SDP-03" not in judged(trace_of(call(after=refer.strip() + "\n" + hold)))


def test_one_fault_in_an_sdp_is_one_finding_however_many_hops_pass_it_on():
    changed = sdp("audio 4000 RTP/AVP 8", version=1)
    again = f"9 > INVITE #totag=x | {changed}\n9.1 < 200\n9.2 > ACK"
    onwards = "\n".join(line.replace(" > ", " b>c ").replace(" < ", " c>b ") for line in call(after=again).splitlines())
    found = judge(trace_of(call(after=again) + "\n" + onwards.replace("#totag=x", "#totag=x"), hosts={"c": OTHER}))
    assert len([finding for finding in found if finding.rule == "SDP-06"]) == 1


def test_media_elsewhere_is_one_remark():
    several = call(sdp(ip="203.0.113.99")) + "\n" + call(sdp(ip="203.0.113.98")).replace(" | ", " #id=2 | ")
    found = of_rule(trace_of(several), "SDP-02")
    assert len(found) == 1
    assert "203.0.113.99 and 203.0.113.98" in found[0].what


def test_a_public_address_repairs_nothing_between_private_hosts():
    text = call(sdp(ip="192.168.1.77"), sdp("audio 5000 RTP/AVP 0 101", ip="192.168.1.10"))
    heard = stream("192.168.1.77:4000", "192.168.1.10:5000", packets=2900, seconds=58)

    def titles(trace):
        found = [finding for finding in judge(trace) if finding.rule == "MEDIA-02"]
        add_fixes(trace, found)
        assert found
        return {fix.title for finding in found for fix in finding.fixes}

    inside = titles(trace_of(text, **LAN, media=Media([heard], captured=True)))
    outside = titles(talk(there()))
    assert "Tell the PBX its public address" not in inside
    assert "Tell the PBX its public address" in outside


def test_the_carrier_of_hep_does_not_date_the_messages():
    trace = trace_of(f"0 > INVITE | {PLAIN}\n1 < 200 | {THEIRS}\n1.1 > ACK", source="hep")
    capture = Capture([SourceFile("hep.pcap", "pcap", 9, first=BASE + 9e6, last=BASE + 9e6)], trace.capture.messages)
    rebuilt = build_trace(capture, Media(), Options())
    assert (rebuilt.start, rebuilt.end) == (BASE, pytest.approx(BASE + 1.1))


def test_one_dialog_is_written_as_one():
    (found,) = of_rule(trace_of("0 > INVITE\n1 < 200\n1.1 > ACK", until=5.0), "CAP-04")
    assert found.what == "1 dialog was still going on when the capture ended."


@pytest.mark.parametrize(("missing", "severity"), [(2, "info"), (40, "critical")])
def test_the_last_line_end_of_a_body_is_missed_by_nobody(missing, severity):
    body = "v=0 / o=- 1 1 IN IP4 203.0.113.10 / s=- / c=IN IP4 203.0.113.10 / t=0 0 / m=audio 4000 RTP/AVP 0"
    size = len(body.replace(" / ", "\r\n")) + 2
    (found,) = of_rule(trace_of(f"0 > INVITE | lines {body} | Content-Length: {size + missing}\n0.1 < 100"), "MALF-02")
    assert found.severity == severity


@pytest.mark.parametrize(("word", "severity"), [(b"hello", "info"), (b"x" * 200, "security")])
def test_a_telephone_may_keep_its_binding_open_with_a_word_of_its_own(word, severity):
    ends = endpoint(PUBLIC), endpoint(TWILIO)
    words = [RawMessage(word, Place(0, 9 + number), BASE + number, *ends, "udp") for number in range(9)]
    (found,) = of_rule(trace_of("0 > OPTIONS sip:x\n0.1 < 200", capture=Capture(not_sip=words)), "MALF-05")
    assert found.severity == severity
