"""Ways of writing that logs of the field have besides those of `test_log_formats`: the same two messages come out."""

from __future__ import annotations

import pytest
from test_log_formats import INVITE, OK, THEM, US, lines, read, wire

from trunkline.analyzer.model.capture import Endpoint


def carets(message: str) -> str:
    return lines(message, behind="^M")


def flat(message: str) -> str:
    return wire(message).decode().replace("\r\n", "..")


def escaped(message: str) -> str:
    return wire(message).decode().replace('"', '\\"').replace("\r\n", "\\r\\n")


IOS_12 = f"""1w0d:SIP Msg:ccsipDisplayMsg:Sent:
{INVITE}

1w0d:SIP Msg:ccsipDisplayMsg:Received:
{OK}
"""
IOS_SYSLOG = f"""Feb  8 10:15:20 gw 11: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Feb  8 10:15:20 gw 12: Sent:
{lines(INVITE, "Feb  8 10:15:20 gw 13: ")}
Feb  8 10:15:21 gw 14: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Feb  8 10:15:21 gw 15: Received:
{lines(OK, "Feb  8 10:15:21 gw 16: ")}
"""
IOS_SPACED = f"""*Jan 18 03:34:57.531:
   //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:

Sent:

{INVITE}

*Jan 18 03:34:58.031:
   //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:

Received:

{OK}
"""
SIPP = f"""----------------------------------------------- 2026-06-14T10:00:00.200000
UDP message sent (600 bytes):

{INVITE}

----------------------------------------------- 2026-06-14T10:00:00.400000
UDP message received [300] bytes :

{OK}
"""
BELLE_SIP = f"""10:00:00:123 belle-sip-channel [0x7f]: message sent to [UDP://198.51.100.7:5060], size: [9] bytes
{INVITE}

2024-01-02 10:00:00:323 belle-sip-message-channel [0x7f]: received [300] new bytes from [UDP://198.51.100.7:5060]:
{OK}
"""
SIPTRACE = f"""Jan  2 10:00:00 h kamailio[1]: INFO: fromip=udp:192.0.2.10:5060 toip=udp:198.51.100.7:5060 msg:
{INVITE}

Jan  2 10:00:01 h kamailio[1]: INFO: fromip=udp:198.51.100.7:5060 toip=udp:192.0.2.10:5060 msg:
{OK}
"""
NGREP_FLAT = f"""U 2020/01/01 10:00:00.123456 192.0.2.10:5060 -> 198.51.100.7:5060
  {flat(INVITE)}

U 2020/01/01 10:00:00.323456 198.51.100.7:5060 -> 192.0.2.10:5060
  {flat(OK)}
"""
JSON = (
    f'{{"time":"2024-01-02T10:00:00.1Z","msg":"sent to 198.51.100.7:5060\\r\\n{escaped(INVITE)}"}}\n'
    f'{{"time":"2024-01-02T10:00:00.2Z","msg":"received from 198.51.100.7:5060\\r\\n{escaped(OK)}"}}\n'
)
TCPDUMP = f"""10:00:00.123456 IP 192.0.2.10.5060 > 198.51.100.7.5060: SIP: INVITE sip:+15551234567@198.51.100.7 SIP/2.0
E.....@.@..{{{{.......{INVITE}

10:00:00.323456 IP 198.51.100.7.5060 > 192.0.2.10.5060: SIP: SIP/2.0 200 OK
E.....@.@..{{{{.......{OK}
"""
CARETS = f"""12:00:00.1 sent to 198.51.100.7:5060
{carets(INVITE)}
^M
12:00:00.2 received from 198.51.100.7:5060
{carets(OK)}
^M
"""
MASKED = f"""<--- Transmitting SIP request (9 bytes) to UDP:x.x.x.x:5060 --->
{INVITE}

<--- Received SIP response (9 bytes) from UDP:x.x.x.x:5060 --->
{OK}
"""
LOGS = {
    "ios-12": IOS_12,
    "ios-syslog": IOS_SYSLOG,
    "ios-spaced": IOS_SPACED,
    "sipp": SIPP,
    "belle-sip": BELLE_SIP,
    "siptrace": SIPTRACE,
    "ngrep-flat": NGREP_FLAT,
    "json": JSON,
    "tcpdump": TCPDUMP,
    "carets": CARETS,
}


@pytest.mark.parametrize("kind", LOGS)
def test_the_messages_and_their_ways(kind):
    messages = read(LOGS[kind]).messages
    assert [message.data.split(b"\r\n")[0] for message in messages] == [
        b"INVITE sip:+15551234567@198.51.100.7 SIP/2.0",
        b"SIP/2.0 200 OK",
    ]
    invite, answer = messages
    assert (invite.src, invite.dst) == (US, THEM)
    assert (answer.src, answer.dst) == (THEM, US)
    assert answer.data == wire(OK)


def test_a_host_name_is_no_address():
    invite = INVITE.replace("@198.51.100.7 SIP", "@trunk.example SIP")
    assert [(m.src, m.dst) for m in read(SIPP.replace(INVITE, invite)).messages] == [(US, None), (None, US)]


@pytest.mark.parametrize(
    "text",
    [
        f"send 9 bytes to udp/[1.X.X.7] at 12:00:00:\n{INVITE}\n\nrecv 9 bytes from udp/[1.X.X.7] at 12:00:00:\n{OK}\n",
        MASKED,
        f"JsSIP:Transport sending message:{INVITE}\n +1ms\nJsSIP:Transport received text message:{OK}\n +7ms\n",
        f"sip.transport | Sending WebSocket message:\n\n{INVITE}\n\nReceived WebSocket text message:\n\n{OK}\n",
    ],
)
def test_the_direction_is_told_where_the_address_is_not(text):
    messages = read(text).messages
    assert [message.sent_by_us for message in messages] == [True, False]
    assert [message.data for message in messages] == [wire(INVITE), wire(OK)]


ECHO = f"""10:00:00.200   pjsua_core.c  ....TX 600 bytes Request msg INVITE/cseq=1 (tdta0x1) to UDP 198.51.100.7:5060:
[2026-06-14 10:00:00] [DEBUG] [SIP] SIP traffic: 10:00:00.200   pjsua_core.c  ....TX 600 bytes Request msg INVITE
{INVITE.splitlines()[0]}
[2026-06-14 10:00:00] [INFO] [SIP] line detected: {INVITE.splitlines()[0]}
{chr(10).join(INVITE.splitlines()[1:])}

--end msg--
"""


def test_a_program_that_repeats_each_start_line_in_a_sentence_of_its_own():
    (message,) = read(ECHO).messages
    assert message.data == wire(INVITE)
    assert not message.truncated


def test_a_message_that_other_lines_have_torn_is_not_judged_as_if_it_were_whole():
    first, *rest = INVITE.splitlines()
    torn = "\n".join([first, *rest[:2], *(f"[2026-06-14 10:00:0{n}] [INFO] [REC] working" for n in range(9)), "", ""])
    (message,) = read(torn).messages
    assert message.truncated


GATEWAY = """*Oct 14 00:25:06.327: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Received:
INVITE sip:17025550500@192.168.1.1:5060 SIP/2.0
Via: SIP/2.0/UDP {phone}:5060;branch=z9hG4bK1b172bdcdc9
From: <sip:4805557040@{phone}>;tag=1
To: <sip:17025550500@192.168.1.1>
Call-ID: inner
CSeq: 101 INVITE
Content-Length: 0

*Oct 14 00:25:06.330: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Sent:
SIP/2.0 100 Trying
Via: SIP/2.0/UDP {phone}:5060;branch=z9hG4bK1b172bdcdc9
From: <sip:4805557040@{phone}>;tag=1
To: <sip:17025550500@192.168.1.1>
Call-ID: inner
CSeq: 101 INVITE
Content-Length: 0

*Oct 14 00:25:06.355: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Sent:
INVITE sip:17025550500@198.51.100.7:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK81718
From: <sip:4805557040@192.0.2.10>;tag=2
To: <sip:17025550500@198.51.100.7>
Call-ID: outer
CSeq: 101 INVITE
Content-Length: 0

"""


@pytest.mark.parametrize(("phone", "own"), [("192.168.1.254", "192.168.1.1"), ("203.0.113.4", "192.0.2.10")])
def test_a_gateway_has_an_address_in_each_network(phone, own):
    sent = [(str(m.src), str(m.dst)) for m in read(GATEWAY.format(phone=phone)).messages]
    inner = Endpoint(phone, 5060), Endpoint(own, 5060)
    assert sent == [(str(a), str(b)) for a, b in (inner, inner[::-1], (US, THEM))]
