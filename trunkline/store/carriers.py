"""Carriers: who terminates and originates for us, at which targets, from which addresses."""

from __future__ import annotations

from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core import sip_uri
from trunkline.store import change_log
from trunkline.store.errors import DuplicateAddress, SipUriInvalid
from trunkline.store.models import Carrier, CarrierAddress, CarrierTarget
from trunkline.store.networks import canonical_network

TRANSPORTS = ("udp", "tcp", "tls")


class CarrierFields(TypedDict, total=False):
    sid: str
    enabled: bool
    priority: int
    weight: int


class TargetFields(TypedDict, total=False):
    enabled: bool
    priority: int
    weight: int


def create_carrier(session: Session, friendly_name: str, **fields: Unpack[CarrierFields]) -> Carrier:
    """A new carrier without targets and addresses: neither called nor recognised yet."""
    carrier = Carrier(friendly_name=friendly_name, **fields)
    session.add(carrier)
    session.flush()
    return carrier


def add_target(session: Session, carrier: Carrier, target_uri: str, **fields: Unpack[TargetFields]) -> CarrierTarget:
    """One more SIP address of the carrier to call. Raises SipUriInvalid."""
    target = CarrierTarget(carrier=carrier, sip_uri=canonical_target(target_uri), **fields)
    session.add(target)
    session.flush()
    return target


def canonical_target(text: str) -> str:
    """`sip:host:port;transport=udp`, other parameters after it; port 5060 (5061 for TLS) and UDP where none is given.

    Raises SipUriInvalid.
    """
    try:
        uri = sip_uri.parse(text.strip())
    except sip_uri.SipUriError as error:
        raise SipUriInvalid(f"{text!r} is no carrier target: {error}") from error
    transport = (uri.param("transport") or "udp").lower()
    if uri.scheme != "sip" or uri.user or uri.headers or transport not in TRANSPORTS:
        raise SipUriInvalid(f"{text!r} is no carrier target: write sip:host:port;transport=udp, or tcp, or tls")
    port = uri.port or (5061 if transport == "tls" else 5060)
    others = [item for item in uri.params.split(";") if item and not item.lower().startswith("transport=")]
    params = ";".join([f"transport={transport}", *others])
    return str(sip_uri.SipUri("sip", host=uri.host, port=port, params=params))


def add_carrier_address(session: Session, carrier: Carrier, network: str) -> CarrierAddress:
    """One more network from which the carrier's origination calls come: an address, or address/prefix.

    Raises AddressInvalid, DuplicateAddress.
    """
    canonical = canonical_network(network)
    change_log.lock(session.connection())
    same = select(CarrierAddress.sid).where(
        CarrierAddress.carrier_sid == carrier.sid, CarrierAddress.network == canonical
    )
    if session.scalar(same) is not None:
        raise DuplicateAddress(f"the carrier has {canonical} already")
    address = CarrierAddress(carrier=carrier, network=canonical)
    session.add(address)
    session.flush()
    return address
