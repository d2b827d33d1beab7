"""Digest: known answers, and which of user, realm, password and URI is wrong."""

from __future__ import annotations

import hashlib

import pytest

from trunkline.analyzer.model.capture import Place, RawMessage
from trunkline.analyzer.sip.digest import challenges, check, credentials, response_of
from trunkline.analyzer.sip.parser import parse_message

PASSWORD = "Zanzi;bar9"
CHALLENGE = 'Digest realm="sip.example.net", nonce="n0nce", qop="auth", opaque="x, y"'
RURI = "sip:+15551230000@trunk.example.net"


def sip(text):
    return parse_message(RawMessage(text.replace("\n", "\r\n").encode(), Place(0, 1)), 0)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def request(response, user="bob", realm="sip.example.net", uri=RURI, more="", method="INVITE"):
    return sip(
        f"{method} {RURI} SIP/2.0\nFrom: <sip:robert@192.0.2.1>;tag=1\nTo: <{RURI}>\nCSeq: 2 {method}\n"
        f'Proxy-Authorization: Digest username="{user}",realm="{realm}", nonce="n0nce",'
        f'uri="{uri}",response="{response}"'
        f"{more}\n\n"
    )


def plain(user, realm, password, uri=RURI, method="INVITE"):
    return md5(f"{md5(f'{user}:{realm}:{password}')}:n0nce:{md5(f'{method}:{uri}')}")


def judged(read, passwords=None):
    challenge = challenges(sip(f"SIP/2.0 407 P\nProxy-Authenticate: {CHALLENGE}\nCSeq: 1 INVITE\n\n"))[0]
    return check(read, credentials(read)[0], passwords or {"bob": PASSWORD}, challenge)


def test_the_examples_of_the_rfcs():
    # RFC 2617 section 3.5 and RFC 7616 section 3.9.1
    sent = sip(
        'GET /dir/index.html SIP/2.0\nAuthorization: Digest username="Mufasa", realm="testrealm@host.com", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001, '
        'cnonce="0a4f113b"\n\n'
    )
    digest = credentials(sent)[0]
    assert response_of(digest, "Mufasa", "Circle Of Life", "GET") == "6629fae49393a05397450978507c4ef1"
    sent = sip(
        'GET /dir/index.html SIP/2.0\nAuthorization: Digest username="Mufasa", realm="http-auth@example.org", '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", qop=auth, nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", algorithm=SHA-256\n\n'
    )
    expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert response_of(credentials(sent)[0], "Mufasa", "Circle of Life", "GET") == expected


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
def test_all_algorithms_and_both_qualities(algorithm, qop):
    more = f',algorithm={algorithm},qop={qop},nc=00000001,cnonce="c1"'
    answer = response_of(credentials(request("", more=more))[0], "bob", PASSWORD, "INVITE", body=b"")
    assert judged(request(answer, more=more)).matches
    assert judged(request("0" * 32, more=more)).wrong == "unknown"


def test_right_and_refused_is_the_account():
    found = judged(request(plain("bob", "sip.example.net", PASSWORD)))
    assert (found.matches, found.wrong) == (True, "")


@pytest.mark.parametrize(
    ("stored", "how"),
    [
        ("Zanzi", "comment"),
        (PASSWORD + " ", "blank behind"),
        (PASSWORD + "\n", "line end"),
        (PASSWORD.lower(), "lower case"),
        (f'"{PASSWORD}"', "quotes"),
        ("", "no password"),
        (md5(f"bob:sip.example.net:{PASSWORD}"), "hash"),
    ],
)
def test_likely_mistakes_with_the_password(stored, how):
    found = judged(request(plain("bob", "sip.example.net", stored)))
    assert (found.matches, found.wrong) == (False, "password")
    assert how in found.how
    assert PASSWORD not in repr(found)
    assert PASSWORD.lower() not in repr(found)


def test_the_wrong_realm_user_uri_and_method():
    assert judged(request(plain("bob", "192.0.2.1", PASSWORD))).wrong == "realm"
    assert judged(request(plain("bob", "asterisk", PASSWORD), realm="asterisk")).wrong == "realm"
    assert judged(request(plain("robert", "sip.example.net", PASSWORD))).wrong == "user"
    assert judged(request(plain("bobby", "sip.example.net", PASSWORD), user="bobby")).wrong == "user"
    assert judged(request(plain("bob", "sip.example.net", PASSWORD), uri="sip:x@y")).wrong == "uri"
    elsewhere = judged(request(plain("bob", "sip.example.net", PASSWORD, uri="sip:x@y"), uri="sip:x@y"))
    assert (elsewhere.matches, elsewhere.wrong) == (True, "uri")
    assert judged(request(plain("bob", "sip.example.net", PASSWORD), method="ACK")).wrong == "method"
    assert judged(request(plain("bob", "sip.example.net", "altogether other"))).wrong == "unknown"


def test_nothing_is_said_where_nothing_can_be():
    assert judged(request(plain("eve", "sip.example.net", "x"), user="eve")) is None
    assert judged(request("1" * 32, more=",algorithm=SHA3-512")) is None
    assert judged(request("")) is None


def test_parameters_with_commas_and_quotes():
    read = sip(f'SIP/2.0 407 P\nProxy-Authenticate: {CHALLENGE}\nWWW-Authenticate: Basic realm="a"\nCSeq: 1 INVITE\n\n')
    first, second = challenges(read)
    assert (first.scheme, first.get("opaque"), first.algorithm, first.get("stale")) == ("digest", "x, y", "MD5", "")
    assert second.scheme == "basic"
