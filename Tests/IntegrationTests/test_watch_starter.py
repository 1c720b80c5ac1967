"""The watcher's programs on a host without systemd: started, kept running, and ended, by the step that installs them."""

import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
STEPS = [TOP / "Sources/Watchers/WatchStep", TOP / "Sources/Accounts/HostStep"]

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount"), pytest.mark.limit(60)]

#: Runs as the first process of its own namespaces, with empty folders where the host's are.
SCRIPT = r"""
import os, signal, subprocess, sys, time
sys.path += sys.argv[1:]
import services

def running(verb):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open("/proc/%s/cmdline" % pid, "rb").read().split(b"\0")
        except OSError:
            continue
        if words[1:3] == [services.PROGRAM.encode(), verb.encode()]:
            found.append(int(pid))
    return found

def wait(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

for folder in ("/usr/local", "/run", "/var/log"):
    subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
os.makedirs("/usr/local/sbin")
os.makedirs("/usr/local/libexec")
with open(services.PROGRAM, "w") as file:
    file.write("#!/bin/sh\nexec >>/run/started\necho $1\nsleep 1000\n")
os.chmod(services.PROGRAM, 0o755)
services.PENDING_RESTART = "/run/restart-pending"
verbs = [verb for verb, _, _ in services.SERVICES]
assert not services.has_systemd()
assert services.start(True) == ["started " + verb for verb in verbs]
wait(lambda: all(len(running(verb)) == 1 for verb in verbs))
wait(lambda: services.states() == {verb: "active" for verb in verbs})
assert services.start(False) == [], "what runs is left alone"
first = running("watch")[0]
os.kill(first, signal.SIGKILL)
wait(lambda: running("watch") and running("watch") != [first])
before = {verb: services.loop_of(verb) for verb in verbs}
services.start(True)
wait(lambda: all(services.loop_of(verb) not in (None, before[verb]) for verb in verbs))
wait(lambda: all(len(running(verb)) == 1 for verb in verbs))
# As after a boot: nothing is in /run, and whoever starts the host runs the loop.
services.stop()
services.put(services.STARTER, services.LOOP, 0o755)
subprocess.run(["umount", "-l", "/run"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
subprocess.Popen(["/bin/sh", services.STARTER, "ship"], start_new_session=True)
wait(lambda: services.states()["ship"] == "active" and len(running("ship")) == 1)
assert services.stop() == ["stopped ship"]
wait(lambda: not any(running(verb) for verb in verbs))
assert not os.path.exists(services.STARTER)
print("done")
"""


def test_without_systemd():
    words = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "python3", "-B", "-c", SCRIPT]
    done = subprocess.run([*words, *map(str, STEPS)], capture_output=True, text=True, timeout=55)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
