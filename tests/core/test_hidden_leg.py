from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from trunkline.core.hidden_leg import Leg, NotSealedHere, dialog_of, other_call_id, seal, unseal
from trunkline.core.hidden_sdp import hidden_sdp

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
TOKEN = "0123456789abcdef" * 2 + ".p.1700000000"
CALLEE = Leg(
    "callee",
    TOKEN,
    "sip:+1555@192.0.2.9:5080;transport=tcp",
    "sip:192.0.2.9:41000;transport=tcp",
    ("<sip:a;lr>", "<sip:b;lr>"),
)
CALLER = Leg("caller", TOKEN, "sip:100@10.1.1.1", "sip:198.51.100.3:5060;transport=udp", (), "abc@10.1.1.1")


def test_a_leg_comes_back_with_a_request_of_the_other_side() -> None:
    text = seal(KEY, CALLEE, dialog_of("id-1", "caller-tag"))
    assert unseal(KEY, text, "id-1", ("caller-tag", "callee-tag")) == CALLEE
    # The callee's request has another Call-ID, and the caller's tag in To.
    text = seal(KEY, CALLER, dialog_of("abc@10.1.1.1", "caller-tag"))
    assert unseal(KEY, text, TOKEN[:32], ("callee-tag", "caller-tag")) == CALLER


def test_what_it_says_cannot_be_seen() -> None:
    text = seal(KEY, CALLER, dialog_of("abc@10.1.1.1", "t"))
    assert text.isascii()
    assert all(c.isalnum() or c in "-_" for c in text)
    assert text == seal(KEY, CALLER, dialog_of("abc@10.1.1.1", "t"))
    assert text != seal(OTHER_KEY, CALLER, dialog_of("abc@10.1.1.1", "t"))


@pytest.mark.parametrize(
    ("key", "call_id", "tag"), [(OTHER_KEY, "id-1", "caller-tag"), (KEY, "id-2", "caller-tag"), (KEY, "id-1", "tag")]
)
def test_another_dialog_or_another_home(key: bytes, call_id: str, tag: str) -> None:
    text = seal(KEY, CALLEE, dialog_of("id-1", "caller-tag"))
    with pytest.raises(NotSealedHere):
        unseal(key, text, call_id, (tag, "callee-tag"))


def test_every_changed_character_is_noticed() -> None:
    text = seal(KEY, CALLEE, dialog_of("id-1", "t"))
    for at in range(len(text) - 1):  # the last one has bits that base64 ignores
        forged = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises(NotSealedHere):
            unseal(KEY, forged, "id-1", ("t", "u"))
    for junk in ("", "A", "====", "é", "A" * 15, "A" * 5000):
        with pytest.raises(NotSealedHere):
            unseal(KEY, junk, "id-1", ("t", "u"))


def test_bytes_that_are_not_utf_8_survive() -> None:
    odd = Leg("callee", TOKEN, "sip:\udcff@h", "sip:h", ())
    assert unseal(KEY, seal(KEY, odd, dialog_of("\udcfe", "t")), "\udcfe", ("t", "u")) == odd


@pytest.mark.parametrize(
    ("call_id", "telling"),
    [("f3a1c2", False), ("La22b.NzW-4", False), ("a@10.0.0.1", True), ("1-2-10.0.0.1", True), ("[::1]x", True)],
)
def test_a_call_id_that_names_a_host(call_id: str, telling: bool) -> None:
    assert other_call_id("0" * 32, call_id) == ("0" * 32 if telling else "")


def test_sdp_without_its_author() -> None:
    body = (
        "v=0\r\no=FreeSWITCH 17 18 IN IP4 192.0.2.1\r\ns=FreeSWITCH\r\ni=ours\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "a=tool:x\r\nm=audio 4000 RTP/AVP 0\r\na=X-nat:0\r\na=ptime:20\r\n"
    )
    assert hidden_sdp(body) == (
        "v=0\r\no=- 17 18 IN IP4 192.0.2.1\r\ns=-\r\n"
        "c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=ptime:20\r\n"
    )
    assert hidden_sdp("") == ""


def test_sdp_with_places_beside_its_addresses() -> None:
    kept = (
        "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\na=rtcp:4001 IN IP4 192.0.2.1\r\na=fmtp:97 a=1.2.3.4\r\na=version:1.2.3\r\n"
    )
    fax = "m=image 4002 udptl t38\r\nc=IN IP4 192.0.2.1\r\na=T38FaxVersion:0\r\n"
    past_us = "m=application 9/2 TCP/BFCP *\r\nc=IN IP4 10.0.0.1\r\na=setup:active\r\n"
    told = (
        "a=candidate-of:10.0.0.1\r\na=ssrc:1 cname:x@inner\r\nk=prompt\r\na=source-filter: incl IN IP4 * 10.0.0.1\r\n"
    )
    assert hidden_sdp(kept + told + past_us + fax) == kept + "m=application 0 TCP/BFCP *\r\n" + fax


def test_a_leg_of_any_length() -> None:
    for size in (1, 40, 41, 42, 43, 44, 63, 64, 65, 127, 128, 129, 192, 1000, 20000):
        long = Leg("callee", TOKEN, "sip:" + "x" * size, "sip:h", ("<sip:a>",), shift=2, uri="sip:u")
        assert unseal(KEY, seal(KEY, long, dialog_of("i", "t")), "i", ("t", "u")) == long


def test_no_part_of_a_leg_passes_as_a_part_of_the_dialog() -> None:
    """Cut off at its end, and set before the Call-ID: what is signed would be the same but for its length."""
    leg = Leg("callee", TOKEN, "sip:h", "sip:h", uri="sip:caller")
    raw = urlsafe_b64decode(seal(KEY, leg, dialog_of("id", "t")) + "===")
    with pytest.raises(NotSealedHere):
        unseal(KEY, urlsafe_b64encode(raw[:-6]).decode().rstrip("="), "callerid", ("t", "u"))
