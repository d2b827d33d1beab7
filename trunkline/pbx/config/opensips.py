"""OpenSIPS 3.1 and later, between a PBX and the trunk."""

from __future__ import annotations

from trunkline.pbx.config.kamailio import E164, IN_DIALOG, MEDIA, PBX, next_hop, quoted
from trunkline.pbx.config.request import ConfigFile, TrunkRequest


def files(request: TrunkRequest) -> list[ConfigFile]:
    text = "\n".join([*_head(request), *_routes(request)])
    note = f"Write the address of your PBX for {PBX}, and have rtpengine listen on 127.0.0.1:2223. Check: opensips -C"
    found = [ConfigFile("/etc/opensips/opensips.cfg", text, request.note("/etc/opensips", note))]
    if request.way == "registration":
        row = "\n".join(
            [
                f"registrar: {next_hop(request)}",
                f"aor: sip:{request.username}@{request.domain}",
                f"username: {request.username}",
                f"password: {request.password}",
                f"binding_URI: sip:{request.username}@{request.public_ip or 'PUBLIC_IP'}:5060",
                "expiry: 300",
            ]
        )
        found.append(ConfigFile("one row of the table registrant (module uac_registrant)", row))
    return found


def _head(request: TrunkRequest) -> list[str]:
    modules = ["signaling", "sl", "tm", "rr", "maxfwd", "sipmsgops", "textops", "dialog", "rtpengine", "proto_udp"]
    modules += ["uac", "uac_auth"] if request.has_credentials else ["uac"]
    if request.secure:
        modules += ["tls_openssl", "tls_mgm", "proto_tls"]
    socket = "socket=udp:0.0.0.0:5060" + (f" as {request.public_ip}:5060" if request.public_ip else "")
    lines = [
        socket,
        *(["socket=tls:0.0.0.0:5061"] if request.secure else []),
        'mpath="/usr/lib/x86_64-linux-gnu/opensips/modules/"',
        *(f'loadmodule "{name}.so"' for name in modules),
        "",
        'modparam("rr", "append_fromtag", 1)',
        'modparam("tm", "fr_timeout", 4)',
        'modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:2223")',
    ]
    if request.has_credentials:
        credential = f"{request.username}:{request.realm or 'REALM'}:{request.password}"
        lines.append(f'modparam("uac_auth", "credential", {quoted(credential)})')
    if request.secure:
        lines += [
            'modparam("tls_mgm", "client_domain", "trunk")',
            'modparam("tls_mgm", "match_ip_address", "[trunk]*")',
            'modparam("tls_mgm", "tls_method", "[trunk]TLSv1_2-")',
            f'modparam("tls_mgm", "ca_list", "[trunk]{request.authorities("/etc/opensips")}")',
            'modparam("tls_mgm", "server_domain", "own")',
            'modparam("tls_mgm", "match_ip_address", "[own]*")',
            'modparam("tls_mgm", "certificate", "[own]/etc/opensips/fullchain.pem")',
            'modparam("tls_mgm", "private_key", "[own]/etc/opensips/privkey.pem")',
        ]
    return lines


def _routes(request: TrunkRequest) -> list[str]:
    numbers = [*request.numbers, *([request.username] if request.way == "registration" else [])]
    return [
        "",
        "route {",
        "    if (!mf_process_maxfwd_header(10)) {",
        '        send_reply(483, "Too Many Hops");',
        "        exit;",
        "    }",
        *IN_DIALOG,
        '    if (!is_method("INVITE")) {',
        '        send_reply(200, "OK");',
        "        exit;",
        "    }",
        "    record_route();",
        "    create_dialog();",
        *_by_source(request),
        "    drop;",
        "}",
        "",
        "# Origination: a call for one of our numbers",
        "route[from_trunk] {",
        *(f'    if ($rU == "{number}") route(to_pbx);' for number in numbers),
        '    send_reply(404, "Not Found");',
        "    exit;",
        "}",
        "",
        "route[to_pbx] {",
        f'    rtpengine_manage("RTP/AVP {MEDIA}");',
        f'    $du = "sip:{PBX}:5060";',
        "    t_relay();",
        "    exit;",
        "}",
        *_to_trunk(request),
        *(_answer_challenge() if request.has_credentials else []),
    ]


def _to_trunk(request: TrunkRequest) -> list[str]:
    media = f"RTP/SAVP SDES-only-AES_CM_128_HMAC_SHA1_80 {MEDIA}" if request.secure else f"RTP/AVP {MEDIA}"
    return [
        "",
        "# Termination: + and country code, the trunk's name in the request line, the next hop in $du",
        "route[to_trunk] {",
        *E164,
        f'    $ru = "sip:" + $rU + "@{request.domain}";',
        f'    $du = "{next_hop(request)}";',
        f'    uac_replace_from("sip:{request.number}@{request.domain}");',
        f'    rtpengine_manage("{media}");',
        *(['    t_on_failure("trunk_auth");'] if request.has_credentials else []),
        "    t_relay();",
        "    exit;",
        "}",
    ]


def _by_source(request: TrunkRequest) -> list[str]:
    """Who a request comes from; the networks stand in the script, so that no database is needed."""
    lines = []
    for source in request.sources:
        if "/" in source:
            test = f"$(si{{ip.matches,{source}}}) == 1"
        elif source[:1].isdigit() or ":" in source:
            test = f'$si == "{source}"'
        else:
            lines.append(f'    $var(trunk) = "{source}";')
            test = "$si == $(var(trunk){ip.resolve})"
        lines.append(f"    if ({test}) route(from_trunk);")
    return [*lines, f'    if ($si == "{PBX}") route(to_trunk);']


def _answer_challenge() -> list[str]:
    return ["", "failure_route[trunk_auth] {", '    if (t_check_status("401|407") && uac_auth()) t_relay();', "}"]
