"""What the edge reads from a dialog-forming request before it asks for a decision."""

from __future__ import annotations

from typing import Literal

from trunkline.core.record import record

Transport = Literal["udp", "tcp", "tls"]


@record
class Invite:
    """The facts of one dialog-forming request (INVITE or REGISTER), as received: nothing is checked or normalised
    yet.
    """

    method: str
    """Upper case: `INVITE`, `REGISTER`."""
    ruri: str
    """The Request-URI, whole: `sip:+15550100@acme.pstn.twilio.com`."""
    from_header_uri: str
    """The URI of From, without display name, brackets and header parameters."""
    from_tag: str
    call_id: str
    source_ip: str
    """Where the packet came from, as text without brackets. Behind the TLS front: the far end's address, not the
    front's.
    """
    source_port: int
    transport: Transport
    """How the sender reached us; `tls` also where the TLS front passed it on over TCP."""
    p_asserted_identity: str | None = None
    """The whole P-Asserted-Identity value (RFC 3325), or None."""
    remote_party_id: str | None = None
    """The whole Remote-Party-ID value (draft-ietf-sip-privacy), or None."""
    authorization: str | None = None
    """The raw Proxy-Authorization value (for INVITE), else the Authorization value, or None."""
    user_agent: str | None = None
    has_sdp: bool = True
    """False: a late offer (RFC 3264), the offer comes with the 2xx."""
    offers_srtp: bool = False
    """An `m=audio` line of the offer says RTP/SAVP or RTP/SAVPF (RFC 4568)."""
    offers_srtp_key: bool = True
    """It has a key of a suite that we take (`media.has_taken_key`). Said of an offer of SRTP alone."""
    call_sid: str = ""
    """The SID that the edge gave this call. Goes into X-Twilio-CallSid of origination calls."""
    to_uri: str = ""
    """The URI of To, as that of From. Read for REGISTER, and for an INVITE to the Contact that we register with a
    carrier: any other goes where its Request-URI says."""
    cseq: int = 0
    """Read by no rule yet, so the edge leaves it out."""
    from_display: str = ""
    """Display name of From without quotes; empty when there is none. Likewise."""
