"""A PBX for tests and for `trunkline call`: places digest-authenticated calls through a trunk, receives calls in one
stated way.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from trunkline.testbench.behaviours import behaviour_from_json
from trunkline.testbench.process import AgentProcess


class PbxProcess(AgentProcess):
    """A PBX in a process of its own. Options as for the command: `PbxProcess("--public-host", "10.9.8.7")`."""

    module = "trunkline.testbench.pbx"

    def behave(self, kind: str, **options: Any) -> None:
        """How calls are received from now on: `behave("refuse", sip_status=486)`. ControlError names what does not
        fit.
        """
        self.ask("behave", kind=kind, **options)

    def register(self, via: str, domain: str, username: str, password: str, *, wait: float = 5.0) -> dict[str, Any]:
        """REGISTER and wait for the outcome: Registration's fields (`sip_status`, `twilio_error`, …)."""
        return self._registration("register", wait, via=via, domain=domain, username=username, password=password)

    def unregister(self, via: str, domain: str, username: str, password: str, *, wait: float = 5.0) -> dict[str, Any]:
        """Take the registration back, likewise."""
        return self._registration("unregister", wait, via=via, domain=domain, username=username, password=password)

    def _registration(self, do: str, wait: float, **account: str) -> dict[str, Any]:
        number = len(self.ask("registrations")["registrations"])
        self.ask(do, **account)
        last: dict[str, Any] = {}

        def answered() -> bool:
            last.update(self.ask("registrations")["registrations"][number])
            status = last["sip_status"]
            return status is not None and (status not in (401, 407) or last["challenges"] > 1)

        self.wait_until(answered, f"an answer to REGISTER at {account['domain']}; so far {last}", within=wait)
        return last


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m trunkline.testbench.pbx`. Exit status 0 after a stop, 2 when it cannot start."""
    from trunkline.testbench.agent import add_agent_options, agent_options, run_agent

    parser = argparse.ArgumentParser(
        prog="python -m trunkline.testbench.pbx", description="A PBX on real SIP and RTP, for tests."
    )
    add_agent_options(parser)
    parser.add_argument(
        "--behave", default='{"kind": "answer", "media": "echo"}', help="how calls are received, as JSON"
    )
    options = parser.parse_args(arguments)
    try:
        agent = agent_options(options, user_agent="Trunkline test PBX", silent=False)
        behaviour = behaviour_from_json(json.loads(options.behave))
    except (ValueError, TypeError, AttributeError) as error:
        parser.error(str(error))
    return run_agent(agent, lambda _: behaviour)


if __name__ == "__main__":
    sys.exit(main())
