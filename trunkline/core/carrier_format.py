"""How a carrier wants numbers and headers to look: `+4930…` or `4930…`, a tech prefix, the caller's place and host.

    number_format   e164: +493012345678     digits: 493012345678; for both numbers
    tech_prefix     before the called number, in the Request-URI
    caller_header   both      From and P-Asserted-Identity (RFC 3325) name the caller
                    from      From alone
                    asserted  P-Asserted-Identity; From has `from_user`, the carrier's name for us, where it is set
    from_domain     the host of both, instead of ours

A caller who asks for privacy (RFC 3323: From is anonymous) keeps that From, and then the carrier learns the number from
P-Asserted-Identity whatever it says.
"""

from __future__ import annotations

from typing import NamedTuple

from trunkline.core.routing_data import CarrierRow

E164, DIGITS = "e164", "digits"
NUMBER_FORMATS = (E164, DIGITS)
BOTH, FROM, ASSERTED = "both", "from", "asserted"
CALLER_HEADERS = (BOTH, FROM, ASSERTED)
_ESCAPED = {"#": "%23"}


class Caller(NamedTuple):
    """Whom a termination call presents."""

    number: str
    """+E.164."""
    anonymous: bool
    """From asks for privacy."""


class Identity(NamedTuple):
    """The caller as a carrier gets it."""

    from_uri: str | None
    """None: From stays as it is."""
    asserted: str | None
    """URI of P-Asserted-Identity; None: there is none."""


def dialled(carrier: CarrierRow, called: str) -> str:
    """User part of the Request-URI. `called`: +E.164, or an emergency number as it was dialled."""
    prefix = "".join([_ESCAPED.get(character, character) for character in carrier.tech_prefix])
    return f"{prefix}{number_of(carrier, called)}"


def number_of(carrier: CarrierRow, number: str) -> str:
    return number.removeprefix("+") if carrier.number_format == DIGITS else number


def identity_for(carrier: CarrierRow, caller: Caller, our_host: str) -> Identity:
    """`our_host`: as it stands in a URI."""
    host = carrier.from_domain or our_host
    number = f"sip:{number_of(carrier, caller.number)}@{host}"
    if caller.anonymous:
        return Identity(None, number)
    if carrier.caller_header == ASSERTED and carrier.from_user:
        return Identity(f"sip:{carrier.from_user}@{host}", number)
    return Identity(number, None if carrier.caller_header == FROM else number)
