"""The processes of a gateway: their CPU time, their memory, and their end."""

import ctypes
import os
import pathlib
import signal
import time

CPUACCT = pathlib.Path("/sys/fs/cgroup/cpuacct")
PROC = pathlib.Path("/proc")


class Failure(Exception):
    """Something is not there or does not work: one line for a person."""


class Group:
    """The processes of one gateway: their CPU time and memory.

    Uses a cpuacct control group where there is one; without it, the tree below the daemon.
    """

    def __init__(self, name, base=None):
        self.base = base
        self.borrowed = {}
        self.path = CPUACCT / f"gatehouse-bench-{os.getpid()}-{name}"
        try:
            self.path.mkdir()
        except OSError:
            self.path = None

    def enter(self):
        """For a child between fork and exec."""
        if self.path:
            (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def borrow(self, pid):
        """Takes in a running process, with the group that it goes back to."""
        if not self.path:
            return
        for line in (PROC / str(pid) / "cgroup").read_text().splitlines():
            _, controllers, where = line.split(":", 2)
            if "cpuacct" in controllers.split(","):
                self.borrowed[pid] = CPUACCT / where.lstrip("/")
        (self.path / "cgroup.procs").write_text(str(pid))

    def pids(self):
        if self.path:
            return [int(word) for word in (self.path / "cgroup.procs").read_text().split()]
        return descendants(self.base)

    def cpu_seconds(self):
        if self.path:
            return int((self.path / "cpuacct.usage").read_text()) / 1e9
        ticks = 0
        for pid in self.pids():
            fields = stat_fields(pid)
            ticks += sum(int(word) for word in fields[11:15]) if fields else 0
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self, kill_all):
        """Removes the group.

        - kill_all: end what is left in it; else hand it back to where the borrowed processes came from.
        """
        if not self.path:
            return
        home = next(iter(self.borrowed.values()), CPUACCT)
        for _ in range(100):
            left = self.pids()
            if not left:
                break
            for pid in left:
                if kill_all:
                    kill(pid)
                else:
                    move(pid, home)
            time.sleep(0.02)
        try:
            self.path.rmdir()
        except OSError:
            pass


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def move(pid, group):
    try:
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        pass


def adopt_orphans():
    """Sessions of an sshd that has ended become children of this process, which reaps them at the end."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def reap_orphans():
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.02)
        except ChildProcessError:
            return


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name: state, parent, …; None when the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def descendants(root):
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := stat_fields(entry.name)):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += parents.get(pid, [])
    return found


def pss_kib(pid):
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def executable(pid):
    try:
        return os.readlink(PROC / str(pid) / "exe").removesuffix(" (deleted)")
    except OSError:
        return ""


def listener(port, name):
    """The process called `name` that listens on this TCP port of this network namespace."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in (PROC / "net" / table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{words[9]}]")
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or pathlib.Path(executable(entry.name)).name != name:
            continue
        for descriptor in (entry / "fd").iterdir():
            try:
                if os.readlink(descriptor) in inodes:
                    return int(entry.name)
            except OSError:
                continue
    raise Failure(f"no {name} listens on port {port}; is the lab up?")
