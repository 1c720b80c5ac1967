"""Runs the services of the lab's hosts, as systemd would on each: supervisor.py LAB_ROOT HOST...

A host's `systemctl` writes requests into a pipe of its own. What watches files must see the processes of the whole machine, so it runs
in the host's file system (a view of it with the machine's /proc) but in the machine's other namespaces; everything else runs in
the host as if started there.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

#: Services that need to see all processes of the kernel.
OUTSIDE = {"gatehouse-watch.service"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RESTART_DELAY = 1.0
STOP_PATIENCE = 5.0
libc = ctypes.CDLL(None)


class Service:
    """One unit on one host: wanted or not, running or not."""

    def __init__(self, host, unit):
        self.host, self.unit = host, unit
        self.process = None
        self.wanted = False
        self.due = 0.0

    def command(self):
        """What the unit's file says to run, in the right namespaces."""
        text = self.host.inside("etc/systemd/system", self.unit).read_text()
        words = next(line[10:].split() for line in text.splitlines() if line.startswith("ExecStart="))
        where = ["nsenter", "--target", self.host.pid(), "--mount", "--uts"]
        if self.unit in OUTSIDE:
            where.append(f"--root={self.host.inside('run/lab/outer')}")
        else:
            where += ["--ipc", "--net", "--pid", "--root", "--wd"]
        return [*where, "env", "-i", PATH, "HOME=/root", "LANG=C.UTF-8", f"GATEHOUSE_LAB={self.host.root}", *words]

    def start(self):
        self.wanted = True
        if self.process:
            return
        runtime = self.host.inside("run/gatehouse-watch")
        runtime.mkdir(mode=0o755, exist_ok=True)
        with open(self.host.folder / "services.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=lambda: libc.prctl(1, signal.SIGKILL),
            )
        (self.host.units / "active" / self.unit).write_text(str(self.process.pid))

    def stop(self):
        self.wanted = False
        if not self.process:
            return
        self.tell(signal.SIGTERM)
        try:
            self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.tell(signal.SIGKILL)
            self.process.wait()
        self.ended()

    def tell(self, number):
        """Signals the service itself, behind what brought it into its namespaces."""
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            os.kill(int(children[0]) if children and self.unit not in OUTSIDE else self.process.pid, number)
        except (OSError, ProcessLookupError):
            pass
        if number == signal.SIGKILL:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass

    def ended(self):
        self.process = None
        self.due = time.monotonic() + RESTART_DELAY
        (self.host.units / "active" / self.unit).unlink(missing_ok=True)

    def look(self):
        if self.process and self.process.poll() is not None:
            self.ended()
        if (self.host.folder / "off").exists():
            # The machine is switched off; what is wanted begins again with it.
            if self.process:
                self.stop()
                self.wanted = True
            return
        if self.wanted and not self.process and time.monotonic() >= self.due:
            try:
                self.start()
            except (OSError, StopIteration):
                self.due = time.monotonic() + RESTART_DELAY


class Host:
    """A host's services, and the pipe by which it asks for them."""

    def __init__(self, root, name):
        self.root = root
        self.folder = Path(root) / "hosts" / name
        self.units = self.folder / "units"
        for part in ("answers", "enabled", "active"):
            (self.units / part).mkdir(parents=True, exist_ok=True)
        os.mkfifo(self.units / "requests", 0o600)
        # Both ways, so that it never ends.
        self.pipe = os.open(self.units / "requests", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.services = {}

    def pid(self):
        return (self.folder / "pid").read_text().strip()

    def inside(self, *path):
        """A path of the host's, as it is seen from here."""
        return Path("/proc", self.pid(), "root", *path)

    def serve(self):
        for line in os.read(self.pipe, 65536).decode().splitlines():
            action, unit, number = line.split()
            service = self.services.setdefault(unit, Service(self, unit))
            try:
                if action in ("stop", "restart"):
                    service.stop()
                if action in ("start", "restart"):
                    service.start()
                answer = "ok"
            except (OSError, StopIteration) as error:
                answer = str(error)
            new = self.units / "answers" / f".{number}"
            new.write_text(answer)
            new.rename(self.units / "answers" / number)


def main(root, names):
    hosts = [Host(root, name) for name in names]

    def end(*_):
        for host in hosts:
            for service in host.services.values():
                service.stop()
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    (Path(root) / "supervisor.pid").write_text(str(os.getpid()))
    while True:
        ready, _, _ = select.select([host.pipe for host in hosts], [], [], 0.2)
        for host in hosts:
            if host.pipe in ready:
                host.serve()
            for service in host.services.values():
                service.look()


main(sys.argv[1], sys.argv[2:])
