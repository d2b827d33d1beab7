"""What every test agent owes its test at the end."""

from trunkline.testbench.process import AgentProcess


def assert_ended_well(process: AgentProcess) -> None:
    """Exit 0, nothing on standard error (PJLIB prints its assertions there), no exception in a callback."""
    assert process.returncode == 0, process.stderr()
    assert process.stderr() == ""
    assert [line for line in process.log() if line["event"] == "bug"] == []
    assert [line for line in process.stdout().splitlines() if not line.startswith("{")] == []
