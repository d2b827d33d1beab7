"""What public captures of proxies, phones and fax gateways taught: findings that were wrong, or not told as one."""

from __future__ import annotations

import pytest
from judging import judged, of_rule
from test_rules_media import FAR, OURS, back, talk, there
from test_rules_sdp import call, sdp, stream
from traffic import BASE, OTHER, PBX, PHONE, PUBLIC, TWILIO, endpoint, trace_of

from trunkline.analyzer.fixes import add_fixes
from trunkline.analyzer.model.capture import Capture, IcmpError, Place
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.stream import Gap, Media
from trunkline.analyzer.report.consequences import placed
from trunkline.analyzer.rules.engine import judge

LAN = {"a": PHONE, "b": PBX}
DEVICE, OLD_PORT, NEW_PORT = "198.51.100.20", "198.51.100.20:40001", "198.51.100.20:40002"


def forked(answer: str) -> str:
    """A proxy sends one INVITE to two registrations of a telephone, and one of them is dead."""
    unheard = "\n".join(f"{at} b>o INVITE #branch=z9hG4bK-old{' #again' if at > 0.1 else ''}" for at in (0.1, 0.6, 1.6))
    return f"0 > INVITE\n0.05 < 100\n{unheard}\n3.6 b>o INVITE #branch=z9hG4bK-old #again\n{answer}"


ANSWERED = "3.7 b>n INVITE #branch=z9hG4bK-new #cseq=1 #fromtag=1a\n3.8 n>b 180 #cseq=1\n5 n>b 200 #cseq=1"


def of_fork(answer: str = ""):
    text = forked(answer).replace("INVITE #branch=z9hG4bK-old", "INVITE #branch=z9hG4bK-old #cseq=1 #fromtag=1a")
    return of_rule(trace_of(text, hosts={"o": OLD_PORT, "n": NEW_PORT}), "NET-01")


def test_a_registration_that_nobody_uses_any_more_is_no_failed_call():
    (alone,) = of_fork()
    (beside,) = of_fork(ANSWERED)
    assert (alone.severity, beside.severity) == ("critical", "warn")
    assert "another place" in beside.what
    assert "another place" not in alone.what


def test_old_registrations_of_one_device_are_one_finding():
    silent = "\n".join(
        f"{at} b>{host} INVITE #branch=z9hG4bK-{host} #cseq=1 #fromtag=1a{' #again' if at > 0.1 else ''}"
        for host in ("o", "n")
        for at in (0.1, 0.6, 1.6, 3.6)
    )
    found = [
        finding
        for finding in judge(trace_of(f"0 > INVITE\n{silent}", hosts={"o": OLD_PORT, "n": NEW_PORT}))
        if finding.rule == "NET-01" and DEVICE in finding.what
    ]
    assert len(found) == 1
    assert "Seen 2 times" in found[0].what


REINVITE = "2 < INVITE #totag=1a #fromtag=1b\n2.1 > 100"


@pytest.mark.parametrize(("text", "severity"), [("0 > INVITE\n0.1 < 100", "critical"), (REINVITE, "warn")])
def test_a_re_invite_without_an_answer_leaves_the_call_alone(text, severity):
    begun = "0 > INVITE\n1 < 200\n1.1 > ACK\n" if text is REINVITE else ""
    (found,) = of_rule(trace_of(begun + text), "TIME-01")
    assert found.severity == severity


def test_nobody_waits_for_the_answer_to_a_re_invite_behind_the_bye():
    text = f"0 > INVITE\n1 < 200\n1.1 > ACK\n{REINVITE}\n20 > BYE\n20.1 < 200"
    assert not of_rule(trace_of(text), "TIME-01")
    assert of_rule(trace_of(text.replace("20", "40")), "TIME-01")


def test_a_proxy_that_passes_repetitions_on_is_no_second_fault():
    text = (
        "0 > INVITE\n0.01 b>c INVITE #cseq=1 #fromtag=1a\n0.5 > INVITE #again #cseq=1 #branch=z9hG4bK-1-a-1\n"
        "0.51 b>c INVITE #again\n1.5 > INVITE #again #cseq=1 #branch=z9hG4bK-1-a-1\n1.51 b>c INVITE #again\n2 c>b 200\n"
        "2.1 < 200 #cseq=1"
    )
    trace = trace_of(text, hosts={"c": OTHER})
    found = [finding for finding in judge(trace) if finding.rule == "TIME-02"]
    assert len(found) == 1


@pytest.mark.parametrize(("again", "said"), [("0.6", False), ("1.6", True)])
def test_a_repetition_behind_the_answer_says_so(again, said):
    text = f"0 > REGISTER sip:x.example\n{again} > REGISTER #again"
    lines = sorted([*text.splitlines(), "1 < 200 #to=REGISTER"], key=lambda line: float(line.split()[0]))
    (found,) = of_rule(trace_of("\n".join(lines)), "TIME-02")
    assert ("ahead of the repetition" in found.what) is said


def refused(count: int) -> list[IcmpError]:
    """Port unreachable for the first packets of `OURS`, sent to the address in SDP."""
    ends = endpoint(OURS), endpoint(FAR)
    return [
        IcmpError(Place(frame=9 + n), BASE + 1.2 + n, FAR.partition(":")[0], 3, 3, *ends, "udp") for n in range(count)
    ]


@pytest.mark.parametrize(("onwards", "severity"), [("192.168.1.77:5000", "info"), (None, "critical")])
def test_ice_goes_on_at_another_address(onwards, severity):
    first = stream(OURS, FAR, packets=40, seconds=0.8, codec="PCMU")
    streams = [first, back()]
    if onwards is not None:
        streams.append(stream(OURS, onwards, packets=2800, seconds=56, first=BASE + 2.5, last=BASE + 58, codec="PCMU"))
    trace = trace_of(call(), media=Media(streams, captured=True), capture=Capture(icmp=refused(4)))
    for item in trace.media.streams:
        item.call = "c1"
    assert {finding.severity for finding in of_rule(trace, "NET-02")} == {severity}


def test_a_program_with_a_new_port_for_each_message_is_one_program():
    bare = " | ".join(f"-{name}" for name in ("Via", "From", "To", "Call-ID", "CSeq"))
    text = f"0 > INVITE | {bare}\n1 c>b BYE #id=2 | {bare}\n2 d>b BYE #id=3 | {bare}"
    hosts = {"c": PUBLIC.replace("5060", "40001"), "d": PUBLIC.replace("5060", "40002")}
    found = [f for f in judge(trace_of(text, hosts=hosts)) if f.rule == "MALF-01" and f.severity == "critical"]
    assert len(found) == 1


T38 = "m=image {} udptl t38"


def fax(reply: str) -> str:
    return (
        f"9 > INVITE #totag=x | lines v=0 / o=- 1 2 IN IP4 203.0.113.10 / s=- / c=IN IP4 203.0.113.10 / t=0 0 / "
        f"{T38.format(4000)}\n{reply}\n9.2 > ACK"
    )


def test_audio_ends_where_a_fax_begins():
    answer = f"lines v=0 / o=- 1 2 IN IP4 168.86.128.5 / s=- / c=IN IP4 168.86.128.5 / t=0 0 / {T38.format(5000)}"
    accepted, declined = fax(f"9.1 < 200 | {answer}"), fax("9.1 < 488")
    short = stream(FAR, OURS, packets=450, seconds=9, expected=450, codec="PCMU")
    assert "MEDIA-06" in judged(talk(there(), short, text=call(after=declined)))
    assert "MEDIA-06" not in judged(talk(there(), short, text=call(after=accepted)))


def test_a_codec_without_figures_of_g113_is_no_alarm():
    low = {"mos": 2.9, "lost": 60, "expected": 2960}
    (known,) = of_rule(talk(there(**low), back()), "QUAL-03")
    (rough,) = of_rule(
        talk(there(**low | {"codec": "opus", "clock_rate": 48000, "payload_type": 96}), back()), "QUAL-03"
    )
    assert (known.severity, rough.severity) == ("critical", "warn")


def test_nobody_knows_the_clock_of_a_codec_that_no_sdp_names():
    ends = ("192.0.2.1:9000", "192.0.2.2:9000")
    how = {"packets": 2900, "seconds": 58.0, "wrong_clock": 89_959.0, "heuristic": True}
    foreign = stream(*ends, payload_type=120, payload_types={120: 2900}, **how)
    static = stream(*ends, payload_type=0, payload_types={0: 2900}, **how)
    asked = "0 > OPTIONS sip:x\n0.1 < 200"
    assert not of_rule(trace_of(asked, media=Media([foreign], captured=True)), "QUAL-06")
    assert of_rule(trace_of(asked, media=Media([static], captured=True)), "QUAL-06")


def test_a_meeting_in_the_browser_is_no_audio_of_the_call():
    def owner(kind: int) -> str | None:
        other = stream(PUBLIC.replace("5060", "50123"), "192.0.2.7:50001", packets=900, seconds=18)
        other.payload_type, other.payload_types = kind, {kind: 900}
        media = Media([there(), back(), other], captured=True)
        trace_of(call(), media=media)
        return other.call

    assert owner(120) is None
    assert owner(0) == "c1"


def test_packets_of_two_interfaces_in_the_wrong_order_explain_no_drop_out():
    gap = there(gaps=[Gap(BASE + 30, 1.5, lost=75, excused=False)])
    trace = talk(gap, back())
    trace.capture.files[0].clock_backsteps = 1
    causes = {finding.rule: finding.caused_by for finding in judge(trace)}
    assert "CAP-07" in causes
    assert causes["MEDIA-06"] == ""


def test_two_programs_on_one_machine_need_no_network_for_their_audio():
    def through(one: str, two: str) -> str:
        return (
            "0 > INVITE #id=2 | {0}\n0.1 b>c INVITE #id=2 | {0}\n1 c>b 200 #id=2 | {1}\n1.1 < 200 #id=2 | {1}\n"
            "1.2 > ACK #id=2\n1.3 b>c ACK #id=2\n60 > BYE #id=2\n60.1 b>c BYE #id=2\n"
            "60.2 c>b 200 #id=2\n60.3 < 200 #id=2"
        ).format(sdp("audio 4010 RTP/AVP 0", ip=one), sdp("audio 5010 RTP/AVP 0", ip=two))

    elsewhere = stream("192.168.1.77:4000", "198.51.100.99:6000", packets=1500, first=BASE + 100, last=BASE + 130)
    how = {**LAN, "hosts": {"c": OTHER}, "media": Media([elsewhere], captured=True)}
    assert of_rule(trace_of(through("192.168.1.77", "198.51.100.20"), **how), "MEDIA-01")
    assert not of_rule(trace_of(through("192.168.1.77", "192.168.1.77"), **how), "MEDIA-01")


def test_a_proxy_whose_via_nobody_can_read_is_answered_all_the_same():
    below = f"SIP/2.0/UDP {PHONE};branch=z9hG4bK.phone"
    text = (
        f"0 > INVITE | Via: SIP/2.0/UDP /home/x/main.py:5060;branch=z9hG4bK.phoneX | +Via: {below}\n"
        f"1 < 200 | Via: {below}\n1.1 > ACK\n9 > BYE\n9.1 < 200"
    )
    (call_seen,) = trace_of(text, a=PUBLIC, b=TWILIO).calls
    assert (call_seen.status, call_seen.final_status) == ("completed", 200)
    (stranger,) = trace_of(text.replace(f"200 | Via: {below}", "200 | Via: SIP/2.0/UDP x;branch=z9hG4bK.other")).calls
    assert stranger.answered is None


def test_a_low_mos_does_not_follow_from_the_jitter_of_the_other_direction():
    shaky = {"jitter_mean_ms": 30.0, "jitter_max_ms": 80.0}

    def cause(**more):
        found = judge(talk(there(**shaky), back(**more)) if "mos" in more else talk(there(**shaky, mos=3.2), back()))
        return next(finding.caused_by for finding in found if finding.rule == "QUAL-03")

    assert cause() == "QUAL-02"
    assert cause(mos=3.2) == ""


def test_a_telephones_presence_is_no_setting_of_the_trunk():
    def snippets(method):
        text = f"0 > {method} sip:x.example | User-Agent: Asterisk PBX 20.5.0\n0.1 < 405"
        trace = trace_of(text, a=PBX)
        trace.options.pbx = "chan_sip"
        found = of_rule(trace, "ROUTE-05")
        add_fixes(trace, found)
        assert found
        assert all(finding.fixes for finding in found)
        return [fix.snippet for finding in found for fix in finding.fixes if fix.pbx != "any"]

    assert snippets("OPTIONS")
    assert not snippets("PUBLISH")


def test_a_consequence_stands_beneath_the_finding_of_its_own_call():
    def finding(rule, call_id, cause=""):
        return Finding(rule, "critical", "proven", rule, "w.", "y.", "r", calls=[call_id], caused_by=cause)

    one, two = finding("AUTH-03", "c1"), finding("AUTH-03", "c2")
    effect, alone = finding("AUTH-08", "c2", "AUTH-03"), finding("MEDIA-02", "c2", "SDP-01")
    assert placed([one, two, effect, alone]) == [(one, []), (two, [effect]), (alone, [])]


def test_the_mark_of_audio_is_one_remark():
    (found,) = of_rule(talk(there(dscp=0), back(dscp=0)), "MEDIA-11")
    assert "203.0.113.10, 168.86.128.5" in found.what
    assert len(of_rule(talk(there(dscp=0), back(dscp=10)), "MEDIA-11")) == 2


def test_packets_out_of_order_are_no_matter_of_signalling():
    trace = talk(there(reordered=9), back())
    (found,) = of_rule(trace, "QUAL-04")
    assert "9 packets come out of order." in found.what
    add_fixes(trace, [found])
    assert [fix.title for fix in found.fixes] == ["Look for two ways that the packets take"]


def test_an_answer_that_only_the_far_hop_shows_answers_the_call():
    text = (
        "0 > INVITE\n0.01 b>c INVITE #cseq=1 #fromtag=1a\n0.7 c>b 180\n0.7 < 180 #cseq=1\n4 c>b 200\n4.1 > ACK\n"
        "4.2 b>c ACK #cseq=1 #fromtag=1a\n20 > BYE\n20.1 b>c BYE #fromtag=1a\n20.2 c>b 200\n20.3 < 200"
    )
    (seen,) = trace_of(text, hosts={"c": OTHER}).calls
    assert (seen.status, seen.final_status, seen.answered) == ("completed", 200, pytest.approx(BASE + 4))
    (refused,) = trace_of(text.replace("4 c>b 200", "4 c>b 486").partition("4.1")[0], hosts={"c": OTHER}).calls
    assert refused.answered is None


def onwards(text: str) -> str:
    """The same traffic on the hop behind a proxy."""

    def passed(line: str) -> str:
        head, bar, rest = line.partition(" | ")
        to_tag = "" if head.startswith("0 ") else "1b"
        asks = f"#fromtag=1a #totag={to_tag}", " > ", " b>c "
        tag, way, back = asks if " > " in head else ("#totag=1b", " < ", " c>b ")
        return f"{head.replace(way, back, 1)} {tag}{bar}{rest}"

    return "\n".join(passed(line) for line in text.splitlines())


@pytest.mark.parametrize(
    ("rule_id", "text"),
    [
        (
            "SDP-04",
            call(sdp("audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 34"), sdp("audio 5000 RTP/AVP 0"), "5 > OPTIONS"),
        ),
        (
            "SDP-03",
            call(after=f"9 > INVITE #totag=x | {sdp('audio 4000 RTP/AVP 0', 'a=sendonly', version=2)}\n9.1 < 200"),
        ),
        ("DLG-01", "0 > INVITE\n1 < 200\n1.5 < 200\n2.5 < 200\n4.5 < 200"),
    ],
)
def test_what_a_proxy_passes_on_is_told_once(rule_id, text):
    alone = of_rule(trace_of(text), rule_id)
    through = of_rule(trace_of(text + "\n" + onwards(text), hosts={"c": OTHER}), rule_id)
    assert len(alone) == len(through) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0 > INVITE sip:201@192.168.1.10\n1 < 180\n2 < 403 Error\n2.1 > ACK", True),
        ("0 > INVITE sip:201@192.168.1.10\n0.1 < 400 Bad Request\n0.2 > ACK", True),
        ("0 > INVITE sip:201@192.168.1.10\n0.1 < 404 Not Found\n0.2 > ACK", False),  # ROUTE-02 says it
        ("0 > INVITE sip:201@192.168.1.10\n1 < 180\n9 < 486 Busy Here\n9.1 > ACK", False),
        ("0 > INVITE sip:201@192.168.1.10\n1 < 180\n9 < 603 Decline\n9.1 > ACK", False),
        ("0 > INVITE sip:201@192.168.1.10 | User-Agent: friendly-scanner\n0.1 < 403\n0.2 > ACK", False),
    ],
)
def test_no_call_fails_without_a_word(text, found):
    rules = judged(trace_of(text, **LAN))
    assert ("ROUTE-14" in rules) is found


def test_a_refusal_is_told_where_it_comes_from():
    text = "0 > INVITE\n0.1 b>c INVITE #cseq=1 #fromtag=1a\n1 c>b 400 #totag=1c\n1.1 < 400 #totag=1c\n1.2 > ACK"
    found = [finding for finding in judge(trace_of(text, **LAN, hosts={"c": OTHER})) if finding.rule == "ROUTE-14"]
    assert [finding.what.partition(" ")[0] for finding in found] == [OTHER]


@pytest.mark.parametrize(("server", "count"), [("224.0.1.75:5060", 0), ("192.168.114.106:5060", 1)])
def test_no_provisioning_server_answers_a_phone_s_multicast(server, count):
    lines = [f"{at} > SUBSCRIBE sip:MAC00a859fb63b1@224.0.1.75 #cseq=1 #branch=z9hG4bK-m" for at in (0, 0.5, 1.5, 3.5)]
    assert len(of_rule(trace_of("\n".join(lines), hosts={"b": server}), "NET-01")) == count
