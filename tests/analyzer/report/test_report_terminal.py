"""The report for terminals: verdict first, within the width, nothing of the capture acts; and the verdict itself."""

from __future__ import annotations

import re
import unicodedata

import hostile_call
import pytest

import trunkline.analyzer
from trunkline.analyzer import Options, analyze
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Evidence, Finding
from trunkline.analyzer.report.ladder import Arrow, Band, ladder_of
from trunkline.analyzer.report.mermaid import diagrams
from trunkline.analyzer.report.paint import Paint
from trunkline.analyzer.report.tables import length, size
from trunkline.analyzer.report.terminal import render
from trunkline.analyzer.report.verdict import verdict_of


def finding(rule, severity="critical", **fields):
    evidence = [Evidence(frame=1, text="c=IN IP4 192.168.7.20 " + "x" * 300, message=0)]
    given = {"evidence": evidence, "calls": ["c1"], **fields}
    return Finding(rule, severity, "proven", f"Title of {rule}", "What is wrong.", "Why it is.", "RFC 1", **given)


@pytest.fixture
def analysis():
    return analyze(hostile_call.pcap(hostile_call.ordinary()))


def shown(analysis, findings, **paint):
    analysis.findings = findings
    analysis.verdict = verdict_of(analysis.trace, findings)
    return render(analysis, Paint(**paint))


def test_the_verdict_is_the_first_line_and_names_the_gravest_cause(analysis):
    text = shown(analysis, [finding("SDP-01"), finding("NAT-03", "warn"), finding("MEDIA-02", caused_by="SDP-01")])
    assert text.startswith("Title of SDP-01 (")
    assert "besides 1 critical problem and 1 warning." in text.partition("hostile")[0].replace("\n", " ")


def test_effects_stand_beneath_their_cause(analysis):
    text = shown(analysis, [finding("SDP-01"), finding("MEDIA-02", caused_by="SDP-01")])
    assert "leads to: Title of MEDIA-02" in text
    assert "2. " not in text


def test_an_effect_without_its_cause_stands_by_itself(analysis):
    assert "1. CRITICAL  Title of MEDIA-02" in shown(analysis, [finding("MEDIA-02", caused_by="SDP-01")])


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("packets", ["ordinary", "hostile"])
def test_no_line_is_wider_than_the_terminal(width, packets):
    analysis = analyze(hostile_call.pcap(getattr(hostile_call, packets)()), Options(pbx="asterisk"))
    analysis.findings.append(finding("SDP-01"))
    for line in render(analysis, Paint(width=width)).splitlines():
        if "│" not in line:  # snippets are to be copied: a broken line would be a wrong one
            assert len(line) <= width, line
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in render(analysis, Paint()) if c != "\n")


def media_of(text):
    return text.partition("\nMedia\n")[2].partition("\nMOS is")[0].splitlines()


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_address_of_a_stream_is_cut(analysis, width):
    """A port is what media is found by. Where the table is too wide, each stream has lines of its own."""
    streams = analysis.trace.media.streams
    assert streams
    streams[0].src, streams[0].dst = Endpoint("192.168.100.200", 49152), Endpoint("203.0.113.200", 60000)
    lines = media_of(render(analysis, Paint(width=width)))
    words = " ".join(lines).split()
    for stream in streams:
        assert {str(stream.src), str(stream.dst), stream.call} <= set(words)
    assert not any("…" in line for line in lines)
    assert max(map(len, lines)) <= width


def test_a_stream_in_words_says_what_the_table_does(analysis):
    stream = analysis.trace.media.streams[0]
    del analysis.trace.media.streams[1:]
    stream.packets, stream.lost, stream.expected = 1234, 11, 1245
    stream.jitter_mean_ms, stream.jitter_max_ms, stream.mos = 1.64, 12.3, 3.42
    [head, row] = media_of(render(analysis, Paint(width=120)))
    assert head.split()[:4] == ["media", "from", "to", "codec"]
    assert row.split()[4:] == ["1,234", "11", f"({stream.loss_share:.1%})", "1.6", "(max", "12)", "3.4"]
    stream.src = Endpoint("2001:db8:1234:5678:9abc:def0:1234:5678", 49152)
    first, *second = media_of(render(analysis, Paint(width=80)))
    assert first == f"{stream.call}  [2001:db8:1234:5678:9abc:def0:1234:5678]:49152 → {stream.dst}"
    told = f"{stream.codec}, 1,234 packets, 11 lost ({stream.loss_share:.1%}), jitter 1.6 ms (max 12), MOS est. 3.4"
    assert second == ["    " + told]
    stream.lost = 0
    assert "none lost, " in render(analysis, Paint(width=80))


def test_colour_never_stands_alone(analysis):
    coloured = shown(analysis, [finding("SDP-01"), finding("SEC-01", "security")], coloured=True)
    plain = shown(analysis, [finding("SDP-01"), finding("SEC-01", "security")])
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert "CRITICAL" in plain
    assert "SECURITY" in plain


def test_no_finding_says_so(analysis):
    assert shown(analysis, []).startswith("No problem found in 1 call, answered.")


def test_a_call_is_answered_without_times_too(analysis):
    """The console of a PBX has none."""
    analysis.trace.calls[0].answered = None
    assert shown(analysis, []).startswith("No problem found in 1 call, answered.")


def test_an_input_without_telephony_says_so():
    assert analyze(hostile_call.pcap([])).verdict.startswith("Nothing about telephony")


def test_a_ladder_has_hosts_as_lanes_and_media_as_bands(analysis):
    call = analysis.trace.calls[0]
    ladder = ladder_of(analysis.trace, call, [finding("SDP-01")])
    assert [lane.name for lane in ladder.lanes] == ["192.168.7.20", "81.2.69.142", "81.2.69.160"]
    assert ladder.lanes[0].program == "Asterisk PBX 20.5.0"
    assert [step.label for step in ladder.steps if isinstance(step, Arrow)] == [
        "INVITE (SDP)",
        "100 Trying",
        "180 Ringing",
        "200 OK (SDP)",
        "ACK",
        "BYE",
        "200 OK to BYE",
    ]
    assert ladder.steps[0].fault == "critical"
    (band,) = (step for step in ladder.steps if isinstance(step, Band))
    assert ladder.steps.index(band) == 5, "media stands where it begins"
    assert ladder_of(analysis.trace, call, [], most=3).left_out == 4


def test_programs_of_one_host_have_a_lane_each():
    """A demo on loopback, a PBX and a proxy on one machine: told by their SIP ports, media by what SDP says."""
    on_loopback = {hostile_call.PHONE: 5070, hostile_call.TRUNK: 5060}
    packets = [
        (at, "127.0.0.1", "127.0.0.1", on_loopback.get(src, sport), on_loopback.get(dst, dport), data)
        for at, src, dst, sport, dport, data in hostile_call.ordinary()
    ]
    for address in (hostile_call.PHONE, hostile_call.MEDIA):
        packets = [
            (*packet[:5], packet[5].replace(b"IN IP4 " + address.encode(), b"IN IP4 127.0.0.1")) for packet in packets
        ]
    # The packets of the media: from and to the ports that the two descriptions name.
    packets = [
        (at, src, dst, 18000, 17000, data) if data[:1] == b"\x80" else (at, src, dst, sport, dport, data)
        for at, src, dst, sport, dport, data in packets
    ]
    analysis = analyze(hostile_call.pcap(packets))
    ladder = ladder_of(analysis.trace, analysis.trace.calls[0], [])
    assert [lane.name for lane in ladder.lanes] == ["127.0.0.1:5070", "127.0.0.1:5060"]
    assert {(step.source, step.target) for step in ladder.steps if isinstance(step, Band)} == {(1, 0)}
    assert {(step.source, step.target) for step in ladder.steps if isinstance(step, Arrow)} == {(0, 1), (1, 0)}


def test_a_large_call_is_cut_in_the_terminal(analysis):
    text = shown(analysis, [finding("SDP-01")])
    assert "Call c1" in text
    assert "INVITE (SDP)" in text


def test_mermaid_draws_hostile_names_as_text():
    text = diagrams(analyze(hostile_call.pcap(hostile_call.hostile())))
    assert "<script" not in text
    assert text.count("```") == 2
    for line in text.splitlines():
        assert ";" not in re.sub(r"#(\d+|lt|gt);", "", line), line


def test_the_library_entry_stays_a_function():
    import trunkline.analyzer.analysis as module

    assert trunkline.analyzer.analyze is module.analyze
    assert callable(analyze)
    with pytest.raises(AttributeError):
        _ = trunkline.analyzer.nothing_of_that_name


def test_sizes_and_lengths_read_well():
    assert [size(n) for n in (0, 999, 1500, 230_000_000, 4_000_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "230 MB",
        "4.0 GB",
    ]
    assert [length(s) for s in (0, 59.94, 61, 3661)] == ["0.0 s", "59.9 s", "1:01 min", "1:01:01 h"]
