"""Where scripts really run: in a host of the lab, on this machine in the endpoint's tests, or nowhere."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

_CLONE_NEWNET = 0x40000000

# What systemd gives the agent's unit, without HOME: scripts that need it fail on real instances too.
_AGENT_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


class Host(Protocol):
    """A machine that an agent sits on."""

    def start(
        self, script: str, folder: str, directory: str, environment: dict[str, str],
        output: BinaryIO, errors: BinaryIO,
    ) -> subprocess.Popen[bytes]:
        """Stores the script below the agent's folder and starts it, in a process group of its own."""

    def connect(self, port: int) -> socket.socket:
        """A connection to a port of the machine's own loopback address."""

    @property
    def is_switchable(self) -> bool:
        """Whether it can be switched off and on; others change their state in EC2 alone, and at once."""

    def switch(self, is_on: bool, address: str = "") -> None:
        """Switches the machine off or on, with another address if one is given."""

    def twin(self) -> Host:
        """The same machine, for another instance that cannot switch it."""


@dataclass
class ShellHost:
    """A host that commands are run in by a prefix, such as `lab-exec communal1`; none for this machine."""

    prefix: list[str]
    state_folder: str = "/var/lib/amazon/ssm"
    pid_file: Path | None = None
    power: list[str] | None = None
    """The program that switches it, such as `power communal1`."""

    def twin(self) -> Host:
        """Runs scripts on the same machine."""
        return replace(self, power=None)

    @property
    def is_switchable(self) -> bool:
        """Where there is a program for it."""
        return self.power is not None

    def switch(self, is_on: bool, address: str = "") -> None:
        """As `Tests/Lab/power` does."""
        words = [*(self.power or []), "on" if is_on else "off", *([address] if address else [])]
        subprocess.run(words, check=True, capture_output=True)

    def start(
        self, script: str, folder: str, directory: str, environment: dict[str, str],
        output: BinaryIO, errors: BinaryIO,
    ) -> subprocess.Popen[bytes]:
        """As the agent does: `_script.sh`, mode 0700, run by `sh -c`, with nothing on standard input."""
        path = f"{self.state_folder}/{folder}/_script.sh"
        store = 'umask 077; mkdir -p "${1%/*}" && cat >"$1" && chmod 700 "$1"'
        subprocess.run(
            [*self.prefix, "sh", "-c", store, "sh", path],
            input=script.encode(), check=True, capture_output=True,
        )
        variables = [f"{name}={value}" for name, value in (_AGENT_ENVIRONMENT | environment).items()]
        run = 'umask 022; cd "$1" && exec sh -c "$2"'
        return subprocess.Popen(
            [*self.prefix, "env", "-i", *variables, "sh", "-c", run, "sh", directory, path],
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True,
        )

    def connect(self, port: int) -> socket.socket:
        """From inside the host's network, where its loopback address is the host's own."""
        if self.pid_file is None:
            return socket.create_connection(("127.0.0.1", port), 5)
        namespace = f"/proc/{self.pid_file.read_text().strip()}/ns/net"
        result: list[socket.socket | OSError] = []

        def connect_inside() -> None:
            # A thread of its own, which need not find back: the socket stays in the network it was made in.
            try:
                with open(namespace, "rb") as file:
                    library = ctypes.CDLL(None, use_errno=True)
                    if library.setns(file.fileno(), _CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                result.append(socket.create_connection(("127.0.0.1", port), 5))
            except OSError as error:
                result.append(error)

        thread = threading.Thread(target=connect_inside)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]


@dataclass
class SimulatedHost:
    """A machine of which there is nothing but what its scripts print: many of them cost little."""

    output: str = ""
    exit_status: int = 0

    @property
    def is_switchable(self) -> bool:
        """There is nothing to switch."""
        return False

    def switch(self, is_on: bool, address: str = "") -> None:
        """Never called."""

    def twin(self) -> Host:
        """Another one of the kind."""
        return replace(self)

    def start(
        self, script: str, folder: str, directory: str, environment: dict[str, str],
        output: BinaryIO, errors: BinaryIO,
    ) -> subprocess.Popen[bytes]:
        """Runs nothing of the script."""
        output.write(self.output.encode())
        return subprocess.Popen(["sh", "-c", f"exit {int(self.exit_status)}"], start_new_session=True)

    def connect(self, port: int) -> socket.socket:
        """Nobody listens."""
        raise ConnectionRefusedError("a simulated host has no ports")
