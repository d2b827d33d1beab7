from __future__ import annotations

import pytest

from trunkline.core.codec_of_answer import codec_of_answer

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
DTMF = "a=rtpmap:101 telephone-event/8000\r\n"

ANSWERS: dict[str, tuple[str, str | None]] = {
    "static without rtpmap": ("m=audio 4000 RTP/AVP 0\r\n", "PCMU"),
    "static with rtpmap": (f"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n{DTMF}", "PCMA"),
    "dynamic": ("m=audio 4000 RTP/SAVP 111 0\r\na=rtpmap:111 opus/48000/2\r\n", "OPUS"),
    "first in the line, not first mapped": (
        "m=audio 4000 RTP/AVP 9 8\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:9 G722/8000\r\n", "G722"),
    "DTMF and comfort noise are no codecs": (f"m=audio 4000 RTP/AVP 101 13 8\r\n{DTMF}", "PCMA"),
    "dynamic without rtpmap": ("m=audio 4000 RTP/AVP 97\r\n", None),
    "refused audio": ("m=audio 0 RTP/AVP 8\r\n", None),
    "refused audio, then accepted": ("m=audio 0 RTP/AVP 8\r\nm=audio 4000 RTP/AVP 0\r\n", "PCMU"),
    "after video": ("m=video 5000 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\nm=audio 4000/1 RTP/AVP 18\r\n", "G729"),
    "no audio": ("m=video 5000 RTP/AVP 99\r\n", None),
    "line ends of a careless sender": ("m=audio 4000 RTP/AVP 8\na=rtpmap:8 PCMA/8000\n", "PCMA"),
    "cut short": ("m=audio 4000", None),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_codec(name: str) -> None:
    media, codec = ANSWERS[name]
    assert codec_of_answer(HEAD + media) == codec


@pytest.mark.parametrize("rubbish", ["", "\x00", "m=", "\nm=\nm=audio", "hello"])
def test_rubbish_has_no_codec(rubbish: str) -> None:
    assert codec_of_answer(rubbish) is None
