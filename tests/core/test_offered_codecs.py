"""Whether an offer has a codec that every network takes."""

from __future__ import annotations

import pytest

from trunkline.core.offered_codecs import lacks_g711


def offer(*media):
    return "\r\n".join(("v=0", "o=- 1 1 IN IP4 9.9.9.9", "s=-", "c=IN IP4 9.9.9.9", "t=0 0", *media, ""))


@pytest.mark.parametrize(
    ("sdp", "lacks"),
    [
        (offer("m=audio 4000 RTP/AVP 9 101"), True),
        (offer("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2"), True),
        (offer("m=audio 4000 RTP/AVP 13 9"), True),
        (offer("m=audio 4000 RTP/AVP 9 8"), False),
        (offer("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 pcmu/8000"), False),
        (offer("m=audio 4000 RTP/AVP 9", "m=audio 4002 RTP/AVP 0"), False),
        (offer("m=audio 0 RTP/AVP 9"), False),
        (offer("m=image 4000 udptl t38"), False),
        ("", False),
    ],
)
def test_offers(sdp, lacks):
    assert lacks_g711(sdp) is lacks
