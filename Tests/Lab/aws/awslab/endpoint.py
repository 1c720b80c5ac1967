"""Puts the parts together: one endpoint with its instances."""

from __future__ import annotations

import ipaddress
import logging
import os
import threading

# Before moto is imported, which reads it then: the lab needs none of the 1,285 machine images.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server  # noqa: E402

from awslab.application import Application  # noqa: E402
from awslab.clock import Clock  # noqa: E402
from awslab.commands.agent import Agents  # noqa: E402
from awslab.commands.dispatcher import Dispatcher  # noqa: E402
from awslab.commands.service import RunCommandService  # noqa: E402
from awslab.credentials import CredentialStore  # noqa: E402
from awslab.faults import Faults  # noqa: E402
from awslab.hosts import Host  # noqa: E402
from awslab.launcher import Launcher  # noqa: E402
from awslab.machines import Machines  # noqa: E402
from awslab.panel import Panel  # noqa: E402
from awslab.power import Power  # noqa: E402
from awslab.sessions.service import SessionService  # noqa: E402


class QuietHandler(WSGIRequestHandler):
    """Keeps connections, as AWS does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without a Date of its own: that is the application's, whose clock may be wrong on purpose."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: object) -> None:
        """Not a word: signed requests are nobody's business."""


class Endpoint:
    """AWS on two ports of this machine: the API, and the data channels of sessions."""

    def __init__(
        self, address: str = "127.0.0.1", port: int = 0, stream_port: int = 0, region: str = "eu-central-1",
        network: str = "10.77.0.0/24",
    ) -> None:
        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        self.region = region
        self.credentials = CredentialStore()
        self.clock = Clock()
        self.faults = Faults()
        self.machines = Machines(region)
        self._agents = Agents(self.machines, self.faults, self.clock)
        self._network = ipaddress.ip_network(network)
        self._subnet: str | None = None
        moto = DomainDispatcherApplication(create_backend_app)
        self._launcher = Launcher(moto, region)
        self._sessions = SessionService(self.machines, self.faults, self.clock, address, stream_port)
        commands = RunCommandService(
            self.machines, Dispatcher(self._agents, self.clock), self.faults, self.clock
        )
        power = Power(self.machines, self.faults)
        panel = Panel(
            self.faults, self.clock, self.machines, self.credentials, self._sessions, power, self.launch
        )
        application = Application(
            moto, region, self.credentials, self.clock, self.faults, commands, self._sessions, power, panel
        )
        self._server: BaseWSGIServer = make_server(
            address, port, application, threaded=True, request_handler=QuietHandler
        )
        self.url = f"http://{address}:{self._server.server_port}"

    def start(self) -> None:
        """Serves, on threads of its own."""
        for serve in (self._server.serve_forever, self._sessions.serve_forever):
            threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        """Ends scripts and sessions and serves no more."""
        self._agents.end_all()
        self._sessions.close()
        self._server.shutdown()
        self._server.server_close()

    def add_hosts(self, hosts: dict[str, tuple[str, Host]]) -> None:
        """Makes instances of hosts: name → address and host. Call after `start`."""
        for name, (_, host) in hosts.items():
            self.machines.add_host(name, host)
        self.launch([(name, address) for name, (address, _) in hosts.items()])

    def launch(self, instances: list[tuple[str, str]]) -> None:
        """Runs instances by name and address; an empty address is chosen by EC2."""
        if not instances:
            return
        if self._subnet is None:
            whole = str(self._network.supernet(new_prefix=16))
            vpc = self._launcher.ask("CreateVpc", "vpcId", CidrBlock=whole)
            self._subnet = self._launcher.ask(
                "CreateSubnet", "subnetId", VpcId=vpc, CidrBlock=str(self._network)
            )
        for name, address in instances:
            self._launcher.run_instance(name, address, self._subnet)
