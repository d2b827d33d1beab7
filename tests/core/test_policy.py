from __future__ import annotations

from dataclasses import replace

import pytest
from example_world import POLICY


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"domain_suffixes": ()}, "suffix"),
        ({"nonce_secret": b"short"}, "secret"),
        ({"no_funds_status": 500}, "403 or 603"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(change, why):
    with pytest.raises(ValueError, match=why):
        replace(POLICY, **change)
