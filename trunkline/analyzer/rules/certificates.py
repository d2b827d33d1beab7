"""Certificates of a handshake, as far as rules need them. `cryptography` is imported only when there is one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Certificate:
    """Times in Unix seconds."""

    subject: str
    names: tuple[str, ...]
    """DNS names, in lower case; the common name where there are none."""
    not_before: float
    not_after: float
    self_signed: bool

    def covers(self, host: str) -> bool:
        """Whether it is for this name; a `*` stands for one label (RFC 6125 section 6.4.3)."""
        host = host.lower().rstrip(".")
        return any(
            name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:]) for name in self.names
        )


def read_certificate(der: bytes) -> Certificate | None:
    """None where it cannot be read."""
    from cryptography import x509
    from cryptography.x509.oid import ExtensionOID, NameOID

    try:
        read = x509.load_der_x509_certificate(der)
        common = [str(item.value).lower() for item in read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        try:
            extension = read.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
            assert isinstance(extension, x509.SubjectAlternativeName)
            names = [name.lower() for name in extension.get_values_for_type(x509.DNSName)]
        except x509.ExtensionNotFound:
            names = []
        return Certificate(
            read.subject.rfc4514_string(),
            tuple(names or common),
            read.not_valid_before_utc.timestamp(),
            read.not_valid_after_utc.timestamp(),
            read.subject == read.issuer,
        )
    except (ValueError, TypeError, OverflowError):
        return None
