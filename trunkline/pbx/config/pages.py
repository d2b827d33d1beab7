"""docs/pbx/*.md, one page for each system, from what `trunkline pbx config` prints: `python -m
trunkline.pbx.config.pages docs/pbx`."""

from __future__ import annotations

import sys
from pathlib import Path

from trunkline.pbx.config.request import ConfigFile, TrunkRequest, Way
from trunkline.pbx.config.write import configuration
from trunkline.pbx.snippets import SYSTEMS

DOMAIN, EDGE = "acme.pstn.example.net", "192.0.2.10"
IN_FULL = ("asterisk",)
"""Systems whose page shows all three ways, and not only the first."""
LANGUAGES = {".conf": "ini", ".xml": "xml", ".cfg": "text"}

HEADINGS: dict[Way, str] = {
    "credentials": "By user name and password",
    "address": "By address",
    "registration": "By registration",
}
ABOUT: dict[Way, str] = {
    "credentials": (
        "The trunk challenges each call (407) and the PBX answers with the user name and password of a credential list "
        "of the trunk. The PBX may have any address."
    ),
    "address": (
        "The public address of the PBX stands in an IP access control list of the trunk. Nothing is challenged, so the "
        "address has to be the PBX's own and has to stay."
    ),
    "registration": (
        "The PBX says where it is, and calls to the trunk's numbers come over the flow of that registration: for a PBX "
        "whose address changes, or behind a NAT that nothing can be forwarded through. The trunk has to take "
        "registrations (`Registration=allowed`, docs/api.md) and needs a credential list; Twilio takes none."
    ),
}
SECURE = (
    "SIP over TLS, and SRTP with the keys in SDP. The PBX checks the certificate of the trunk. One that a node "
    "has made itself is signed by the node, so `tls/ca.pem` of its home has to be copied to the PBX; `--own-ca` "
    "prints where to, and `--trunk` knows by itself. Without it calls end with 503 and Asterisk's log says `The "
    "certificate is untrusted`; a file of `ca_list_file` that is not there makes Asterisk drop the transport (on "
    "Debian: install ca-certificates)."
)
TESTED = {
    "asterisk": (
        "Tested with Asterisk 22.10.1, the package of Debian unstable, on 2026-11-28: these files in it, against "
        "a node, by `tests/live/test_real_asterisk.py` ([testbench.md](../testbench.md#a-real-asterisk)). It "
        "called, registered and was called by each of the three ways, plain and secure, with audio both ways; "
        "digits, a busy callee and the forms of a number that the dialplan takes went through. Debian 12 and 13 "
        "have no package of Asterisk; there, PJSIP, the SIP stack that chan_pjsip is built on, does the same with "
        "the values of these files. They are for Asterisk 16.28, 18.14, 19.6 and later: older ones do not know "
        "`allow_wildcard_certs`, and drop the whole transport for it."
    ),
    "kamailio": "Kamailio 5.6 takes each variant of it (`kamailio -c`); no call was placed through it.",
}
NOT_TESTED = "It was written from the system's documentation and was not run on the system itself."


def page(system: str) -> str:
    """Markdown."""
    title = SYSTEMS[system]
    parts = [
        f"# {title}",
        _head(system),
        TESTED.get(system, NOT_TESTED),
        _print(system),
    ]
    ways: list[Way] = ["credentials", "address", "registration"] if system in IN_FULL else ["credentials"]
    for way in ways:
        parts += [f"## {HEADINGS[way]}", ABOUT[way], *_files(configuration(_request(way, secure=False), system), way)]
    if system in IN_FULL:
        secure = configuration(_request("credentials", secure=True), system)
        parts += ["## A secure trunk", SECURE, *_files(secure[:1], "address")]
    else:
        parts.append("## By address, by registration, secure")
        parts.append(
            "`--auth address`, `--auth registration` and `--secure` print these; docs/pbx/README.md says when."
        )
    return "\n\n".join(parts) + "\n"


def _head(system: str) -> str:
    return (
        f"Written by `make docs` from what `trunkline pbx config --pbx {system}` prints; a test fails when it is "
        f"stale. The trunk here is `{DOMAIN}`, its edge has the address {EDGE} (where the name leads to the edge, "
        "leave `--edge` out), and the numbers are +15557654321 and +15557654322."
    )


def _request(way: Way, *, secure: bool) -> TrunkRequest:
    return TrunkRequest(
        domain=DOMAIN,
        way=way,
        username="pbx",
        realm="sip.twilio.com",
        numbers=("+15557654321", "+15557654322"),
        secure=secure,
        edge=EDGE,
        networks=(EDGE,),
    )


def _print(system: str) -> str:
    return (
        "With the values of a trunk of yours:\n\n```text\n"
        f"trunkline pbx config --pbx {system} --trunk TK…                       of the node that runs here\n"
        f"trunkline pbx config --pbx {system} --domain {DOMAIN} --username pbx --number +15557654321\n```"
    )


def _files(files: list[ConfigFile], way: Way) -> list[str]:
    """The files of one way; of the ways after the first only those that differ from it."""
    parts = []
    for one in files:
        if way != "credentials" and "rtp.conf" in one.path:
            continue
        language = next((name for end, name in LANGUAGES.items() if one.path.endswith(end)), "text")
        note = f"\n\n{one.note}" if one.note else ""
        parts.append(f"**{one.path}**\n\n```{language}\n{one.text}\n```{note}")
    return parts


def main(folder: str) -> None:
    for system in SYSTEMS:
        (Path(folder) / f"{system}.md").write_text(page(system), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
