"""Every way in which Trunkline refuses or loses a call: one row each. docs/errors.md explains them to customers.

`sip_status` and `reason` are what the sender gets. `code` is the vendor's debugger code, for X-Twilio-Error and the
alert. `fault` says against whom the failure counts. `text` is the template of X-Twilio-Error: it names what the sender
itself sent and nothing more, because the sender may be a stranger. `alert` is the template of the longer text in the
account's alert; it may name the trunk and say what to do. Templates take the keywords of `seen`.
"""

from __future__ import annotations

from enum import Enum

from trunkline.core.cause_row import CauseRow, Fault, LogLevel, Seen

_CUSTOMER, _CARRIER, _PLATFORM, _CALLER = Fault.CUSTOMER, Fault.CARRIER, Fault.PLATFORM, Fault.CALLER

# One text for two causes on purpose: whoever guesses labels must not learn from the answer which trunks exist.
_NO_PERMISSION = "Insufficient permissions: no trunk takes calls for {host} from {source}"
_AMBIGUOUS = "Insufficient permissions: {host} does not name one single trunk for a call from {source}"


# fmt: off
class Cause(Enum):
    """The row stands in `value`; its fields are also properties here."""

    # Which trunk, and who is it? (core/admission.py, in this order)
    UNKNOWN_TRUNK = CauseRow(
        403, "Forbidden", 32200, "error", _CUSTOMER,
        _NO_PERMISSION,
        "The Request-URI host {host} names no trunk. Valid hosts are <trunk label>.{suffix}.",
    )
    GLOBAL_ENDPOINT_AMBIGUOUS = CauseRow(
        403, "Forbidden", 32200, "error", _CUSTOMER,
        _AMBIGUOUS,
        "{host} names no trunk, and neither the source address {source} nor the user name {username} belongs to one "
        "single trunk. Send the call to one of: {hosts}.",
    )
    NO_AUTHENTICATION = CauseRow(
        403, "Forbidden", 32200, "error", _CUSTOMER,
        _NO_PERMISSION,
        "Trunk {trunk} has neither an IP access control list nor a credential list, so it takes no calls. Attach one.",
    )
    SOURCE_NOT_IN_ACL = CauseRow(
        403, "Forbidden", 32201, "error", _CUSTOMER,
        "Authentication failure - source IP Address not in ACL: {source}",
        "The call came from {source}, which is in no IP access control list of trunk {trunk}. Add this address, or "
        "detach the lists and let the credentials decide.",
    )
    BAD_CREDENTIALS = CauseRow(
        403, "Forbidden", 32202, "error", _CUSTOMER,
        "Authentication failure - bad user credentials: user name {username}",
        "Digest authentication of user name {username} from {source} failed on trunk {trunk}: {detail}.",
    )

    # No answer goes out for it: the edge drops what a banned source sends, and the ban itself is one alert.
    SOURCE_BANNED = CauseRow(
        403, "Forbidden", 32200, "warning", _CALLER,
        "Insufficient permissions: {source} is banned for a while",
        "{source} is banned for {seconds} s: {detail}. It gets no answer until then. See and lift bans with "
        "`trunkline bans`.",
    )

    # The account: judged only after authentication, so that strangers learn nothing.
    ACCOUNT_INACTIVE = CauseRow(
        403, "Forbidden", 10001, "error", _CUSTOMER,
        "Account is not active",
        "Account {account} is {status}: its trunks carry no calls.",
    )
    NO_FUNDS = CauseRow(
        403, "Forbidden", 10001, "error", _CUSTOMER,
        "Account is not active: no funds",
        "Account {account} is prepaid and its balance is used up: its trunks carry no calls until it is topped up.",
    )
    ORIGINATION_ACCOUNT_INACTIVE = CauseRow(
        480, "Temporarily Unavailable", 10003, "error", _CUSTOMER,
        "Incoming call rejected: account is not active",
        "A call for {called} was refused because account {account} is {status}.",
    )

    SPENDING_CAP = CauseRow(
        403, "Forbidden", 10001, "error", _CUSTOMER,
        "Account is not active: the spending cap of the day is reached",
        "Account {account} has spent its cap for today (UTC), so its trunks carry no more calls until midnight. Raise "
        "DailySpendCap if this is wanted; if it is not, look at today's calls first.",
    )

    # What the request asks for.
    TLS_REQUIRED = CauseRow(
        488, "Secure SIP transport required", 32209, "error", _CUSTOMER,
        "Secure SIP transport required: the call came over {transport}",
        "Trunk {trunk} is secure, but the call came over {transport}. Send it over TLS.",
    )
    SRTP_REQUIRED = CauseRow(
        488, "Not Acceptable Here", 32208, "error", _CUSTOMER,
        "SRTP required: {detail}",
        "Trunk {trunk} is secure, but {detail}. Turn SRTP (SDES) on in the PBX.",
    )
    SRTP_LOST = CauseRow(
        488, "Not Acceptable Here", 32208, "error", _CUSTOMER,
        "SRTP required: SDP within the call has no key that is taken",
        "Trunk {trunk} is secure, but SDP of its PBX within the call has no a=crypto line with AES_CM_128_HMAC_SHA1_80"
        " or _32, and was not passed on. Turn SRTP (SDES) on in the PBX, for re-INVITEs and answers too.",
    )
    SRTP_NOT_ALLOWED = CauseRow(
        488, "Not Acceptable Here", 32207, "error", _CUSTOMER,
        "SRTP not allowed: the offer says RTP/SAVP and the trunk is not secure",
        "Trunk {trunk} is not secure, but the SDP offers RTP/SAVP. Make the trunk secure, or turn SRTP off in the PBX.",
    )
    NUMBER_NOT_E164 = CauseRow(
        400, "Invalid phone number", 32101, "warning", _CUSTOMER,
        "Invalid phone number: {called} is not +E.164",
        "The called number {called} is not in +E.164 form: a plus sign, the country code and the number, 7 to 15 "
        "digits in all.{suggestion}",
    )
    # The vendor's code for a destination that the trunk may not call; it has none of its own for these three.
    EMERGENCY_NOT_ENABLED = CauseRow(
        403, "Emergency Calls Not Enabled", 32205, "error", _CUSTOMER,
        "Emergency calls are not enabled on this trunk: {called}",
        "An emergency call to {called} was refused: trunk {trunk} does not carry emergency calls. Dial it by a line "
        "that does, or turn EmergencyEnabled on where the carrier takes such calls.",
    )
    SHORT_CODE = CauseRow(
        403, "Short Code Not Supported", 32205, "warning", _CUSTOMER,
        "Short codes are not carried: {called}",
        "{called} is a short code, which means something in one country or network only: a trunk calls +E.164 numbers.",
    )
    DESTINATION_CLOSED = CauseRow(
        403, "No International Authorization", 32205, "error", _CUSTOMER,
        "No international authorization: {called} is closed for this account",
        "Account {account} may not call {called} ({where}, {kind}). Open it in the account's dialing permissions if "
        "these calls are wanted; if nobody wanted them, the PBX may be broken into.",
    )
    CALLER_ID_INVALID = CauseRow(
        403, "Invalid Caller ID", 32206, "error", _CUSTOMER,
        "Invalid Caller ID: {caller} is not +E.164",
        "Neither From ({caller}) nor P-Asserted-Identity nor Remote-Party-ID has a caller ID in +E.164 form."
        "{suggestion}",
    )
    CALLER_ID_NOT_OWNED = CauseRow(
        403, "Invalid Caller ID", 32204, "error", _CUSTOMER,
        "Invalid Caller ID: {caller} is neither a number nor a verified caller ID of the account",
        "The caller ID {caller} is neither a phone number nor a verified caller ID of account {account}.",
    )
    CALLER_ID_REPLACED = CauseRow(
        200, "OK", 32204, "warning", _CUSTOMER,
        "Caller ID {caller} replaced",
        "The caller ID {caller} is not the account's own; trunk {trunk} put its default caller ID "
        "{replacement} in its place.",
    )
    REGISTER_REFUSED = CauseRow(
        403, "Forbidden", 32210, "error", _CUSTOMER,
        "REGISTER is not supported on a trunk",
        "A REGISTER for {called} came from {source}. The trunk takes no registrations: turn registration off in the "
        "PBX, or set Registration of the trunk to allowed.",
    )
    METHOD_NOT_ALLOWED = CauseRow(
        405, "Method Not Allowed", None, "warning", _CALLER,
        "{method} is not taken here",
        "A {method} came from {source}; a trunk takes INVITE.",
    )
    MALFORMED_REQUEST = CauseRow(
        400, "Bad Request", 32112, "warning", _CALLER,
        "Malformed request: {detail}",
        "Malformed request from {source}: {detail}.",
    )

    # Of the request itself, before anybody is asked who it is from (kamailio.cfg, engines/kamailio/refusals.py).
    TOO_MANY_HOPS = CauseRow(
        483, "Too Many Hops", 32006, "warning", _CALLER,
        "Too many hops",
        "A request for {called} came from {source} with Max-Forwards used up: it has gone in a circle, or its sender "
        "begins with too low a number. Send Max-Forwards: 70.",
    )
    # The vendor has no codes of its own for a wrong CSeq and for the length.
    CSEQ_TOO_HIGH = CauseRow(
        400, "CSeq Too High", 32112, "warning", _CALLER,
        "CSeq is higher than a call may begin with",
        "A request for {called} from {source} had a CSeq of 2,147,482,648 or more. Count from a low number.",
    )
    MESSAGE_TOO_LONG = CauseRow(
        513, "Message Too Large", 32112, "warning", _CUSTOMER,
        "Message too long: an INVITE has at most 24,000 bytes",
        "An INVITE or UPDATE for {called} from {source} had more than 24,000 bytes. Leave out codecs, candidates and "
        "headers that a trunk does not need.",
    )
    BODY_NOT_TAKEN = CauseRow(
        415, "Unsupported Media Type", 32102, "warning", _CUSTOMER,
        "Bad SDP: the body is none",
        "A request for {called} from {source} had a body that is no SDP, or SDP where none is taken. Send "
        "application/sdp, alone or in multipart/mixed, in INVITE, ACK, PRACK and UPDATE.",
    )
    TRANSFER_REFUSED = CauseRow(
        403, "Transfer Not Allowed", 32218, "error", _CUSTOMER,
        "Transfer is not enabled on this trunk",
        "A REFER within the call between {caller} and {called} was refused: trunk {trunk} does not transfer calls. Let "
        "the PBX keep the call and connect it itself.",
    )

    NO_COMMON_CODEC = CauseRow(
        488, "Not Acceptable Here", 32102, "warning", _CUSTOMER,
        "No common codec: the offer has neither PCMU nor PCMA, and the callee's side takes none of the others",
        "The SDP of the call to {called} offers neither PCMU nor PCMA, and the carrier takes none of its codecs. Turn "
        "PCMU or PCMA on in the PBX: every network takes these two.",
    )

    # How much: judged last, so that only calls that would go out count.
    TRUNK_CPS_LIMIT = CauseRow(
        503, "Trunk CPS limit exceeded", 32001, "error", _CUSTOMER,
        "Trunk CPS limit exceeded",
        "More than {limit} calls per second began on trunk {trunk}. Spread them, or raise the trunk's CpsLimit.",
    )
    ACCOUNT_CPS_LIMIT = CauseRow(
        503, "Trunk CPS limit exceeded", 32012, "warning", _CUSTOMER,
        "Account CPS limit exceeded",
        "More than {limit} calls per second began on all trunks of account {account} together. Spread them, or let the "
        "operator raise the account's CpsLimit.",
    )
    TRUNK_CONCURRENT_LIMIT = CauseRow(
        503, "Trunk concurrent call limit exceeded", 10004, "error", _CUSTOMER,
        "Trunk concurrent call limit exceeded",
        "Trunk {trunk} has {limit} calls up, as many as it may. Raise its ConcurrentCallsLimit, or see whether "
        "calls hang.",
    )
    ACCOUNT_CONCURRENT_LIMIT = CauseRow(
        503, "Trunk concurrent call limit exceeded", 10004, "error", _CUSTOMER,
        "Account concurrent call limit exceeded",
        "The trunks of account {account} have {limit} calls up together, as many as the account may. Let the operator "
        "raise its ConcurrentCallsLimit.",
    )
    MAX_DURATION = CauseRow(
        200, "OK", 32015, "warning", _CUSTOMER,
        "Maximum call duration reached",
        "The call was ended on both sides after {limit} s, the longest that trunk {trunk} lets a call last.",
    )

    MEDIA_TIMEOUT = CauseRow(
        200, "OK", 32014, "warning", _CALLER,
        "No audio came for too long",
        "No audio packet came from either side for {limit} s, so the call was ended on both sides: a BYE was lost, or "
        "one side is gone.",
    )
    NO_ACK = CauseRow(
        200, "OK", 32022, "error", _CALLER,
        "The answer was never acknowledged",
        "The caller never acknowledged the answer (no ACK within 32 s), so the callee ended the call. ACK goes to the "
        "Contact of our 200 OK: look for a firewall or a SIP ALG on the caller's side.",
    )

    # The carrier side.
    # The vendor's code for routing over carriers that ended without one (BYOC); it has none of its own for its
    # own carriers.
    NO_CARRIER = CauseRow(
        503, "No Carrier Available", 32400, "error", _PLATFORM,
        "No carrier is available",
        "No enabled carrier target is configured for {called}: enable one, or give a carrier with rates one for it.",
    )
    CARRIERS_EXHAUSTED = CauseRow(
        503, "No Carrier Available", 32400, "error", _CARRIER,
        "No carrier could take the call",
        "All carrier targets failed for this call; its attempts say how.",
    )

    CARRIERS_FULL = CauseRow(
        503, "No Carrier Available", 32400, "error", _PLATFORM,
        "No carrier has room for the call",
        "Every carrier for {called} has as many calls a second or at a time as it takes. Raise CpsLimit and "
        "ConcurrentCallsLimit of a carrier where it takes more, or add one.",
    )
    PDD_TIMEOUT = CauseRow(
        408, "Request Timeout", 32016, "error", _CARRIER,
        "Post-dial delay: the carrier said nothing of the call in time",
        "The last carrier took the call to {called} (100) and then said nothing: neither ringing nor an answer nor a "
        "refusal. Its attempts say how long.",
    )
    CARRIER_REFUSES_US = CauseRow(
        503, "No Carrier Available", 32400, "error", _CARRIER,
        "A carrier refuses our calls",
        "Carrier {carrier} answered {status} to a call to {url}: {why}. Look at the credentials that are set for it, "
        "and whether it knows our address. Said once an hour.",
    )
    # No call gets these: they are about a carrier, and the published code is the one of a carrier that fails.
    CARRIER_DOWN = CauseRow(
        503, "No Carrier Available", 32400, "warning", _CARRIER,
        "A carrier target does not answer",
        "{url} of carrier {carrier} has not answered {limit} OPTIONS in a row ({why}). Calls go to other targets until "
        "it answers.",
    )
    CARRIER_UP = CauseRow(
        200, "OK", 32400, "notice", _CARRIER,
        "A carrier target answers again",
        "{url} of carrier {carrier} answers again after {seconds} s.",
    )
    CARRIER_REGISTRATION = CauseRow(
        503, "No Carrier Available", 32400, "error", _CARRIER,
        "A carrier refuses our registration",
        "The registration at {url} of carrier {carrier} failed: {why}. Calls from it may not arrive.",
    )

    # Origination.
    UNKNOWN_NUMBER = CauseRow(
        404, "Not Found", None, "warning", _CARRIER,
        "Number {called} is not served here",
        "The carrier {carrier} sent a call for {called}, which is no number of this platform.",
    )
    # RFC 3261 section 21.4.4: 404 where the server knows that the user does not exist at the domain.
    NUMBER_WITHOUT_TRUNK = CauseRow(
        404, "Not Found", None, "warning", _CUSTOMER,
        "Number {called} is not in use",
        "A call came for {called}, which is attached to no trunk. Attach it.",
    )
    # RFC 3261 section 21.4.18: 480 is also what a proxy says that recognises the user of the Request-URI but has no
    # valid forwarding location for it.
    NO_ORIGINATION_URL = CauseRow(
        480, "Temporarily Unavailable", 32010, "error", _CUSTOMER,
        "No valid origination URL for {called}",
        "A call came for {called}, but trunk {trunk} has no enabled, valid origination URL.",
    )
    ORIGINATION_EXHAUSTED = CauseRow(
        480, "Temporarily Unavailable", 32010, "error", _CUSTOMER,
        "No origination URL could take the call",
        "None of the origination URLs of trunk {trunk} took the call; its attempts say how.",
    )
    ORIGINATION_ATTEMPT_FAILED = CauseRow(
        480, "Temporarily Unavailable", 32011, "warning", _CUSTOMER,
        "Could not talk to the SIP element {url}",
        "The attempt to {url} failed: {why}.",
    )

    # The platform itself.
    # The published code for an internal error, here and in the next but one.
    PLATFORM_BUG = CauseRow(
        500, "Server Internal Error", 20500, "error", _PLATFORM,
        "Internal error",
        "Trunkline failed on this request; the log has the traceback.",
    )
    EDGE_RESTARTED = CauseRow(
        500, "Server Internal Error", None, "error", _PLATFORM,
        "The edge was restarted",
        "The edge was restarted while this call was being set up.",
    )
    NO_MEDIA_RELAY = CauseRow(
        503, "Service Unavailable", 20500, "error", _PLATFORM,
        "Internal error: no media relay",
        "The media relay (rtpengine) did not answer, so the call could not be set up. It is started again by itself; "
        "if this repeats, see the log.",
    )
    # The published code for an internal error; calls go on, so no caller ever sees it.
    SPOOL_FULL = CauseRow(
        500, "Server Internal Error", 20500, "error", _PLATFORM,
        "Internal error",
        "The disk took no events of calls. Calls went on, and their events waited in the edge's memory. Make room: "
        "what does not fit into memory is lost.",
    )
    # The published code for a service that is away for a while.
    DRAINING = CauseRow(
        503, "Draining", 20503, "notice", _PLATFORM,
        "This edge takes no new calls",
        "A call for {called} from {source} was refused because the edge is being shut down. Send calls to another "
        "edge, or again after a minute.",
    )

    OVERLOADED = CauseRow(
        503, "Overloaded", 20503, "error", _PLATFORM,
        "This edge has more calls than it can carry",
        "A call for {called} from {source} was refused because more came in than this edge handles. Give it more "
        "processors, or send a part of the calls to another edge.",
    )

    # The row's fields, as properties: `Cause.UNKNOWN_TRUNK.sip_status`.
    @property
    def sip_status(self) -> int:
        """Final SIP status that the sender gets."""
        return self.value.sip_status

    @property
    def reason(self) -> str:
        """Reason phrase beside it."""
        return self.value.reason

    @property
    def code(self) -> int | None:
        """The vendor's debugger code; None where it has none, and then there is neither X-Twilio-Error nor an alert."""
        return self.value.code

    @property
    def level(self) -> LogLevel:
        """Log level of the alert."""
        return self.value.level

    @property
    def fault(self) -> Fault:
        return self.value.fault

# fmt: on


def cause_texts(cause: Cause, seen: dict[str, object]) -> tuple[str, str]:
    """The text for the sender and the text for the alert, filled with the values of `seen`. Never raises."""
    safe, row = Seen.of(seen), cause.value
    return row.text.format_map(safe), row.alert.format_map(safe)
