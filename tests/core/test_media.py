from __future__ import annotations

from itertools import product

import pytest

from trunkline.core.media import MODES, Side, has_taken_key, media_mode, rtpengine_flags, sdp_is_behind_nat


def flags(mode, sender, what, behind_nat=False):
    return rtpengine_flags(
        mode, sender_is_caller=sender == "caller", is_offer=what == "offer", behind_nat=behind_nat
    ).split()


@pytest.mark.parametrize(
    ("mode", "sender", "what", "profile", "no_32"),
    [
        # who sent the SDP; what it is; the profile towards the other side; whether _32 is kept out of our offer
        ("p", "caller", "offer", "RTP/AVP", False),
        ("p", "callee", "answer", "RTP/AVP", False),
        ("p", "callee", "offer", "RTP/AVP", False),
        ("s", "caller", "offer", "RTP/AVP", False),
        ("s", "callee", "answer", "RTP/SAVP", False),
        ("s", "callee", "offer", "RTP/SAVP", False),  # re-INVITE of the carrier, or a late offer
        ("s", "caller", "answer", "RTP/AVP", False),
        ("S", "caller", "offer", "RTP/SAVP", True),
        ("S", "callee", "answer", "RTP/AVP", False),
        ("S", "callee", "offer", "RTP/AVP", False),
        ("S", "caller", "answer", "RTP/SAVP", False),
    ],
)
def test_profile_towards_the_other_side(mode, sender, what, profile, no_32):
    found = flags(mode, sender, what)
    assert [flag for flag in found if flag.startswith("RTP/")] == [profile]
    assert ("SDES-no-AES_CM_128_HMAC_SHA1_32" in found) is no_32
    assert ("DTLS=off" in found) is (mode != "p")


@pytest.mark.parametrize(("mode", "sender", "what"), list(product(MODES, ("caller", "callee"), ("offer", "answer"))))
def test_in_every_case(mode, sender, what):
    found = flags(mode, sender, what)
    assert {"replace-origin", "replace-session-connection", "ICE=remove", "rtcp-mux-demux", "trust-address"} <= set(
        found
    )
    assert "SDES-no-AES_CM_128_HMAC_SHA1_80" not in found
    assert len(found) == len(set(found))
    assert ("SDES-no-NULL_HMAC_SHA1_80" in found) is (mode != "p")
    nat = flags(mode, sender, what, behind_nat=True)
    assert "SIP-source-address" in nat
    assert "trust-address" not in nat


def test_unknown_mode():
    with pytest.raises(ValueError, match="media mode"):
        flags("x", "caller", "offer")


def test_media_mode():
    assert [media_mode(side) for side in (None, Side.CALLER, Side.CALLEE)] == list(MODES)


@pytest.mark.parametrize(
    ("sdp", "source", "behind"),
    [
        ("192.168.1.5", "8.8.8.8", True),
        ("100.64.1.1", "8.8.8.8", True),
        ("fd00::1", "2606:4700::1", True),
        ("192.168.1.5", "192.168.1.5", False),
        ("9.9.9.9", "8.8.8.8", False),
        ("pbx.example.com", "8.8.8.8", False),
        ("", "8.8.8.8", False),
        ("0.0.0.0", "8.8.8.8", False),
    ],
)
def test_sdp_is_behind_nat(sdp, source, behind):
    assert sdp_is_behind_nat(sdp, source) is behind


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", True),
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:x|2^20|1:4", True),
        ("a=crypto:1 AEAD_AES_256_GCM inline:x\r\na=crypto:2 aes_cm_128_hmac_sha1_80 inline:y", True),
        ("a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:x", False),
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_801 inline:x", False),
        ("a=fingerprint:sha-256 AB:CD", False),
        ("a=x-crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", False),
    ],
)
def test_a_key_that_we_take(lines, taken):
    assert has_taken_key(f"v=0\r\nm=audio 4000 RTP/SAVP 0\r\n{lines}\r\na=sendrecv\r\n") is taken
