"""Bytes to messages: legal oddities, torture messages (RFC 4475), and offsets that point at what they name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Place, RawMessage
from trunkline.analyzer.sip.header_names import COMPACT
from trunkline.analyzer.sip.parser import KINDS, parse_message


def raw(text, **more):
    data = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
    return RawMessage(data, Place(0, 1), **more)


def parse(text, **more):
    return parse_message(raw(text, **more), 0)


def kinds(message):
    return {problem.kind for problem in message.problems}


def named(message, kind):
    return [problem.text for problem in message.problems if problem.kind == kind]


INVITE = """INVITE sip:+15551230000@trunk.example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKabc
Max-Forwards: 70
From: "Alice, \\"A\\"" <sip:+15557654321@192.0.2.1>;tag=f1
To: <sip:+15551230000@trunk.example.net>
Call-ID: a1@192.0.2.1
CSeq: 7 INVITE
Contact: <sip:a@192.0.2.1:5062;transport=udp>;expires=60, "B, C" <sip:b@192.0.2.9>
Content-Length: 0

"""


def test_an_invite_as_they_come():
    message = parse(INVITE)
    assert message.problems == []
    assert (message.method, message.ruri, message.is_request) == ("INVITE", "sip:+15551230000@trunk.example.net", True)
    assert (message.call_id, message.cseq, message.cseq_method) == ("a1@192.0.2.1", 7, "INVITE")
    assert message.from_.display == 'Alice, "A"'
    assert (message.from_.user, message.from_.host, message.from_tag) == ("+15557654321", "192.0.2.1", "f1")
    assert (message.to.user, message.to_tag) == ("+15551230000", "")
    assert (message.vias[0].transport, message.vias[0].host, message.vias[0].port) == ("UDP", "192.0.2.1", 5060)
    assert message.vias[0].params == {"rport": None, "branch": "z9hG4bKabc"}
    assert [(c.user, c.port, c.uri_params, c.params) for c in message.addresses("Contact")] == [
        ("a", 5062, {"transport": "udp"}, {"expires": "60"}),
        ("b", None, {}, {}),
    ]
    assert message.values("Contact")[1] == '"B, C" <sip:b@192.0.2.9>'


def test_headers_know_where_they_stand():
    message = parse("\n\n" + INVITE)
    for header in message.headers:
        line = message.raw.data[header.offset : header.offset + header.length].decode()
        assert line.split(":", 1)[1].strip() == header.value
        assert message.raw.data[: header.offset].count(b"\n") == header.line - 1 + 2
    assert message.header("CSeq").line == 7


@pytest.mark.parametrize("short", sorted(COMPACT))
def test_compact_forms(short):
    assert parse(f"OPTIONS sip:a@b SIP/2.0\n{short}: x\n\n").header(COMPACT[short]).value == "x"


def test_any_case_blanks_ahead_of_the_colon_and_folding():
    message = parse(
        "OPTIONS sip:a@b SIP/2.0\nvIA   :SIP / 2.0\n / UDP 192.0.2.1 : 5070 ; branch = z9hG4bK1\n"
        "TO :\n <sip:b@c> ;\n\t tag = t2\nfrom: sip:a@b;tag=1\ncall-ID: x\nCSEQ:  0009   OPTIONS \n"
        "Max-forwards: 5\nX-Own: a\n\n"
    )
    assert message.problems == []
    assert (message.to.uri, message.to_tag) == ("sip:b@c", "t2")
    assert (message.vias[0].host, message.vias[0].port, message.vias[0].branch) == ("192.0.2.1", 5070, "z9hG4bK1")
    assert (message.cseq, message.cseq_method) == (9, "OPTIONS")
    to = message.header("To")
    assert message.raw.data[to.offset : to.offset + to.length] == b"TO :\r\n <sip:b@c> ;\r\n\t tag = t2"
    assert message.value("X-Own") == "a"
    assert message.header("X-Own").line == 11


def test_bare_line_feeds_mixed_line_ends_and_lone_carriage_returns():
    bare = parse(INVITE.replace("\r", "").encode())
    assert kinds(bare) == {"bare_lf"}
    assert bare.call_id == "a1@192.0.2.1"
    mixed = parse(INVITE.replace("\n", "\r\n").replace("CSeq: 7 INVITE\r\n", "CSeq: 7 INVITE\n").encode())
    assert kinds(mixed) == {"bare_lf"}
    for message in (bare, mixed):
        for header in message.headers:
            line = message.raw.data[header.offset : header.offset + header.length].decode()
            assert line.split(":", 1)[1].strip() == header.value
    lone = parse(INVITE.replace("\n", "\r").encode())
    assert kinds(lone) == {"lone_cr"}
    assert lone.cseq == 7


def test_several_vias_in_one_line_and_in_many():
    message = parse(
        INVITE.replace(
            "Max-Forwards",
            "Via: SIP/2.0/TCP p1.example.net;branch=z9hG4bK2, "
            "SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK3\nMax-Forwards",
        )
    )
    assert [(v.transport, v.host, v.port) for v in message.vias] == [
        ("UDP", "192.0.2.1", 5060),
        ("TCP", "p1.example.net", None),
        ("TLS", "2001:db8::1", 5061),
    ]
    assert message.problems == []


def test_a_response_takes_its_method_from_cseq():
    message = parse("SIP/2.0 180 Ringing\nCSeq: 3 INVITE\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\nFrom: <sip:a@b>\n\n")
    assert (message.status, message.reason, message.method, message.ruri) == (180, "Ringing", "INVITE", "")
    assert named(message, "missing_header") == ["To", "Call-ID"]


def test_content_length_against_the_bytes():
    body = INVITE.replace("Content-Length: 0", "Content-Length: 4")
    assert "content_length_large" in kinds(parse(body + "ab"))
    assert kinds(parse(body + "ab", truncated=True)) == set()
    exact = parse(body + "abcd")
    assert (exact.body, exact.problems) == (b"abcd", [])
    long = parse(body + "abcdef")
    assert (long.body, kinds(long)) == (b"abcd", {"content_length_small"})
    assert kinds(parse(body + "abcd", trailing=b"more")) == {"content_length_small"}
    assert kinds(parse(body + "ab", source="text")) == set()
    assert parse(body + "abcdef", source="text").body == b"abcdef"


def test_names_that_are_utf8_and_names_that_are_not():
    assert parse(INVITE.replace("Alice", "Grüße")).from_.display.startswith("Grüße")
    message = parse(INVITE.replace("\n", "\r\n").encode().replace(b"Alice", b"Gr\xfc\xdfe"))
    assert "not_utf8" in kinds(message)
    assert message.from_.display.encode("utf-8", "surrogateescape").startswith(b"Gr\xfc\xdfe")


def test_a_limit_on_headers():
    message = parse_message(raw(INVITE), 0, Limits(headers=4))
    assert "too_many_headers" in kinds(message)
    assert len(message.headers) == 3


TORTURE = {
    "CSeq method differs (mismatch01)": (INVITE.replace("7 INVITE", "8 OPTIONS"), "cseq_method"),
    "CSeq beyond 32 bit (scalar02)": (INVITE.replace("CSeq: 7", "CSeq: 36893488147419103232"), "cseq"),
    "Max-Forwards 300 (scalar02)": (INVITE.replace(": 70", ": 300"), "number"),
    "negative Content-Length (ncl)": (INVITE.replace("Length: 0", "Length: -999"), "content_length"),
    "quote that never closes (quotbal)": (
        INVITE.replace("To: <sip:+15551230000@trunk.example.net>", 'To: "Mr. J. User <sip:j@example.com>'),
        "address",
    ),
    "Request-URI in <> (ltgtruri)": (
        INVITE.replace("sip:+15551230000@", "<sip:+15551230000@").replace("net SIP", "net> SIP"),
        "request_uri",
    ),
    "blanks in the Request-URI (lwsruri)": (INVITE.replace("net SIP/", "net; lr SIP/"), "request_uri"),
    "blanks in the start line (lwsstart)": (INVITE.replace("INVITE sip", "INVITE  sip"), "start_line_spaces"),
    "blanks behind it (trws)": (INVITE.replace("SIP/2.0\nVia", "SIP/2.0  \nVia"), "start_line_spaces"),
    "SIP/7.0 (badvers)": (INVITE.replace("SIP/2.0\nVia", "SIP/7.0\nVia"), "version"),
    "status 4294967301 (bigcode)": ("SIP/2.0 4294967301 better not\nCSeq: 1 INVITE\n\n", "status"),
    "From twice (multi01)": (INVITE.replace("To:", "From: <sip:x@y>;tag=2\nTo:"), "duplicate_header"),
    "Content-Length twice (mcl01)": (INVITE.replace("Content-L", "l: 5\nContent-L"), "duplicate_header"),
    "no From (insuf)": (INVITE.replace("From", "X-From"), "missing_header"),
    "no branch (inv2543)": (INVITE.replace(";branch=z9hG4bKabc", ""), "branch"),
    "a line without a colon": (INVITE.replace("Call-ID: ", "Call-ID "), "header_line"),
    "a name with blanks in it": (INVITE.replace("Contact:", "Con tact:"), "header_name"),
    "a NUL in a value": (INVITE.replace("a1@", "a\0@"), "nul"),
    "no empty line": (INVITE.rstrip("\n"), "no_empty_line"),
    "no SIP at all": ("hello world\n\n", "start_line"),
    "a Via that is none": (INVITE.replace("SIP/2.0/UDP 192", "UDP 192"), "via"),
}


@pytest.mark.parametrize(("text", "kind"), TORTURE.values(), ids=TORTURE)
def test_what_has_to_be_overlooked_is_said(text, kind):
    assert kind in kinds(parse(text))
    assert kind in KINDS


def test_strange_and_legal():
    """RFC 4475 3.1.1: a method of all token characters, escapes, `;` and `?` in the user part, no reason phrase."""
    message = parse(
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,"
        "weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\n"
        "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n"
        'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:x@example.com>\n'
        "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
        ";fromParam''~+*_!.-%=\"\u0440\u0430\";tag=_token~1'+`*%!-.\n"
        "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n"
        "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n"
        "Max-Forwards: 255\nextensionHeader-!.%*+_`'~: \ufffd\n\n"
    )
    assert kinds(message) <= {"nul"}
    assert message.method.startswith("!interesting")
    assert message.from_tag == "_token~1'+`*%!-."
    assert parse("SIP/2.0 100 \nCSeq: 1 INVITE\n\n").reason == ""
    semi = parse(
        INVITE.replace("sip:+15551230000@trunk.example.net SIP", "sip:user;par=u%40example.net@example.com SIP")
    )
    assert "request_uri" not in kinds(semi)
    escaped = parse(INVITE.replace("<sip:+15557654321@", "<sip:%2B1555@"))
    assert escaped.from_.user == "+1555"


@pytest.mark.parametrize(
    ("value", "user", "host", "port"),
    [
        ("<sip:a@[2001:db8::1]:5070;transport=tcp>", "a", "2001:db8::1", 5070),
        ("<sips:host>", "", "host", None),
        ("<tel:+15551230000;phone-context=x>", "+15551230000", "", None),
        ("sip:user;x=1@host;tag=5", "user", "", None),
        ("<sip:a:secret@host:99999999999>", "a", "host", None),
        ("<SIP:A@Host>", "A", "Host", None),
    ],
)
def test_addresses(value, user, host, port):
    message = parse(INVITE.replace("<sip:+15551230000@trunk.example.net>\nCall", value + "\nCall"))
    assert (message.to.user, message.to.host, message.to.port) == (user, host, port) or ";x=1@" in value


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_never_raises_on_noise(data):
    message = parse_message(raw(data), 0)
    assert kinds(message) <= set(KINDS)
    assert message.sdp is None or message.sdp.text is not None
    assert message.body_offset <= len(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_never_raises_on_damage_and_offsets_stay_right(data):
    damaged = bytearray(INVITE.replace("\n", "\r\n").encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        piece = data.draw(
            st.sampled_from([b"", b"\n", b"\r", b" ", b":", b"\0", b'"', b"<", b",", b";", b"\xff", b"\\"])
        )
        damaged[at : at + data.draw(st.integers(0, 3))] = piece
    message = parse_message(raw(bytes(damaged)), 0)
    assert kinds(message) <= set(KINDS)
    for header in message.headers:
        line = bytes(damaged[header.offset : header.offset + header.length]).decode("latin-1")
        assert header.name.lower() in (
            COMPACT.get(line.partition(":")[0].strip(" \t").lower(), "").lower(),
            line.partition(":")[0].strip(" \t").lower(),
        )
        first = line.partition(":")[2].split("\n")[0].strip(" \t\r")
        assert header.value.encode("utf-8", "surrogateescape").decode("latin-1").startswith(first)
        assert message.value(header.name) == message.header(header.name).value
    assert len(message.headers) == len(message.head.names)


def test_a_name_without_a_colon_is_no_header():
    text = INVITE.replace("Via:", "Via\n", 1).replace("\n", "\r\n")
    message = parse_message(raw(text.encode()), 0)
    assert "header_line" in kinds(message)
