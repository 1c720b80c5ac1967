"""Runs the endpoint for a lab: python -m awslab --lab FOLDER --exec lab-exec --host NAME=ADDRESS …"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import threading
from collections.abc import Iterable
from pathlib import Path

from awslab.endpoint import Endpoint
from awslab.hosts import Host, ShellHost


def main() -> None:
    """Serves until SIGTERM; writes which host is which instance, and the variables that clients need, once it answers."""
    words = argparse.ArgumentParser(prog="awslab", description="The lab's AWS endpoint.")
    words.add_argument("--lab", type=Path, required=True, help="the lab's folder, where hosts/NAME/pid is")
    words.add_argument("--exec", type=Path, required=True, help="the program lab-exec")
    words.add_argument("--port", type=int, required=True, help="of the API; data channels take the next one")
    words.add_argument("--network", default="10.77.0.0/24", help="the hosts' network")
    words.add_argument("--host", action="append", default=[], metavar="NAME=ADDRESS")
    chosen = words.parse_args()

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    hosts: dict[str, tuple[str, Host]] = {}
    for text in chosen.host:
        name, _, address = text.partition("=")
        pid_file = chosen.lab / "hosts" / name / "pid"
        power = [str(chosen.exec.parent / "power"), name]
        hosts[name] = (address, ShellHost([str(chosen.exec), name], pid_file=pid_file, power=power))
    endpoint = Endpoint(port=chosen.port, stream_port=chosen.port + 1, network=chosen.network)
    endpoint.start()
    endpoint.add_hosts(hosts)
    write_whole(chosen.lab / "instances", (f"{m.name} {m.id}\n" for m in endpoint.machines.all()))
    write_variables(endpoint, chosen.lab / "aws.env")
    ended.wait()
    endpoint.close()


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """The file appears whole, or not at all."""
    draft = path.with_suffix(".new")
    draft.write_text("".join(lines))
    os.replace(draft, path)


def write_variables(endpoint: Endpoint, path: Path) -> None:
    """What a shell reads."""
    root = endpoint.credentials.root
    variables = {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": root.access_key,
        "AWS_SECRET_ACCESS_KEY": root.secret_key,
        "AWS_REGION": endpoint.region,
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    write_whole(path, (f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))


if __name__ == "__main__":
    main()
