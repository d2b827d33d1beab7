"""Session descriptions: what they say, what they inherit, what is wrong with them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.analyzer.model.capture import Place, RawMessage
from trunkline.analyzer.sip.parser import parse_message
from trunkline.analyzer.sip.sdp import KINDS, parse_sdp

OFFER = """v=0
o=- 3724394400 3724394401 IN IP4 198.51.100.1
s=-
c=IN IP4 198.51.100.1
t=0 0
a=sendonly
m=audio 10000 RTP/AVP 0 8 18 101 111
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=rtpmap:111 opus/48000/2
a=ptime:20
a=maxptime:150
a=rtcp:10009 IN IP4 198.51.100.1
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz
a=rtcp-mux
a=sendrecv
m=video 0 RTP/AVP 31
m=image 4000 udptl t38
c=IN IP6 2001:DB8:0::9
"""


def sdp_kinds(text):
    return {problem.kind for problem in parse_sdp(text.encode(), 0, 1).problems}


def message(body, content_type="application/sdp"):
    body = body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode()
    head = f"INVITE sip:a@b SIP/2.0\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return parse_message(RawMessage(head + body, Place(0, 1)), 0)


def test_an_offer():
    found = message(OFFER).sdp
    assert found.problems == []
    assert (found.session_id, found.session_version, found.address) == ("3724394400", "3724394401", "198.51.100.1")
    audio, video, image = found.media
    assert (audio.kind, audio.port, audio.protocol) == ("audio", 10000, "RTP/AVP")
    assert audio.formats == ("0", "8", "18", "101", "111")
    assert audio.rtpmap == {
        0: ("PCMU", 8000, 1),
        8: ("PCMA", 8000, 1),
        18: ("G729", 8000, 1),
        101: ("telephone-event", 8000, 1),
        111: ("opus", 48000, 2),
    }
    assert audio.telephone_event == {101: 8000}
    assert (audio.fmtp, audio.ptime, audio.maxptime) == ({101: "0-16"}, 20, 150)
    assert (audio.rtcp_port, audio.rtcp_mux, audio.direction) == (10009, True, "sendrecv")
    assert audio.crypto == ("1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",)
    assert (audio.address, audio.family, audio.line, audio.address_line) == ("198.51.100.1", "IP4", 7, 4)
    assert (video.port, video.direction) == (0, "sendonly")
    assert (image.address, image.family, image.address_line, image.rtpmap) == ("2001:db8::9", "IP6", 20, {})
    assert found.first("audio") is audio
    assert found.first("text") is None


def test_lines_and_offset_point_into_the_message():
    read = message(OFFER)
    found = read.sdp
    assert read.raw.data[found.offset :].startswith(b"v=0")
    lines = read.raw.data.decode().split("\r\n")
    assert lines[found.first_line - 1] == "v=0"
    assert lines[found.first_line + found.media[0].line - 2].startswith("m=audio")


def test_out_of_a_multipart_body():
    body = (
        "preamble\n--b-1\nContent-Type: text/plain\n\nv=1\n--b-1\nContent-type: multipart/alternative; boundary=in\n\n"
        f"--in\nc: application/sdp;charset=x\n\n{OFFER}--in--\n--b-1--\n"
    )
    read = message(body, 'multipart/mixed; boundary="b-1"')
    assert read.sdp.first("audio").port == 10000
    assert read.raw.data[read.sdp.offset :].startswith(b"v=0")
    assert read.raw.data.decode().split("\r\n")[read.sdp.first_line - 1] == "v=0"
    assert message("--x\r\n" * 50, "multipart/mixed; boundary=x").sdp is None
    assert message(body, "multipart/mixed").sdp is None


def test_no_description_in_other_bodies():
    assert message(OFFER, "application/dtmf-relay").sdp is None
    assert message("", "application/sdp").sdp is None
    assert message("Signal=1\n", "").sdp is None
    assert message(OFFER, "").sdp is not None


def test_what_is_wrong():
    assert sdp_kinds("o=- 1 1 IN IP4 a\nm=audio 1 RTP/AVP 0\nc=IN IP4 192.0.2.1\n") == {"no_version"}
    assert sdp_kinds("v=0\no=x\nc=IN IP4 192.0.2.1\n") == {"no_origin", "no_media"}
    assert sdp_kinds("v=0\no=- 1 1 IN IP4 a\nm=audio 99999 RTP/AVP 0\nc=IN IP4 1.2.3.4\n") == {"port"}
    assert sdp_kinds("v=0\no=- 1 1 IN IP4 a\nm=audio 9\nc=IN IP4 1.2.3.4\n") == {"media"}
    assert sdp_kinds("v=0\no=- 1 1 IN IP4 a\nm=audio 9 RTP/AVP 0\n") == {"no_address"}
    assert sdp_kinds("v=0\no=- 1 1 IN IP4 a\nc=IN IP4 1.2.3.4 or 1=1\nm=audio 9 RTP/AVP 0\nnonsense\n") == {
        "address",
        "line",
    }
    assert sdp_kinds("v=0\no=- 1 1 IN IP4 a\nc=IN IP4 1.2.3.4\nm=audio 9 RTP/AVP 96\na=rtpmap:96\n") == {"rtpmap"}
    assert "too_long" in sdp_kinds("v=0\n" + "a=x\n" * 3000)
    assert "too_long" in sdp_kinds("v=0\n" + "m=audio 9 RTP/AVP 0\n" * 100)


def test_a_user_name_with_blanks_in_o():
    found = parse_sdp(b"v=0\r\no=My Phone 12 34 IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP 0\r\n", 0, 1)
    assert (found.session_id, found.session_version, found.problems) == ("12", "34", [])


@settings(max_examples=300, deadline=None)
@given(st.text("vosctam=:/ \n\r0189abIN4P", max_size=300))
def test_a_description_never_raises(text):
    found = parse_sdp(text.encode(), 0, 1)
    assert {problem.kind for problem in found.problems} <= set(KINDS)
