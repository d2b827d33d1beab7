"""Judges gateways and SIP profiles of FreeSWITCH (parameters and defaults of mod_sofia, 1.6 to 1.10)."""

from __future__ import annotations

from trunkline.pbx.lint import media_rules
from trunkline.pbx.lint.desk import Desk
from trunkline.pbx.lint.freeswitch_xml import FreeswitchFiles, Group, resolved
from trunkline.pbx.lint.provider import Provider, is_e164, is_private
from trunkline.pbx.lint.sip_uri import ConfiguredUri, parse


def judge(files: FreeswitchFiles, desk: Desk) -> None:
    """All rules on all files of one FreeSWITCH."""
    judged: dict[str, list[Provider]] = {}
    for gateway in files.gateways:
        uri = _target(gateway)
        hosts = [uri.host, parse(gateway.value("from-domain")).host, parse(gateway.value("realm")).host]
        proxy = parse(gateway.value("outbound-proxy")).host
        provider = desk.provider_of(hosts, only_trunk=len(files.gateways) == 1, proxy=proxy)
        judged.setdefault(gateway.profile, []).append(provider)
        _registration(gateway, provider, desk)
        _host(gateway, uri, provider, desk)
        _caller_id(gateway, provider, desk)
        _srtp(files, gateway, uri, provider, desk)
    for name, profile in files.profiles.items():
        for provider in dict.fromkeys(judged.get(name, [])):
            _inbound(profile, provider, desk)
            _addresses(profile, provider, desk)
            _media(profile, provider, desk)
            _rewriting(profile, provider, desk)


def _target(gateway: Group) -> ConfiguredUri:
    """Where calls go, as the Request-URI says: proxy, or else realm, or else the gateway's name."""
    return parse(gateway.value("proxy") or gateway.value("realm") or gateway.name)


def _is_on(value: str, default: bool) -> bool:
    return value.lower() in ("true", "yes", "on", "1", "enabled", "active", "allow") if value else default


def _registration(gateway: Group, provider: Provider, desk: Desk) -> None:
    option = gateway.last("register")
    if not _is_on(option.value if option is not None else "", True):
        return
    place = gateway.place_of("register")
    fixed = '<param name="register" value="false"/>\n<param name="ping" value="30"/>'
    if provider.registers is False:
        said = "register is true" if option is not None else "register is not given, which means true"
        what = f"The gateway {gateway.name} registers: {said}."
        why = f"{provider.title} takes no REGISTER. The gateway stays in FAIL_WAIT, and no call goes out by it."
        desk.problem("AUTH-14", place, what, why, fixed, provider)
        return
    for name in ("username", "password"):
        if not gateway.value(name):
            what = f"The gateway {gateway.name} registers, and has no {name}."
            fixed = f'<param name="{name}" value="YOUR_{name.upper()}"/>'
            desk.problem("AUTH-01", gateway.place, what, "FreeSWITCH does not load such a gateway.", fixed, provider)


def _host(gateway: Group, uri: ConfiguredUri, provider: Provider, desk: Desk) -> None:
    place = gateway.place_of("proxy")
    name = provider.hosts[0].replace("*", "YOUR_TRUNK", 1) if provider.hosts else ""
    fixed = f'<param name="proxy" value="{name}"/>\n<param name="from-domain" value="{name}"/>'
    why = "The trunk is chosen by the name in the request line: such calls are refused (403 or 404)."
    if provider.hosts and provider.has_address(uri.host):
        what = f"proxy is the address {uri.host} instead of your trunk's name."
        desk.problem("NUM-05", place, what, why, fixed, provider)
    elif provider.is_parent(uri.host):
        desk.problem("NUM-05", place, f"proxy is {uri.host}, which names no trunk.", why, fixed, provider)
    transport = uri.transport or gateway.value("register-transport").lower()
    if uri.port == provider.port_tls and transport != "tls":
        what = f"Port {uri.port} is for TLS, and neither proxy nor register-transport says tls."
        fixed = f'<param name="proxy" value="{uri.host}:{uri.port};transport=tls"/>'
        why = "Plain SIP sent to the TLS port gets no answer."
        desk.judge(bool(provider.hosts), "NET-05", place, what, why, fixed, provider)
    elif transport == "tls" and uri.port == 5060:
        what = "Port 5060 is for UDP and TCP, and this gateway uses TLS."
        fixed = f'<param name="proxy" value="{uri.host}:{provider.port_tls};transport=tls"/>'
        desk.judge(
            bool(provider.hosts), "NET-05", place, what, "A TLS handshake on the plain port fails.", fixed, provider
        )


def _caller_id(gateway: Group, provider: Provider, desk: Desk) -> None:
    if not provider.plus_caller or _is_on(gateway.value("caller-id-in-from"), False):
        return
    user = gateway.value("from-user") or gateway.value("username")
    if not user or is_e164(user):
        return
    what = f"From says {user} in each call, since caller-id-in-from is not true."
    why = f"{provider.title} wants one of your numbers in From; what Remote-Party-ID says counts only after it."
    fixed = '<param name="caller-id-in-from" value="true"/>'
    desk.hint("CLI-01", gateway.place_of("caller-id-in-from"), what, why, fixed, provider)


def _srtp(files: FreeswitchFiles, gateway: Group, uri: ConfiguredUri, provider: Provider, desk: Desk) -> None:
    for variable in gateway.variables:
        if variable.name not in ("rtp_secure_media", "sip_secure_media", "rtp_secure_media_outbound"):
            continue
        mode = resolved(variable.value, files.variables).partition(":")[0].lower()
        transport = uri.transport or gateway.value("register-transport").lower()
        if mode not in ("true", "mandatory", "yes", "on", "1", "optional") or transport == "tls":
            continue
        fixed = f'<param name="proxy" value="{uri.host}:{provider.port_tls};transport=tls"/>'
        what = f"The gateway {gateway.name} wants SRTP, and its proxy is reached by {transport or 'udp'}."
        if provider.srtp_needs_tls and mode != "optional":
            why = f"{provider.title} takes SRTP over TLS only and refuses these calls."
            desk.problem("SRTP-02", variable.place, what, why, fixed, provider)
        else:
            why = "The keys travel where everybody on the way can read them."
            desk.hint("SRTP-04", variable.place, what, why, fixed, provider)


def _inbound(profile: Group, provider: Provider, desk: Desk) -> None:
    option = profile.last("auth-calls")
    if option is None or not _is_on(option.value, False) or profile.last("apply-inbound-acl") is not None:
        return
    what = (
        f"The profile {profile.name} has auth-calls true and no apply-inbound-acl: it asks every caller for a password."
    )
    why = f"Calls from {provider.title} to this profile are answered with 407."
    if not provider.answers_challenges:
        why = f"{provider.title} never answers a challenge: each call to this profile fails with 407."
    fixed = '<param name="auth-calls" value="false"/>\n<param name="apply-inbound-acl" value="YOUR_TRUNK"/>'
    desk.judge(not provider.answers_challenges, "AUTH-13", option.place, what, why, fixed, provider)


def _addresses(profile: Group, provider: Provider, desk: Desk) -> None:
    fixed = '<param name="ext-sip-ip" value="PUBLIC_IP"/>\n<param name="ext-rtp-ip" value="PUBLIC_IP"/>'
    for name, rule, why in (
        ("ext-rtp-ip", "SDP-01", "The other side sends its audio there."),
        ("ext-sip-ip", "NAT-03", "ACK and BYE are sent there."),
    ):
        option = profile.last(name)
        if option is not None and is_private(option.value.removeprefix("autonat:")):
            what = f"{name} is {option.value}, which nobody on the internet can reach."
            desk.judge(provider.is_public, rule, option.place, what, why, fixed, provider)
    inner = profile.last("rtp-ip")
    if inner is not None and is_private(inner.value) and not profile.value("ext-rtp-ip"):
        what = f"rtp-ip is {inner.value}, and there is no ext-rtp-ip."
        why = "SDP names an address that the internet cannot reach: no audio."
        desk.judge(provider.is_public, "SDP-01", inner.place, what, why, fixed, provider)


def _media(profile: Group, provider: Provider, desk: Desk) -> None:
    for name in ("outbound-codec-prefs", "inbound-codec-prefs"):
        option = profile.last(name)
        if option is None or "$" in option.value or not option.value:
            continue
        offered = [_codec(word) for word in option.value.split(",") if word.strip()]
        fixed = f'<param name="{name}" value="PCMU,PCMA"/>'
        media_rules.codecs(desk, offered, option.place, f"{name} of {profile.name}", fixed, provider)
    dtmf = profile.last("dtmf-type")
    if dtmf is not None and dtmf.value.lower() in ("info", "none"):
        rule = "DTMF-02" if dtmf.value.lower() == "info" else "DTMF-01"
        what = f"dtmf-type is {dtmf.value}: no RFC 4733 events are offered."
        why = (
            f"{provider.title} takes RFC 4733 events only."
            if provider.dtmf_rfc4733
            else "Most trunks take events only."
        )
        fixed = '<param name="dtmf-type" value="rfc2833"/>'
        desk.judge(provider.dtmf_rfc4733, rule, dtmf.place, what, why, fixed, provider)
    old = profile.last("tls-version")
    versions = {word.strip().lower() for word in old.value.split(",")} if old is not None else set()
    if old is not None and versions and versions <= {"sslv2", "sslv3", "tlsv1", "tlsv1.1"}:
        why = "TLS below 1.2 is refused by the other side: the handshake fails."
        fixed = '<param name="tls-version" value="tlsv1.2"/>'
        desk.judge(provider.tls_12, "NET-04", old.place, f"tls-version is {old.value} only.", why, fixed, provider)


def _codec(word: str) -> tuple[str, int]:
    """`PCMU@8000h@20i` → PCMU and 20."""
    name, *rest = word.strip().split("@")
    name = name.rpartition(".")[2]
    ptime = next((one[:-1] for one in rest if one.endswith("i") and one[:-1].isdigit() and len(one) < 5), "0")
    return name.upper(), int(ptime)


def _rewriting(profile: Group, provider: Provider, desk: Desk) -> None:
    for option in profile.params:
        risky = option.name == "aggressive-nat-detection" or option.name.startswith("ndlb-received-in-nat-reg")
        if provider.private_contact and risky and _is_on(option.value, False):
            what = f"{option.name} makes FreeSWITCH replace private addresses in the messages of {provider.title}."
            why = "Its Contact is private and has to be left as it is, or ACK and BYE go astray and calls drop."
            desk.hint("DLG-02", option.place, what, why, f'<param name="{option.name}" value="false"/>', provider)
    for name in ("inbound-bypass-media", "inbound-proxy-media"):
        bypass = profile.last(name)
        if name == "inbound-bypass-media" and bypass is not None and _is_on(bypass.value, False):
            what = "inbound-bypass-media lets phones and the trunk send media to each other directly."
            why = "Where the phone's address cannot be reached, there is no audio."
            desk.hint("REINV-02", bypass.place, what, why, f'<param name="{name}" value="false"/>', provider)
    timer = profile.last("session-timeout")
    if timer is not None and timer.value.isdigit() and len(timer.value) < 6 and 0 < int(timer.value) < 90:
        what = f"session-timeout is {timer.value} s, below the 90 s that RFC 4028 allows."
        fixed = '<param name="session-timeout" value="1800"/>'
        desk.problem("TIMER-01", timer.place, what, "Calls are refused with 422.", fixed, provider)
