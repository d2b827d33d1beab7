"""A call to place, as a record: what `place_call` of an agent takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trunkline.testbench.sip_text import uri_host


def tone_hz(media: str) -> float:
    """`tone:440` → 440.0, `silence` → 0.0. ValueError for what is no sound."""
    if media == "silence":
        return 0.0
    kind, _, hz = media.partition(":")
    if kind != "tone" or not hz.isdigit() or not 20 <= int(hz) <= 3800:
        raise ValueError(
            f"media {media!r}: use echo, silence, none (no RTP, and so no DTMF), or tone:HZ with 20 to 3800 Hz"
        )
    return float(hz)


def check_media(media: str) -> None:
    """ValueError for what cannot be sent."""
    if media not in ("echo", "none"):
        tone_hz(media)


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A call to place."""

    to: str
    """Request-URI, `sip:+15550100000@label.pstn.twilio.com`."""
    via: str
    """Where to send it, `sip:127.0.0.1:5060;transport=udp`. A name here is resolved by the agent, once; the
    Request-URI never is.
    """
    caller: str = "testbench"
    """User part of From."""
    caller_name: str = ""
    from_host: str | None = None
    """Host of From; None: that of the Request-URI."""
    username: str | None = None
    """Digest credentials, sent only when challenged."""
    password: str | None = field(default=None, repr=False)
    srtp: str = "off"
    """off, optional or mandatory."""
    route_header: bool = False
    asserted_identity: str | None = None
    """P-Asserted-Identity, a URI (RFC 3325)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "tone:1000"
    """tone:HZ, echo, silence, or none: no RTP at all, DTMF neither (RTCP only)."""
    listen_hz: float | None = None
    """What to look for in the audio that comes back; None: the tone that is sent, or 1000."""
    digits: str = ""
    """RFC 4733, sent `digits_after` seconds after the answer."""
    digits_after: float = 0.5
    seconds: float | None = 3.0
    """Hang up this long after the answer; None: wait for the callee to hang up."""
    cancel_after: float | None = None
    """CANCEL this long after the INVITE when it is not answered."""
    record_to: str | None = None
    """Keep the answered part of the received audio in this WAV file (8 kHz, 16 bit, mono)."""
    give_up_after: float = 30.0
    """As cancel_after, the patience of a person who hears nothing."""

    def check(self) -> None:
        """ValueError for what cannot be placed."""
        if not uri_host(self.to):
            raise ValueError(f"to={self.to!r}: give a SIP URI, sip:+15550100000@label.pstn.twilio.com")
        check_media(self.media)
        if self.srtp not in ("off", "optional", "mandatory"):
            raise ValueError(f"srtp={self.srtp!r}: use off, optional or mandatory")
        if bad := set(self.digits) - set("0123456789*#ABCD"):
            raise ValueError(f"digits: {''.join(sorted(bad))} cannot be dialled; use 0-9 * # A-D")
        for name, value in self.headers.items():
            if not name.isascii() or any(c in f"{name}{value}" for c in "\r\n\0"):
                raise ValueError(f"header {name!r}: names are ASCII, and a header is one line")
