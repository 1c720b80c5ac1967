"""A second gateway for tests and benchmarks that begin with an empty directory."""

import json
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from lab import free_port, record, rows, run, wait_until

#: Outside of what the lab's own directory gives out, so that both can be on the hosts at a time.
NUMBERS = range(42_000, 57_000)


class Gateway:
    """A gateway beside the lab's, with a directory of its own that is empty."""

    def __init__(self, lab, folder, key, environment, settings=(), prefix=(), address="127.0.0.1", state=None):
        """`settings` replace those below; `prefix` is a command that runs the daemon, in namespaces of its own for example.

        `state` is the folder of a gateway that is gone: the new one goes on with a copy of it.
        """
        self.lab, self.key, self.port, self.address, self.state = lab, key, free_port(), address, folder / "state"
        self.configuration = folder / "gatehouse.conf"
        # A socket's path must be short.
        self.runtime = Path(f"/tmp/gh-{secrets.token_hex(4)}")
        lines = [
            f"ListenAddress {address}:{self.port}", f"StateDirectory {self.state}", f"RuntimeDirectory {self.runtime}",
            "SessionUser 63022", "TunnelUser 63023", f"UidRange {NUMBERS[0]}-{NUMBERS[-1]}", "DriftCheckInterval 0", "AWSAgentTimeout 3s",
            "InventoryRefreshInterval 0",
        ]
        others = {line.split()[0] for line in settings}
        lines = [line for line in lines if line.split()[0] not in others] + list(settings)
        self.configuration.write_text("\n".join(lines) + "\n")
        self.environment = {**lab.environment(), **environment, "GATEHOUSE_CONFIG": str(self.configuration)}
        self.environment = {name: value for name, value in self.environment.items() if value is not None}
        if state:
            shutil.copytree(state, self.state)
        else:
            self("init", "--admin", "root-admin", "--key", f"{key}.pub")
        self.prefix, self.log_path = prefix, folder / "log"
        self.start()

    def start(self):
        """Starts the daemon, where it is not there or has ended."""
        words = [*self.prefix, self.lab.program("gatehoused"), "-f", self.configuration]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in words], env=self.environment, cwd="/", start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        wait_until(lambda: self("user", "list", check=False).status == 0, "the second gateway's answer")

    def log_text(self):
        """All that the daemon has said."""
        return self.log_path.read_text(errors="replace")

    def __call__(self, *words, check=True, **more):
        """Runs `gatehouse` for this gateway."""
        result = run([self.lab.program("gatehouse"), *words], env=self.environment, **more)
        if check:
            assert result.status == 0, f"{words}: {result.out.decode()} {result.err.decode()}"
        return result

    def rows(self, *words):
        """The rows of a listing."""
        return rows(json.loads(self(*words, "--json").out))

    def session_pids(self):
        """The processes of this gateway's sessions."""
        return self.lab.session_pids(self.state)

    def add(self, name, *hosts):
        """A user who may reach hosts; their key is the gateway's one."""
        self("user", "add", name)
        self("key", "add", name, f"{self.make_key(name)}.pub")
        for host in hosts:
            self("grant", "add", "--user", name, "--host", host)
        return int(record(json.loads(self("user", "show", name, "--json").out))["uid"])

    def make_key(self, name):
        path = self.configuration.with_name(f"key-{name}")
        assert run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]).status == 0
        return path

    def ssh_words(self, name, host, *words):
        """A login through this gateway."""
        options = ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=no", "LogLevel=ERROR",
                   "UserKnownHostsFile=/dev/null"]
        flags = [word for option in options for word in ("-o", option)]
        key = self.configuration.with_name(f"key-{name}")
        return ["ssh", "-F", "none", *flags, "-i", key, "-p", self.port, "-l", f"{name}+{host}", self.address, *words]

    def end(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        shutil.rmtree(self.runtime, ignore_errors=True)
