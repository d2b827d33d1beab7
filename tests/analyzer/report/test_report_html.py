"""The report for browsers: well-formed, alone, without scripts, accessible, and safe on hostile input."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import hostile_call
import pytest

from trunkline.analyzer import analyze
from trunkline.analyzer.model.finding import Evidence, Finding
from trunkline.analyzer.report.escape import visible
from trunkline.analyzer.report.html import chosen, page
from trunkline.analyzer.report.html_style import STYLE

SVG = "{http://www.w3.org/2000/svg}"


def parsed(packets):
    """The page as XML: anything that is not closed or not escaped fails here."""
    text = page(analyze(hostile_call.pcap(packets)))
    return text, ET.fromstring(text.partition("\n")[2])


@pytest.fixture(scope="module", params=["ordinary", "hostile"])
def report(request):
    return parsed(getattr(hostile_call, request.param)())


def test_it_is_one_file_that_asks_nobody(report):
    text, root = report
    assert not re.search(r"(?i)(?:src|href|url\(|@import|action)\s*[=(]?\s*[\"']?(?:https?:|//|data:)", text)
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "base", "form"}


def test_nothing_acts(report):
    _, root = report
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), element.tag
            assert name != "href" or value.startswith("#"), value


def test_hostile_fields_are_text():
    text, root = parsed(hostile_call.hostile())
    assert "<script" not in text
    assert "<img" not in text
    assert "onload=alert" not in "".join(
        name + str(value) for e in root.iter() for name, value in e.items() if name != "aria-label"
    )
    assert not set(text) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}
    said = "".join(root.itertext())
    assert "<script>alert(1)</script>" in said, "what was sent is shown, as text"
    assert "DROP TABLE" in said
    assert r"\x1b" in said
    assert r"\x00" in said


def test_every_link_leads_somewhere(report):
    _, root = report
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        target = element.get("href") or element.get("aria-labelledby")
        assert target is None or target.removeprefix("#") in ids, target


def test_an_arrow_opens_its_message_with_the_faulty_line_marked():
    analysis = analyze(hostile_call.pcap(hostile_call.ordinary()))
    quoted = analysis.trace.messages[0]
    line = quoted.raw.data[: quoted.raw.data.index(b"c=IN")].count(b"\n") + 1
    evidence = Evidence(header="SDP c=", text="c=IN IP4 192.168.7.20", message=0, message_line=line)
    analysis.findings = [Finding("SDP-01", "critical", "proven", "t", "w", "y", "r", [evidence], ["c1"])]
    root = ET.fromstring(page(analysis).partition("\n")[2])
    arrows = [a for a in root.iter("{http://www.w3.org/2000/svg}a") if a.get("href", "").startswith("#m")]
    messages = {e.get("id"): e for e in root.iter("div") if (e.get("class") or "").startswith("msg")}
    assert len(arrows) == 7
    assert {arrow.get("href")[1:] for arrow in arrows} == set(messages)
    assert ".msg:target{display:block}" in STYLE, "no script is needed to open it"
    marked = ["".join(mark.itertext()) for mark in root.iter("mark")]
    assert marked == ["c=IN IP4 192.168.7.20 ◀ SDP-01"]
    assert any(link.get("href") == "#m0" for link in root.iter("a")), "the finding links to the message"


def test_headings_are_in_order_and_drawings_are_named(report):
    _, root = report
    assert root.get("lang") == "en"
    levels = [int(element.tag[1]) for element in root.iter() if re.fullmatch(r"h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for drawing in root.iter(f"{SVG}svg"):
        assert drawing.find(f"{SVG}title").text
    for region in root.iter("div"):
        if region.get("role") == "region":
            assert region.get("aria-label")
            assert region.get("tabindex") == "0", "who has no mouse must be able to scroll it"


def contrast(one, other):
    def light(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((light(one), light(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_has_contrast(number):
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text, on the page and on its panels."""
    block = re.findall(r":root\{([^}]*)\}", STYLE)[number]
    colours = {
        name: value if len(value) == 6 else "".join(2 * digit for digit in value)
        for name, value in re.findall(r"--(\w+):#([0-9a-f]{3,6})\b", block)
    }
    for name in ("text", "muted", "critical", "warn", "security", "info", "link"):
        for ground in ("bg", "panel"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["marktext"], colours["mark"]) >= 4.5
    assert contrast(colours["text"], colours["band"]) >= 4.5


def test_colour_is_not_all_that_tells_a_fault():
    text, _ = parsed(hostile_call.ordinary())
    assert "⚠" in text


def test_a_large_capture_keeps_its_calls_with_problems():
    calls = []
    for number in range(80):
        for time, src, dst, sport, dport, payload in hostile_call.ordinary()[:3]:
            renamed = payload.replace(b"f81d4fae", b"f81d%04d" % number).replace(b"z9hG4bK", b"z9hG4bK%d" % number)
            calls.append((time + number * 40, src, dst, sport, dport, renamed))
    analysis = analyze(hostile_call.pcap(calls))
    shown, left_out = chosen(analysis)
    assert len(shown) + left_out == len(analysis.trace.calls)
    assert left_out > 0
    assert f"{left_out} calls without a problem" in page(analysis)


def test_nothing_invisible_passes():
    for bad in ("\x1b[31m", "\x00", "\u202e", "\ud800", "\udcff", "\x9b", "\r\n", "\ufffe"):
        assert visible(bad).isprintable(), bad.encode("unicode-escape")


def test_on_paper_stand_the_words_of_a_finding_and_not_the_settings_of_all_systems():
    text, root = parsed(hostile_call.hostile())
    folded = list(root.iter("details"))
    assert folded
    inside = {id(item) for box in root.iter("div") if "systems" in box.get("class", "") for item in box.iter("details")}
    assert {id(item) for item in folded} <= inside
    assert "systems are in this file" in text
    paper = STYLE.partition("@media print")[2]
    assert re.search(r"\.systems\s*\{display:none\}", paper)
    assert re.search(r"\.onlyprint\s*\{display:block\}", paper)


def test_a_finding_of_many_places_shows_the_first():
    finding = Finding("NET-02", "critical", "proven", "t", "w.", "y.", "r")
    finding.evidence = [Evidence(header="ICMP", text=f"port {number}") for number in range(12)]
    analysis = analyze(hostile_call.pcap(hostile_call.ordinary()))
    analysis.findings[:] = [finding]
    said = page(analysis)
    assert "port 5" in said
    assert "port 6" not in said
    assert "… and 6 more places" in said
