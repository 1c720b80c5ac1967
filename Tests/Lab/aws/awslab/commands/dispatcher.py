"""Sends a command out: so many instances at a time, and no more once too many have failed."""

from __future__ import annotations

import threading

from awslab.clock import Clock
from awslab.commands.agent import Agents
from awslab.commands.model import Command, Invocation


class Dispatcher:
    """Works commands off, each on a thread of its own."""

    def __init__(self, agents: Agents, clock: Clock) -> None:
        self._agents = agents
        self._clock = clock

    def start(self, command: Command) -> None:
        """Returns at once."""
        threading.Thread(target=self._send, args=[command], daemon=True).start()

    def _send(self, command: Command) -> None:
        places = threading.Semaphore(command.concurrency_limit)
        for invocation in command.invocations.values():
            places.acquire()
            failed = sum(other.counts_as_error for other in command.invocations.values())
            if failed > command.error_limit:
                invocation.end(self._clock.now(), "Cancelled", "Terminated")
                places.release()
                continue
            threading.Thread(target=self._serve, args=[invocation, places], daemon=True).start()

    def _serve(self, invocation: Invocation, places: threading.Semaphore) -> None:
        try:
            self._agents.serve(invocation)
        finally:
            places.release()
