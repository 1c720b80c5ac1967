"""The agent of an instance: fetches a command, runs its script, and reports as the true one does."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from typing import BinaryIO

from awslab.clock import Clock
from awslab.commands.model import Command, Invocation
from awslab.commands.output import OUTPUT_LIMIT, cut
from awslab.faults import Faults, Kill
from awslab.machines import Machine, Machines

VERSION = "3.3.0.0"
PLATFORM_NAME = "Debian GNU/Linux"
PLATFORM_VERSION = "12"

_STEP = 0.01
_REBOOT_LIMIT = 15
# Exit statuses that mean something to the agent.
_KILLED = 137
_SUCCESS_AND_STOP = 168
_REBOOT = 194


class Agents:
    """All agents of the lab; `serve` is one command on one of them."""

    def __init__(self, machines: Machines, faults: Faults, clock: Clock) -> None:
        self._machines = machines
        self._faults = faults
        self._clock = clock
        self._running: set[int] = set()
        self._lock = threading.Lock()

    def serve(self, invocation: Invocation) -> None:
        """From Pending to a final state; returns when that is reached."""
        command, timing = invocation.command, self._faults.timing
        allowed = timing.delivery_limit
        if allowed is None:
            # As documented: both limits together.
            allowed = command.timeout + command.execution_timeout
        machine = self._wait_for_delivery(invocation, time.monotonic() + allowed)
        if machine is None:
            return
        loss = self._faults.take_loss(machine.names)
        if loss is not None and loss.at == "delivery":
            self._wait_for_end(invocation, time.monotonic() + allowed, "DeliveryTimedOut")
            return
        if not invocation.move("InProgress"):
            self._end(invocation, "Cancelled")
            return
        invocation.started = self._clock.now()
        limit = timing.execution_limit or command.execution_timeout
        deadline = time.monotonic() + limit
        status, output, errors, was_cancelled = self._run(invocation, machine, deadline)
        if loss is not None or not self._can_report(machine, deadline):
            self._wait_for_end(invocation, deadline, "ExecutionTimedOut")
            return
        time.sleep(timing.finish)
        self._report(invocation, status, output, errors, was_cancelled)

    def end_all(self) -> None:
        """Kills every script that runs."""
        with self._lock:
            for process in self._running:
                _kill(process, signal.SIGKILL)

    def _wait_for_delivery(self, invocation: Invocation, deadline: float) -> Machine | None:
        """The machine, once its agent has the command; None when it never gets it."""
        time.sleep(self._faults.timing.pickup)
        while not invocation.cancelled.is_set() and time.monotonic() < deadline:
            machine = self._machines.get(invocation.instance_id)
            if machine is not None and machine.answers:
                return machine
            invocation.cancelled.wait(0.05)
        self._wait_for_end(invocation, deadline, "DeliveryTimedOut")
        return None

    def _wait_for_end(self, invocation: Invocation, deadline: float, details: str) -> None:
        """Nothing more comes from the agent: the service itself ends the command, in time or when told to."""
        if invocation.cancelled.wait(max(0.0, deadline - time.monotonic())):
            self._end(invocation, "Cancelled")
        else:
            self._end(invocation, "TimedOut", details)

    def _end(self, invocation: Invocation, status: str, details: str | None = None) -> None:
        invocation.end(self._clock.now(), status, details)

    def _can_report(self, machine: Machine, deadline: float) -> bool:
        """Waits until the agent is heard again; false when that is not in time."""
        while time.monotonic() < deadline:
            now = self._machines.get(machine.id)
            if now is not None and now.answers:
                return True
            time.sleep(0.05)
        # It ran into its limit by itself, or just then.
        now = self._machines.get(machine.id)
        return now is not None and now.answers

    def _report(
        self, invocation: Invocation, status: int, output: str, errors: str, was_cancelled: bool
    ) -> None:
        """The agent's last word: it says it twice, with an older state between."""
        invocation.stale_replies = self._faults.timing.stale_replies
        for _ in range(2):
            if was_cancelled:
                invocation.end(self._clock.now(), "Cancelled", None, _KILLED, output, errors)
            elif status == _KILLED:
                # Also when the script was killed by someone else, such as the kernel short of memory.
                invocation.end(
                    self._clock.now(), "TimedOut", "ExecutionTimedOut", status, output,
                    _told(errors, status),
                )
            elif status in (0, _SUCCESS_AND_STOP):
                invocation.end(self._clock.now(), "Success", None, status, output, errors)
            else:
                invocation.end(self._clock.now(), "Failed", None, status, output, _told(errors, status))
            invocation.move("InProgress")

    def _run(
        self, invocation: Invocation, machine: Machine, deadline: float
    ) -> tuple[int, str, str, bool]:
        """Runs the script, again after each reboot it asks for.

        Returns status, output, errors, and whether it was cancelled.
        """
        kill = self._faults.take_kill(machine.names)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            for _ in range(_REBOOT_LIMIT):
                try:
                    process = self._start(invocation, machine, output, errors)
                except (OSError, subprocess.CalledProcessError) as problem:
                    return 1, "", str(problem), False
                with self._lock:
                    self._running.add(process.pid)
                try:
                    status = self._watch(process, invocation, deadline, kill, output)
                finally:
                    with self._lock:
                        self._running.discard(process.pid)
                if status != _REBOOT:
                    break
                time.sleep(self._faults.timing.reboot)
            limit = self._faults.output_limit(machine.names, OUTPUT_LIMIT)
            texts = []
            for file in (output, errors):
                file.seek(0)
                text = file.read(4 * OUTPUT_LIMIT).decode("utf-8", "replace")
                texts.append(cut(text, limit))
        return status, texts[0], texts[1], invocation.cancelled.is_set() and status == _KILLED

    def _start(
        self, invocation: Invocation, machine: Machine, output: BinaryIO, errors: BinaryIO
    ) -> subprocess.Popen[bytes]:
        command = invocation.command
        assert machine.host is not None
        folder = (
            f"{machine.id}/document/orchestration/{command.id}/awsrunShellScript/0.awsrunShellScript"
        )
        environment = {
            "AWS_SSM_INSTANCE_ID": machine.id,
            "AWS_SSM_REGION_NAME": self._machines.region,
            "AWS_SSM_PLATFORM_NAME": PLATFORM_NAME,
            "AWS_SSM_PLATFORM_VERSION": PLATFORM_VERSION,
            "SSM_COMMAND_ID": command.id,
        }
        directory = (command.parameters.get("workingDirectory") or [""])[0] or "/usr/bin"
        return machine.host.start(script_of(command), folder, directory, environment, output, errors)

    def _watch(
        self, process: subprocess.Popen[bytes], invocation: Invocation, deadline: float, kill: Kill | None,
        output: BinaryIO,
    ) -> int:
        """Waits for the script, or ends it: told to, out of time, its machine gone, or a fault ordered."""
        began = checked = time.monotonic()
        while (status := process.poll()) is None:
            now = time.monotonic()
            if invocation.cancelled.is_set() or now > deadline:
                _kill(process.pid, signal.SIGKILL)
                process.wait()
                return _KILLED
            if kill is not None and _is_due(kill, now - began, os.fstat(output.fileno()).st_size):
                _kill(process.pid, kill.signal)
                kill = None
            if now - checked > 0.2:
                checked = now
                machine = self._machines.get(invocation.instance_id)
                if machine is None or machine.state != "running":
                    _kill(process.pid, signal.SIGKILL)
            time.sleep(_STEP)
        return status if status >= 0 else 128 - status


def script_of(command: Command) -> str:
    """The text of `_script.sh`."""
    return "\n".join(command.parameters.get("commands", [])) + "\n"


def _told(errors: str, status: int) -> str:
    return f"{errors}failed to run commands: exit status {status}"


def _is_due(kill: Kill, seconds: float, size: int) -> bool:
    if kill.after_bytes is not None:
        return size >= kill.after_bytes
    return seconds >= (kill.after_seconds or 0)


def _kill(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass
