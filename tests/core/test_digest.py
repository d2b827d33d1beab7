from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.digest import (
    MD5,
    SHA256,
    Authorization,
    DigestError,
    Outcome,
    challenge_value,
    check_form,
    is_ours,
    make_ha1,
    make_nonce,
    nonce_state,
    parse_authorization,
    response_matches,
    same_number,
)

SECRET = b"0123456789abcdef"
NOW = 1_800_000_000.5


def test_the_published_example_of_rfc_7616_for_http():
    """RFC 7616 section 3.9.1: Mufasa, both algorithms."""
    for algorithm, response in (
        (MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        (SHA256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        auth = Authorization(
            "Mufasa",
            "http-auth@example.org",
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "/dir/index.html",
            response,
            algorithm,
            "auth",
            "00000001",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        ha1s = [make_ha1("Mufasa", "http-auth@example.org", "Circle of Life", which) for which in (MD5, SHA256)]
        assert response_matches(auth, "GET", *ha1s)
        assert not response_matches(auth, "POST", *ha1s)


def test_without_qop_as_rfc_2069():
    ha1 = make_ha1("u", "r", "p")
    ha2 = hashlib.md5(b"INVITE:sip:x").hexdigest()
    response = hashlib.md5(f"{ha1}:n:{ha2}".encode()).hexdigest()
    assert response_matches(Authorization("u", "r", "n", "sip:x", response), "INVITE", ha1, "")


def test_user_names_that_are_not_ascii_hash_as_their_bytes():
    assert make_ha1("zo\u00eb", "r", "p") == hashlib.md5("zo\u00eb:r:p".encode()).hexdigest()
    raw = b"zo\xeb"  # Latin-1, as an old PBX sends it and Python reads it
    assert make_ha1(raw.decode("utf-8", "surrogateescape"), "r", "p") == hashlib.md5(raw + b":r:p").hexdigest()


class TestNonce:
    def test_ours_and_fresh(self):
        for algorithm in (MD5, SHA256):
            nonce = make_nonce(SECRET, NOW, 12345, algorithm)
            assert len(nonce) == 57
            assert nonce_state(nonce, SECRET, NOW + 60, 120) == (Outcome.OK, algorithm)

    def test_it_grows_stale(self):
        nonce = make_nonce(SECRET, NOW, 1)
        assert nonce_state(nonce, SECRET, NOW + 120, 120)[0] is Outcome.OK
        assert nonce_state(nonce, SECRET, NOW + 121, 120)[0] is Outcome.STALE
        assert nonce_state(nonce, SECRET, NOW - 60, 120)[0] is Outcome.STALE, "from the future: a clock was set back"
        assert is_ours(nonce, SECRET)

    def test_foreign(self):
        nonce = make_nonce(SECRET, NOW, 1)
        later = f"{int(NOW) + 9999:08x}{nonce[8:]}"
        stronger = nonce[:24] + "s" + nonce[25:]
        for forged in (
            "",
            "abc",
            later,
            stronger,
            nonce[:-1] + ("0" if nonce[-1] != "0" else "1"),
            nonce + "0",
            "\u0665" * 57,
        ):
            assert nonce_state(forged, SECRET, NOW, 120) == (Outcome.FOREIGN_NONCE, MD5)
        assert nonce_state(nonce, b"another secret!!", NOW, 120)[0] is Outcome.FOREIGN_NONCE

    def test_different_dice_give_different_nonces(self):
        assert make_nonce(SECRET, NOW, 1) != make_nonce(SECRET, NOW, 2)


def test_challenge_value():
    assert challenge_value("r", "n") == 'Digest realm="r",qop="auth",nonce="n"'
    assert (
        challenge_value("r", "n", SHA256, stale=True)
        == 'Digest realm="r",qop="auth",nonce="n",algorithm=SHA-256,stale=true'
    )


FULL = (
    'Digest username="al\\"ice", realm="r" ,nonce="n",uri="sip:+1@h;x=\\"y\\"",response="ABCDEF",algorithm=md5,'
    'cnonce="c,d",qop=auth,nc=0000000a,opaque=""'
)


def test_parse_authorization():
    auth = parse_authorization(FULL)
    assert auth == Authorization('al"ice', "r", "n", 'sip:+1@h;x="y"', "abcdef", MD5, "auth", "0000000a", "c,d")
    assert auth.use_key == "abcdef"
    assert parse_authorization('digest username="",realm="r",nonce="n",uri="u",response="x"').username == ""
    assert (
        parse_authorization('Digest username=a,realm=r,nonce=n,uri=sip:h,response=x,qop="auth",nc=1,cnonce=c,').nc
        == "1"
    )


def test_an_answer_is_one_use_whatever_stands_around_it():
    """A replay with another count or nonce beside the same response is the same use: the response covers them."""
    keys = {parse_authorization(FULL.replace("0000000a", nc).replace("ABCDEF", "abcdef")).use_key for nc in ("a", "0B")}
    assert keys == {"abcdef"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "scheme"),
        ("Basic dTpw", "scheme"),
        ("Digest", "scheme"),
        ("Digest ", "without username"),
        (FULL.replace("nonce=", "nonsense=", 1), "without nonce"),
        (FULL.replace('"ABCDEF"', '""'), "without response"),
        (FULL + ', realm="again"', "twice"),
        (FULL.replace("qop=auth", "qop=auth-int"), "not offered"),
        (FULL.replace(",nc=0000000a", ""), "without nc"),
        (FULL.replace("0000000a", "xyz"), "without nc"),
        (FULL.replace("0000000a", "123456789"), "without nc"),
        (FULL.replace('cnonce="c,d",', ""), "without nc"),
        (FULL + ', broken="', "cannot be read"),
        (FULL + ", =x", "cannot be read"),
        (FULL.replace(",", ";"), "cannot be read"),
        ("Digest " + "x" * 5000, "longer"),
    ],
)
def test_an_authorization_that_cannot_be_read(text, why):
    with pytest.raises(DigestError, match=why):
        parse_authorization(text)


@given(st.text(max_size=100) | st.text(alphabet='abc="\\, \t', max_size=100))
def test_any_text_is_read_or_our_error(text):
    for candidate in (text, "Digest " + text, FULL + text, FULL + ", x=" + text):
        try:
            auth = parse_authorization(candidate)
        except DigestError:
            continue
        assert isinstance(auth.use_key, str)
        assert not response_matches(auth, "INVITE", "0" * 32, "0" * 64)


@pytest.mark.parametrize(
    ("digest_uri", "same"),
    [
        ("sip:+15550100@acme.pstn.twilio.com", True),
        ("sip:+15550100@acme.pstn.twilio.com:5060;transport=udp", True),
        ("sip:+15550100@198.51.100.1", True),
        ("sip:15550100@acme.pstn.twilio.com", True),
        ("sip:+15550100;ext=2@h", True),
        ("sip:acme.pstn.twilio.com", True),
        ("sip:+15550199@acme.pstn.twilio.com", False),
        ("rubbish", False),
        ("", False),
    ],
)
def test_same_number(digest_uri, same):
    assert same_number(digest_uri, "+15550100") is same


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.OK),
        ({"realm": "asterisk"}, Outcome.WRONG_REALM),
        ({"algorithm": "SHA-256"}, Outcome.OK),
        ({"algorithm": "SHA-256", "qop": ""}, Outcome.WRONG_ALGORITHM),
        ({"algorithm": "MD5-SESS"}, Outcome.WRONG_ALGORITHM),
        ({"qop": ""}, Outcome.OK),
        ({"uri": "sip:+1999@h"}, Outcome.WRONG_URI),
    ],
)
def test_check_form(changes, outcome):
    fields = {
        "username": "u",
        "realm": "r",
        "nonce": "n",
        "uri": "sip:+1555@h",
        "response": "x",
        "qop": "auth",
    } | changes
    for ruri in ("sip:+1555@h", "sip:+1555@acme.pstn.twilio.com"):
        assert check_form(Authorization(**fields), ruri, "+1555", "r", MD5) is outcome


def test_md5_is_no_answer_to_sha256():
    auth = Authorization("u", "r", "n", "sip:h", "x", MD5, "auth")
    assert check_form(auth, "sip:h", "", "r", SHA256) is Outcome.WRONG_ALGORITHM
