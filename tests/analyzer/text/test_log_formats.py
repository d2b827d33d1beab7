"""The same two messages in the clothes of every log: what comes out is what was on the wire."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.text import read_text

INVITE = """INVITE sip:+15551234567@198.51.100.7 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKPj1
From: "A: b" <sip:+15557654321@192.0.2.10>;tag=a1
To: <sip:+15551234567@198.51.100.7>
Contact: <sip:asterisk@192.0.2.10:5060>
Call-ID: 9f2b@192.0.2.10
CSeq: 21 INVITE
Content-Type: application/sdp
Content-Length:   138

v=0
o=- 1 1 IN IP4 192.0.2.10
s=Asterisk
c=IN IP4 192.0.2.10
t=0 0
m=audio 10000 RTP/AVP 0 101
a=rtpmap:101 telephone-event/8000
a=x:y"""
OK = """SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;rport=5060;received=192.0.2.10;branch=z9hG4bKPj1
From: "A: b" <sip:+15557654321@192.0.2.10>;tag=a1
To: <sip:+15551234567@198.51.100.7>;tag=b2
Call-ID: 9f2b@192.0.2.10
CSeq: 21 INVITE
Contact: <sip:198.51.100.7:5060>
Content-Length: 0
"""
US, THEM = Endpoint("192.0.2.10", 5060), Endpoint("198.51.100.7", 5060)


def wire(message: str) -> bytes:
    head, _, body = message.rstrip("\n").partition("\n\n")
    text = head + "\n\n" + (body + "\n" if body else "")
    return text.replace("\n", "\r\n").encode()


def lines(message: str, before: str = "", behind: str = "") -> str:
    return "\n".join(f"{before}{line}{behind}" for line in message.rstrip("\n").split("\n"))


PJSIP = f"""[2024-05-01 12:00:00] VERBOSE[1] x: <--- Transmitting SIP request (600 bytes) to UDP:198.51.100.7:5060 --->
{INVITE}

[2024-05-01 12:00:00.250] VERBOSE[1] x.c: <--- Received SIP response (300 bytes) from UDP:198.51.100.7:5060 --->
{OK}

    -- PJSIP/trunk-00000001 answered PJSIP/100-00000000
"""
CHAN_SIP = f"""[May  1 12:00:00] Reliably Transmitting (NAT) to 198.51.100.7:5060:
{INVITE}

---
[May  1 12:00:01]
<--- SIP read from UDP:198.51.100.7:5060 --->
{OK}
<------------->
--- (8 headers 0 lines) ---
"""
FREESWITCH = f"""send 600 bytes to udp/[198.51.100.7]:5060 at 12:00:00.000100:
   ------------------------------------------------------------------------
{lines(INVITE, "   ")}
   ------------------------------------------------------------------------
2024-05-01 12:00:00.100000 [DEBUG] sofia.c:6716 Channel sofia/external/1 entering state [calling][0]
recv 300 bytes from udp/[198.51.100.7]:5060 at 12:00:00.250200:
   ------------------------------------------------------------------------
{lines(OK, "   ")}
   ------------------------------------------------------------------------
"""
FS_UUID = "".join(
    f"2f3c1d1e-aaaa-bbbb-cccc-0123456789ab {line}\n" if line else "2f3c1d1e-aaaa-bbbb-cccc-0123456789ab \n"
    for line in FREESWITCH.split("\n")[:-1]
)
SNGREP = f"""2024/05/01 12:00:00.000100 192.0.2.10:5060 -> 198.51.100.7:5060
{INVITE}


2024/05/01 12:00:00.250200 198.51.100.7:5060 -> 192.0.2.10:5060
{OK}


"""
HOMER = f"""proto:UDP 2024-05-01T12:00:00.000Z  192.0.2.10:5060 ---> 198.51.100.7:5060

{INVITE}

proto:UDP 2024-05-01T12:00:00.250Z  198.51.100.7:5060 ---> 192.0.2.10:5060

{OK}
"""
NGREP = f"""interface: eth0 (192.0.2.0/255.255.255.0)
filter: port 5060
#
U 2024/05/01 12:00:00.000100 192.0.2.10:5060 -> 198.51.100.7:5060 #1
{lines(INVITE, "", ".")}

#
U 2024/05/01 12:00:00.250200 198.51.100.7:5060 -> 192.0.2.10:5060 #2
{lines(OK, "", ".")}
.
"""
CUBE_OLD = f"""May  1 12:00:00.100: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Sent:
{INVITE}

May  1 12:00:00.250: //123/AAAA/SIP/Msg/ccsipDisplayMsg:
Received:
{OK}

"""
CUBE = f"""May  1 12:00:00.100: //123/ABC/SIP/Msg/ccsipDisplayMsg:
Sent: SIP UDP message from 192.0.2.10:5060 to 198.51.100.7:5060
{INVITE}

May  1 12:00:00.250: //123/ABC/SIP/Msg/ccsipDisplayMsg:
Received: SIP UDP message from 198.51.100.7:5060 to 192.0.2.10:5060
{OK}

"""
AUDIOCODES = (
    "12:00:00.100  192.0.2.10  local0.notice [S=101] [SID=ab12:24:7] (N 1) ---- Outgoing SIP Message to "
    "198.51.100.7:5060 from SIPInterface #1 (PSTN) UDP TO(#1) SocketID(4) ----#012 [Time:01-05@12:00:00.100]\n"
    "12:00:00.101  192.0.2.10  local0.notice [S=102] [SID=ab12:24:7] " + INVITE.replace("\n", "#012") + "#012\n"
    "12:00:00.250  192.0.2.10  local0.notice [S=103] [SID=ab12:24:7] (N 2) ---- Incoming SIP Message from "
    "198.51.100.7:5060 to SIPInterface #1 (PSTN) UDP TO(#1) SocketID(4) ----#012 [Time:01-05@12:00:00.250]\n"
    "12:00:00.251  192.0.2.10  local0.notice [S=104] [SID=ab12:24:7] " + OK.replace("\n", "#012") + "\n"
)
ORACLE = f"""May  1 12:00:00.100 On [1:0]192.0.2.10:5060 sent to 198.51.100.7:5060
{INVITE}


----------------------------------------
May  1 12:00:00.250 On [1:0]192.0.2.10:5060 received from 198.51.100.7:5060
{OK}

----------------------------------------
"""
PJSUA = f"""12:00:00.100 pjsua_core.c .TX 600 bytes Request msg INVITE/cseq=21 (tdta0x1) to UDP 198.51.100.7:5060:
{INVITE}

--end msg--
12:00:00.250 sip_endpoint.c .RX 300 bytes Response msg 200/INVITE/cseq=21 (rdata0x2) from UDP 198.51.100.7:5060:
{OK}
--end msg--
"""
SYSLOG = "".join(f"May  1 12:00:00 pbx asterisk[{900 + n}]: {line}\n" for n, line in enumerate(PJSIP.split("\n")))
FORMATS = {
    "asterisk-pjsip": PJSIP,
    "asterisk-chan-sip": CHAN_SIP,
    "freeswitch": FREESWITCH,
    "freeswitch uuid": FS_UUID,
    "sngrep": SNGREP,
    "homer": HOMER,
    "ngrep": NGREP,
    "cisco-cube": CUBE,
    "cisco-cube old": CUBE_OLD,
    "audiocodes": AUDIOCODES,
    "oracle-sipmsg": ORACLE,
    "pjsua": PJSUA,
    "asterisk-pjsip in syslog": SYSLOG,
}
DRESSES = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "coloured": lambda text: text.replace("INVITE sip", "\x1b[32mINVITE sip").replace("SIP/2.0\n", "SIP/2.0\x1b[0m\n"),
    "quoted in a mail": lambda text: "".join(f"> {line}\n" for line in text.split("\n")),
    "from a web page": lambda text: html.escape(text, quote=True),
    "in a Markdown fence": lambda text: f"Here is my trace:\n\n```\n{text}\n```\nThanks\n",
}


def read(text: str):
    return read_text(text.encode("utf-8", "surrogateescape"), 0, "x.log")


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("kind", FORMATS)
def test_a_log_gives_back_what_was_on_the_wire(kind, dress):
    log = read(DRESSES[dress](FORMATS[kind]))
    assert [message.data.split(b"\r\n")[0] for message in log.messages] == [
        b"INVITE sip:+15551234567@198.51.100.7 SIP/2.0",
        b"SIP/2.0 200 OK",
    ]
    invite, answer = log.messages
    assert log.format == f"text:{kind.split(' ')[0]}"
    assert invite.data == wire(INVITE)
    assert answer.data == wire(OK)
    assert invite.transport == answer.transport == "udp"
    if kind != "cisco-cube old":
        assert (invite.src, invite.dst) == (US, THEM)
        assert (answer.src, answer.dst) == (THEM, US)
    assert invite.time is not None
    assert answer.time is not None
    assert 0 <= answer.time - invite.time <= 1.0
    assert invite.source == "text"


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in {"sngrep", "homer", "ngrep"}])
def test_a_log_of_one_side_says_who_sent(kind):
    assert [message.sent_by_us for message in read(FORMATS[kind]).messages] == [True, False]


def test_evidence_names_the_line_of_the_file():
    log = read(PJSIP)
    numbers = [n for n, line in enumerate(PJSIP.split("\n"), 1) if line.startswith(("INVITE sip", "SIP/2.0 200"))]
    assert [message.place.line for message in log.messages] == numbers


def test_pasted_messages_have_no_time_and_no_peers():
    log = read(f"{INVITE}\n\n{OK}\n")
    assert log.format == "text:pasted"
    assert [message.data for message in log.messages] == [wire(INVITE), wire(OK)]
    assert [(m.time, m.src, m.dst, m.sent_by_us) for m in log.messages] == [(None, None, None, None)] * 2


def test_lines_of_the_log_in_the_middle_of_a_message_are_left_out():
    noise = "[2024-05-01 12:00:00] NOTICE[7]: chan.c: hello"
    broken = PJSIP.replace("CSeq: 21 INVITE\nContent-Type", f"{noise}\nCSeq: 21 INVITE\nContent-Type")
    assert read(broken).messages[0].data == wire(INVITE)


def test_a_message_that_the_log_cuts_is_marked():
    log = read(PJSIP.replace("a=rtpmap:101 telephone-event/8000\na=x:y", ""))
    assert [message.truncated for message in log.messages] == [True, False]


def test_blank_lines_between_the_headers_are_the_viewers():
    spaced = SNGREP.replace("\n", "\n\n").replace("\n\n\n\n", "\n\n\n")
    assert [message.data.count(b"\r\n") for message in read(spaced).messages][:1] == [wire(INVITE).count(b"\r\n")]


def test_a_log_that_goes_past_midnight_keeps_its_order():
    late = FREESWITCH.replace("12:00:00.000100", "23:59:59.900000").replace("12:00:00.250200", "00:00:00.100000")
    times = [message.time for message in read(late).messages]
    assert times[1] - times[0] == pytest.approx(0.2)


def test_bytes_that_are_not_text_come_back_as_they_were():
    data = SNGREP.encode().replace(b'"A: b"', b'"A\xff\xfe b"')
    assert b'"A\xff\xfe b"' in read_text(data, 0, "x").messages[0].data


def test_a_million_lines_of_noise_are_nothing():
    log = read_text(b"[2024-05-01 12:00:00] DEBUG[1] bridge.c: nothing to see here -> move on\n" * 50_000, 0, "x")
    assert log.messages == []


def test_limits_hold():
    log = read_text(SNGREP.encode() * 50, 0, "x", Limits(messages=10))
    assert len(log.messages) == 10
    assert log.damage


SHARED = Path(__file__).parents[4] / "shared" / "captures" / "text"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared captures are not here: real logs are not read")
@pytest.mark.parametrize(
    ("path", "kind", "count"),
    [
        ("altanai__freeswitchexamples/session_interval_too_small.txt", "freeswitch", 3),
        ("sngrep-1.6.0-export/wrong-password.txt", "sngrep", 8),
        ("wireshark-4.0.17-src/sipmsg.log", "oracle-sipmsg", 5),
    ],
)
def test_real_logs(path, kind, count):
    log = read_text((SHARED / path).read_bytes(), 0, path)
    assert log.format == f"text:{kind}"
    assert len(log.messages) == count
    assert all(message.src and message.dst and message.time for message in log.messages)
