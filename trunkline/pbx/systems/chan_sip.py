"""Asterisk with chan_sip (up to Asterisk 20): options of sip.conf."""

from __future__ import annotations

from trunkline.pbx.systems import asterisk
from trunkline.pbx.template import Template

PEER = "sip.conf, [{trunk}]"
GENERAL = "sip.conf, [general]"
RELOAD = "Then: asterisk -rx 'sip reload'"

TEMPLATES: dict[str, Template] = {
    "readable_log": Template("the Asterisk console", "sip set debug on", "With dateformat=%F %T.%3q in logger.conf."),
    "credentials": Template(
        PEER, "type=peer\nhost={provider_host}\ndefaultuser={username}\nremotesecret=YOUR_PASSWORD", RELOAD
    ),
    "allow_source": Template(GENERAL, "udpbindaddr=0.0.0.0:{sip_port}\nexternaddr={public_ip}", RELOAD),
    "digest_target": Template(PEER, "fromdomain={provider_host}\nhost={provider_host}", RELOAD),
    "registration_expiry": Template(
        GENERAL, "defaultexpiry={expires}\nregistertimeout=20\nregisterattempts=0", "With qualify=yes in [{trunk}]."
    ),
    "registration_account": Template(
        GENERAL, "register => {username}:YOUR_PASSWORD@{provider_host}/{did_digits}", RELOAD
    ),
    "no_registration": Template(GENERAL, "; remove the line: register => …@{provider_host}", RELOAD),
    "scanners": Template(
        GENERAL, "allowguest=no\nalwaysauthreject=yes", "And permit= only your networks in each peer."
    ),
    "e164": Template(
        "extensions.conf",
        "exten => _X.,1,Dial(SIP/{trunk}/{prefix}${EXTEN:{strip}})",
        "So that {called} leaves as {called_e164}.",
    ),
    "did_dialplan": asterisk.TEMPLATES["did_dialplan"],
    "did_in_to": Template(
        "sip.conf; extensions.conf",
        "register => {username}:YOUR_PASSWORD@{provider_host}/{did_digits}\n\n"
        "exten => s,1,Set(DID=${CUT(CUT(SIP_HEADER(To),@,1),:,2)})\n same => n,Goto(${DID},1)",
    ),
    "overlap": Template(GENERAL, "allowoverlap=no"),
    "trunk_domain": Template(
        PEER, "host={provider_host}\nfromdomain={provider_host}", "outboundproxy= to send it elsewhere."
    ),
    "caller_id": Template("extensions.conf, ahead of the Dial to the trunk", "same => n,Set(CALLERID(num)={did})"),
    "assert_identity": Template(PEER, "sendrpid=pai\ntrustrpid=no"),
    "diversion": Template(GENERAL, "send_diversion=yes"),
    "dns": Template(GENERAL, "srvlookup=yes"),
    "unneeded_methods": Template(PEER, "qualify=no", "Only if the {method} is the OPTIONS of qualify."),
    "extensions": Template(PEER, "session-timers=refuse"),
    "firewall_sip": Template(
        PEER, "host={provider_host}\nport={provider_port}\nqualify=yes", "asterisk -rx 'sip show peers'"
    ),
    "large_udp": Template(PEER, "transport=tcp\ndisallow=all\nallow={codecs}", "With tcpenable=yes in [general]."),
    "tls_version": Template(
        GENERAL,
        "tlsenable=yes\ntlsclientmethod=tlsv1\ntlscafile=/etc/ssl/certs/ca-certificates.crt",
        "tlsv1 asks for the newest.",
    ),
    "tls_port": Template(PEER, "transport=tls\nport=5061"),
    "certificate": Template(
        GENERAL, "tlscertfile=/etc/asterisk/keys/asterisk.pem", "Certificate, chain and key in one file."
    ),
    "keepalive": Template(PEER, "qualify=yes\nqualifyfreq=30"),
    "transport_match": Template(PEER, "transport={transport}"),
    "provider_networks": Template(
        "sip.conf",
        "; one peer for each address that calls come from\n[{trunk}-in]\ntype=peer\nhost={provider_ip}\n"
        "insecure=invite,port\n"
        "context=from-trunk\ndeny=0.0.0.0/0\npermit={provider_network}",
    ),
    "rport": Template(PEER, "nat=force_rport,comedia"),
    "public_address": Template(
        "sip.conf",
        "[general]\nexternaddr={public_ip}\nlocalnet={local_net}\n\n[{trunk}]\nnat=force_rport,comedia\ndirectmedia=no",
        RELOAD,
    ),
    "contact": Template(GENERAL, "externaddr={public_ip}:{sip_port}\nlocalnet={local_net}"),
    "in_dialog_routing": Template(PEER, "directmedia=no\noutboundproxy={provider_host}"),
    "rtp_timeout": Template(PEER, "rtptimeout=60\nrtpholdtimeout=300\nrtpkeepalive=15"),
    "direct_media": Template(PEER, "directmedia=no", "In the peers of the phones too."),
    "plain_sdp": Template(PEER, "avpf=no\nicesupport=no\nencryption=no"),
    "codecs": Template(PEER, "disallow=all\nallow={codecs}", RELOAD),
    "payload_types": Template(PEER, "dtmfmode=rfc2833\ndirectmedia=no"),
    "ptime": Template(PEER, "autoframing=yes\nallow=ulaw:{ptime},alaw:{ptime}"),
    "dtmf": Template(PEER, "dtmfmode=rfc2833", "Not info, inband or auto."),
    "srtp_on": Template(PEER, "encryption=yes\ntransport=tls"),
    "srtp_off": Template(PEER, "encryption=no"),
    "srtp_suite": Template(PEER, "encryption=yes\nencryption_taglen=80"),
    "tls_for_keys": Template(PEER, "transport=tls"),
    "session_timer": Template(PEER, "session-timers=refuse\n; or: session-minse={min_se} and session-expires=1800"),
    "transfer": Template(PEER, "allowtransfer=no"),
    "ringback": Template(GENERAL, "progressinband=never\nprematuremedia=no"),
    "rtp_ports": asterisk.TEMPLATES["rtp_ports"],
    "symmetric_rtp": Template(PEER, "nat=force_rport,comedia"),
    "strict_rtp": asterisk.TEMPLATES["strict_rtp"],
    "qos": Template(GENERAL, "tos_audio=ef\ncos_audio=5"),
    "jitter_buffer": Template(GENERAL, "jbenable=yes\njbimpl=adaptive"),
    "level": asterisk.TEMPLATES["level"],
    "t38": Template(
        PEER, "t38pt_udptl=yes,redundancy,maxdatagram=400", "t38pt_udptl=no where the trunk takes no T.38."
    ),
    "t38_nat": Template(PEER, "t38pt_udptl=yes,redundancy\nt38pt_usertpsource=yes"),
}
