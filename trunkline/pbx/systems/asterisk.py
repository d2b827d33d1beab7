"""Asterisk with chan_pjsip: option names of `config show help res_pjsip`, Asterisk 18 and later."""

from __future__ import annotations

from trunkline.pbx.template import Template

ENDPOINT = "pjsip.conf, [{trunk}] type=endpoint"
TRANSPORT = "pjsip.conf, [transport-{transport}] type=transport"
RELOAD = "Then: asterisk -rx 'pjsip reload'"
RESTART = "Changes of a transport need: asterisk -rx 'core restart gracefully'"

TEMPLATES: dict[str, Template] = {
    "readable_log": Template(
        "logger.conf",
        "[general]\ndateformat=%F %T.%3q\n[logfiles]\nsip.log => notice,warning,error,verbose",
        "Then: asterisk -rx 'logger reload' and asterisk -rx 'pjsip set logger on'",
    ),
    "credentials": Template(
        "pjsip.conf",
        "[{trunk}-auth]\ntype=auth\nauth_type=userpass\nusername={username}\npassword=YOUR_PASSWORD\n; leave "
        "realm= empty, or: "
        "realm={realm}\n\n[{trunk}]\ntype=endpoint\noutbound_auth={trunk}-auth",
        "In the sections that the trunk has already. " + RELOAD,
    ),
    "allow_source": Template(
        TRANSPORT,
        "bind=0.0.0.0:{sip_port}\nexternal_signaling_address={public_ip}",
        "To leave by a certain interface, bind to its address instead of 0.0.0.0. " + RESTART,
    ),
    "nonce": Template(
        ENDPOINT, "outbound_auth={trunk}-auth", "One [auth] section only, with the realm of the challenge."
    ),
    "digest_target": Template(
        "pjsip.conf",
        "[{trunk}-auth]\ntype=auth\nrealm={realm}\n\n[{trunk}]\ntype=endpoint\nfrom_domain={provider_host}",
        RELOAD,
    ),
    "digest_algorithm": Template(
        "pjsip.conf, [{trunk}-auth] type=auth",
        "auth_type=digest\nsupported_algorithms_uac=MD5,SHA-256",
        "Since 20.14, 21.9 and 22.4; older versions know MD5 only.",
    ),
    "registration_expiry": Template(
        "pjsip.conf, [{trunk}] type=registration",
        "expiration={expires}\nretry_interval=30\nforbidden_retry_interval=300\nmax_retries=10000",
        "With qualify_frequency=30 in the AOR to keep the NAT open.",
    ),
    "registration_account": Template(
        "pjsip.conf, [{trunk}] type=registration",
        "server_uri=sip:{provider_host}\nclient_uri=sip:{username}@{provider_host}\noutbound_auth={trunk}-auth",
    ),
    "no_registration": Template(
        "pjsip.conf",
        "; remove the section with type=registration\n[{trunk}]\ntype=aor\ncontact=sip:{provider_host}\n"
        "qualify_frequency=60",
        RELOAD,
    ),
    "scanners": Template(
        "pjsip.conf",
        "[{trunk}-acl]\ntype=acl\ndeny=0.0.0.0/0.0.0.0\npermit={provider_network}",
        "Permit your phones' networks too, have no endpoint called `anonymous`, and feed fail2ban from the "
        "security log "
        "(logger.conf: security => security).",
    ),
    "e164": Template(
        "extensions.conf",
        "exten => _X.,1,Dial(PJSIP/{prefix}${EXTEN:{strip}}@{trunk})",
        "So that {called} leaves as {called_e164}. The pattern is that of your own outbound route.",
    ),
    "did_dialplan": Template(
        "extensions.conf, the context= of the trunk's endpoint",
        "exten => {did},1,Dial(PJSIP/100)\n; or all numbers of the trunk, without the +:\n"
        "exten => _+X.,1,Goto(${EXTEN:1},1)",
        "100 stands for the phone or queue that the number belongs to.",
    ),
    "did_in_to": Template(
        "pjsip.conf, [{trunk}] type=registration; extensions.conf",
        "line=yes\nendpoint={trunk}\ncontact_user={did_digits}\n\n"
        "exten => s,1,Set(DID=${CUT(CUT(PJSIP_HEADER(read,To),@,1),:,2)})\n same => n,Goto(${DID},1)",
    ),
    "overlap": Template(ENDPOINT, "allow_overlap=no"),
    "trunk_domain": Template(
        "pjsip.conf",
        "[{trunk}]\ntype=aor\ncontact=sip:{provider_host}\n\n[{trunk}]\ntype=endpoint\naors={trunk}\n"
        "; to send it elsewhere: outbound_proxy=sip:{provider_ip}\\;lr",
        "Dial(PJSIP/{called_e164}@{trunk}) then names {provider_host}.",
    ),
    "caller_id": Template(
        "extensions.conf, ahead of the Dial to the trunk",
        "same => n,Set(CALLERID(num)={did})",
        "One number for all calls: from_user={did} in the endpoint of the trunk.",
    ),
    "assert_identity": Template(ENDPOINT, "send_pai=yes\ntrust_id_outbound=yes\nfrom_user={did}"),
    "diversion": Template(
        ENDPOINT + "; extensions.conf",
        "send_diversion=yes\n\nsame => n,Set(REDIRECTING(from-num)={did})",
        "Or send your own number: Set(CALLERID(num)={did}).",
    ),
    "loop": Template(
        "extensions.conf",
        'same => n,GotoIf($["${CHANNEL(endpoint)}"="{trunk}"]?own,1)',
        "Calls that came from the trunk must not go out by it for numbers of yours.",
    ),
    "failover": Template(
        "extensions.conf",
        "same => n,Dial(PJSIP/${EXTEN}@{trunk},30)\n"
        'same => n,ExecIf($["${DIALSTATUS}"="CHANUNAVAIL" | '
        '"${DIALSTATUS}"="CONGESTION"]?Dial(PJSIP/${EXTEN}@{trunk}-2,30))',
        "{trunk}-2 is an endpoint for another edge of the provider. pjsip.conf [system] timer_b=8000 gives up "
        "on a silent "
        "one after 8 s.",
    ),
    "dns": Template(
        "pjsip.conf, type=aor", "contact=sip:{provider_host}", "Without a port, Asterisk asks for SRV too."
    ),
    "unneeded_methods": Template(
        "pjsip.conf, type=aor of the trunk", "qualify_frequency=0", "Only if the {method} is the OPTIONS of qualify."
    ),
    "extensions": Template(ENDPOINT, "100rel=no\ntimers=no"),
    "redirect": Template(ENDPOINT, "redirect_method=uri_pjsip"),
    "firewall_sip": Template(
        "pjsip.conf, type=aor",
        "contact=sip:{provider_host}:{provider_port}\nqualify_frequency=60",
        "asterisk -rx 'pjsip show contacts' says whether it answers.",
    ),
    "port_closed": Template(
        TRANSPORT, "bind=0.0.0.0:{sip_port}", "asterisk -rx 'pjsip show transports' shows what listens."
    ),
    "large_udp": Template(
        "pjsip.conf",
        "[{trunk}]\ntype=aor\ncontact=sip:{provider_host}\\;transport=tcp\n\n[{trunk}]\ntype=endpoint\ndisallow=all\n"
        "allow={codecs}",
        "With a transport protocol=tcp; [system] compact_headers=yes saves some bytes on UDP.",
    ),
    "tls_version": Template(
        "pjsip.conf, type=transport, protocol=tls",
        "method=tlsv1_2\nca_list_file=/etc/ssl/certs/ca-certificates.crt\nverify_server=yes\nallow_wildcard_certs=yes",
        RESTART,
    ),
    "tls_port": Template(
        "pjsip.conf, type=aor", "contact=sip:{provider_host}:5061\\;transport=tls", "And transport= of a TLS transport."
    ),
    "certificate": Template(
        "pjsip.conf, type=transport, protocol=tls",
        "cert_file=/etc/asterisk/keys/fullchain.pem\npriv_key_file=/etc/asterisk/keys/privkey.pem",
        RESTART,
    ),
    "keepalive": Template(
        "pjsip.conf",
        "[{trunk}]\ntype=aor\nqualify_frequency=30\n\n[global]\ntype=global\nkeep_alive_interval=30",
        RELOAD,
    ),
    "transport_match": Template(
        "pjsip.conf",
        "[{trunk}]\ntype=endpoint\ntransport=transport-{transport}\n\n[{trunk}]\ntype=aor\n"
        "contact=sip:{provider_host}\\;transport={transport}",
    ),
    "provider_networks": Template(
        "pjsip.conf",
        "[{trunk}]\ntype=identify\nendpoint={trunk}\nmatch={provider_network}",
        "And no auth= in the trunk's endpoint: that would ask the provider for a password. outbound_auth= stays. "
        + RELOAD,
    ),
    "rport": Template(ENDPOINT, "force_rport=yes\nrtp_symmetric=yes", "And no disable_rport=yes in [system]."),
    "public_address": Template(
        TRANSPORT,
        "local_net={local_net}\nexternal_media_address={public_ip}\nexternal_signaling_address={public_ip}\n\n"
        "[{trunk}]\ntype=endpoint\ndirect_media=no\nrtp_symmetric=yes\nforce_rport=yes\nrewrite_contact=no",
        RESTART,
    ),
    "contact": Template(
        TRANSPORT, "external_signaling_address={public_ip}\nexternal_signaling_port={sip_port}", RESTART
    ),
    "in_dialog_routing": Template(
        ENDPOINT,
        "rewrite_contact=no\n; where an outbound proxy is used, it needs ;lr:\noutbound_proxy=sip:{provider_ip}\\;lr",
    ),
    "rtp_timeout": Template(ENDPOINT, "rtp_timeout=60\nrtp_timeout_hold=300\nrtp_keepalive=15"),
    "direct_media": Template(ENDPOINT, "direct_media=no", "In the endpoints of the phones too. " + RELOAD),
    "hold": Template(ENDPOINT, "moh_passthrough=no", "Asterisk then plays the music itself and media keeps flowing."),
    "plain_sdp": Template(
        ENDPOINT, "webrtc=no\nuse_avpf=no\nice_support=no\nmedia_encryption=no\nrtcp_mux=no\nbundle=no"
    ),
    "one_family": Template(ENDPOINT, "rtp_ipv6=no\nmedia_address={public_ip}"),
    "codecs": Template(ENDPOINT, "disallow=all\nallow={codecs}", RELOAD),
    "payload_types": Template(
        ENDPOINT,
        "asymmetric_rtp_codec=no\ndirect_media=no\ndtmf_mode=rfc4733",
        "So that Asterisk translates between the legs.",
    ),
    "ptime": Template(ENDPOINT, "use_ptime=yes\ndisallow=all\nallow=ulaw:{ptime},alaw:{ptime}"),
    "annexb": Template(
        ENDPOINT, "disallow=all\nallow={codecs}", "Asterisk's G.729 sends no annex B: let the phone say annexb=no."
    ),
    "dtmf": Template(ENDPOINT, "dtmf_mode=rfc4733", "Not info, inband, auto or auto_info. " + RELOAD),
    "srtp_on": Template(
        "pjsip.conf",
        "[{trunk}]\ntype=endpoint\nmedia_encryption=sdes\ntransport=transport-tls\n\n[{trunk}]\ntype=aor\n"
        "contact=sip:{provider_host}:5061\\;transport=tls",
        "With a transport protocol=tls, method=tlsv1_2. " + RESTART,
    ),
    "srtp_off": Template(
        ENDPOINT, "media_encryption=no", "Or offer both: media_encryption=sdes, media_encryption_optimistic=yes."
    ),
    "srtp_suite": Template(
        ENDPOINT, "media_encryption=sdes\nsrtp_tag_32=no", "Asterisk then uses AES_CM_128_HMAC_SHA1_80."
    ),
    "tls_for_keys": Template(ENDPOINT, "media_encryption=sdes\ntransport=transport-tls"),
    "session_timer": Template(
        ENDPOINT,
        "timers=no\n; or, to keep them:\n; timers=yes\n; timers_min_se={min_se}\n; timers_sess_expires=1800",
        RELOAD,
    ),
    "transfer": Template(
        ENDPOINT, "refer_blind_progress=no", "Transfer with features.conf (blindxfer, atxfer): both legs stay."
    ),
    "prack": Template(ENDPOINT, "100rel=peer_supported", "Before Asterisk 20 and 18.15: 100rel=no."),
    "ringback": Template(ENDPOINT, "inband_progress=no", "And Dial(…,r) only where the trunk sends no ringing."),
    "rtp_ports": Template(
        "rtp.conf", "[general]\nrtpstart={rtp_first}\nrtpend={rtp_last}", "And open just these in the firewall."
    ),
    "symmetric_rtp": Template(ENDPOINT, "rtp_symmetric=yes\ndirect_media=no"),
    "strict_rtp": Template(
        "rtp.conf", "[general]\nstrictrtp=yes\nprobation=4", "seqno instead of yes where sources change often."
    ),
    "qos": Template(ENDPOINT, "tos_audio=ef\ncos_audio=5"),
    "jitter_buffer": Template("extensions.conf, ahead of the Dial", "same => n,Set(JITTERBUFFER(adaptive)=default)"),
    "level": Template("extensions.conf, ahead of the Dial", "same => n,Set(VOLUME(TX)=0)\nsame => n,Set(AGC(rx)=8000)"),
    "t38": Template(
        ENDPOINT,
        "t38_udptl=yes\nt38_udptl_ec=redundancy\nt38_udptl_maxdatagram=400",
        "Where the trunk takes no T.38: t38_udptl=no, ulaw or alaw only.",
    ),
    "t38_nat": Template(
        ENDPOINT, "t38_udptl=yes\nt38_udptl_nat=yes", "With external_media_address={public_ip} in the transport."
    ),
}
