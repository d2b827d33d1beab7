"""Redaction: numbers, addresses, names, digests and keys out of messages, findings and reports, stand-ins in.

What a message is known to hold is replaced where it stands; headers that nobody knows, and bodies that are no SDP, are
blanked, since nobody can say what is in them. Each line stays where it was, so that evidence still points at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trunkline.analyzer.model.capture import Endpoint, RawMessage
from trunkline.analyzer.model.message import Message, NameAddr
from trunkline.analyzer.model.trace import Analysis, Trace
from trunkline.analyzer.pseudonyms import KEPT_HOSTS, KEPT_USERS, Pseudonyms, is_number

_URI = re.compile(r"(?i)\b(?:sips?|tel):([^\s<>\"]{1,300})")
_IPV4 = re.compile(r"(\d{1,40})(\.\d{1,3}\.\d{1,3}\.\d{1,3})(?!\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{2,40}(?![0-9A-Za-z])")
_COARSE = re.compile(r"[^\s\"'<>,;=()`]{3,300}")
_WORD = re.compile(r"[A-Za-z0-9_+%~-]+(?:\.[A-Za-z0-9_+%~-]+)*")
_DIGITS = re.compile(r"\+?\d{7,15}(?!\d)")
_TOKEN = re.compile(r"\w+")


class Redactor:
    """Knows what the trace holds, and what stands for it. One for all outputs of an analysis: the stand-ins agree."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._suffixes = tuple(
            host.removeprefix("*.").lower() for host in trace.profile.signalling.hosts if "." in host.removeprefix("*.")
        )
        self._users: set[str] = set()
        self._hosts: set[str] = set()
        self._phrases: set[str] = set()
        self._call_ids: set[str] = set()
        for message in trace.messages:
            self._collect(message)
        addresses = {end.ip for message in trace.messages for end in (message.src, message.dst) if end is not None}
        addresses |= {end.ip for stream in trace.media.streams for end in (stream.src, stream.dst)}
        for fact in trace.capture.dns:
            self._add_host(fact.name)
        for hello in trace.capture.tls:
            self._add_host(hello.server_name)
        self._by_first: dict[str, list[str]] = {}
        for words in self._phrases:
            first = _TOKEN.search(words)
            self._by_first.setdefault(first.group() if first else "", []).append(words)
        everything = self._users | self._hosts | self._phrases | addresses
        self.names = Pseudonyms(frozenset(word.lower() for word in everything))
        self._files = {file.name: f"capture{place}" for place, file in enumerate(trace.capture.files, 1)}

    # What there is

    def _collect(self, message: Message) -> None:
        if message.call_id:
            self._call_ids.add(message.call_id)
        self._add_uri(message.ruri.partition(":")[2])
        for party in (message.from_, message.to):
            self._add_party(party)
        for via in message.vias:
            self._add_host(via.host)
        for header in message.headers:
            for found in _URI.finditer(header.value):
                self._add_uri(found.group(1))
            if "username=" in header.value or "realm=" in header.value:
                self._add_user(_quoted(header.value, "username"))
                self._add_realm(_quoted(header.value, "realm"))
        if message.sdp is not None:
            self._add_user(message.sdp.origin.split(" ", 1)[0])
            for address in (message.sdp.address, *(section.address for section in message.sdp.media)):
                if " " in address:
                    self._phrases.add(address)
                else:
                    self._add_host(address)

    def _add_party(self, party: NameAddr | None) -> None:
        if party is not None:
            self._add_user(party.user)
            self._add_host(party.host)
            display = party.display.strip('\\" ')
            if len(display) > 1:
                (self._phrases if " " in display else self._users).add(display)

    def _add_uri(self, rest: str) -> None:
        user, at, host = rest.partition("@")
        if at:
            self._add_user(user.partition(";")[0].partition(":")[0])
        self._add_host((host if at else rest).partition(";")[0].partition("?")[0])

    def _add_user(self, user: str) -> None:
        if user and user.lower() not in KEPT_USERS and len(user) < 200:
            self._users.add(user)

    def _add_host(self, host: str) -> None:
        name = host.strip("[]").partition(":")[0].rstrip(".").lower() if host.count(":") < 2 else ""
        if (
            name
            and not _IPV4.fullmatch(name)
            and name not in KEPT_HOSTS
            and name not in self._suffixes
            and len(name) > 1
        ):
            if is_number(name):  # tel:+1555…, or a host that is none
                self._add_user(name)
            else:
                self._hosts.add(name)

    def _add_realm(self, realm: str) -> None:
        if realm.lower() in {known.lower() for known in self._trace.profile.authentication.realms}:
            return
        if " " in realm:
            self._phrases.add(realm)
        else:
            self._add_host(realm)

    # What stands for it

    def endpoint(self, endpoint: Endpoint) -> Endpoint:
        return Endpoint(self.names.address(endpoint.ip), endpoint.port)

    def user(self, user: str) -> str:
        if user.lower() in KEPT_USERS or not user:
            return user
        if is_number(user):
            return self.names.number(user)
        return self.names.name("user", user, "user{}")

    def host(self, host: str) -> str:
        lower = host.lower()
        for suffix in self._suffixes:
            if lower.endswith("." + suffix):
                return self.names.name("label", lower, "trunk{}") + "." + suffix
        return self.names.name("host", lower, "host{}.example")

    def call_id(self, call_id: str) -> str:
        return self.names.name("call", call_id, "call-{}") if call_id else call_id

    def phrase(self, words: str) -> str:
        return self.names.name("phrase", words, "Name {}")

    def file_name(self, name: str) -> str:
        return self._files.get(name, "capture")

    def text(self, text: str) -> str:
        """Any text: what is known of the trace, and what looks like an address or a number, replaced."""
        for name, stand_in in self._files.items():
            if name in text:
                text = text.replace(name, stand_in)
        for words in self._phrases_in(text):
            text = text.replace(words, self.phrase(words))
        text = _COARSE.sub(self._coarse, text)
        text = _IPV6.sub(lambda found: self.names.address(found.group()), text)
        text = _IPV4.sub(self._ipv4, text)
        return _WORD.sub(self._word, text)

    def _phrases_in(self, text: str) -> list[str]:
        """Phrases of the trace that the text holds, the longest first; found by their first word: there may be many."""
        candidates = set(self._by_first.get("", ()))
        for token in _TOKEN.findall(text) if self._by_first else ():
            candidates.update(self._by_first.get(token, ()))
        return sorted((words for words in candidates if words in text), key=len, reverse=True)

    def _coarse(self, found: re.Match[str]) -> str:
        return self.call_id(found.group()) if found.group() in self._call_ids else found.group()

    def _ipv4(self, found: re.Match[str]) -> str:
        """Also one that stands right behind other digits, as in a branch that ends with the sender's address."""
        ahead, rest = found.groups()
        for digits in (3, 2, 1):
            number = ahead[-digits:]
            if len(number) == digits and int(number) <= 255 and (digits == 1 or number[0] != "0"):
                return ahead[:-digits] + self.names.address(number + rest)
        return found.group()

    def _word(self, found: re.Match[str]) -> str:
        word, whole = found.group(), found.string
        if _IPV4.fullmatch(word):
            return word  # replaced already
        before, after = whole[max(0, found.start() - 4) : found.start()], whole[found.end() : found.end() + 1]
        plain = word.rstrip("-")
        if plain.lower() in self._hosts:
            return self.host(plain) + word[len(plain) :]
        if plain in self._users and _stands_alone(plain, before, after):
            return self.user(plain) + word[len(plain) :]
        if _DIGITS.fullmatch(plain) and after != "." and len(plain.lstrip("+")) > 8:
            return self.names.number(plain) + word[len(plain) :]
        parts = [part for part in re.split(r"([_.~%-])", word) if part]
        if len(parts) > 1:
            return "".join(self._part(part) for part in parts)
        return word

    def _part(self, part: str) -> str:
        if part in self._users and (len(part) > 4 or not part.isdigit()):
            return self.user(part)
        return part

    def analysis(self, analysis: Analysis) -> Analysis:
        """A copy for the reports, nothing of the original in it."""
        from trunkline.analyzer.redacted_analysis import redacted

        return redacted(analysis, self)

    def message(self, raw: RawMessage) -> bytes:
        """The bytes of a message, each line where it was, Content-Length made to fit as well as it fitted."""
        from trunkline.analyzer.redacted_message import rewritten

        return rewritten(raw.data, self)

    def known(self) -> Iterator[str]:
        """Everything that must not be seen again: for tests."""
        yield from self._users | self._hosts | self._phrases | self._call_ids


def _stands_alone(word: str, before: str, after: str) -> bool:
    """A short number is a user only where it stands as one: 200 may be a status, 5060 a port."""
    if not word.lstrip("+").isdigit() or len(word) > 5:
        return True
    return after == "@" or before.endswith(("sip:", "ips:", "tel:", '"', "'", "`", "+"))


def _quoted(value: str, name: str) -> str:
    """A parameter of a digest header; empty: it has none."""
    start = value.find(f'{name}="')
    return "" if start < 0 else value[start + len(name) + 2 :].partition('"')[0]
