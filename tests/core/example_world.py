"""One small platform for the tests of core: every trunk stands for one kind of admission."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from memory_routing import MemoryRouting

from trunkline.core import digest
from trunkline.core.decision import Challenge, Decision
from trunkline.core.invite import Invite
from trunkline.core.policy import Policy
from trunkline.core.route import decide
from trunkline.core.routing_data import (
    AccountRow,
    CarrierRow,
    CarrierTargetRow,
    CredentialRow,
    OriginationUrlRow,
    PhoneNumberRow,
    TrunkRow,
)

REALM = "sip.twilio.com"
SECRET = b"0123456789abcdef"
NOW = 1_800_000_000.0
POLICY = Policy(REALM, ("pstn.twilio.com", "trunk.test"), frozenset(("203.0.113.5", "127.0.0.1", "edge.test")), SECRET)

PBX = "198.51.100.7"
"""In the address lists of the trunks `acl` and `both`."""
STRANGER = "198.51.100.99"
CARRIER_SOURCE = "192.0.2.10"
OWNED, VERIFIED, FOREIGN_ID, CALLED = "+15550100001", "+15550100002", "+15550109999", "+442071234567"
DID = "+15550100003"
"""Attached to the trunk `acl`."""


def sid(prefix: str, name: str) -> str:
    """A SID that a reader can tell from others: the name in hexadecimal at its end."""
    return prefix + name.encode().hex().rjust(32, "0")


def credential(name: str, list_name: str, username: str, password: str) -> CredentialRow:
    return CredentialRow(
        sid("CR", name),
        sid("CL", list_name),
        username,
        digest.make_ha1(username, REALM, password),
        digest.make_ha1(username, REALM, password, digest.SHA256),
    )


ACCOUNT, OTHER, SUSPENDED, POOR = sid("AC", "acme"), sid("AC", "other"), sid("AC", "susp"), sid("AC", "poor")


def trunk(name: str, account: str = ACCOUNT, **fields: object) -> TrunkRow:
    row = TrunkRow(sid("TK", name), account, name, False, "reject", None, "MD5")
    return row._replace(**fields)


def world() -> MemoryRouting:
    """Trunks by label: `acl`, `creds`, `both`, `none`, `secure`, `sha`, `replacing`, `suspended`, `poor`, and
    `theirs` of another account.
    """
    routing = MemoryRouting()
    for account, status, funds in (
        (ACCOUNT, "active", True),
        (OTHER, "active", True),
        (SUSPENDED, "suspended", True),
        (POOR, "active", False),
    ):
        routing.accounts[account] = AccountRow(account, status, funds)
    for row in (
        trunk("acl"),
        trunk("creds"),
        trunk("both"),
        trunk("none"),
        trunk("secure", secure=True),
        trunk("sha", digest_algorithm="SHA-256"),
        trunk("replacing", caller_id_policy="replace", default_caller_id=OWNED),
        trunk("suspended", SUSPENDED),
        trunk("poor", POOR),
        trunk("theirs", OTHER),
    ):
        routing.trunks[row.sid] = row
    routing.credentials = {
        sid("CL", "main"): [credential("alice", "main", "alice", "Secret-12345")],
        sid("CL", "sha"): [credential("sha", "sha", "shauser", "Secret-12345")],
        sid("CL", "susp"): [credential("susp", "susp", "susan", "Secret-12345")],
        sid("CL", "poor"): [credential("poor", "poor", "paul", "Secret-12345")],
        sid("CL", "theirs"): [credential("theirs", "theirs", "theo", "Secret-12345")],
        sid("CL", "spare"): [credential("spare", "spare", "spare", "Secret-12345")],
        sid("CL", "sec"): [credential("sec", "sec", "sec", "Secret-12345")],
        sid("CL", "repl"): [credential("repl", "repl", "repl", "Secret-12345")],
        sid("CL", "both"): [credential("both", "both", "bob", "Secret-12345")],
    }
    attach = {
        "creds": "main",
        "both": "both",
        "secure": "sec",
        "sha": "sha",
        "replacing": "repl",
        "suspended": "susp",
        "poor": "poor",
        "theirs": "theirs",
    }
    routing.trunk_lists = {sid("TK", name): [sid("CL", list_name)] for name, list_name in attach.items()}
    routing.acls = {sid("AL", "office"): ["198.51.100.0/28", "2001:db8::/64"]}
    routing.trunk_acls = {sid("TK", "acl"): [sid("AL", "office")], sid("TK", "both"): [sid("AL", "office")]}
    routing.numbers = {
        OWNED: PhoneNumberRow(OWNED, sid("PN", "one"), ACCOUNT, None),
        DID: PhoneNumberRow(DID, sid("PN", "did"), ACCOUNT, sid("TK", "acl")),
    }
    routing.caller_ids = {(ACCOUNT, VERIFIED), (SUSPENDED, VERIFIED), (POOR, VERIFIED)}
    routing.urls = [
        OriginationUrlRow(sid("OU", "one"), sid("TK", "acl"), "sip:pbx.customer.test", 10, 10, True),
        OriginationUrlRow(sid("OU", "two"), sid("TK", "acl"), "sip:backup.customer.test:5070", 20, 10, True),
    ]
    routing.carriers = {sid("CX", "first"): CarrierRow(sid("CX", "first"), True, 10, 10)}
    routing.targets = [
        CarrierTargetRow(sid("CT", "one"), sid("CX", "first"), "sip:192.0.2.10:5060;transport=udp", 10, 10, True),
        CarrierTargetRow(sid("CT", "two"), sid("CX", "first"), "sip:192.0.2.11;transport=tcp", 20, 10, True),
    ]
    routing.carrier_networks = {sid("CX", "first"): ["192.0.2.0/28"]}
    return routing


def invite(label: str | None = "acl", called: str = CALLED, **facts: object) -> Invite:
    """An INVITE for `called` at `<label>.pstn.twilio.com` from PBX. `ruri=` overrides both."""
    base = Invite(
        method="INVITE",
        ruri=f"sip:{called}@{label}.pstn.twilio.com",
        from_header_uri=f"sip:{OWNED}@{PBX}",
        to_uri=f"sip:{called}@{label}.pstn.twilio.com",
        from_tag="a1",
        call_id="c1@pbx",
        cseq=1,
        source_ip=PBX,
        source_port=5060,
        transport="udp",
        call_sid=sid("CA", "call"),
    )
    return replace(base, **facts)


class Uses:
    """`first_use` as the edge's shared counter would answer."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def __call__(self, key: str) -> bool:
        new = key not in self.keys
        self.keys.add(key)
        return new


class Edge:
    """Asks core as the edge does, and answers challenges as a PBX does."""

    def __init__(self, routing: MemoryRouting | None = None, policy: Policy = POLICY) -> None:
        self.routing = routing or world()
        self.policy = policy
        self.now = NOW
        self.dice = Random(7)
        self.first_use = Uses()

    def decide(self, request: Invite) -> Decision:
        return decide(request, self.routing, self.policy, self.now, self.dice, self.first_use)

    def call(self, request: Invite, username: str, password: str = "Secret-12345", **answer: str) -> Decision:
        """Send, answer one challenge, send again."""
        first = self.decide(request)
        assert isinstance(first, Challenge), first
        return self.decide(replace(request, authorization=answer_to(first, request, username, password, **answer)))


def challenge_params(challenge: Challenge) -> dict[str, str]:
    value = challenge.headers[0][1].removeprefix("Digest ")
    return {name: text.strip('"') for name, _, text in (item.partition("=") for item in value.split(","))}


def answer_to(challenge: Challenge, request: Invite, username: str, password: str, **changes: str) -> str:
    """The header value that a correct PBX sends; `changes` replaces single parameters before the response is
    computed.
    """
    asked = challenge_params(challenge)
    algorithm = changes.get("algorithm", asked.get("algorithm", "MD5"))
    parts = {
        "username": username,
        "realm": changes.get("realm", asked["realm"]),
        "nonce": changes.get("nonce", asked["nonce"]),
        "uri": changes.get("uri", request.ruri),
        "algorithm": algorithm,
        "qop": changes.get("qop", "auth"),
        "nc": changes.get("nc", "00000001"),
        "cnonce": "0a4f113b",
    }
    ha1 = digest.make_ha1(username, parts["realm"], password, algorithm)
    unsigned = digest.Authorization(
        username,
        parts["realm"],
        parts["nonce"],
        parts["uri"],
        "",
        algorithm,
        parts["qop"],
        parts["nc"],
        parts["cnonce"],
    )
    response = digest._expected(unsigned, request.method, ha1, sha256=algorithm == digest.SHA256)
    quoted = {name: value for name, value in parts.items() if name not in ("algorithm", "qop", "nc")}
    text = ", ".join(f'{name}="{value}"' for name, value in quoted.items()) + f', response="{response}"'
    text += f", algorithm={algorithm}"
    return "Digest " + text + (f", qop={parts['qop']}, nc={parts['nc']}" if parts["qop"] else "")
