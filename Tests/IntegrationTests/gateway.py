"""A second gateway for tests and benchmarks that begin with an empty directory."""

import json
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from lab import free_port, record, run, wait_until

#: Outside of what the lab's own directory gives out, so that both can be on the hosts at a time.
NUMBERS = range(42_000, 57_000)


class Gateway:
    """A gateway beside the lab's, with a directory of its own that is empty."""

    def __init__(self, lab, folder, key, environment, settings=(), prefix=()):
        """`settings` replace those below; `prefix` is a command that runs the daemon, in namespaces of its own for example."""
        self.lab, self.key, self.port = lab, key, free_port()
        self.configuration = folder / "gatehouse.conf"
        # A socket's path must be short.
        self.runtime = Path(f"/tmp/gh-{secrets.token_hex(4)}")
        lines = [
            f"ListenAddress 127.0.0.1:{self.port}", f"StateDirectory {folder}/state", f"RuntimeDirectory {self.runtime}",
            "SessionUser 63022", f"UidRange {NUMBERS[0]}-{NUMBERS[-1]}", "DriftCheckInterval 0", "AWSAgentTimeout 3s",
            "InventoryRefreshInterval 0",
        ]
        others = {line.split()[0] for line in settings}
        lines = [line for line in lines if line.split()[0] not in others] + list(settings)
        self.configuration.write_text("\n".join(lines) + "\n")
        self.environment = {**lab.environment(), **environment, "GATEHOUSE_CONFIG": str(self.configuration)}
        self.environment = {name: value for name, value in self.environment.items() if value is not None}
        self("init", "--admin", "root-admin", "--key", f"{key}.pub")
        words = [*prefix, lab.program("gatehoused"), "-f", self.configuration]
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            [str(word) for word in words], env=self.environment, cwd="/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )
        wait_until(lambda: self("user", "list", check=False).status == 0, "the second gateway's answer")

    def __call__(self, *words, check=True, **more):
        """Runs `gatehouse` for this gateway."""
        result = run([self.lab.program("gatehouse"), *words], env=self.environment, **more)
        if check:
            assert result.status == 0, f"{words}: {result.out.decode()} {result.err.decode()}"
        return result

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
        return ["ssh", "-F", "none", *flags, "-i", key, "-p", self.port, "-l", f"{name}+{host}", "127.0.0.1", *words]

    def end(self):
        os.kill(self.process.pid, signal.SIGTERM)
        self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.runtime, ignore_errors=True)
