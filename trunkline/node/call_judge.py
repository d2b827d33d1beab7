"""The trace analyzer as the judge of a call that the trunk carried: the messages of the customer's side, the media
figures of the record, and the settings of this very trunk as the provider's requirements.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import Any

from trunkline.analyzer.analysis import judged
from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.ip_packet import ip_packet
from trunkline.analyzer.model.capture import Capture, Endpoint, Place, RawMessage, SourceFile
from trunkline.analyzer.model.stream import Media, Stream
from trunkline.analyzer.model.trace import Options, Trace
from trunkline.analyzer.profiles.profile import Profile, load_profile
from trunkline.analyzer.redacted_capture import LARGEST, NOWHERE
from trunkline.analyzer.report import json_report
from trunkline.core.decision import TERMINATION
from trunkline.settings import Settings

POOR_LOSS = 0.02
POOR_MOS = 3.6
RATE = 50
"""Packets a second of 20 ms audio."""


@dataclass(frozen=True, slots=True)
class CarriedCall:
    """What the record says of the call."""

    sid: str
    direction: str
    status: str
    error_code: int | None
    answered: float | None
    """Unix seconds."""
    ended: float | None
    codec: str | None
    customer_packets: int | None
    customer_lost: int | None
    customer_jitter_ms: float | None
    customer_mos: float | None
    carrier_packets: int | None

    @property
    def talked(self) -> float:
        return self.ended - self.answered if self.answered is not None and self.ended is not None else 0.0

    @property
    def is_worth_judging(self) -> bool:
        """Failed, refused with a code, or answered with poor or one-way audio. Busy and cancelled calls are normal."""
        return self.status == "failed" or self.error_code is not None or self._sounds_poor

    @property
    def _sounds_poor(self) -> bool:
        if self.talked < 3.0 or self.customer_packets is None or self.carrier_packets is None:
            return False
        if not self.customer_packets or not self.carrier_packets:
            return bool(self.customer_packets or self.carrier_packets)
        lost = self.customer_lost or 0
        poor = lost / (self.customer_packets + lost) > POOR_LOSS
        return poor or (self.customer_mos is not None and self.customer_mos < POOR_MOS)


def running_profile(settings: Settings) -> Profile:
    """The profile `trunkline` with what this node is set to."""
    profile = load_profile("trunkline")
    hosts = tuple(name for suffix in settings.domain_suffixes for name in (suffix, f"*.{suffix}"))
    address = ip_address(settings.advertised_ip)
    networks = () if address.is_loopback or address.is_unspecified else (ip_network(address),)
    signalling = replace(
        profile.signalling,
        hosts=(*hosts, settings.advertised_ip),
        networks=networks,
        port_udp=settings.sip_port,
        port_tcp=settings.sip_port,
        port_tls=settings.tls_port,
    )
    authentication = replace(profile.authentication, realms=(settings.realm,))
    return replace(profile, signalling=signalling, authentication=authentication)


def judge_call(call: CarriedCall, messages: Sequence[RawMessage], profile: Profile) -> dict[str, Any]:
    """The analysis of one call as the JSON report has it (docs/analyzer.md)."""
    return json_report.document(judged(trace_of(call, messages, profile)))


def trace_of(call: CarriedCall, messages: Sequence[RawMessage], profile: Profile) -> Trace:
    """The customer's side of the call as a trace that the rules can judge."""
    ours = [replace(message) for message in customer_side(call, messages)]
    for number, message in enumerate(ours, 1):
        message.place = Place(0, number)
    times = [message.time for message in ours if message.time is not None]
    source = SourceFile(
        f"call {call.sid}",
        "trunk",
        sum(len(message.data) for message in ours),
        packets=len(ours),
        first=min(times, default=None),
        # The edge has watched until the end, and what came in that time would be here.
        last=max((*times, *(() if call.ended is None else (call.ended,))), default=None),
    )
    trace = build_trace(Capture([source], ours), Media(), Options(profile=profile))
    for dialog in trace.dialogs:
        # Nothing has to be guessed here: the trunk is the provider.
        dialog.facing, dialog.facing_why = "provider", "this trunk carried the call"
        dialog.provider_side = "callee" if call.direction == TERMINATION else "caller"
    trace.media = _media(call, trace)
    return trace


def customer_side(call: CarriedCall, messages: Sequence[RawMessage]) -> list[RawMessage]:
    """Without the carrier's side: it is no business of the customer's, nor a fault of their PBX."""
    if not messages:
        return []
    first = messages[0].src
    from_first = [message for message in messages if first in (message.src, message.dst)]
    if call.direction == TERMINATION:
        return from_first
    return [message for message in messages if first not in (message.src, message.dst)]


def _media(call: CarriedCall, trace: Trace) -> Media:
    """Two streams out of the record's figures, between the addresses that the SDP of this side names."""
    media = Media(captured=True)
    ends = _sdp_ends(call, trace)
    if ends is None or call.answered is None or call.talked < 1.0 or call.customer_packets is None:
        return Media()
    customer, edge = ends
    known = trace.calls[0].id if trace.calls else None
    for src, dst, packets, from_customer in (
        (customer, edge, call.customer_packets, True),
        (edge, customer, call.carrier_packets or 0, False),
    ):
        if not packets:
            continue
        lost = (call.customer_lost or 0) if from_customer else 0
        stream = Stream(
            ssrc=0,
            src=src,
            dst=dst,
            first=call.answered,
            last=call.ended or call.answered,
            first_place=Place(),
            last_place=Place(),
            packets=packets,
            octets=packets * 160,
            payload_type=0,
            payload_types={},
            codec=call.codec or "",
            expected=packets + lost,
            lost=lost,
            jitter_mean_ms=(call.customer_jitter_ms or 0.0) if from_customer else 0.0,
            mos=call.customer_mos if from_customer else None,
            mos_basis="rtpengine's figures",
            call=known,
            match="sdp",
            from_caller=from_customer == (call.direction == TERMINATION),
        )
        media.streams.append(stream)
    return media


def _sdp_ends(call: CarriedCall, trace: Trace) -> tuple[Endpoint, Endpoint] | None:
    """Where the customer and where the edge want media: the last description of each."""
    found: dict[bool, Endpoint] = {}
    for dialog in trace.dialogs:
        for message in dialog.messages:
            section = message.sdp.first("audio") if message.body and message.sdp is not None else None
            if section is not None and section.port and message.status < 300:
                by_caller = message.src == dialog.caller
                found[by_caller == (call.direction == TERMINATION)] = Endpoint(section.address, section.port)
    return (found[True], found[False]) if len(found) == 2 else None


def capture_of(messages: Sequence[RawMessage]) -> bytes:
    """The messages as a packed pcap (raw IP and UDP, whatever the transport was), which every tool opens."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)]
    for message in messages:
        packet = ip_packet(message.src or NOWHERE, message.dst or NOWHERE, message.data[:LARGEST])
        seconds, fraction = divmod(message.time or 0.0, 1.0)
        packets.append(struct.pack("<IIII", int(seconds), int(fraction * 1e6), len(packet), len(packet)) + packet)
    return gzip.compress(b"".join(packets), 6, mtime=0)
