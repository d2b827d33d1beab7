from __future__ import annotations

import pytest

from trunkline.store.domains import parse_domain
from trunkline.store.errors import DomainHasSubLabels, DomainInvalid

SUFFIXES = ("sip.example.com", "example.com")


@pytest.mark.parametrize(
    ("domain_name", "parsed"),
    [
        ("acme.pstn.twilio.com", ("acme.pstn.twilio.com", "acme")),
        ("ACME.Example.COM.", ("acme.example.com", "acme")),
        ("a.sip.example.com", ("a.sip.example.com", "a")),
        ("1-2.example.com", ("1-2.example.com", "1-2")),
        (f"{'x' * 63}.example.com", (f"{'x' * 63}.example.com", "x" * 63)),
    ],
)
def test_the_label_stands_before_the_suffix(domain_name: str, parsed: tuple[str, str]):
    assert parse_domain(domain_name, SUFFIXES) == parsed


@pytest.mark.parametrize(
    "domain_name",
    [
        "acme", "acme.pstn.example.org", "acmeexample.com", ".example.com", "example.com", "-a.example.com",
        "a-.example.com", "a_b.example.com", "ü.example.com", f"{'x' * 64}.example.com", "a b.example.com", "",
    ],
)  # fmt: skip
def test_what_is_no_label_under_a_suffix_is_refused(domain_name: str):
    with pytest.raises(DomainInvalid) as caught:
        parse_domain(domain_name, SUFFIXES)
    assert not isinstance(caught.value, DomainHasSubLabels)


def test_more_than_one_label_is_said():
    with pytest.raises(DomainHasSubLabels, match="more than one label"):
        parse_domain("a.b.pstn.twilio.com", SUFFIXES)
