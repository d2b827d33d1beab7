"""rtpengine drops a telephone-event that an answer numbers otherwise than the offer did: we put it back."""

from __future__ import annotations

import pytest

from trunkline.core.hidden_sdp import with_dtmf

HEAD = "v=0\r\no=- 1 1 IN IP4 9.9.9.9\r\ns=-\r\nt=0 0\r\n"
RELAYED = HEAD + "m=audio 30000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
EVENT = "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"


def test_it_comes_back_with_its_own_number():
    whole = with_dtmf(RELAYED, HEAD + "m=audio 4000 RTP/AVP 0 96\r\n" + EVENT + "a=ptime:20\r\n")
    assert whole.splitlines()[4:] == [
        "m=audio 30000 RTP/AVP 0 96",
        "a=rtpmap:0 PCMU/8000",
        "a=ptime:20",
        "a=rtpmap:96 telephone-event/8000",
        "a=fmtp:96 0-15",
    ]


@pytest.mark.parametrize(
    ("relayed", "original"),
    [
        (RELAYED.replace("30000", "0"), HEAD + "m=audio 4000 RTP/AVP 0 96\r\n" + EVENT),
        (RELAYED + "a=rtpmap:101 telephone-event/8000\r\n", HEAD + "m=audio 4000 RTP/AVP 0 96\r\n" + EVENT),
        (RELAYED.replace("AVP 0", "AVP 0 96"), HEAD + "m=audio 4000 RTP/AVP 0 96\r\n" + EVENT),
        (RELAYED, HEAD + "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 96\r\n" + EVENT),
        (RELAYED, HEAD + "m=audio 4000 RTP/AVP 0\r\n"),
        (RELAYED, ""),
    ],
)
def test_nothing_else_is_touched(relayed, original):
    assert with_dtmf(relayed, original) == relayed
