"""Answers to carriers' challenges, against the example of RFC 7616 section 3.9.1, and what is not answered."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.carrier_digest import Unanswerable, answer, header_name
from trunkline.core.digest import parse_authorization
from trunkline.core.routing_data import CarrierRow

REALM, NONCE = "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def carrier(realm: str | None = REALM, username: str | None = "Mufasa") -> CarrierRow:
    text = f"Mufasa:{realm}:Circle of Life".encode()
    return CarrierRow(
        "CX", True, 1, 1, auth_username=username, auth_realm=realm,
        auth_ha1_md5=hashlib.md5(text).hexdigest(), auth_ha1_sha256=hashlib.sha256(text).hexdigest(),
    )  # fmt: skip


def challenge(algorithm: str, realm: str = REALM, qop: str = "auth, auth-int") -> str:
    return f'Digest realm="{realm}", qop="{qop}", algorithm={algorithm}, nonce="{NONCE}", opaque="{OPAQUE}"'


RESPONSES = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


@pytest.mark.parametrize("algorithm", RESPONSES)
def test_the_example_of_the_rfc(algorithm: str) -> None:
    value = answer(challenge(algorithm), carrier(), "GET", "/dir/index.html", CNONCE)
    read = parse_authorization(value)
    assert (read.username, read.realm, read.nonce, read.uri) == ("Mufasa", REALM, NONCE, "/dir/index.html")
    assert (read.algorithm, read.qop, read.nc, read.cnonce) == (algorithm, "auth", "00000001", CNONCE)
    assert read.response == RESPONSES[algorithm]
    assert f'opaque="{OPAQUE}"' in value


def test_of_several_the_best_that_fits() -> None:
    other = challenge("SHA-256", realm="other")
    for text in (f"{challenge('MD5')}, {challenge('SHA-256')}", f"{challenge('SHA-256')},{challenge('MD5')}"):
        assert "algorithm=SHA-256" in answer(text, carrier(), "INVITE", "sip:x", "c")
    assert "algorithm=MD5" in answer(f'Basic realm="x", {other}, {challenge("MD5")}', carrier(), "INVITE", "sip:x", "c")


def test_without_qop_as_rfc_2069_had_it() -> None:
    value = answer(f'Digest realm="{REALM}", nonce="n"', carrier(), "INVITE", "sip:x", "c")
    assert "qop" not in value
    assert "cnonce" not in value
    ha2 = hashlib.md5(b"INVITE:sip:x").hexdigest()
    assert hashlib.md5(f"{carrier().auth_ha1_md5}:n:{ha2}".encode()).hexdigest() in value


@pytest.mark.parametrize(
    ("row", "text", "why"),
    [
        (carrier(username=None), challenge("MD5"), "no credentials are set"),
        (carrier(), "", "no Digest challenge"),
        (carrier(), 'Basic realm="x"', "no Digest challenge"),
        (carrier(), challenge("MD5", realm="x"), 'its realm is "x", our credentials are for "http-auth@example.org"'),
        (carrier(), challenge("MD5-sess"), "another algorithm"),
        (carrier(), challenge("MD5", qop="auth-int"), "another qop"),
        (carrier(), f'Digest realm="{REALM}"', "another algorithm"),
    ],
)
def test_what_is_not_answered(row: CarrierRow, text: str, why: str) -> None:
    with pytest.raises(Unanswerable, match=why.replace("?", ".")):
        answer(text, row, "INVITE", "sip:x", "c")


@given(st.text(max_size=400))
def test_whatever_comes_it_is_answered_or_not(text: str) -> None:
    for value in (text, f"Digest {text}", challenge("MD5") + text):
        try:
            answer(value, carrier(), "INVITE", "sip:x", "c")
        except Unanswerable:
            continue


def test_where_the_answer_goes() -> None:
    assert (header_name(401), header_name(407)) == ("Authorization", "Proxy-Authorization")
