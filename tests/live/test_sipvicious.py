"""The usual scanner against a running edge: what it may find, and what it may not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile import unhurt
from live_node import LiveNode
from plain_sip import own_address

from trunkline.engines.kamailio.ban_list import BanList

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    with LiveNode(tmp_path_factory.mktemp("scanned") / "home", demo=False) as running:
        yield running


BOUND = """
import os, runpy, socket, sys
source, program = sys.argv[1:3]
sys.argv[:3] = [program]
sys.path.insert(0, os.path.dirname(os.path.realpath(program)))
class Bound(socket.socket):
    def bind(self, address):
        super().bind((source, address[1]))
    def settimeout(self, seconds):
        super().settimeout(min(seconds, 2))
socket.socket = Bound
runpy.run_path(program, run_name="__main__")
"""
"""Runs one of the programs at an address, which svwar and svcrack have an option for and forget, and waits 2 s, not up
to 10, for what may still come.
"""


def vicious(node: LiveNode, program: str, source: str, *words: str) -> str:
    """What it printed. It has to come to its end by itself: what it has found is the last that it prints."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: apt-get install sipvicious (scripts/install test does it)")
    home = node.home.parent / "vicious"
    home.mkdir(exist_ok=True)
    argv = [path, "-v", "-b", source, "-P", "0", "-p", str(node.sip_port), "-t", "0.01", *words, node.host]
    python = Path(path).read_text().partition("\n")[0].removeprefix("#!").split()
    argv = [*python, "-c", BOUND, source, *argv]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "HOME": str(home)}
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Total time:" in output, output
    assert "Traceback" not in output, output
    return output


@pytest.mark.parametrize("source", ["127.0.0.1", "a stranger"])
def test_sipvicious_finds_nothing(scanned: LiveNode, source: str) -> None:
    # A trunk that takes registrations: the others refuse each REGISTER alike, and svcrack would ask for ever.
    trunk = scanned.make_trunk(Registration="allowed")
    address = own_address() if source == "a stranger" else source
    at_trunk = ("-u", trunk.username, "--domain", trunk.domain_name)
    words = scanned.home.parent / "words"
    words.write_text(f"wrong\n{trunk.password}\n")
    with unhurt(scanned):
        mapped = vicious(scanned, "svmap", address)
        with ThreadPoolExecutor() as beside:

            def begun(program: str, *more: str) -> Future[str]:
                return beside.submit(vicious, scanned, program, address, *more)

            extensions = begun("svwar", "-e", "100-120", "-m", "INVITE").result
            guessed = begun("svcrack", *at_trunk, "-r", "100-109").result
            told = begun("svcrack", *at_trunk, "-d", str(words)).result
    for name in ("kamailio", "trunkline", "rtpengine"):
        assert name not in mapped.lower()
    assert "found nothing" in extensions()
    assert not re.search("reqauth|noauth|weird", extensions())
    assert "found nothing" in guessed()
    assert not re.search(r"\| +Password +\|", guessed())
    if source == "a stranger":
        assert "timed out" in extensions()
        assert "found nothing" in told()
        assert "no server response" in guessed()
        banned = BanList(scanned.settings).find(address)
        assert banned is not None
        assert banned.offence.name == "SCANNER"
    else:
        assert "no more passwords" in guessed(), "all of them were tried"
        assert re.search(r"\| +Password +\|", told()), "it finds one that is among its words"
        assert trunk.password in told()
