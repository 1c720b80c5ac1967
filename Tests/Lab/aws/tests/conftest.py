"""An endpoint for the tests, whose hosts are this very machine, without privileges."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from awslab.endpoint import Endpoint  # noqa: E402
from awslab.hosts import ShellHost  # noqa: E402

HOSTS = {"communal1": "10.77.0.11", "communal2": "10.77.0.12"}


class Lab:
    """The endpoint as a client of it sees it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.url = endpoint.url
        self.key = endpoint.credentials.root.access_key
        self.secret = endpoint.credentials.root.secret_key
        self.ids = {m.name: m.id for m in endpoint.machines.all() if m.name in HOSTS}

    def client(self, service: str, **changes: Any) -> Any:
        """A client that says at once what went wrong."""
        settings = {
            "region_name": "eu-central-1", "endpoint_url": self.url, "aws_access_key_id": self.key,
            "aws_secret_access_key": self.secret,
            "config": Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20),
        }
        return boto3.client(service, **(settings | changes))

    def set(self, **settings: Any) -> dict[str, Any]:
        """`POST /lab`."""
        request = urllib.request.Request(f"{self.url}/lab", json.dumps(settings).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def free_port(first: int) -> int:
    """A free port below those that the kernel hands out by itself."""
    for port in range(first, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    endpoint = Endpoint(port=free_port(21000), stream_port=free_port(26000))
    endpoint.start()
    folder = tmp_path_factory.mktemp("ssm")
    endpoint.add_hosts(
        {name: (address, ShellHost([], str(folder / name))) for name, address in HOSTS.items()}
    )
    yield endpoint
    endpoint.close()


@pytest.fixture
def lab(endpoint: Endpoint) -> Iterator[Lab]:
    lab = Lab(endpoint)
    lab.set(reset=True)
    yield lab
    lab.set(reset=True)


@pytest.fixture
def ssm(lab: Lab) -> Any:
    return lab.client("ssm")


@pytest.fixture
def ec2(lab: Lab) -> Any:
    return lab.client("ec2")
