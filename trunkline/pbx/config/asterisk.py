"""Asterisk 18.14 and later with chan_pjsip."""

from __future__ import annotations

from trunkline.pbx.config.request import ConfigFile, TrunkRequest

KEYS = "/etc/asterisk/keys"
RELOAD = "Then: asterisk -rx 'core reload'. A new transport needs: asterisk -rx 'core restart gracefully'."


def files(request: TrunkRequest) -> list[ConfigFile]:
    parts = [_transport(request), *_auth(request), _aor(request), _endpoint(request), _identify(request)]
    if request.way == "registration":
        parts.append(_registration(request))
    return [
        ConfigFile("/etc/asterisk/pjsip.conf", "\n\n".join(parts), request.note(KEYS, RELOAD)),
        ConfigFile("/etc/asterisk/rtp.conf", rtp(), "UDP 10000 to 20000 has to pass the firewall in both directions."),
        ConfigFile(
            "/etc/asterisk/extensions.conf",
            dialplan(request, "PJSIP/{number}@{trunk}", "PJSIP/"),
            f"Phones have context=to-{request.name}. Then: asterisk -rx 'dialplan reload'.",
        ),
    ]


def escaped(text: str) -> str:
    """A value for Asterisk's files, where ; begins a comment."""
    return text.replace(";", "\\;")


def rtp() -> str:
    return "[general]\nrtpstart=10000\nrtpend=20000\nstrictrtp=yes"


def _section(name: str, kind: str, *lines: str) -> str:
    return "\n".join([f"[{name}]", f"type={kind}", *(line for line in lines if line)])


def _transport(request: TrunkRequest) -> str:
    port = 5061 if request.secure else 5060
    lines = [f"protocol={request.transport}", f"bind=0.0.0.0:{port}"]
    if request.secure:
        lines += [
            "method=tlsv1_2",
            f"cert_file={KEYS}/fullchain.pem",
            f"priv_key_file={KEYS}/privkey.pem",
            "; the keys of SRTP go through this connection, so the trunk has to prove its name",
            f"ca_list_file={request.authorities(KEYS)}",
            "verify_server=yes",
            "allow_wildcard_certs=yes",
        ]
    if request.public_ip:
        lines += [
            f"local_net={request.local_net or '192.168.0.0/16'}",
            f"external_media_address={request.public_ip}",
            f"external_signaling_address={request.public_ip}",
        ]
    else:
        lines += [
            "; behind NAT, all three of these:",
            ";local_net=192.168.0.0/16",
            ";external_media_address=PUBLIC_IP",
            ";external_signaling_address=PUBLIC_IP",
        ]
    return _section(f"transport-{request.transport}", "transport", *lines)


def _auth(request: TrunkRequest) -> list[str]:
    if not request.has_credentials:
        return []
    name = f"{request.name}-auth"
    lines = ("auth_type=userpass", f"username={request.username}", f"password={escaped(request.password)}")
    return [_section(name, "auth", *lines)]


def _uri(request: TrunkRequest, host: str) -> str:
    port = f":{request.real_port}" if request.secure or request.port else ""
    return f"sip:{host}{port}" + ("\\;transport=tls" if request.secure else "")


def _aor(request: TrunkRequest) -> str:
    # The name of the trunk goes into the request line; where it leads is the business of outbound_proxy.
    lines = [f"contact={_uri(request, request.domain)}", "qualify_frequency=60"]
    if request.edge:
        lines.append(f"outbound_proxy={_proxy(request)}")
    return _section(request.name, "aor", *lines)


def _proxy(request: TrunkRequest) -> str:
    return f"{_uri(request, request.edge)}\\;lr\\;hide"


def _endpoint(request: TrunkRequest) -> str:
    return _section(
        request.name,
        "endpoint",
        f"transport=transport-{request.transport}",
        f"context=from-{request.name}",
        f"aors={request.name}",
        f"outbound_auth={request.name}-auth" if request.has_credentials else "",
        f"outbound_proxy={_proxy(request)}" if request.edge else "",
        f"from_domain={request.domain}",
        "disallow=all",
        "allow=ulaw,alaw",
        "dtmf_mode=rfc4733",
        "media_encryption=sdes" if request.secure else "media_encryption=no",
        "direct_media=no",
        "rtp_symmetric=yes",
        "force_rport=yes",
        "rewrite_contact=no",
        "timers=no",
        "rtp_timeout=60",
        "rtp_timeout_hold=300",
    )


def _identify(request: TrunkRequest) -> str:
    return _section(request.name, "identify", f"endpoint={request.name}", *(f"match={one}" for one in request.sources))


def _registration(request: TrunkRequest) -> str:
    return _section(
        f"{request.name}-registration",
        "registration",
        f"transport=transport-{request.transport}",
        f"outbound_auth={request.name}-auth",
        f"server_uri={_uri(request, request.domain)}",
        f"client_uri=sip:{request.username}@{request.domain}",
        f"outbound_proxy={_proxy(request)}" if request.edge else "",
        f"contact_user={request.username}",
        "expiration=300",
        "retry_interval=30",
        "forbidden_retry_interval=300",
        "line=yes",
        f"endpoint={request.name}",
    )


def dialplan(request: TrunkRequest, trunk_dial: str, phone: str) -> str:
    """extensions.conf: calls from the trunk by number, calls to the trunk as +E.164.

    `trunk_dial` has `{number}` and `{trunk}`; `phone` is put ahead of the extension.
    """
    lines = ["; calls that come in (origination)", f"[from-{request.name}]"]
    ring = f"Dial({phone}{request.extension},30)"
    for number in request.numbers:
        lines += [f"exten => {number},1,{ring}", " same => n,Hangup()"]
    if request.way == "registration":
        lines += [
            "; a provider that calls the registered contact itself has the dialled number in To",
            f"exten => {request.username},1,Set(DID=${{CUT(CUT(PJSIP_HEADER(read,To),@,1),:,2)}})",
            f' same => n,GotoIf($["${{DID}}"="{request.username}"]?ring)',
            f" same => n,GotoIf(${{DIALPLAN_EXISTS(from-{request.name},${{DID}},1)}}?${{DID}},1)",
            f" same => n(ring),{ring}",
            " same => n,Hangup()",
        ]

    def leave(number: str) -> list[str]:
        dial = trunk_dial.format(number=number, trunk=request.name)
        return [f" same => n,Dial({dial},60)", " same => n,Hangup()"]

    caller_id = f"1,Set(CALLERID(num)={request.number})"
    lines += ["", "; calls that go out (termination): the trunk wants + and the country code", f"[to-{request.name}]"]
    for pattern, number in (
        ("_+X.", "${EXTEN}"),
        ("_NXXNXXXXXX", "+1${EXTEN}"),
        ("_1NXXNXXXXXX", "+${EXTEN}"),
        ("_011X.", "+${EXTEN:3}"),
        ("_00X.", "+${EXTEN:2}"),
    ):
        lines += [f"exten => {pattern},{caller_id}", *leave(number)]
    return "\n".join(lines)
