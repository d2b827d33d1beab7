"""Every limit of the API, in one place. Sources: the vendor's limits (error codes beside them) unless it says ours."""

from __future__ import annotations

BODY_BYTES = 1_048_576
"""Ours: longest request body."""
PARAMETERS = 1000
"""Ours: most parameters in one request."""

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MOST = 1000
"""20007"""
PAGE_OFFSET_MOST = 100_000
"""Ours: how far Page=N may jump without a PageToken. A token reaches any depth at the same cost."""

FRIENDLY_NAME_CHARACTERS = 64
"""20002"""
URL_CHARACTERS = 2048
"""Ours."""
SIP_URL_CHARACTERS = 255
"""Ours: longest origination URL or carrier target; a longer one would not fit a UDP request with its headers."""

TRUNKS_PER_ACCOUNT = 100
"""21244"""
ORIGINATION_URLS_PER_TRUNK = 10
"""21249"""
IP_ACCESS_CONTROL_LISTS_PER_ACCOUNT = 1000
"""21255"""
ADDRESSES_PER_LIST = 100
"""21237. The vendor's pages say 25 and, older, 100; we take the generous one."""
CREDENTIAL_LISTS_PER_ACCOUNT = 100
"""21239"""
CREDENTIALS_PER_LIST = 1000
"""21242"""

USERNAME_CHARACTERS = 32
"""21243"""
PASSWORD_CHARACTERS_LEAST = 12
"""21243, with upper case, lower case and a digit."""
PASSWORD_CHARACTERS_MOST = 128
"""Ours."""

CPS_MOST = 100_000.0
CONCURRENT_CALLS_MOST = 131_072
"""Ours: as many calls as the edge's book has places for (`engines/kamailio/call_book.py`)."""
CALL_SECONDS_MOST = 86_400
"""32015: 24 hours, as the vendor has it."""
DESTINATION_RULES_PER_ACCOUNT = 5000
"""Ours."""

PRIORITY_MOST = 65535
WEIGHT_MOST = 65535
ALERTS_DAYS_BACK = 30
"""How far back a list of alerts goes when StartDate is not given."""
