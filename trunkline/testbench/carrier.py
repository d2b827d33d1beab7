"""The simulated PSTN: answers by called number (numbers.py), remembers every INVITE, places calls to our numbers on
request.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from trunkline.testbench.faults import UnknownFault, choose, fault_list
from trunkline.testbench.numbers import behaviour_for, numbers_table
from trunkline.testbench.pcap import PcapWriter
from trunkline.testbench.process import AgentProcess


class CarrierProcess(AgentProcess):
    """A simulated carrier in a process of its own; options as for the command: `CarrierProcess("--port", "5080")`."""

    module = "trunkline.testbench.carrier"


def run_with_fault(name: str, host: str, port: int, capture: Path | None) -> int:
    """Until SIGTERM, Ctrl-C or the end of standard input. ValueError for an unknown fault, OSError for a taken port."""
    from trunkline.testbench.fault_carrier import FaultCarrier, serve
    from trunkline.testbench.tls_faults import serve_tls

    fault = choose(name, "carrier")
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stop.append(number))
    with PcapWriter(capture) if capture else nullcontext() as writer:
        if fault.name.startswith("tls-"):
            return serve_tls(fault, host, port, writer, lambda: bool(stop))
        return serve(FaultCarrier(fault, host=host, port=port, capture=writer), lambda: bool(stop))


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
    parser.add_argument(
        "--fault",
        metavar="NAME",
        nargs="?",
        const="",
        help="have this fault: one call at a time, over UDP (TLS faults: TLS)",
    )
    parser.add_argument("--list-faults", action="store_true", help="print the faults, and end")
    parser.add_argument("--capture", type=Path, metavar="FILE", help="with --fault: every packet, as a pcap file")
    options = parser.parse_args(arguments)
    if options.numbers or options.list_faults:
        sys.stdout.write((numbers_table() if options.numbers else fault_list("carrier")) + "\n")
        return 0
    if options.capture and options.fault is None:
        parser.error("--capture goes with --fault (--trace has the SIP messages of the carrier without faults)")
    if options.fault is not None:
        try:
            return run_with_fault(options.fault, options.host, options.port, options.capture)
        except UnknownFault as error:
            parser.exit(2, f"{parser.prog}: {error}\n")  # without the usage: the list of faults is long enough
        except (ValueError, OSError) as error:
            parser.error(str(error))
    try:
        agent = agent_options(options, user_agent="Trunkline simulated carrier", silent=True)
    except ValueError as error:
        parser.error(str(error))
    return run_agent(agent, behaviour_for)


if __name__ == "__main__":
    sys.exit(main())
