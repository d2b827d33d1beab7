from __future__ import annotations

import pytest
from example_world import POLICY

from trunkline.core.trunk_host import HostKind, read_trunk_host, valid_hosts


@pytest.mark.parametrize(
    ("host", "kind", "label"),
    [
        ("acme.pstn.twilio.com", "label", "acme"),
        ("acme.ashburn.pstn.twilio.com", "label", "acme"),
        ("acme.pstn.ashburn.twilio.com", "label", "acme"),
        ("acme.trunk.test", "label", "acme"),
        ("acme.edge1.trunk.test", "label", "acme"),
        ("pstn.twilio.com", "global", ""),
        ("pstn.ashburn.twilio.com", "global", ""),
        ("trunk.test", "global", ""),
        ("203.0.113.5", "global", ""),
        ("edge.test", "global", ""),
        ("", "global", ""),
        ("a.b.c.pstn.twilio.com", "foreign", ""),
        (".pstn.twilio.com", "foreign", ""),
        ("acme.sip.twilio.com", "foreign", ""),
        ("evilpstn.twilio.com", "foreign", ""),
        ("twilio.com", "foreign", ""),
        ("203.0.113.6", "foreign", ""),
        ("test", "foreign", ""),
    ],
)
def test_read_trunk_host(host, kind, label):
    assert read_trunk_host(host, POLICY) == (HostKind(kind), label)


def test_valid_hosts():
    assert valid_hosts(["a", "b"], POLICY) == "a.pstn.twilio.com, b.pstn.twilio.com"
    assert valid_hosts([], POLICY) == "<trunk label>.pstn.twilio.com"
