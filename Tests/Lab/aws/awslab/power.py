"""StartInstances and StopInstances for machines that are really there: they take time, and may fail to come up."""

from __future__ import annotations

import threading
import time
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import InstanceState, StateReason

from awslab.credentials import ACCOUNT
from awslab.faults import Faults
from awslab.machines import Machines

_CODES = {"pending": 0, "running": 16, "stopping": 64, "stopped": 80}
_LATE_SECONDS = 7


class Power:
    """Follows what moto was told, at the pace of a cloud."""

    def __init__(self, machines: Machines, faults: Faults) -> None:
        self._machines = machines
        self._faults = faults
        # One change of a machine at a time.
        self._lock = threading.Lock()

    def is_moved_by(self, action: str) -> bool:
        """Whether instances change by it."""
        return action in ("ec2.StartInstances", "ec2.StopInstances")

    def states(self) -> dict[str, str]:
        """All states before a call."""
        return {machine.id: machine.state for machine in self._machines.all()}

    def follow(self, before: dict[str, str]) -> None:
        """After moto has changed states at once: has them pass through what lies between."""
        for machine in self._switchable():
            old, new = before.get(machine.id), machine.state
            if (old, new) == ("stopped", "running"):
                self._move(machine, "pending", True)
            elif (old, new) in (("running", "stopped"), ("pending", "stopped")):
                self._move(machine, "stopping", False)

    def switch(self, name: str, is_on: bool) -> None:
        """Switches a machine by hand, as its owner would at the console, and returns when that is done."""
        for machine in self._switchable():
            if machine.name == name:
                with self._lock:
                    machine.host.switch(is_on)
                    self._machines.set_dark(name, not is_on)
                    self._set(machine, "running" if is_on else "stopped")

    def _switchable(self) -> list[Any]:
        return [machine for machine in self._machines.all() if machine.host and machine.host.is_switchable]

    def _move(self, machine: Any, between: str, is_on: bool) -> None:
        has_lag = not is_on and self._faults.timing.lag > 0
        self._set(machine, "running" if has_lag else between)
        threading.Thread(target=self._finish, args=(machine, is_on, has_lag), daemon=True).start()

    def _finish(self, machine: Any, is_on: bool, has_lag: bool) -> None:
        timing = self._faults.timing
        if has_lag:
            time.sleep(timing.lag)
            self._set(machine, "stopping")
        time.sleep(timing.start if is_on else timing.stop)
        boot = self._faults.boot.get(machine.name, "up")
        if is_on and boot == "late":
            self._machines.set_dark(machine.name, False)
            self._set(machine, "running")
            time.sleep(_LATE_SECONDS)
        with self._lock:
            if not is_on:
                machine.host.switch(False)
                self._machines.set_dark(machine.name, True)
                self._set(machine, "stopped")
                return
            if boot == "back":
                self._set(machine, "stopped", "Server.InsufficientInstanceCapacity: Insufficient capacity.")
                return
            if boot != "dark":
                address = "" if boot in ("up", "late") else boot
                if address:
                    self._machines.set_address(machine.id, address)
                machine.host.switch(True, address)
                self._machines.set_dark(machine.name, False)
            self._set(machine, "running")

    def _set(self, machine: Any, state: str, reason: str = "") -> None:
        instance: Any = ec2_backends[ACCOUNT][self._machines.region].get_instance(machine.id)
        instance._state = InstanceState(state, _CODES[state])
        if reason:
            instance.state_reason = StateReason(reason, reason.partition(":")[0])
