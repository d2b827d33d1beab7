"""OpenSIPS (3.x): core and module parameters and functions for opensips.cfg."""

from __future__ import annotations

from trunkline.pbx.template import Template

CFG = "opensips.cfg"
REQUEST = "opensips.cfg, route"
TRUNK = "opensips.cfg, the route to the trunk"

TEMPLATES: dict[str, Template] = {
    "readable_log": Template(
        CFG,
        'loadmodule "proto_hep.so"\nloadmodule "tracer.so"\nmodparam("tracer", "trace_id", "[t]uri=hep:homer")\n'
        '\ntrace("t");',
    ),
    "credentials": Template(
        CFG,
        'modparam("uac_auth", "credential", "{username}:{realm}:YOUR_PASSWORD")\n\n'
        'failure_route[trunk_auth] {\n    if (t_check_status("401|407") && uac_auth())\n        t_relay();\n}',
        "With create_dialog() ahead of it, CSeq is raised for the whole call.",
    ),
    "allow_source": Template(TRUNK, '$fs = "udp:LOCAL_IP:{sip_port}";', "The socket that leaves by {public_ip}."),
    "digest_target": Template(TRUNK, '$rd = "{provider_host}";', "Before uac_auth()."),
    "scanners": Template(
        REQUEST,
        "if (!check_source_address(1)) {\n    drop;\n}",
        "With the provider's networks in group 1 of permissions; pike for floods.",
    ),
    "e164": Template(
        TRUNK, '$rU = "{prefix}" + $(rU{s.substr,{strip},0});', "So that {called} leaves as {called_e164}."
    ),
    "did_dialplan": Template(REQUEST, 'if ($rU == "{did}") {\n    $du = "sip:PBX_IP:5060";\n    route(relay);\n}'),
    "did_in_to": Template(REQUEST, "$rU = $tU;"),
    "trunk_domain": Template(
        TRUNK,
        '$rd = "{provider_host}";\n$du = "sip:{provider_ip}:{provider_port}";',
        "$rd is what the request line says, $du where it goes.",
    ),
    "caller_id": Template(TRUNK, 'uac_replace_from("sip:{did}@{provider_host}");'),
    "assert_identity": Template(TRUNK, 'append_hf("P-Asserted-Identity: <sip:{did}@{provider_host}>\\r\\n");'),
    "diversion": Template(TRUNK, 'append_hf("Diversion: <sip:{did}@{provider_host}>;reason=unconditional\\r\\n");'),
    "loop": Template(
        CFG,
        'alias="{provider_host}"',
        "Every name under which OpenSIPS itself is called; and mf_process_maxfwd_header(10).",
    ),
    "failover": Template(
        CFG,
        'modparam("tm", "fr_timeout", 4)\n\nfailure_route[next] {\n'
        '    if (t_check_status("5[0-9][0-9]|408") && ds_next_dst())\n        t_relay();\n}',
    ),
    "dns": Template(CFG, "dns_try_ipv6=no\ndisable_dns_failover=no"),
    "extensions": Template(TRUNK, 'remove_hf("Require");'),
    "large_udp": Template(TRUNK, '$du = "sip:{provider_host};transport=tcp";', "With proto_tcp loaded."),
    "tls_version": Template(
        CFG,
        'modparam("tls_mgm", "client_domain", "trunk")\nmodparam("tls_mgm", "tls_method", "[trunk]TLSv1_2-")\n'
        'modparam("tls_mgm", "verify_cert", "[trunk]1")',
    ),
    "tls_port": Template(TRUNK, '$du = "sip:{provider_host}:5061;transport=tls";'),
    "certificate": Template(
        CFG,
        'modparam("tls_mgm", "certificate", "[default]/etc/opensips/fullchain.pem")\n'
        'modparam("tls_mgm", "private_key", "[default]/etc/opensips/privkey.pem")',
    ),
    "keepalive": Template(
        CFG, 'modparam("dispatcher", "ds_ping_interval", 30)\nmodparam("nathelper", "natping_interval", 30)'
    ),
    "transport_match": Template(TRUNK, '$du = "sip:{provider_host};transport={transport}";'),
    "provider_networks": Template(
        "permissions, table address",
        "(1,'{provider_network}')",
        "One row for each, in group 1. Then: opensips-cli -x mi address_reload",
    ),
    "rport": Template(REQUEST, "force_rport();"),
    "public_address": Template(
        CFG,
        "socket=udp:{private_ip}:{sip_port} as {public_ip}:{sip_port}\n\n"
        'rtpengine_manage("replace-origin replace-session-connection");',
        "rtpengine itself: interface={private_ip}!{public_ip}. No fix_nated_contact() on the provider's side.",
    ),
    "contact": Template(
        REQUEST, "if (nat_uac_test(1)) fix_nated_contact();", "For phones behind NAT, not for the provider."
    ),
    "in_dialog_routing": Template(
        REQUEST,
        "if (has_totag()) {\n    if (loose_route()) route(relay);\n    exit;\n}\n"
        'if (is_method("INVITE|SUBSCRIBE")) record_route();',
        "And no fix_nated_contact() on messages of the provider.",
    ),
    "direct_media": Template(
        TRUNK, 'rtpengine_manage("replace-origin replace-session-connection");', "On re-INVITEs too."
    ),
    "plain_sdp": Template(
        TRUNK, 'rtpengine_manage("RTP/AVP ICE=remove rtcp-mux-demux replace-origin replace-session-connection");'
    ),
    "one_family": Template(TRUNK, 'rtpengine_manage("address-family=IP4 replace-origin replace-session-connection");'),
    "codecs": Template(TRUNK, 'codec_delete_except_re("PCMU|PCMA|telephone-event");'),
    "payload_types": Template(
        TRUNK, 'rtpengine_manage("replace-origin replace-session-connection");', "Leave payload types as they are."
    ),
    "srtp_on": Template(
        TRUNK,
        'rtpengine_manage("RTP/SAVP SDES-only-AES_CM_128_HMAC_SHA1_80 replace-origin replace-session-connection");',
    ),
    "srtp_off": Template(TRUNK, 'rtpengine_manage("RTP/AVP replace-origin replace-session-connection");'),
    "session_timer": Template(
        CFG, 'modparam("sst", "min_se", {min_se})', "Or leave the timers to the two ends: remove sst."
    ),
    "rtp_timeout": Template("rtpengine.conf", "timeout = 60\nsilent-timeout = 3600"),
    "rtp_ports": Template(
        "rtpengine.conf", "port-min = {rtp_first}\nport-max = {rtp_last}", "And open just these in the firewall."
    ),
    "symmetric_rtp": Template(TRUNK, 'rtpengine_manage("replace-origin replace-session-connection");'),
    "strict_rtp": Template(TRUNK, 'rtpengine_manage("strict-source replace-origin replace-session-connection");'),
    "qos": Template(CFG, "tos=0x68", "For signalling; rtpengine.conf: tos = 184 for media."),
    "pacing": Template(
        CFG,
        'if (!rl_check("{trunk}", 1, "TAILDROP")) {\n    send_reply(503, "Busy");\n    exit;\n}',
        "With the module ratelimit.",
    ),
}
