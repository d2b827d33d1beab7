"""Lines of the programs become structured lines, and nobody can forge one."""

import json

import pytest

from trunkline.node.log_line import structured

NOW = 1764000000.25


def line(text, program="kamailio"):
    return json.loads(structured(program, text, NOW))


def test_kamailio_with_a_call():
    assert line(" 1(4711) WARNING: {call_id=a84b4c76e66710@pc33} <script>: no such trunk") == {
        "ts": "2025-11-24T16:00:00.250Z",
        "level": "warning",
        "program": "kamailio",
        "call_id": "a84b4c76e66710@pc33",
        "message": "<script>: no such trunk",
    }


def test_kamailio_without_a_call():
    found = line(" 0(99) INFO: <core> [core/udp_server.c:154]: probe_max_receive_buffer(): SO_RCVBUF is 212992")
    assert found["level"] == "info"
    assert "call_id" not in found
    assert line(" 0(99) ERROR: {call_id=<null>} <core> [main.c:1]: main(): x").get("call_id") is None


@pytest.mark.parametrize(
    "call_id", ["a} b{c", 'x"},"level":"error', "\\u0000", "}", "{call_id=y}", "ünï\udcff", "x" * 256]
)
def test_a_strange_call_id_stays_in_its_field(call_id):
    found = line(f" 3(7) ERROR: {{call_id={call_id}}} tm [t_lookup.c:12]: text")
    assert found["call_id"] == call_id
    assert found["message"] == "tm [t_lookup.c:12]: text"
    assert found["level"] == "error"


def test_each_line_is_one_line_of_ascii():
    text = structured("kamailio", " 3(7) ERROR: {call_id=a\rb} <script>: \x1b[31m\u2028 end", NOW)
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "level", "call_id", "message"),
    [
        ("[1795437223.06] INFO: [core] Startup complete", "info", None, "[core] Startup complete"),
        (
            "INFO: [abc@host]: [control] Received command 'offer'",
            "info",
            "abc@host",
            "[control] Received command 'offer'",
        ),
        ("ERR: [abc/tag/1 port 30000]: [srtp] SRTP fails", "error", "abc", "[srtp] SRTP fails"),
        ("NOTICE: plain", "info", None, "plain"),
        (
            "ERR: [abc]: [rtcp] SRTCP output wanted, but no crypto suite was negotiated",
            "info",
            "abc",
            "[rtcp] SRTCP output wanted, but no crypto suite was negotiated",
        ),
    ],
)
def test_rtpengine(text, level, call_id, message):
    found = line(text, "rtpengine")
    assert (found["level"], found.get("call_id"), found["message"]) == (level, call_id, message)


@pytest.mark.parametrize("where", ["{}", "{}/tag/1 port 30000"])
def test_rtpengine_knows_calls_by_their_sid(where):
    """As the edge names them to it: the SID without CA, which is no Call-ID of SIP."""
    found = line(f"WARNING: [{where.format('0123456789abcdef' * 2)}]: [core] text", "rtpengine")
    assert found["call_sid"] == "CA" + "0123456789abcdef" * 2
    assert "call_id" not in found
    assert found["message"] == "[core] text"


def test_our_own_programs_name_a_call_by_both():
    said = {"level": "warning", "message": "text", "call_id": "x@y", "call_sid": "CA12"}
    assert line(json.dumps(said), "recorder") == {"ts": "2025-11-24T16:00:00.250Z", "program": "recorder", **said}
    alone = line(json.dumps({"level": "info", "message": "text"}), "recorder")
    assert not {"call_id", "call_sid"} & set(alone)


@pytest.mark.parametrize(
    "text",
    [
        # Kamailio 5.6 and 6.0 say the same in other words.
        "<core> [core/tcp_read.c:1530]: tcp_read_req(): ERROR: tcp_read_req: error reading - c: 0x7f r: 0x7f (-1)",
        "<core> [core/tcp_read.c:1530]: tcp_read_req(): error reading - c: 0x7fbd5818e0e0 r: 0x7fbd5818e208 (-1)",
        "<core> [core/udp_server.c:803]: udp_rcv_loop(): read message too large: 65507",
        "<core> [core/receive.c:412]: receive_msg(): core parsing of SIP message failed (192.0.2.9:5060/1)",
        "<core> [core/receive.c:540]: receive_msg(): no via found in request",
        "tls [tls_mod.c:460]: mod_init(): set maximum pthreads key to 16384",
        "tls [tls_server.c:1330]: tls_h_read_f(): protocol level error",
        "tls [tls_util.h:49]: tls_err_ret(): TLS accept:error:0A000102:SSL routines::unsupported protocol (sni: none)",
        "tls [tls_server.c:1334]: tls_h_read_f(): src addr: 192.0.2.9:51596",
        "tls [tls_server.c:1337]: tls_h_read_f(): dst addr: 192.0.2.1:5061",
        "tls [tls_server.c:1334]: tls_h_read_f(): source IP: 192.0.2.9",
        "tls [tls_server.c:1337]: tls_h_read_f(): destination IP: 192.0.2.1",
    ],
)
@pytest.mark.parametrize("level", ["ERROR", "WARNING"])
def test_what_a_stranger_or_a_start_brings_about_is_no_error(level, text):
    assert line(f" 6(4711) {level}: {text}") == line(f" 6(4711) INFO: {text}")


def test_a_handshake_that_we_began_is_an_error_when_it_fails():
    text = "tls [tls_util.h:49]: tls_err_ret(): TLS connect:error:0A000086:SSL routines::certificate verify failed"
    assert line(f" 6(4711) ERROR: {text}")["level"] == "error"


def test_our_own_programs_write_json():
    text = json.dumps({"level": "warning", "message": "a call", "call_id": "x@y", "secret": "left out"})
    assert line(text) == line(text) | {"level": "warning", "message": "a call", "call_id": "x@y"}
    assert "secret" not in line(text)


@pytest.mark.parametrize("text", ['{"message": 5}', "{broken", '{"a": 1}', "[1]", ""])
def test_other_json_is_text(text):
    assert line(text)["message"] == text


def test_a_traceback_is_an_error():
    assert line("Traceback (most recent call last):")["level"] == "error"


def test_a_long_line_is_cut():
    assert len(line("x" * 100_000)["message"]) < 5000
