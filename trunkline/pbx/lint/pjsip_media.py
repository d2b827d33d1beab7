"""Judges the media of trunks in pjsip.conf: codecs, DTMF, SRTP, timers, direct media."""

from __future__ import annotations

from trunkline.pbx.lint import media_rules
from trunkline.pbx.lint.asterisk_codecs import allowed
from trunkline.pbx.lint.asterisk_conf import is_true
from trunkline.pbx.lint.desk import Desk
from trunkline.pbx.lint.pjsip_trunks import PjsipTrunk
from trunkline.pbx.lint.provider import Provider, is_private


def judge_media(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    _codecs(trunk, provider, desk)
    _dtmf(trunk, provider, desk)
    _srtp(trunk, provider, desk)
    _profile(trunk, provider, desk)
    _timers(trunk, provider, desk)
    _address(trunk, provider, desk)


def _codecs(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    fixed = f"[{trunk.name}]\ntype=endpoint\ndisallow=all\nallow=ulaw,alaw"
    offered, last = allowed(trunk.endpoint)
    place = last.place if last is not None else trunk.endpoint.place
    if not offered:
        what = f"[{trunk.name}] allows no codec" + (" in the end." if last is not None else ": it has no allow=.")
        why = "Asterisk then offers what the other leg happens to have, or nothing: calls end with 488."
        desk.hint("COD-01", place, what, why, fixed, provider)
        return
    media_rules.codecs(desk, offered, place, f"[{trunk.name}]", fixed, provider)


def _dtmf(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    option = trunk.endpoint.last("dtmf_mode")
    if option is None:
        return
    found = {
        "info": ("DTMF-02", "Keys are sent as SIP INFO, and no RFC 4733 events are offered."),
        "inband": ("DTMF-03", "Keys are sent as tones in the audio, and no RFC 4733 events are offered."),
        "none": ("DTMF-01", "Keys are not sent."),
    }.get(option.value.lower())
    if found is None:
        return
    rule, what = found
    why = f"{provider.title} takes RFC 4733 events only." if provider.dtmf_rfc4733 else "Most trunks take events only."
    desk.judge(provider.dtmf_rfc4733, rule, option.place, what, why, "dtmf_mode=rfc4733", provider)


def _srtp(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    option = trunk.endpoint.last("media_encryption")
    if option is None or is_true(trunk.endpoint.value("webrtc")):
        return
    mode = option.value.lower()
    if mode == "dtls":
        what = "media_encryption=dtls offers UDP/TLS/RTP/SAVP."
        why = (
            f"{provider.title} takes SRTP with keys in SDP (SDES) only."
            if provider.sdes_only
            else "Few trunks take it."
        )
        desk.judge(provider.sdes_only, "SDP-08", option.place, what, why, "media_encryption=sdes", provider)
    if mode not in ("sdes", "sdp") or not trunk.contacts:
        return
    protocol = trunk.transport.value("protocol", default="udp").lower() if trunk.transport is not None else ""
    if protocol in ("tls", "wss") or any(uri.transport in ("tls", "wss") for uri in trunk.contacts):
        return
    fixed = f"[{trunk.name}]\ntype=endpoint\nmedia_encryption=sdes\ntransport=transport-tls\n\n[{trunk.name}]\n"
    fixed += f"type=aor\ncontact=sip:{trunk.contacts[0].host}:{provider.port_tls}\\;transport=tls"
    what = f"[{trunk.name}] wants SRTP, and its contact is reached by UDP or TCP."
    if provider.srtp_needs_tls and not is_true(trunk.endpoint.value("media_encryption_optimistic")):
        why = f"{provider.title} takes SRTP over TLS only and refuses these calls."
        desk.problem("SRTP-02", option.place, what, why, fixed, provider)
    else:
        why = "The keys travel where everybody on the way can read them."
        desk.hint("SRTP-04", option.place, what, why, fixed, provider)


def _profile(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    for name, certain in (("webrtc", True), ("use_avpf", True), ("ice_support", False), ("bundle", False)):
        option = trunk.endpoint.last(name)
        if option is None or not is_true(option.value):
            continue
        what = f"{name}={option.value} on [{trunk.name}] offers what browsers want."
        why = "A trunk wants plain RTP/AVP or RTP/SAVP."
        desk.judge(certain and provider.sdes_only, "SDP-08", option.place, what, why, f"{name}=no", provider)


def _timers(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    endpoint = trunk.endpoint
    option = endpoint.last("timers")
    if option is not None and option.value.lower() in ("required", "always"):
        what = f"timers={option.value} makes each call depend on session timers."
        why = (
            f"{provider.title} ignores session timers."
            if provider.timers_ignored
            else "Not every trunk refreshes them."
        )
        rule = "ROUTE-06" if option.value.lower() == "required" else "TIMER-02"
        desk.hint(rule, option.place, what, why, "timers=no", provider)
    seconds = endpoint.last("timers_sess_expires")
    if seconds is not None and seconds.value.isdigit() and len(seconds.value) < 6 and int(seconds.value) < 90:
        what = f"timers_sess_expires={seconds.value} is below 90 s, the least that RFC 4028 allows."
        desk.problem(
            "TIMER-01", seconds.place, what, "Calls are refused with 422.", "timers_sess_expires=1800", provider
        )
    reliable = endpoint.last("100rel")
    if reliable is not None and reliable.value.lower() == "required":
        what = "100rel=required makes each call depend on PRACK."
        why = "A trunk that does not know it refuses the call with 420."
        desk.hint("ROUTE-06", reliable.place, what, why, "100rel=yes", provider)


def _address(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    direct = trunk.endpoint.last("direct_media")
    if direct is not None and is_true(direct.value):
        what = f"direct_media=yes lets Asterisk connect [{trunk.name}] with a phone directly."
        why = "The phone's address is then told to the trunk; where it cannot be reached, there is no audio."
        desk.hint("REINV-02", direct.place, what, why, "direct_media=no", provider)
    media = trunk.endpoint.last("media_address")
    if media is not None and is_private(media.value) and not trunk.is_inside:
        outer = trunk.transport is not None and bool(trunk.transport.value("external_media_address"))
        if not outer:
            what = f"media_address={media.value} stands in SDP, and nobody on the internet can reach it."
            fixed = "media_address=PUBLIC_IP"
            desk.judge(provider.is_public, "SDP-01", media.place, what, "There is no audio.", fixed, provider)
