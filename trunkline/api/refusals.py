"""What the store refuses, in the vendor's codes.

Most refusals have one code wherever they come up. Where the code depends on the resource (a list that is still attached
is 21236 or 21241), the resource says so: `with refused_as({StillAttached: 21241}): …`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from trunkline.api.api_error import ApiError
from trunkline.store import errors as store

CODES: dict[type[store.Refused], int] = {
    store.DomainInvalid: 21245,
    store.DomainHasSubLabels: 21247,
    store.DomainTaken: 21248,
    store.DomainIsAccountSid: 21245,
    store.AddressInvalid: 21238,
    store.NumberInvalid: 21421,
    store.SipUriInvalid: 20422,
    store.DuplicateAddress: 21235,
    store.DuplicateFriendlyName: 20409,
    store.DuplicateCredential: 21243,
    store.DuplicateNumber: 21422,
    store.NotTheAccounts: 20422,
    store.AlreadyAttached: 21245,
    store.StillAttached: 20409,
    store.LimitReached: 20409,
    store.Conflict: 20409,
}


def refusal(error: store.Refused, codes: Mapping[type[store.Refused], int] | None = None) -> ApiError:
    """The API's error for a refusal; the nearest class in `codes`, then in CODES, decides."""
    for kind in type(error).__mro__:
        code = (codes or {}).get(kind) or CODES.get(kind)
        if code is not None:
            text = str(error)
            return ApiError(code, text[:1].upper() + text[1:])
    return ApiError(20422, str(error))


@contextmanager
def refused_as(codes: Mapping[type[store.Refused], int]) -> Iterator[None]:
    try:
        yield
    except store.Refused as error:
        raise refusal(error, codes) from error
