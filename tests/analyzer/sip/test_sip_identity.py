"""Identity headers: PASSporTs that are right, and what is said of those that are not."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from trunkline.analyzer.sip.identity import read_passport


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


HEADER = {"alg": "ES256", "typ": "passport", "ppt": "shaken", "x5u": "https://cert.example.org/c.pem"}
CLAIMS = {
    "attest": "B",
    "dest": {"tn": ["15551230000", "15551230001"]},
    "iat": 1577836800,
    "orig": {"tn": "15557654321"},
    "origid": "1db966a6-8f30-11e5-8994-feff819cdc9f",
}


def test_a_shaken_passport():
    found = read_passport(
        f"{part(HEADER)}.{part(CLAIMS)}.c2ln;info=<https://cert.example.org/p.pem>;alg=ES256;ppt=shaken"
    )
    assert found.problems == ()
    assert (found.originating, found.destinations) == ("15557654321", ("15551230000", "15551230001"))
    assert (found.attestation, found.issued_at, found.type, found.algorithm) == ("B", 1577836800, "shaken", "ES256")
    assert found.certificate_url == "https://cert.example.org/p.pem"


def test_the_compact_form_and_what_is_wrong():
    assert read_passport("..c2ln;info=<https://x>").problems == ()
    assert len(read_passport("abc").problems) >= 3
    assert read_passport(f"{part([1])}.{part(CLAIMS)}.s").problems == ("its header is no JSON object",)
    assert "iat is missing or no number" in read_passport(f"{part(HEADER)}.{part({'iat': 'x'})}.s").problems
    assert "there is no signature" in read_passport(f"{part(HEADER)}.{part(CLAIMS)}.").problems


@given(st.text(max_size=100))
def test_a_passport_never_raises(text):
    assert read_passport(text) is not None
