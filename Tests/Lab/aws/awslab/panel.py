"""`/lab`: how a test makes things go wrong, and sees what was asked of the endpoint. Nobody signs here.

`POST /lab` takes an object with any of these, and `GET /lab` shows how things are:

    rate      {"ssm.SendCommand": 3}          calls a second; null ends it
    fail      {"ec2.RunInstances": {"count": 2, "code": "…", "message": "…", "status": 500}}
              "hang_up": true answers nothing, "done": true does what was asked all the same
    lose      {"communal1": {"count": 1, "at": "delivery" | "reply"}}      "*" is any instance
    kill      {"communal1": {"count": 1, "after_seconds" | "after_bytes": …, "signal": 9}}
    output    {"communal1": 300}              characters of output that survive
    agent     {"communal1": "on" | "off" | "absent"}
    boot      {"communal1": "dark" | "back" | "late" | "10.77.0.31"}    what StartInstances comes to: it runs and never
              answers, it falls back to being stopped for want of capacity, its agent answers seconds before the host does,
              it comes up with another address
    power     {"communal1": "on" | "off"}     switches it at once, and EC2 knows
    timing    {"pickup": 0.05, …}             see `Timing`
    stream    {"lose_in": 7, "lose_out": 7, "lose_acknowledgements": true, "duplicate": 5, "reorder": 9,
              "repeat_all": true, "encrypt": "alias/…", "expired": true}      see `StreamFaults`
    skew      seconds that the endpoint's clock is ahead
    expire    an access key of a role session, or "all"
    cut       true: breaks all data channels
    twins     {"other": "communal1"}          instances named so are that host too, with an agent of their own
    simulate  {"names": ["sim1", …], "output": …, "exit_status": …}      hosts that only pretend to run scripts
    reset     true: nothing goes wrong any more, before all else in the same request
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from awslab.clock import Clock
from awslab.credentials import CredentialStore
from awslab.errors import Answer, json_answer
from awslab.faults import BadSetting, Faults
from awslab.hosts import SimulatedHost
from awslab.machines import Machines
from awslab.power import Power
from awslab.request import Request
from awslab.sessions.service import SessionService

_SETTINGS = {
    "rate", "fail", "lose", "kill", "output", "agent", "boot", "power", "timing", "stream", "skew", "expire",
    "cut", "twins", "simulate", "reset",
}


class Panel:
    """Answers on `/lab`."""

    def __init__(
        self, faults: Faults, clock: Clock, machines: Machines, credentials: CredentialStore,
        sessions: SessionService, power: Power, launch: Callable[[list[tuple[str, str]]], None],
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._machines = machines
        self._credentials = credentials
        self._sessions = sessions
        self._power = power
        self._launch = launch

    def answer(self, request: Request) -> Answer:
        """The state of the lab, after the changes of a POST."""
        try:
            if request.method == "POST":
                self._change(json.loads(request.body or b"{}"))
        except (ValueError, TypeError) as problem:
            return json_answer({"error": str(problem)}, 400)
        return json_answer(self._state())

    def _change(self, settings: dict[str, Any]) -> None:
        if not isinstance(settings, dict) or set(settings) - _SETTINGS:
            raise BadSetting(f"an object with some of: {', '.join(sorted(_SETTINGS))}")
        if settings.get("reset"):
            self._faults.reset()
            self._machines.reset_agents()
            self._clock.skew = 0.0
        self._faults.update(settings)
        for name, state in (settings.get("agent") or {}).items():
            self._machines.set_agent(name, state)
        for name, of in (settings.get("twins") or {}).items():
            self._machines.add_twin(name, of)
        for name, state in (settings.get("power") or {}).items():
            if state not in ("on", "off"):
                raise BadSetting("power is 'on' or 'off'")
            self._power.switch(name, state == "on")
        if "skew" in settings:
            self._clock.skew = float(settings["skew"])
        if "expire" in settings:
            self._credentials.expire(settings["expire"])
        if settings.get("cut"):
            self._sessions.cut()
        if "simulate" in settings:
            self._simulate(**settings["simulate"])

    def _simulate(self, names: list[str], output: str = "", exit_status: int = 0) -> None:
        present = {machine.name for machine in self._machines.all()}
        for name in names:
            self._machines.add_host(name, SimulatedHost(output, exit_status))
        self._launch([(name, "") for name in names if name not in present])

    def _state(self) -> dict[str, Any]:
        machines = {
            machine.id: {"name": machine.name, "state": machine.state, "agent": machine.agent}
            for machine in self._machines.all()
        }
        return {"skew": self._clock.skew, "instances": machines} | asdict(self._faults)
