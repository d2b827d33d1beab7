"""Carriers: who terminates and originates for us, at which targets, from which addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from trunkline.core import sip_uri
from trunkline.core.host_name import is_name
from trunkline.store import change_log
from trunkline.store.base import now_us
from trunkline.store.carrier_models import FIRST_SECONDS, NEXT_SECONDS, CarrierRate
from trunkline.store.credentials import digest_ha1
from trunkline.store.errors import DuplicateAddress, SipUriInvalid
from trunkline.store.models import Carrier, CarrierAddress, CarrierTarget
from trunkline.store.networks import canonical_network
from trunkline.store.sids import new_sid

ONE_BY_ONE = 500
"""More changed rates than that go into the store all at once."""
TRANSPORTS = ("udp", "tcp", "tls")


class CarrierFields(TypedDict, total=False):
    sid: str
    enabled: bool
    priority: int
    weight: int

    number_format: str
    tech_prefix: str
    caller_header: str
    from_user: str | None
    from_domain: str | None
    cps_limit: float | None
    concurrent_calls_limit: int | None
    probe_seconds: int
    probe_misses: int
    register_enabled: bool
    registrar: str | None
    register_expires: int


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


def set_credentials(carrier: Carrier, username: str, realm: str, password: str) -> None:
    """Who we are for the carrier. The password is not kept, only what a digest needs of it."""
    carrier.auth_username, carrier.auth_realm = username, realm
    carrier.auth_ha1_md5, carrier.auth_ha1_sha256 = digest_ha1(username, realm, password)


def clear_credentials(carrier: Carrier) -> None:
    carrier.auth_username = carrier.auth_realm = carrier.auth_ha1_md5 = carrier.auth_ha1_sha256 = None


def set_rate(
    session: Session,
    carrier: Carrier,
    prefix: str,
    price_micros: int,
    first_seconds: int = FIRST_SECONDS,
    next_seconds: int = NEXT_SECONDS,
) -> CarrierRate:
    """What the carrier takes per minute towards `prefix` (`+49`; `+`: all numbers); a rate that is there is changed."""
    change_log.lock(session.connection())
    same = select(CarrierRate).where(CarrierRate.carrier_sid == carrier.sid, CarrierRate.prefix == prefix)
    rate = session.scalar(same)
    if rate is None:
        rate = CarrierRate(carrier=carrier, prefix=prefix)
        session.add(rate)
    rate.price_micros, rate.first_seconds, rate.next_seconds = price_micros, first_seconds, next_seconds
    session.flush()
    return rate


def replace_rates(session: Session, carrier: Carrier, rates: Mapping[str, tuple[int, int, int]]) -> None:
    """All rates of the carrier, by prefix: price in micros per minute, seconds billed at least and at a time. What is
    not among them goes, and what is as it was stays untouched.
    """
    connection = session.connection()
    change_log.lock(connection)
    table = CarrierRate.__table__
    rows = connection.execute(select(table).where(table.c.carrier_sid == carrier.sid))
    known = {row.prefix: (row.price_micros, row.first_seconds, row.next_seconds) for row in rows}
    gone = [prefix for prefix in known if prefix not in rates]
    new = {prefix: rate for prefix, rate in rates.items() if known.get(prefix) != rate}
    if len(gone) + len(new) <= ONE_BY_ONE:
        for prefix in gone:
            same = select(CarrierRate).where(CarrierRate.carrier_sid == carrier.sid, CarrierRate.prefix == prefix)
            session.delete(session.scalars(same).one())
        for prefix, rate in new.items():
            set_rate(session, carrier, prefix, *rate)
        session.flush()
    else:
        _replace_at_once(connection, carrier.sid, [*gone, *(prefix for prefix in new if prefix in known)], new)
    session.expire(carrier, ["rates"])


def _replace_at_once(
    connection: Connection, carrier_sid: str, gone: Sequence[str], new: Mapping[str, tuple[int, int, int]]
) -> None:
    """Past the change log, which would take a second for every 2,000 rates: routing.db is written anew."""
    now = now_us()
    for start in range(0, len(gone), 500):  # SQLite takes a limited number of parameters
        among = CarrierRate.prefix.in_(gone[start : start + 500])
        connection.execute(delete(CarrierRate).where(CarrierRate.carrier_sid == carrier_sid, among))
    if new:
        rows = [
            {
                "sid": new_sid("CF"),
                "carrier_sid": carrier_sid,
                "prefix": prefix,
                "price_micros": price_micros,
                "first_seconds": first_seconds,
                "next_seconds": next_seconds,
                "date_created_us": now,
                "date_updated_us": now,
            }
            for prefix, (price_micros, first_seconds, next_seconds) in new.items()
        ]
        connection.execute(insert(CarrierRate), rows)
    change_log.request_rebuild(connection)


def add_target(session: Session, carrier: Carrier, target_uri: str, **fields: Unpack[TargetFields]) -> CarrierTarget:
    """One more SIP address of the carrier to call. Raises SipUriInvalid."""
    target = CarrierTarget(carrier=carrier, sip_uri=canonical_target(target_uri), **fields)
    session.add(target)
    session.flush()
    return target


def canonical_target(text: str) -> str:
    """`sip:host:port;transport=udp`, other parameters after it; port 5060 (5061 for TLS) and UDP where none is given.
    A name without a port stays without one: its SRV records say the ports (RFC 3263 section 4.2).

    Raises SipUriInvalid.
    """
    try:
        uri = sip_uri.parse(text.strip())
    except sip_uri.SipUriError as error:
        raise SipUriInvalid(f"{text!r} is no carrier target: {error}") from error
    transport = (uri.param("transport") or "udp").lower()
    if uri.scheme != "sip" or uri.user or uri.headers or transport not in TRANSPORTS:
        raise SipUriInvalid(f"{text!r} is no carrier target: write sip:host:port;transport=udp, or tcp, or tls")
    port = uri.port
    if port is None and not is_name(uri.host):
        port = 5061 if transport == "tls" else 5060
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
