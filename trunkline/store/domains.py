"""Termination domains: `acme.pstn.twilio.com` has the label `acme`, by which the edge finds the trunk."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trunkline.store.errors import DomainHasSubLabels, DomainInvalid

ALWAYS = "pstn.twilio.com"
"""A suffix that is valid whatever is configured, so that a PBX keeps its configuration."""
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A label of a host name, lower case (RFC 1123 section 2.1)."""


def parse_domain(domain_name: str, suffixes: Sequence[str]) -> tuple[str, str]:
    """The domain name in lower case, and its label. Raises DomainInvalid, DomainHasSubLabels."""
    domain = domain_name.strip().lower().rstrip(".")
    known = list(dict.fromkeys([*(suffix.lower().strip(".") for suffix in suffixes), ALWAYS]))
    # The longest first: with both `example.com` and `sip.example.com`, the label of `a.sip.example.com` is `a`.
    for suffix in sorted(known, key=len, reverse=True):
        if domain.endswith("." + suffix):
            return domain, _label(domain.removesuffix("." + suffix), domain)
    endings = " or ".join(f".{suffix}" for suffix in known)
    raise DomainInvalid(f"the domain name {domain_name!r} has to end in {endings}")


def _label(label: str, domain: str) -> str:
    if "." in label:
        raise DomainHasSubLabels(f"the domain name {domain} has more than one label before the suffix")
    if LABEL.fullmatch(label) is None:
        raise DomainInvalid(
            f"the label {label!r} of the domain name may have letters, digits and '-' (not first, not last), "
            "63 characters at most"
        )
    return label
