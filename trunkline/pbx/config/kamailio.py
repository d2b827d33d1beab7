"""Kamailio 5.5 and later, between a PBX and the trunk."""

from __future__ import annotations

from trunkline.pbx.config.request import ConfigFile, TrunkRequest

PBX = "PBX_IP"
MEDIA = "replace-origin replace-session-connection"
E164 = (
    '    if ($rU =~ "^[2-9][0-9]{9}$") $rU = "+1" + $rU;',
    '    else if ($rU =~ "^1[2-9][0-9]{9}$") $rU = "+" + $rU;',
    '    else if ($rU =~ "^011[1-9]") $rU = "+" + $(rU{s.substr,3,0});',
    '    else if ($rU =~ "^00[1-9]") $rU = "+" + $(rU{s.substr,2,0});',
)
"""What people dial, as +E.164. OpenSIPS understands the same lines."""
IN_DIALOG = (
    '    if (is_method("CANCEL")) {',
    "        if (t_check_trans()) t_relay();",
    "        exit;",
    "    }",
    "    if (has_totag()) {",
    "        if (loose_route()) {",
    '            if (is_method("BYE")) rtpengine_delete();',
    f'            else if (has_body("application/sdp")) rtpengine_manage("{MEDIA}");',
    "            t_relay();",
    '        } else if (is_method("ACK") && t_check_trans()) t_relay();',
    "        exit;",
    "    }",
)
REQUEST_ROUTE = (
    "",
    "request_route {",
    '    if (!mf_process_maxfwd_header("10")) {',
    '        sl_send_reply("483", "Too Many Hops");',
    "        exit;",
    "    }",
    *IN_DIALOG,
    '    if (is_method("OPTIONS")) {',
    '        sl_send_reply("200", "OK");',
    "        exit;",
    "    }",
    '    if (!is_method("INVITE")) {',
    '        sl_send_reply("405", "Method Not Allowed");',
    "        exit;",
    "    }",
    "    record_route();",
    "    dlg_manage();",
    '    if (allow_source_address("1")) route(FROM_TRUNK);',
    '    if (allow_source_address("2")) route(TO_TRUNK);',
    "    drop;",
    "}",
)


def quoted(text: str) -> str:
    """A string of kamailio.cfg or opensips.cfg."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def next_hop(request: TrunkRequest) -> str:
    """The URI that packets go to; the request line keeps the trunk's domain."""
    return f"sip:{request.sends_to}:{request.real_port}" + (";transport=tls" if request.secure else "")


def files(request: TrunkRequest) -> list[ConfigFile]:
    note = f"Write the address of your PBX for {PBX}, and have rtpengine listen on 127.0.0.1:2223. Check: kamailio -c"
    found = [
        ConfigFile("/etc/kamailio/kamailio.cfg", "\n".join([*_head(request), *_routes(request)]), note),
        ConfigFile("/etc/kamailio/trunk.addresses", _addresses(request), "Group 1: the trunk. Group 2: the PBX."),
    ]
    if request.secure:
        found.append(
            ConfigFile(
                "/etc/kamailio/tls.cfg",
                "[server:default]\nmethod = TLSv1.2+\nprivate_key = /etc/kamailio/privkey.pem\n"
                "certificate = /etc/kamailio/fullchain.pem\n\n[client:default]\nmethod = TLSv1.2+\n"
                f"verify_certificate = yes\nca_list = {request.authorities('/etc/kamailio')}",
                request.note("/etc/kamailio"),
            )
        )
    if request.way == "registration":
        account = f"{request.username} {request.domain}"
        row = f"{request.name} {account} {account} {request.realm or '.'} {request.username} {request.password} . "
        row += f"{next_hop(request)} 300 0 0 ."
        note = "A dot stands for an empty value."
        found.append(ConfigFile("kamcmd uac.reg_add", f"kamcmd uac.reg_add {row}", note))
    return found


def _head(request: TrunkRequest) -> list[str]:
    modules = ["tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "dialog", "permissions", "rtpengine", "uac"]
    if request.secure:
        modules.insert(0, "tls")
    listen = "listen=udp:0.0.0.0:5060"
    if request.public_ip:
        listen += f" advertise {request.public_ip}:5060"
    lines = [
        "#!KAMAILIO",
        "children=4",
        listen,
        *(["enable_tls=yes", "listen=tls:0.0.0.0:5061"] if request.secure else []),
        *(f'loadmodule "{name}.so"' for name in modules),
        "",
        'modparam("rr", "append_fromtag", 1)',
        'modparam("tm", "fr_timer", 4000)',
        'modparam("dialog", "track_cseq_updates", 1)',
        'modparam("permissions", "address_file", "/etc/kamailio/trunk.addresses")',
        'modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:2223")',
    ]
    if request.secure:
        lines.append('modparam("tls", "config", "/etc/kamailio/tls.cfg")')
    if request.has_credentials:
        lines += [
            'modparam("uac", "auth_username_avp", "$avp(auser)")',
            'modparam("uac", "auth_password_avp", "$avp(apass)")',
            *(['modparam("uac", "auth_realm_avp", "$avp(arealm)")'] if request.realm else []),
        ]
    if request.way == "registration":
        lines.append(f'modparam("uac", "reg_contact_addr", "{request.public_ip or "PUBLIC_IP"}:5060")')
    return lines


def _routes(request: TrunkRequest) -> list[str]:
    parts = [*REQUEST_ROUTE, *_from_trunk(request), *_to_trunk(request)]
    return parts + (_answer_challenge(request) if request.has_credentials else [])


def _from_trunk(request: TrunkRequest) -> list[str]:
    numbers = [*request.numbers, *([request.username] if request.way == "registration" else [])]
    return [
        "",
        "# Origination: a call for one of our numbers",
        "route[FROM_TRUNK] {",
        *(f'    if ($rU == "{number}") route(TO_PBX);' for number in numbers),
        '    sl_send_reply("404", "Not Found");',
        "    exit;",
        "}",
        "",
        "route[TO_PBX] {",
        f'    rtpengine_manage("RTP/AVP {MEDIA}");',
        f'    $du = "sip:{PBX}:5060";',
        "    t_relay();",
        "    exit;",
        "}",
    ]


def _to_trunk(request: TrunkRequest) -> list[str]:
    media = f"RTP/SAVP SDES-only-AES_CM_128_HMAC_SHA1_80 {MEDIA}" if request.secure else f"RTP/AVP {MEDIA}"
    return [
        "",
        "# Termination: + and country code, the trunk's name in the request line, the next hop in $du",
        "route[TO_TRUNK] {",
        *E164,
        f'    $ru = "sip:" + $rU + "@{request.domain}";',
        f'    $du = "{next_hop(request)}";',
        f'    uac_replace_from("", "sip:{request.number}@{request.domain}");',
        f'    rtpengine_manage("{media}");',
        *(['    t_on_failure("TRUNK_AUTH");'] if request.has_credentials else []),
        "    t_relay();",
        "    exit;",
        "}",
    ]


def _answer_challenge(request: TrunkRequest) -> list[str]:
    return [
        "",
        "failure_route[TRUNK_AUTH] {",
        '    if (!t_check_status("401|407")) exit;',
        f"    $avp(auser) = {quoted(request.username)};",
        f"    $avp(apass) = {quoted(request.password)};",
        *([f"    $avp(arealm) = {quoted(request.realm)};"] if request.realm else []),
        "    if (uac_auth()) t_relay();",
        "}",
    ]


def _addresses(request: TrunkRequest) -> str:
    lines = []
    for source in request.sources:
        address, _, length = source.partition("/")
        lines.append(f"(1,{address},{length or (128 if ':' in address else 32)},0)")
    return "\n".join([*lines, f"(2,{PBX},32,0)"])
