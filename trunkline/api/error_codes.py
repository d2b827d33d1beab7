"""Error codes that the API answers with: HTTP status, a title and what to do. Shown at /docs/errors/<code>.

The dictionary of the vendor gives no HTTP status for 21xxx; 400 is used for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    http_status: int
    title: str
    advice: str


API_ERRORS: dict[int, ErrorCode] = {
    20001: ErrorCode(
        400, "Missing, unknown or unreadable parameter", "The message names the parameter and what it may be."
    ),
    20002: ErrorCode(400, "Invalid friendly name", "A friendly name is text of at most 64 characters."),
    20003: ErrorCode(401, "Authenticate", "HTTP Basic: the account SID is the user name, its auth token the password."),
    20004: ErrorCode(405, "Method not allowed", "The Allow header says which methods the path has."),
    20005: ErrorCode(
        403, "Account not active", "The account is suspended or closed; its owner can make it active again."
    ),
    20006: ErrorCode(
        403, "Access denied", "The credentials are right, but they do not reach this account or resource."
    ),
    20007: ErrorCode(400, "Page size too large", "PageSize is a number from 1 to 1000."),
    20404: ErrorCode(404, "Not found", "The path or the SID does not exist, or belongs to another account."),
    20409: ErrorCode(409, "Conflict", "The resource is in use or was changed meanwhile."),
    20422: ErrorCode(400, "Invalid parameter value", "The message names the parameter and what it may be."),
    20500: ErrorCode(500, "Internal error", "A fault of the server. Its log has a line with the Twilio-Request-Id."),
    20503: ErrorCode(503, "Service unavailable", "The database does not answer. GET /healthz says what is wrong."),
    21210: ErrorCode(400, "Caller ID is not yours", "It must be a number of the account or a verified caller ID."),
    21211: ErrorCode(400, "Invalid phone number", "Write it in E.164: + and up to 15 digits."),
    21235: ErrorCode(400, "IP access control list refused", "The friendly name or the address is already there."),
    21236: ErrorCode(400, "IP access control list in use", "Detach it from its trunks before you delete it."),
    21237: ErrorCode(400, "Too many addresses in the list", "Use a shorter prefix or another list."),
    21238: ErrorCode(
        400, "Invalid IP address", "An IPv4 or IPv6 address without a prefix; the prefix goes into CidrPrefixLength."
    ),
    21239: ErrorCode(400, "Too many credential lists", "Delete one that is not used."),
    21240: ErrorCode(400, "Credential list refused", "The friendly name is already taken in this account."),
    21241: ErrorCode(400, "Credential list in use", "Detach it from its trunks before you delete it."),
    21242: ErrorCode(400, "Too many credentials in the list", "Use another list; a trunk can have several."),
    21243: ErrorCode(
        400,
        "Credential refused",
        "User name of at most 32 characters; password of at least 12 with upper case, lower case and a digit.",
    ),
    21244: ErrorCode(400, "Too many trunks", "Delete one that is not used."),
    21245: ErrorCode(400, "Trunk refused", "The message says what is wrong with the domain name or the list."),
    21247: ErrorCode(
        400, "Domain name has more than one label", "Use one label before the suffix, such as my-trunk.pstn.twilio.com."
    ),
    21248: ErrorCode(400, "Domain name taken", "Domain names are unique on the platform; choose another label."),
    21249: ErrorCode(400, "Too many origination URLs", "A trunk has at most ten."),
    21255: ErrorCode(400, "Too many IP access control lists", "Delete one that is not used."),
    21421: ErrorCode(400, "Invalid phone number", "Write it in E.164: + and up to 15 digits."),
    21422: ErrorCode(400, "Phone number not available", "The number is already on this platform."),
    21449: ErrorCode(400, "Caller ID usable already", "A number of the account needs no verification."),
    21450: ErrorCode(400, "Caller ID already verified", "It is in the account's list already."),
    21452: ErrorCode(
        400, "No phone numbers to choose from", "Declare the number that your carrier gave you with PhoneNumber=+…"
    ),
    21481: ErrorCode(400, "Invalid page token", "Use next_page_uri or meta.next_page_url as it was given."),
}
