"""Judges the signalling of trunks in pjsip.conf. Option names and defaults are those of Asterisk 18 to 22
(`config show help res_pjsip`)."""

from __future__ import annotations

import ipaddress

from trunkline.pbx.lint.asterisk_conf import Configuration, Section, is_true, words
from trunkline.pbx.lint.desk import Desk
from trunkline.pbx.lint.finding import Place
from trunkline.pbx.lint.pjsip_media import judge_media
from trunkline.pbx.lint.pjsip_trunks import PjsipTrunk, find, sections_of
from trunkline.pbx.lint.provider import Network, Provider, is_e164, is_private
from trunkline.pbx.lint.sip_uri import ConfiguredUri, parse

OLD_TLS = ("sslv2", "sslv3", "tlsv1", "tlsv1_1")


def judge(configuration: Configuration, desk: Desk) -> list[tuple[PjsipTrunk, Provider]]:
    """All rules on one configuration; returns its trunks, each with the provider that it was judged by."""
    trunks = find(configuration)
    judged = [
        (trunk, desk.provider_of(trunk.hosts, only_trunk=len(trunks) == 1, proxy=trunk.proxy)) for trunk in trunks
    ]
    auths = {section.name: section for section in sections_of(configuration, "auth")}
    for trunk, provider in judged:
        _authentication(configuration, auths, trunk, provider, desk)
        _registration(trunk, provider, desk)
        _identify(trunk, provider, desk)
        _contacts(trunk, provider, desk)
        _transport(configuration, trunk, provider, desk)
        _caller_id(trunk, provider, desk)
        judge_media(trunk, provider, desk)
    _identify_without_endpoint(configuration, desk)
    _anonymous(configuration, desk)
    return judged


def _authentication(
    configuration: Configuration, auths: dict[str, Section], trunk: PjsipTrunk, provider: Provider, desk: Desk
) -> None:
    endpoint = trunk.endpoint
    # A phone may have a section with type=identify, too: for certain is a trunk what also sends credentials.
    sends = bool(endpoint.value("outbound_auth") or trunk.registrations)
    inbound = endpoint.last("auth")
    if inbound is not None and inbound.value and (sends or not provider.answers_challenges):
        what = f"[{trunk.name}] has auth={inbound.value}: Asterisk asks whoever calls by this endpoint for a password."
        why = f"Calls from {provider.title} would be answered with 401."
        if not provider.answers_challenges:
            why = f"{provider.title} never answers a challenge: each call to your numbers fails with 401."
        fixed = f"[{trunk.name}]\ntype=endpoint\n; no auth= here; credentials for calls that go out:\noutbound_auth="
        fixed += endpoint.value("outbound_auth") or inbound.value
        desk.judge(not provider.answers_challenges, "AUTH-13", inbound.place, what, why, fixed, provider)
    used = [*endpoint.all("outbound_auth"), *(one for reg in trunk.registrations for one in reg.all("outbound_auth"))]
    named = [auths[name] for name, _ in words(used) if name in auths]
    for name, option in words(used):
        if name in auths:
            _auth(auths[name], provider, desk)
            if len({auth.name for auth in named}) == 1:
                _realm(auths[name], provider, desk)
        elif configuration.complete:
            what = f"outbound_auth names [{name}], and there is no section [{name}] with type=auth."
            why = "Asterisk has no credentials to answer the challenge (407) with."
            fixed = f"[{name}]\ntype=auth\nauth_type=userpass\nusername=YOUR_USERNAME\npassword=YOUR_PASSWORD"
            desk.problem("AUTH-01", option.place, what, why, fixed, provider)


def _auth(auth: Section, provider: Provider, desk: Desk) -> None:
    if auth.value("oauth_clientid") or auth.value("auth_type").lower() in ("md5", "google_oauth"):
        return
    has_secret = any(auth.value(name) for name in ("password", "md5_cred", "password_digest"))
    if not auth.value("username") or not has_secret:
        lacking = "a password" if auth.value("username") else "a user name"
        fixed = f"[{auth.name}]\ntype=auth\nauth_type=userpass\nusername=YOUR_USERNAME\npassword=YOUR_PASSWORD"
        what = f"[{auth.name}] lacks {lacking}."
        desk.problem("AUTH-01", auth.place, what, "The challenge (407) cannot be answered.", fixed, provider)


def _realm(auth: Section, provider: Provider, desk: Desk) -> None:
    realm = auth.value("realm")
    if realm and realm != "*" and provider.realms and realm not in provider.realms:
        what = f"[{auth.name}] holds for the realm {realm}; {provider.title} asks with {provider.realms[0]}."
        why = "Asterisk finds no credentials for that realm, so the challenge (407) is not answered."
        fixed = f"[{auth.name}]\ntype=auth\n; no realm=, or: realm={provider.realms[0]}"
        desk.problem("AUTH-01", auth.place_of("realm"), what, why, fixed, provider)


def _registration(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    for section in trunk.registrations:
        if provider.registers is False:
            what = f"[{section.name}] registers at {parse(section.value('server_uri')).host or 'the trunk'}."
            why = f"{provider.title} takes no REGISTER; it knows you by address or by credentials in each call."
            fixed = f"; without [{section.name}] type=registration; to watch the trunk:\n[{trunk.name}]\ntype=aor\n"
            fixed += "qualify_frequency=60"
            desk.problem("AUTH-14", section.place_of("type"), what, why, fixed, provider)


def _identify(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    if not provider.networks or trunk.registrations:
        return
    matches = "".join(f"\nmatch={network}" for network in provider.networks)
    fixed = f"[{trunk.name}]\ntype=identify\nendpoint={trunk.name}{matches}"
    if not trunk.identifies:
        if trunk.contacts:
            what = f"No section with type=identify lets calls from {provider.title} in as [{trunk.name}]."
            why = "Calls to your numbers are answered with 401 or 404. It does not matter if calls only go out."
            desk.hint("AUTH-13", trunk.endpoint.place, what, why, fixed, provider)
        return
    if any(section.value("match_header") or section.value("match_request_uri") for section in trunk.identifies):
        return
    allowed: list[Network] = []
    names = False
    for word, _ in words([option for section in trunk.identifies for option in section.all("match")]):
        try:
            allowed.append(ipaddress.ip_network(word, strict=False))
        except ValueError:
            names = True
    missing = [network for network in provider.networks if not _covered(network, allowed)]
    if missing:
        shown = ", ".join(map(str, missing))
        what = f"[{trunk.name}] does not know these networks of {provider.title}: {shown}."
        why = "Calls to your numbers that come from there are refused: some work and some do not."
        if names:
            why += " A name stands for the addresses that it has now, which are those of one edge."
        desk.hint("NET-11", trunk.identifies[0].place_of("match"), what, why, fixed, provider)


def _covered(network: Network, allowed: list[Network]) -> bool:
    return any(
        network.version == one.version
        and one.network_address <= network.network_address  # type: ignore[operator]
        and network.broadcast_address <= one.broadcast_address  # type: ignore[operator]
        for one in allowed
    )


def _contacts(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    for aor in trunk.aors:
        for option in aor.all("contact"):
            uri = parse(option.value)
            name = provider.hosts[0].replace("*", "YOUR_TRUNK", 1) if provider.hosts else ""
            fixed = f"[{aor.name}]\ntype=aor\ncontact=sip:{name}"
            why = "The trunk is chosen by the name in the request line: such calls are refused (403 or 404)."
            if provider.hosts and provider.has_address(uri.host):
                what = f"The contact of [{aor.name}] is the address {uri.host} instead of your trunk's name."
                desk.problem("NUM-05", option.place, what, why, fixed, provider)
            elif provider.is_parent(uri.host):
                what = f"The contact of [{aor.name}] is {uri.host}, which names no trunk."
                desk.problem("NUM-05", option.place, what, why, fixed, provider)
            if not trunk.is_inside:
                _port(uri, option.place, aor, provider, desk)


def _port(uri: ConfiguredUri, place: Place, aor: Section, provider: Provider, desk: Desk) -> None:
    certain = bool(provider.hosts)
    if uri.port == provider.port_tls and uri.transport != "tls":
        what = f"Port {uri.port} is for TLS, and this contact does not say transport=tls."
        why = "Plain SIP sent to the TLS port gets no answer."
        fixed = f"[{aor.name}]\ntype=aor\ncontact=sip:{uri.host}:{uri.port}\\;transport=tls"
        desk.judge(certain, "NET-05", place, what, why, fixed, provider)
    elif uri.transport == "tls" and uri.port == 5060:
        what = "Port 5060 is for UDP and TCP, and this contact says transport=tls."
        why = "A TLS handshake on the plain port fails."
        fixed = f"[{aor.name}]\ntype=aor\ncontact=sip:{uri.host}:{provider.port_tls}\\;transport=tls"
        desk.judge(certain, "NET-05", place, what, why, fixed, provider)


def _transport(configuration: Configuration, trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    named = trunk.endpoint.last("transport")
    transport = trunk.transport
    if named is not None and named.value and transport is None and configuration.complete:
        what = f"[{trunk.name}] names transport={named.value}, and no section [{named.value}] has type=transport."
        fixed = f"[{named.value}]\ntype=transport\nprotocol=udp\nbind=0.0.0.0:5060"
        desk.problem("NET-01", named.place, what, "Asterisk cannot send these calls at all.", fixed, provider)
    if transport is None:
        return
    protocol = transport.value("protocol", default="udp").lower()
    for uri in trunk.contacts:
        if named is not None and uri.transport and uri.transport != protocol:
            what = f"[{trunk.name}] uses a transport for {protocol}, and its contact says transport={uri.transport}."
            why = "Asterisk finds no transport that fits both, and the call fails before it is sent."
            fixed = f"[{trunk.name}]\ntype=endpoint\ntransport=transport-{uri.transport}"
            desk.problem("NET-08", named.place, what, why, fixed, provider)
    method = transport.last("method")
    if protocol == "tls" and method is not None and method.value.lower() in OLD_TLS:
        what = f"[{transport.name}] speaks {method.value} only."
        why = "TLS below 1.2 is refused by the other side: the handshake fails."
        desk.judge(provider.tls_12, "NET-04", method.place, what, why, "method=tlsv1_2", provider)
    if not trunk.is_inside:
        _public_address(transport, provider, desk)


def _public_address(transport: Section, provider: Provider, desk: Desk) -> None:
    names = {"external_media_address": "SDP-01", "external_signaling_address": "NAT-03"}
    fixed = f"[{transport.name}]\ntype=transport\nlocal_net=YOUR_NETWORK\n"
    fixed += "external_media_address=PUBLIC_IP\nexternal_signaling_address=PUBLIC_IP"
    for name, rule in names.items():
        given = transport.value(name)
        if given and is_private(given):
            what = f"{name} is {given}, which nobody on the internet can reach."
            why = "The other side sends its audio there." if rule == "SDP-01" else "ACK and BYE are sent there."
            place = transport.place_of(name)
            desk.judge(provider.is_public, rule, place, what, why, fixed, provider)
    media, signalling = (bool(transport.value(name)) for name in names)
    bound = parse(transport.value("bind")).host
    if media != signalling:
        lacking = "external_signaling_address" if media else "external_media_address"
        what = f"[{transport.name}] gives one public address and not the other: {lacking} is missing."
        why = "Contact then names the inner address, to which ACK and BYE are sent." if media else ""
        why = why or "SDP then names the inner address, to which the audio is sent."
        rule = "NAT-03" if media else "SDP-01"
        desk.judge(provider.is_public and is_private(bound), rule, transport.place, what, why, fixed, provider)
    elif not media and is_private(bound):
        what = f"[{transport.name}] is bound to {bound} and has no external_media_address."
        why = "SDP and Contact name an address that the internet cannot reach: no audio, and calls that drop."
        desk.judge(provider.is_public, "SDP-01", transport.place_of("bind"), what, why, fixed, provider)
    for word, option in words(transport.all("local_net")):
        if word in ("0.0.0.0/0", "::/0", "0.0.0.0/0.0.0.0") and (media or signalling):
            what = "local_net holds every address, so the public ones are never used."
            why = "Asterisk writes the external addresses only towards hosts outside local_net."
            desk.problem("SDP-01", option.place, what, why, fixed, provider)


def _caller_id(trunk: PjsipTrunk, provider: Provider, desk: Desk) -> None:
    option = trunk.endpoint.last("from_user")
    if option is None or not option.value or not provider.plus_caller or is_e164(option.value):
        return
    asserted = any(is_true(trunk.endpoint.value(name)) for name in ("send_pai", "send_rpid"))
    what = f"from_user={option.value} stands in From of every call, and is no number in +E.164."
    why = f"{provider.title} wants one of your numbers as caller ID."
    if asserted:
        return
    fixed = f"[{trunk.name}]\ntype=endpoint\n; no from_user=, or one of your numbers:\nfrom_user=+15557654321"
    desk.problem("CLI-01", option.place, what, why, fixed, provider)


def _identify_without_endpoint(configuration: Configuration, desk: Desk) -> None:
    if not configuration.complete:
        return
    endpoints = {section.name for section in sections_of(configuration, "endpoint")}
    for section in sections_of(configuration, "identify"):
        name = section.value("endpoint")
        if name and name not in endpoints:
            what = f"[{section.name}] lets calls in as the endpoint {name}, which does not exist."
            why = "Asterisk answers these calls with 401."
            place = section.place_of("endpoint")
            desk.problem("AUTH-13", place, what, why, f"[{section.name}]\ntype=identify\nendpoint=YOUR_TRUNK")


def _anonymous(configuration: Configuration, desk: Desk) -> None:
    for section in sections_of(configuration, "endpoint"):
        if section.name.lower() == "anonymous":
            what = "The endpoint [anonymous] lets anybody on the internet call in."
            context = section.value("context", default="default")
            why = f"Scanners find it within hours. What they can dial is what the context {context} holds."
            desk.hint("SEC-01", section.place, what, why, "; without [anonymous]; one type=identify for each provider")
