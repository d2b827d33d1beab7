"""Judges sip.conf of Asterisk's chan_sip: option names and defaults of Asterisk 1.8 to 20."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from trunkline.pbx.lint import media_rules
from trunkline.pbx.lint.asterisk_codecs import allowed
from trunkline.pbx.lint.asterisk_conf import Configuration, Option, Section, is_true
from trunkline.pbx.lint.desk import Desk
from trunkline.pbx.lint.finding import Place
from trunkline.pbx.lint.provider import Provider, is_e164, is_private
from trunkline.pbx.lint.sip_uri import parse
from trunkline.pbx.lint.source import Endless, printable

DEFAULT_CODECS = ("ulaw", "alaw", "gsm", "h263")
MOST_TRUNKS = 500
OUTER = ("externaddr", "externip", "externhost")


@dataclass(slots=True)
class SipPeer:
    """A peer with a fixed host, and the general section whose options hold where it says nothing."""

    section: Section
    general: Section

    @property
    def name(self) -> str:
        return self.section.name

    @property
    def host(self) -> str:
        return parse(self.section.value("host")).host

    @property
    def proxy(self) -> str:
        """Host of its outbound proxy; empty: none. `[transport://]host[:port][,force]`"""
        return parse(self.value("outboundproxy").partition(",")[0].rpartition("//")[2]).host

    def last(self, *names: str) -> Option | None:
        return self.section.last(*names) or self.general.last(*names)

    def value(self, *names: str, default: str = "") -> str:
        found = self.last(*names)
        return found.value if found is not None else default


def judge(configuration: Configuration, desk: Desk) -> list[tuple[SipPeer, Provider]]:
    """All rules on one configuration; returns its trunks, each with the provider that it was judged by."""
    general = _general(configuration)
    peers = [
        SipPeer(section, general)
        for section in configuration.sections
        if section.name != "general"
        and not section.template
        and section.value("type").lower() in ("peer", "friend")
        and section.value("host").lower() not in ("", "dynamic")
        and not is_private(parse(section.value("host")).host)
    ]
    if len(peers) > MOST_TRUNKS:
        raise Endless(f"{printable(configuration.file)}: has more than {MOST_TRUNKS} peers with a fixed host")
    judged = [(peer, desk.provider_of([peer.host], only_trunk=len(peers) == 1, proxy=peer.proxy)) for peer in peers]
    for peer, provider in judged:
        _authentication(peer, provider, desk)
        # chan_sip knows who calls by one address for each peer: beside one with the name, these are for
        # calls that come in.
        named = any(one is provider and not provider.has_address(other.host) for other, one in judged)
        _host(peer, provider, desk, named=named)
        _caller_id(peer, provider, desk)
        _media(peer, provider, desk)
        _timers(peer, provider, desk)
    _registrations(general, judged, desk)
    _public_address(general, [provider for _, provider in judged], desk)
    return judged


def _general(configuration: Configuration) -> Section:
    found = configuration.named("general")
    if not found:
        return Section("general", Place(configuration.file, 1))
    merged = Section("general", found[0].place)
    merged.options = [option for section in found for option in section.options]
    return merged


def _authentication(peer: SipPeer, provider: Provider, desk: Desk) -> None:
    secret = peer.section.last("secret", "md5secret")
    insecure = [word.strip().lower() for word in peer.value("insecure").split(",")]
    if secret is None or not secret.value or peer.section.value("remotesecret"):
        return
    if "invite" in insecure or "very" in insecure:
        return
    what = f"[{peer.name}] has a secret and not insecure=invite: Asterisk asks the provider for the password, too."
    why = f"Calls from {provider.title} are answered with 401."
    if not provider.answers_challenges:
        why = f"{provider.title} never answers a challenge: each call to your numbers fails with 401."
    fixed = f"[{peer.name}]\ntype=peer\ninsecure=port,invite"
    desk.judge(not provider.answers_challenges, "AUTH-13", secret.place, what, why, fixed, provider)


def _host(peer: SipPeer, provider: Provider, desk: Desk, *, named: bool) -> None:
    place = peer.section.place_of("host")
    name = provider.hosts[0].replace("*", "YOUR_TRUNK", 1) if provider.hosts else ""
    why = "The trunk is chosen by the name in the request line: such calls are refused (403 or 404)."
    if provider.hosts and provider.has_address(peer.host) and not named:
        what = f"[{peer.name}] sends calls to the address {peer.host} instead of your trunk's name."
        desk.problem("NUM-05", place, what, why, f"[{peer.name}]\nhost={name}\nfromdomain={name}", provider)
    elif provider.is_parent(peer.host):
        what = f"[{peer.name}] sends calls to {peer.host}, which names no trunk."
        desk.problem("NUM-05", place, what, why, f"[{peer.name}]\nhost={name}\nfromdomain={name}", provider)
    transports = [word.strip().lower() for word in peer.value("transport", default="udp").split(",")]
    port = peer.section.value("port")
    if port == str(provider.port_tls) and transports[0] != "tls":
        what = f"Port {port} is for TLS, and [{peer.name}] uses {transports[0]}."
        fixed = f"[{peer.name}]\ntransport=tls\nport={port}"
        why = "Plain SIP sent to the TLS port gets no answer."
        desk.judge(bool(provider.hosts), "NET-05", peer.section.place_of("port"), what, why, fixed, provider)


def _caller_id(peer: SipPeer, provider: Provider, desk: Desk) -> None:
    option = peer.section.last("fromuser")
    if option is None or not provider.plus_caller or is_e164(option.value):
        return
    if peer.value("sendrpid").lower() in ("yes", "pai", "rpid", "true"):
        return
    what = f"fromuser={option.value} stands in From of every call, and is no number in +E.164."
    why = f"{provider.title} wants one of your numbers as caller ID."
    fixed = f"[{peer.name}]\n; no fromuser=, or one of your numbers:\nfromuser=+15557654321"
    desk.problem("CLI-01", option.place, what, why, fixed, provider)


def _media(peer: SipPeer, provider: Provider, desk: Desk) -> None:
    both = Section(peer.name, peer.section.place, options=[*peer.general.options, *peer.section.options])
    offered, last = allowed(both, DEFAULT_CODECS)
    place = last.place if last is not None else peer.section.place
    fixed = f"[{peer.name}]\ndisallow=all\nallow=ulaw\nallow=alaw"
    if not offered:
        why = "Calls fail, or end with 488."
        desk.hint("COD-01", place, f"[{peer.name}] allows no codec in the end.", why, fixed, provider)
    else:
        media_rules.codecs(desk, offered, place, f"[{peer.name}]", fixed, provider)
    dtmf = peer.last("dtmfmode")
    rules = {
        "info": ("DTMF-02", "as SIP INFO"),
        "shortinfo": ("DTMF-02", "as SIP INFO"),
        "inband": ("DTMF-03", "as tones"),
    }
    if dtmf is not None and dtmf.value.lower() in rules:
        rule, how = rules[dtmf.value.lower()]
        what = f"Keys are sent {how}, and no RFC 4733 events are offered."
        why = (
            f"{provider.title} takes RFC 4733 events only."
            if provider.dtmf_rfc4733
            else "Most trunks take events only."
        )
        desk.judge(provider.dtmf_rfc4733, rule, dtmf.place, what, why, "dtmfmode=rfc2833", provider)
    _srtp(peer, provider, desk)
    direct = peer.last("directmedia", "canreinvite")
    if direct is not None and direct.value.lower() not in ("no", "false", "0", "off", "nonat", "n"):
        what = f"{direct.name}={direct.value} lets Asterisk connect [{peer.name}] with a phone directly."
        why = "The phone's address is then told to the trunk; where it cannot be reached, there is no audio."
        desk.hint("REINV-02", direct.place, what, why, "directmedia=no", provider)


def _srtp(peer: SipPeer, provider: Provider, desk: Desk) -> None:
    option = peer.last("encryption")
    transport = peer.value("transport", default="udp").lower()
    if option is None or not is_true(option.value) or transport.split(",")[0].strip() == "tls":
        return
    fixed = f"[{peer.name}]\nencryption=yes\ntransport=tls\nport={provider.port_tls}"
    what = f"[{peer.name}] wants SRTP, and is reached by {transport}."
    if provider.srtp_needs_tls:
        why = f"{provider.title} takes SRTP over TLS only and refuses these calls."
        desk.problem("SRTP-02", option.place, what, why, fixed, provider)
    else:
        why = "The keys travel where everybody on the way can read them."
        desk.hint("SRTP-04", option.place, what, why, fixed, provider)


def _timers(peer: SipPeer, provider: Provider, desk: Desk) -> None:
    mode = peer.last("session-timers")
    if mode is not None and mode.value.lower() == "originate" and provider.timers_ignored:
        what = "session-timers=originate asks for session timers in each call."
        why = f"{provider.title} ignores session timers."
        desk.hint("TIMER-02", mode.place, what, why, "session-timers=refuse", provider)
    seconds = peer.last("session-expires")
    if seconds is not None and seconds.value.isdigit() and len(seconds.value) < 6 and int(seconds.value) < 90:
        what = f"session-expires={seconds.value} is below 90 s, the least that RFC 4028 allows."
        desk.problem("TIMER-01", seconds.place, what, "Calls are refused with 422.", "session-expires=1800", provider)


def _registrations(general: Section, judged: list[tuple[SipPeer, Provider]], desk: Desk) -> None:
    peers = {name: one for one in judged for name in (one[0].name.lower(), one[0].host)}
    for option in general.all("register"):
        # [peer?][transport://]user[@domain][:secret[:authuser]]@host[:port][/extension][~expiry]
        text = option.value.partition("?")[2] or option.value
        host = parse(text.rpartition("@")[2].partition("/")[0].partition("~")[0]).host
        provider = peers[host][1] if host in peers else desk.provider_of([host], only_trunk=False)
        if provider.registers is False:
            what = f"register= registers at {host or 'the trunk'}."
            why = f"{provider.title} takes no REGISTER; it knows you by address or by credentials in each call."
            desk.problem(
                "AUTH-14", option.place, what, why, "; without register=; to watch the trunk: qualify=yes", provider
            )


def _public_address(general: Section, providers: list[Provider], desk: Desk) -> None:
    outer = general.last(*OUTER)
    is_public = any(provider.is_public for provider in providers)
    provider = next((one for one in providers if one.is_public), Provider())
    fixed = "[general]\nexternaddr=PUBLIC_IP\nlocalnet=192.168.0.0/16"
    if outer is not None and is_private(parse(outer.value).host):
        what = f"{outer.name} is {outer.value}, which nobody on the internet can reach."
        why = "The other side sends ACK, BYE and its audio there."
        desk.judge(is_public, "NAT-03", outer.place, what, why, fixed, provider)
    local = general.all("localnet")
    if outer is not None and not local:
        what = f"{outer.name} is given, and localnet is not."
        why = "chan_sip writes the public address only towards hosts outside localnet; without one it never does."
        desk.problem("NAT-03", outer.place, what, why, fixed, provider)
    for option in local:
        if outer is not None and _is_everything(option.value):
            what = "localnet holds every address, so the public one is never used."
            why = "chan_sip writes the public address only towards hosts outside localnet."
            desk.problem("NAT-03", option.place, what, why, fixed, provider)
    if is_true(general.value("allowguest")):
        what = "allowguest=yes lets anybody on the internet call in."
        why = f"What they can dial is what the context {general.value('context', default='default')} holds."
        desk.hint("SEC-01", general.place_of("allowguest"), what, why, "allowguest=no")


def _is_everything(text: str) -> bool:
    try:
        return ipaddress.ip_network(text.strip(), strict=False).prefixlen == 0
    except ValueError:
        return False
