"""The voice and SMS fields of a phone number, and the view of a number: shared by its two published faces.

They are kept in the `options` of the number and shown again. Nothing acts on the URLs yet: a call to a number goes to
its trunk or nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trunkline.api.api_error import ApiError
from trunkline.api.fields import HTTP_METHODS, Choice, Field, Flag, WebUrl, quoted
from trunkline.core.sid import SID
from trunkline.store.models import PhoneNumber


@dataclass(frozen=True, slots=True)
class Regulatory:
    """The SID of a bundle, an identity or an address: kept as it is, because nobody here asks for them."""

    name: str
    column: str

    def read(self, text: str) -> str | None:
        if text and not SID.fullmatch(text):
            raise ApiError(20422, f"{self.name} must be a SID, not {quoted(text)}")
        return text or None


@dataclass(frozen=True, slots=True)
class Absent:
    """Refers to a kind of resource that this server does not have: only empty is right."""

    name: str
    column: str
    what: str

    def read(self, text: str) -> None:
        if text:
            raise ApiError(20422, f"{self.name} cannot be set: this server has no {self.what}")


OPTIONS: tuple[Field, ...] = (
    WebUrl("VoiceUrl", "voice_url"),
    Choice("VoiceMethod", "voice_method", HTTP_METHODS),
    WebUrl("VoiceFallbackUrl", "voice_fallback_url"),
    Choice("VoiceFallbackMethod", "voice_fallback_method", HTTP_METHODS),
    Flag("VoiceCallerIdLookup", "voice_caller_id_lookup"),
    Choice("VoiceReceiveMode", "voice_receive_mode", ("voice", "fax")),
    Absent("VoiceApplicationSid", "voice_application_sid", "applications; attach the number to a trunk by TrunkSid"),
    WebUrl("SmsUrl", "sms_url"),
    Choice("SmsMethod", "sms_method", HTTP_METHODS),
    WebUrl("SmsFallbackUrl", "sms_fallback_url"),
    Choice("SmsFallbackMethod", "sms_fallback_method", HTTP_METHODS),
    Absent("SmsApplicationSid", "sms_application_sid", "applications"),
    WebUrl("StatusCallback", "status_callback"),
    Choice("StatusCallbackMethod", "status_callback_method", HTTP_METHODS),
    Absent("EmergencyAddressSid", "emergency_address_sid", "emergency calling"),
    Regulatory("IdentitySid", "identity_sid"),
    Regulatory("AddressSid", "address_sid"),
    Regulatory("BundleSid", "bundle_sid"),
)
DEFAULTS: dict[str, Any] = {field.column: None for field in OPTIONS} | {
    "voice_method": "POST",
    "voice_fallback_method": "POST",
    "voice_caller_id_lookup": False,
    "voice_receive_mode": "voice",
    "sms_method": "POST",
    "sms_fallback_method": "POST",
    "status_callback_method": "POST",
}
CAPABILITIES = {"voice": True, "sms": False, "mms": False, "fax": False}

_SHARED = (
    "sms_application_sid",
    "sms_fallback_method",
    "sms_fallback_url",
    "sms_method",
    "sms_url",
    "status_callback",
    "status_callback_method",
    "voice_application_sid",
    "voice_caller_id_lookup",
    "voice_fallback_method",
    "voice_fallback_url",
    "voice_method",
    "voice_url",
)


def options_of(number: PhoneNumber) -> dict[str, Any]:
    return DEFAULTS | number.options


def shared_view(number: PhoneNumber) -> dict[str, Any]:
    """What both faces show, without dates and links."""
    options = options_of(number)
    return {
        "account_sid": number.account_sid,
        "address_requirements": "none",
        "api_version": "2010-04-01",
        "beta": False,
        "capabilities": CAPABILITIES,
        "friendly_name": number.friendly_name,
        "phone_number": number.phone_number,
        "sid": number.sid,
        "trunk_sid": number.trunk_sid,
    } | {name: options[name] for name in _SHARED}
