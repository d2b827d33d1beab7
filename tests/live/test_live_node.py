"""What the tests' node looks for when it ends: the looking itself, without a node."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from live_node import LiveNode, lives, wait_for

from trunkline.node import lifeline
from trunkline.node.supervisor import mark_of
from trunkline.node.up import LEFT_AT_LAST


@pytest.fixture
def ended(tmp_path: Path) -> LiveNode:
    """A node that has stopped without a complaint."""
    node = LiveNode(tmp_path / "home")
    node.settings.log_dir.mkdir(parents=True)
    node.settings.log_file.write_text('{"message": "stopped"}\n')
    node.output.write_text("Stopped.\n")
    node.assert_nothing_left()
    node.assert_no_traceback()
    return node


def test_a_process_with_the_mark_of_the_node_is_found(ended: LiveNode) -> None:
    marked = os.environ | {lifeline.MARK: mark_of(ended.settings, "rtpengine")}
    with subprocess.Popen(["sleep", "60"], env=marked) as stray:
        try:
            with pytest.raises(AssertionError, match=str(stray.pid)):
                ended.assert_nothing_left()
        finally:
            stray.kill()
    ended.assert_nothing_left()


def test_a_process_without_the_mark_is_found(ended: LiveNode) -> None:
    """One that the node had started when it was told to stop, whatever became of its environment."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        child = int(up.stdout.readline())
        ended.process = up
        try:
            ended.stop()
            with pytest.raises(AssertionError, match=f"{child}: "):
                ended.assert_nothing_left()
        finally:
            os.kill(child, signal.SIGKILL)
    wait_for(lambda: not lives(child), "the end of the child")
    ended.assert_nothing_left()


def test_what_the_node_had_to_end_at_last_is_found(ended: LiveNode) -> None:
    ended.output.write_text(f"trunkline: ended 2 {LEFT_AT_LAST}\n")
    with pytest.raises(AssertionError, match="ended 2"):
        ended.assert_nothing_left()


@pytest.mark.parametrize("name", ["trunkline.jsonl", "trunkline.jsonl.3", "supervisord.log", "keepers.log"])
def test_a_traceback_is_found_in_every_file_of_the_log(ended: LiveNode, name: str) -> None:
    (ended.settings.log_dir / name).write_text(f"{'x' * 300}\nTraceback (most recent call last):\n")
    with pytest.raises(AssertionError, match=f"{name}: "):
        ended.assert_no_traceback()
