"""Which jitter tshark computes.

RFC 3550 section 6.4.1 counts packets in the order of their arrival, those out of sequence too, and so does tshark 4.0
(Debian 12). The tshark 4.4 of Debian 13 leaves out what comes behind its turn.
"""

from __future__ import annotations

import functools
import re
import subprocess

import pytest

NEAR_MS = 0.05


@functools.cache
def _version() -> tuple[int, int]:
    said = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"TShark \(Wireshark\) (\d+)\.(\d+)", said)
    assert found, said
    return int(found[1]), int(found[2])


def assert_same(ours: float, theirs: float, *, some_late: bool, what: object) -> None:
    """`some_late`: packets of the stream came behind their turn, or twice."""
    if some_late and _version() > (4, 0):
        assert ours >= theirs - NEAR_MS, what
    else:
        assert ours == pytest.approx(theirs, abs=NEAR_MS), what
