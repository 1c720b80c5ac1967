"""The instances: moto knows state and tags, this module which hosts they are and how their agents fare."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends

from awslab.credentials import ACCOUNT
from awslab.hosts import Host

AGENT_STATES = ("on", "off", "absent")


@dataclass(frozen=True)
class Machine:
    """An instance as it is now."""

    id: str
    name: str
    tags: dict[str, str]
    state: str
    address: str
    host: Host | None
    agent: str
    """`on`; `off`: known, but not heard of any more; `absent`: never presented itself."""
    is_dark: bool = False
    """Whether the machine itself is off, whatever EC2 says."""

    @property
    def answers(self) -> bool:
        """Whether an agent would fetch a command now."""
        return not self.is_dark and self.agent == "on" and self.state == "running" and self.host is not None

    @property
    def is_managed(self) -> bool:
        """Whether SSM knows it."""
        is_gone = self.state in ("terminated", "shutting-down")
        return self.host is not None and self.agent != "absent" and not is_gone

    @property
    def names(self) -> list[str]:
        """What a test may call it."""
        return [self.id, self.name]


class Machines:
    """All instances of one region; those whose Name tag is a host's name are that host."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._hosts: dict[str, Host] = {}
        self._agents: dict[str, str] = {}
        self._dark: set[str] = set()
        self._lock = threading.Lock()

    def add_host(self, name: str, host: Host) -> None:
        """Makes a host known; an instance with that name brings it to life."""
        with self._lock:
            self._hosts[name] = host

    def add_twin(self, name: str, of: str) -> None:
        """Instances of that name are that host too."""
        with self._lock:
            if of not in self._hosts:
                raise ValueError(f"there is no host {of}")
            self._hosts[name] = self._hosts[of].twin()

    def set_agent(self, name_or_id: str, state: str) -> None:
        """Switches an agent on or off; by name it holds for later instances of that name too."""
        if state not in AGENT_STATES:
            raise ValueError(f"an agent is one of {', '.join(AGENT_STATES)}")
        with self._lock:
            self._agents[name_or_id] = state

    def set_dark(self, name: str, is_dark: bool) -> None:
        """Says whether a machine is off."""
        with self._lock:
            (self._dark.add if is_dark else self._dark.discard)(name)

    def set_address(self, instance_id: str, address: str) -> None:
        """Gives an instance another private address."""
        with self._lock:
            for instance in self._instances():
                if instance.id == instance_id:
                    instance.nics[0].private_ip_address = address

    def reset_agents(self) -> None:
        """All agents are on."""
        with self._lock:
            self._agents.clear()

    def all(self) -> list[Machine]:
        """Every instance, terminated ones too, oldest first."""
        with self._lock:
            return [self._machine(instance) for instance in self._instances()]

    def managed(self) -> list[Machine]:
        """Those that SSM knows."""
        return [machine for machine in self.all() if machine.is_managed]

    def get(self, instance_id: str) -> Machine | None:
        """The instance of that id."""
        with self._lock:
            found = (instance for instance in self._instances() if instance.id == instance_id)
            return next((self._machine(instance) for instance in found), None)

    def _instances(self) -> list[Any]:
        reservations = list(ec2_backends[ACCOUNT][self.region].reservations.values())
        return [instance for reservation in reservations for instance in list(reservation.instances)]

    def _machine(self, instance: Any) -> Machine:
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        name = tags.get("Name", "")
        host = self._hosts.get(name)
        agent = self._agents.get(instance.id) or self._agents.get(name) or ("on" if host else "absent")
        return Machine(
            instance.id, name, tags, instance._state.name, instance.private_ip or "", host, agent,
            name in self._dark,
        )
