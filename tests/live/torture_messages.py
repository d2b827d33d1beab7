"""The torture messages of RFC 4475, built from what each is about: one name there, one change of an ordinary request here.

Each entry: name, section, whether the RFC calls the message valid, and how it is made from `host`, the edge's address.
"""

# ruff: noqa: E501  a message is data, one a line
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SDP = (
    "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
    "m=audio 49217 RTP/AVP 0 12\r\na=rtpmap:31 LPC\r\n"
)


@dataclass(frozen=True)
class Torture:
    name: str
    section: str
    valid: bool
    message: bytes


class Draft:
    """An ordinary request, of which one thing is changed."""

    def __init__(self, method: str, uri: str, body: str = "") -> None:
        self.start = f"{method} {uri} SIP/2.0"
        self.lines: list[tuple[str, str]] = [
            ("Via", "SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK-{name};rport"),
            ("Max-Forwards", "70"),
            ("From", "<sip:caller@example.net>;tag=t{name}"),
            ("To", f"<{uri}>"),
            ("Call-ID", "{name}@torture"),
            ("CSeq", f"1 {method}"),
            ("Contact", "<sip:caller@127.0.0.1:5999>"),
        ]
        if body:
            self.lines.append(("Content-Type", "application/sdp"))
        self.lines.append(("Content-Length", str(len(body.encode()))))
        self.body = body

    def set(self, name: str, value: str | None) -> Draft:
        """Replace that header, or drop it."""
        if value is None:
            self.lines = [line for line in self.lines if line[0] != name]
        else:
            self.lines = [(name, value) if line[0] == name else line for line in self.lines]
        return self

    def add(self, name: str, value: str) -> Draft:
        self.lines.insert(-1, (name, value))
        return self

    def starting(self, start: str) -> Draft:
        self.start = start
        return self

    def message(self, name: str) -> bytes:
        lines = [self.start, *(f"{header}: {value.replace('{name}', name)}" for header, value in self.lines)]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode("utf-8", "surrogateescape")


def torture(host: str) -> list[Torture]:
    """All messages that are requests, and the responses among them, towards `host` (`127.0.0.1:5060`)."""
    uri = f"sip:vivekg@{host}"

    def invite(changed: str = uri) -> Draft:
        return Draft("INVITE", changed, SDP)

    def options(changed: str = uri) -> Draft:
        return Draft("OPTIONS", changed)

    def register() -> Draft:
        return Draft("REGISTER", f"sip:{host}").set("To", "<sip:user@example.com>")

    long_value = "x" * 2000
    made: list[tuple[str, str, bool, Draft | Callable[[], bytes]]] = [
        # 3.1.1: valid
        (
            "wsinv",
            "3.1.1.1",
            True,
            invite(f"{uri};unknownparam")
            .set("Max-Forwards", "0068")
            .set("From", '"J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8')
            .set("CSeq", "0009\r\n  INVITE")
            .add("NewFangledHeader", "newfangled value\r\n continued newfangled value")
            .add("UnknownHeaderWithUnusualValue", ";;,,;;,;")
            .add("Route", "<sip:services.example.com;lr;unknownwith=value>"),
        ),
        (
            "intmeth",
            "3.1.1.2",
            True,
            Draft(
                "!interesting-Method0123456789_*+`.%indeed'~",
                f"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@{host}",
            )
            .set("From", '"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~@example.com>;tag=token~1_tokens!`')
            .add("extensionHeader-!.%*+_`'~", "\ufeff\u5927\u505c\u96fb"),
        ),
        (
            "esc01",
            "3.1.1.3",
            True,
            invite(f"sip:sips%3Auser%40example.com@{host}").set("From", "<sip:I%20have%20spaces@example.net>;tag=9"),
        ),
        (
            "escnull",
            "3.1.1.4",
            True,
            register()
            .set("To", "<sip:null-%00-null@example.com>")
            .set("From", "<sip:null-%00-null@example.com>;tag=8")
            .set("Contact", "<sip:%00@host5.example.com>"),
        ),
        (
            "esc02",
            "3.1.1.5",
            True,
            Draft("RE%47IST%45R", f"sip:{host}")
            .set("To", '"%Z%45" <sip:resource@example.com>')
            .set("From", '"%Z%45" <sip:resource@example.com>;tag=f232'),
        ),
        ("lwsdisp", "3.1.1.6", True, options().set("From", "caller<sip:caller@example.com>;tag=323")),
        (
            "longreq",
            "3.1.1.7",
            True,
            invite()
            .set(
                "From",
                f'"I have a user name of extreme proportion" <sip:{"amazinglylongcallername" * 8}@example.net>;tag={"12982424" * 30}',
            )
            .add("Unknown-Long-Name" * 8, "unknown-" * 60)
            .add("Via", ", ".join(f"SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK{n}" for n in range(34))),
        ),
        ("dblreq", "3.1.1.8", True, lambda: register().message("dblreq") + invite().message("dblreq2")),
        ("semiuri", "3.1.1.9", True, options(f"sip:user;par=u%40example.net@{host}")),
        (
            "transports",
            "3.1.1.10",
            True,
            options().add(
                "Via",
                "SIP/2.0/SCTP t2.example.com;branch=z9hG4bK2, SIP/2.0/TLS t3.example.com;branch=z9hG4bK3, SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK4",
            ),
        ),
        (
            "mpart01",
            "3.1.1.11",
            True,
            Draft(
                "MESSAGE",
                uri,
                "--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n\x00\x01\x02\r\n--7a9cbec02ceef655--",
            ).set("Content-Type", "multipart/mixed;boundary=7a9cbec02ceef655"),
        ),
        (
            "unreason",
            "3.1.1.12",
            True,
            invite().starting(
                "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0435\u0432\u044f\u043d\u043e\u0441\u0442\u043e"
            ),
        ),
        ("noreason", "3.1.1.13", True, options().starting("SIP/2.0 100 ")),
        # 3.1.2: invalid
        (
            "badinv01",
            "3.1.2.1",
            False,
            invite()
            .set("Via", "SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK{name};;,;,,")
            .set("Contact", '"" <> ;,"Joe" <sip:joe@example.org>;;;;')
            .set("To", "<sip:j.user@example.com>;;tag=;x"),
        ),
        ("clerr", "3.1.2.2", False, invite().set("Content-Length", "9999")),
        ("ncl", "3.1.2.3", False, invite().set("Content-Length", "-999")),
        (
            "scalar02",
            "3.1.2.4",
            False,
            register()
            .set("CSeq", "36893488147419103232 REGISTER")
            .set("Max-Forwards", "300")
            .add("Expires", "10000000000")
            .set("Contact", "<sip:u@h>;expires=280297596632815"),
        ),
        (
            "scalarlg",
            "3.1.2.5",
            False,
            options()
            .starting("SIP/2.0 503 Service Unavailable")
            .set("CSeq", "9292394834772304023312 OPTIONS")
            .add("Retry-After", "949302838503028349304023988"),
        ),
        ("quotbal", "3.1.2.6", False, invite().set("To", '"Mr. J. User <sip:j.user@example.com>')),
        ("ltgtruri", "3.1.2.7", False, invite().starting(f"INVITE <{uri}> SIP/2.0")),
        ("lwsruri", "3.1.2.8", False, invite().starting(f"INVITE {uri}; lr SIP/2.0")),
        ("lwsstart", "3.1.2.9", False, invite().starting(f"INVITE  {uri}  SIP/2.0")),
        ("trws", "3.1.2.10", False, options().starting(f"OPTIONS {uri} SIP/2.0  ")),
        ("escruri", "3.1.2.11", False, invite().starting(f"INVITE {uri}?Route=%3Csip:example.com%3E SIP/2.0")),
        ("baddate", "3.1.2.12", False, invite().add("Date", "Fri, 01 Jan 2010 16:00:00 EST")),
        (
            "regbadct",
            "3.1.2.13",
            False,
            register().set("Contact", "sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
        ),
        (
            "badaspec",
            "3.1.2.14",
            False,
            options()
            .set("To", '"Watson, Thomas" < sip:t.watson@example.org >')
            .set("From", '"Bell, Alexander" < sip:a.g.bell@example.com >;tag=43'),
        ),
        (
            "baddn",
            "3.1.2.15",
            False,
            options()
            .set("From", "Bell, Alexander <sip:a.g.bell@example.com>;tag=43")
            .set("To", "Watson, Thomas <sip:t.watson@example.org>"),
        ),
        (
            "badvers",
            "3.1.2.16",
            False,
            options().starting(f"OPTIONS {uri} SIP/7.0").set("Via", "SIP/7.0/UDP 127.0.0.1:5999;branch=z9hG4bK{name}"),
        ),
        ("mismatch01", "3.1.2.17", False, options().set("CSeq", "8 INVITE")),
        ("mismatch02", "3.1.2.18", False, Draft("NEWMETHOD", uri, SDP).set("CSeq", "8 INVITE")),
        ("bigcode", "3.1.2.19", False, options().starting("SIP/2.0 4294967301 better not break the receiver")),
        # 3.2 and 3.3
        ("badbranch", "3.2.1", False, options().set("Via", "SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK")),
        ("insuf", "3.3.1", False, invite().set("Call-ID", None).set("From", None).set("To", None)),
        ("unkscm", "3.3.2", False, options().starting("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0")),
        ("novelsc", "3.3.3", False, options().starting("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0")),
        (
            "unksm2",
            "3.3.4",
            False,
            register().set("To", "<isbn:2983792873>").set("From", "<http://www.example.com>;tag=3"),
        ),
        (
            "bext01",
            "3.3.5",
            False,
            options()
            .add("Require", "nothingSupportsThis, nothingSupportsThisEither")
            .add("Proxy-Require", "noProxiesSupportThis, norDoAnyProxiesSupportThis"),
        ),
        ("invut", "3.3.6", False, invite().set("Content-Type", "application/unknownformat")),
        ("regaut01", "3.3.7", False, register().add("Authorization", "NoOneKnowsThisScheme opaque-data=here")),
        (
            "multi01",
            "3.3.8",
            False,
            invite()
            .add("CSeq", "59 INVITE")
            .add("Call-ID", "second@id")
            .add("To", "sip:other@example.com")
            .add("From", "sip:other@example.net;tag=3")
            .add("Max-Forwards", "5"),
        ),
        ("mcl01", "3.3.9", False, options().add("Content-Length", "13").add("Content-Length", "5")),
        (
            "bcast",
            "3.3.10",
            False,
            options()
            .starting("SIP/2.0 200 OK")
            .set("Via", "SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK{name}")
            .add("Via", "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2"),
        ),
        ("zeromf", "3.3.11", False, options().set("Max-Forwards", "0")),
        ("cparam01", "3.3.12", False, register().set("Contact", "sip:+19725552222@gw1.example.net;unknownparam")),
        ("cparam02", "3.3.13", False, register().set("Contact", "<sip:+19725552222@gw1.example.net;unknownparam>")),
        (
            "regescrt",
            "3.3.14",
            False,
            register().set("Contact", "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>"),
        ),
        ("sdp01", "3.3.15", False, invite().add("Accept", "text/nobodyKnowsThis")),
        (
            "inv2543",
            "3.4.1",
            True,
            invite()
            .set("Via", "SIP/2.0/UDP 127.0.0.1:5999")
            .set("From", "sip:caller@example.net")
            .set("Max-Forwards", None)
            .set("Contact", None),
        ),
        # Not the RFC's: what else the bars name.
        ("header64k", "-", False, options().add("Subject", "s" * 60000)),
        (
            "vias",
            "-",
            False,
            options().add("Via", ",".join("SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKv" for _ in range(1500))),
        ),
        ("nul", "-", False, invite(f"sip:+1555\x000100486@{host}").add("Subject", "a\x00b")),
        ("long", "-", False, invite().set("Call-ID", long_value * 4)),
    ]
    return [
        Torture(name, section, valid, draft.message(name) if isinstance(draft, Draft) else draft())
        for name, section, valid, draft in made
    ]
