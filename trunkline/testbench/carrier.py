"""The simulated PSTN: answers by called number (numbers.py), remembers every INVITE, places calls to our numbers on
request.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from trunkline.testbench.numbers import behaviour_for, numbers_table
from trunkline.testbench.process import AgentProcess


class CarrierProcess(AgentProcess):
    """A simulated carrier in a process of its own; options as for the command: `CarrierProcess("--port", "5080")`."""

    module = "trunkline.testbench.carrier"


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m trunkline.testbench.carrier`, `trunkline carrier`. Exit status 0 after a stop, 2 when it cannot
    start.
    """
    from trunkline.testbench.agent import add_agent_options, agent_options, run_agent

    parser = argparse.ArgumentParser(
        prog="trunkline carrier",
        description="A simulated PSTN on real SIP and RTP: what a call does depends on the number that is called.",
        epilog="Events are JSON lines on standard output; the first one, `ready`, says where it listens.",
    )
    add_agent_options(parser)
    parser.add_argument("--numbers", action="store_true", help="print what each number does, and end")
    options = parser.parse_args(arguments)
    if options.numbers:
        sys.stdout.write(numbers_table() + "\n")
        return 0
    try:
        agent = agent_options(options, user_agent="Trunkline simulated carrier", silent=True)
    except ValueError as error:
        parser.error(str(error))
    return run_agent(agent, behaviour_for)


if __name__ == "__main__":
    sys.exit(main())
