"""FreeSWITCH 1.8 and later: a gateway of mod_sofia, its profile, an access list and both dialplans."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from trunkline.pbx.config.request import ConfigFile, TrunkRequest

SUITE = "AES_CM_128_HMAC_SHA1_80"


def files(request: TrunkRequest, folder: str = "/etc/freeswitch") -> list[ConfigFile]:
    return [
        ConfigFile(
            f"{folder}/sip_profiles/external/{request.name}.xml",
            gateway(request),
            "Then: fs_cli -x 'sofia profile external rescan'",
        ),
        ConfigFile(
            f"{folder}/sip_profiles/external.xml",
            profile(request),
            "Change these in the <settings> that are there. Then: fs_cli -x 'sofia profile external restart'",
            part=True,
        ),
        ConfigFile(
            f"{folder}/autoload_configs/acl.conf.xml",
            acl(request),
            "Into <network-lists>. Then: fs_cli -x reloadacl",
            part=True,
        ),
        ConfigFile(f"{folder}/dialplan/public/{request.name}.xml", origination(request), "Then: fs_cli -x reloadxml"),
        ConfigFile(f"{folder}/dialplan/default/{request.name}.xml", termination(request)),
    ]


def _param(name: str, value: str) -> str:
    return f"<param name={quoteattr(name)} value={quoteattr(value)}/>"


def _address(request: TrunkRequest, host: str) -> str:
    port = f":{request.real_port}" if request.secure or request.port else ""
    return f"{host}{port}" + (";transport=tls" if request.secure else "")


def gateway(request: TrunkRequest) -> str:
    params = [
        ("proxy", _address(request, request.domain)),
        ("realm", request.domain),
        ("from-domain", request.domain),
        ("register", "true" if request.way == "registration" else "false"),
        ("caller-id-in-from", "true"),
        ("extension", "auto_to_user"),
        ("ping", "30"),
    ]
    if request.edge:
        params.insert(1, ("outbound-proxy", _address(request, request.edge)))
    if request.has_credentials:
        params += [("username", request.username), ("password", request.password)]
    if request.way == "registration":
        params += [("expire-seconds", "300"), ("retry-seconds", "30"), ("extension-in-contact", "true")]
    if request.secure:
        params += [("register-transport", "tls"), ("contact-params", "transport=tls")]
    lines = [f"    {_param(name, value)}" for name, value in params]
    if request.secure:
        lines += [
            "    <variables>",
            *(
                f'      <variable name="rtp_secure_media" value="mandatory:{SUITE}" direction="{direction}"/>'
                for direction in ("inbound", "outbound")
            ),
            "    </variables>",
        ]
    return "\n".join(["<include>", f'  <gateway name="{request.name}">', *lines, "  </gateway>", "</include>"])


def profile(request: TrunkRequest) -> str:
    outer = request.public_ip or "auto-nat"
    params = [
        ("context", "public"),
        ("auth-calls", "false"),
        ("apply-inbound-acl", request.name),
        ("inbound-codec-prefs", "PCMU,PCMA"),
        ("outbound-codec-prefs", "PCMU,PCMA"),
        ("dtmf-type", "rfc2833"),
        ("rfc2833-pt", "101"),
        ("enable-timer", "false"),
        ("ext-sip-ip", outer),
        ("ext-rtp-ip", outer),
    ]
    if request.secure:
        params += [("tls", "true"), ("tls-sip-port", "5061"), ("tls-version", "tlsv1.2")]
    lines = [f"    {_param(name, value)}" for name, value in params]
    return "\n".join(['<profile name="external">', "  <settings>", *lines, "  </settings>", "</profile>"])


def acl(request: TrunkRequest) -> str:
    nodes = []
    for source in request.sources:
        is_network = source[:1].isdigit() or ":" in source
        cidr = source if "/" in source else f"{source}/{128 if ':' in source else 32}"
        nodes.append(f'  <node type="allow" {"cidr" if is_network else "domain"}="{cidr if is_network else source}"/>')
    return "\n".join([f'<list name="{request.name}" default="deny">', *nodes, "</list>"])


def origination(request: TrunkRequest) -> str:
    """Dialplan of calls that come in by the trunk."""
    parts = ["<include>"]
    for number in request.numbers:
        digits = number.lstrip("+")
        parts += [
            f'  <extension name="{request.name}-in-{digits}">',
            f'    <condition field="destination_number" expression="^\\+?{digits}$">',
            f'      <action application="transfer" data="{request.extension} XML default"/>',
            "    </condition>",
            "  </extension>",
        ]
    return "\n".join([*parts, "</include>"])


def termination(request: TrunkRequest) -> str:
    """Dialplan of calls that go out by the trunk, as +E.164."""
    parts = ["<include>"]
    for name, expression, number in (
        ("e164", "^\\+([1-9]\\d{6,14})$", "+$1"),
        ("national", "^1?([2-9]\\d{2}[2-9]\\d{6})$", "+1$1"),
        ("international", "^(?:011|00)([1-9]\\d{6,14})$", "+$1"),
    ):
        secured = f"[rtp_secure_media=mandatory:{SUITE}]" if request.secure else ""
        parts += [
            f'  <extension name="{request.name}-out-{name}">',
            f'    <condition field="destination_number" expression="{expression}">',
            f'      <action application="set" data="effective_caller_id_number={request.number}"/>',
            '      <action application="set" data="hangup_after_bridge=true"/>',
            f'      <action application="bridge" data="{secured}sofia/gateway/{request.name}/{number}"/>',
            "    </condition>",
            "  </extension>",
        ]
    return "\n".join([*parts, "</include>"])
