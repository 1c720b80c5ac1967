"""The step that puts the watcher on a host, where something fails half-way; needs root, no lab and no network."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
STEPS = [TOP / "Sources/Watchers/WatchStep", TOP / "Sources/Accounts/HostStep"]
UNCHANGED, CHANGED, CONFLICTS, FAILED = 0, 10, 20, 50
VERBS = ("watch", "scan", "ship")
STARTED = [f"started gatehouse-{verb}.service" for verb in VERBS]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")

SYSTEMCTL = """#!/bin/sh
echo "$@" >>/run/systemctl.log
case " $* " in
*" $(cat /run/fails 2>/dev/null || echo none) "*) echo "it does not want to"; exit 1 ;;
*" is-enabled "*) [ -e "/run/enabled-$2" ] ;;
*" enable "*) touch "/run/enabled-$3" ;;
*" is-active "*) [ -e "/run/active-$3" ] ;;
*" start "* | *" restart "*) touch "/run/active-$2" ;;
esac
"""
SSH = """#!/bin/sh
[ -e /run/fetched ] && cat /run/fetched
"""


class WatchedHost:
    """A private /etc and what else the step writes, with a systemd and a gateway that are played."""

    def __init__(self, machine):
        self.machine = machine
        self.root = machine.folder / "root"
        self.folders = {"/run": machine.folder / "run", "/usr/local": machine.folder / "local",
                        "/var/spool": machine.folder / "spool", "/var/lib": machine.folder / "lib", "/root": self.root}
        for folder in self.folders.values():
            folder.mkdir()
        self.run = self.folders["/run"]
        (self.run / "systemd/system").mkdir(parents=True)
        (self.run / "sshd").mkdir()
        (machine.etc / "systemd/system").mkdir(parents=True)
        self.settings = machine.etc / "gatehouse-watch/watch.conf"
        self.pending = machine.etc / "gatehouse-watch/restart-pending"
        (self.folders["/usr/local"] / "bin").mkdir()
        for name, text in (("systemctl", SYSTEMCTL), ("ssh", SSH)):
            self.give(self.folders["/usr/local"] / "bin" / name, text)
        self.offer("1.0")

    @staticmethod
    def give(path, text):
        path.write_text(text)
        path.chmod(0o755)

    def offer(self, version):
        """What the gateway gives to who fetches the program."""
        self.program = f"#!/bin/sh\necho gatehouse-watch {version}\n".encode()
        (self.run / "fetched").write_bytes(self.program)

    def fail(self, word):
        """systemctl fails from now on where it is told this; None: it works."""
        (self.run / "fails").write_text(word or "none")

    def step(self, expect, prelude="", **wanted):
        """Runs an action; its report."""
        binds = "".join(f'mount --bind "{source}" {target}; ' for target, source in self.folders.items())
        code = f"import sys\nsys.path += {[str(step) for step in STEPS]!r}\nsys.dont_write_bytecode = True\n{prelude}\nimport install"
        words = self.machine.words("sh", "-c", f'set -e; {binds}exec "$@"', "sh", sys.executable, "-c", code)
        done = subprocess.run(words, input=json.dumps(wanted).encode(), capture_output=True,
                              env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})
        assert done.stdout.count(b"\n") == 1, (done.returncode, done.stdout, done.stderr.decode())
        report = json.loads(done.stdout)
        assert done.returncode == expect, report
        return report

    def prepare(self, settings, expect=CHANGED, way="Gateway 10.0.0.1:22", **more):
        return self.step(expect, action="prepare", known_hosts="gatehouse-gateway ssh-ed25519 AAAA\n", trees="Tree /t\n",
                         **{"watch.conf": f"Host h1\n{way}\n{settings}"}, **more)

    def install(self, prepared, expect=CHANGED, prelude=""):
        """The second step, as the gateway asks for it after the first."""
        digest = hashlib.sha256(self.program).hexdigest()
        return self.step(expect, prelude, action="install", sha256=digest, is_new=bool(prepared["done"]))

    def told(self):
        """What systemctl was told since the last time, apart from questions."""
        log = self.run / "systemctl.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line for line in lines if " is-" not in f" {line}"]


@pytest.fixture
def host(machine):
    host = WatchedHost(machine)
    host.install(host.prepare(""))
    assert not host.pending.exists()
    assert host.install(host.prepare("", UNCHANGED), UNCHANGED)["done"] == []
    host.told()
    return host


RESTARTS = [f"restart gatehouse-{verb}.service" for verb in VERBS]


def assert_done(host, settings):
    """Nothing is left to do."""
    assert not host.pending.exists()
    host.told()
    assert host.install(host.prepare(settings, UNCHANGED), UNCHANGED)["done"] == []
    assert host.told() == []


@pytest.mark.limit(60)
def test_a_restart_that_failed_is_made_good(host):
    """Settings that the watcher was not started with are not forgotten, though the next call finds nothing to change."""
    host.fail("restart")
    assert "it does not want to" in host.install(host.prepare("SpoolLimit 99999999\n"), FAILED)["errors"][0]
    assert host.pending.stat().st_mode & 0o777 == 0o600
    host.fail(None)
    host.told()
    assert host.install(host.prepare("SpoolLimit 99999999\n", UNCHANGED))["done"] == STARTED
    assert host.told() == ["daemon-reload", *RESTARTS]
    assert_done(host, "SpoolLimit 99999999\n")


@pytest.mark.limit(60)
def test_a_step_that_never_came_is_made_good(host):
    """Where the gateway ended between the two steps, the next call starts the watcher with what the first one wrote."""
    host.prepare("SpoolLimit 99999999\n")
    assert host.install(host.prepare("SpoolLimit 99999999\n", UNCHANGED))["done"] == STARTED
    assert_done(host, "SpoolLimit 99999999\n")


@pytest.mark.limit(60)
def test_trees_whose_restart_failed(host):
    """The trees of a host, told again after a failure, are those that the watcher walks."""
    host.fail("restart")
    host.step(FAILED, action="trees", trees="Tree /other\n")
    assert "Tree /other\n" in host.settings.read_text()
    host.fail(None)
    host.told()
    assert host.step(UNCHANGED, action="trees", trees="Tree /other\n")["changed"] is False
    assert host.told() == ["daemon-reload", *RESTARTS]
    host.step(UNCHANGED, action="trees", trees="Tree /other\n")
    assert host.told() == []


@pytest.mark.limit(60)
@pytest.mark.parametrize("what", ["program", "unit"])
def test_what_came_and_was_not_started(host, what):
    """A new program, or a unit put right, is started by a later call if its own could not."""
    unit = host.machine.etc / "systemd/system/gatehouse-watch.service"
    if what == "program":
        host.offer("2.0")
    else:
        unit.write_text("[Unit]\n")
    host.fail("restart")
    host.install(host.prepare("", UNCHANGED), FAILED)
    host.fail(None)
    host.told()
    assert host.install(host.prepare("", UNCHANGED))["done"] == STARTED
    assert host.told() == ["daemon-reload", *RESTARTS]
    assert "ExecStart=" in unit.read_text()
    assert_done(host, "")


#: The step's own pauses are written down instead of waited for; what it calls waits as ever.
NOTES_PAUSES = """
import time
real = time.sleep
def sleep(seconds):
    if sys._getframe(1).f_globals["__name__"] != "install":
        return real(seconds)
    with open("/run/pauses", "a") as file:
        print(seconds, file=file)
time.sleep = sleep
"""


@pytest.mark.limit(60)
def test_fetching_is_tried_again_at_another_time(host):
    """Hosts that are turned away together do not come back together."""
    host.offer("2.0")
    (host.run / "fetched").unlink()
    pauses = set()
    for _ in range(3):
        assert "cannot be fetched" in host.install({"done": []}, FAILED, NOTES_PAUSES)["errors"][0]
        first, second, third = map(float, (host.run / "pauses").read_text().split())
        assert first == 0 and 1 <= second <= 4 and 2 <= third <= 8
        pauses |= {second, third}
        (host.run / "pauses").unlink()
    assert len(pauses) == 6


LINE = 'cert-authority,principals="gatehouse-fetch@h1" ssh-ed25519 AAAA'
OURS = f'restrict,command="/bin/sh /usr/local/libexec/gatehouse-watch-fetch",{LINE} gatehouse-watch-fetch\n'


@pytest.fixture
def keys(host):
    """Root's authorized keys, with one of the host's own that has no line end."""
    keys = host.root / ".ssh/authorized_keys"
    keys.parent.mkdir()
    keys.write_text("ssh-ed25519 BBBB admin@h1")
    return keys


def fetched(host, expect=CHANGED):
    return host.prepare("", expect, "Fetched yes", fetch_line=LINE)


@pytest.mark.limit(60)
def test_the_gateway_fetches(host, keys):
    """It is let in by one line that runs one script; the program comes whole or not at all; all of it goes again."""
    report = fetched(host)
    assert {"authorized_keys", "fetch", "watch.conf"} <= set(report["done"]) and report["program"]
    assert keys.read_text() == "ssh-ed25519 BBBB admin@h1\n" + OURS and keys.stat().st_mode & 0o777 == 0o644
    assert fetched(host, UNCHANGED)["done"] == []
    guard = host.folders["/usr/local"] / "libexec/gatehouse-watch-fetch"
    for command in ("", "sh", "deliver; id", "program x"):
        done = subprocess.run(["sh", guard], env={"SSH_ORIGINAL_COMMAND": command}, capture_output=True)
        assert done.returncode == 64 and not done.stdout, command

    host.offer("2.0")
    brought = host.machine.etc / "gatehouse-watch/program"
    brought.write_bytes(host.program[:-1])
    assert "did not come whole" in host.install(report, FAILED)["errors"][0]
    assert not brought.exists()
    brought.write_bytes(host.program)
    host.told()
    done = host.install(report)["done"]
    assert done == ["program", "removed gatehouse-ship.service", *STARTED[:2]]
    assert host.told()[:1] == ["--quiet disable --now gatehouse-ship.service"]
    assert not brought.exists() and not (host.machine.etc / "systemd/system/gatehouse-ship.service").exists()
    assert host.step(UNCHANGED, action="status")["services"]["ship"] == "not fetched"

    (host.run / "active-gatehouse-ship.service").unlink(missing_ok=True)
    assert {"authorized_keys", "fetch"} <= set(host.prepare("")["done"])
    assert keys.read_text() == "ssh-ed25519 BBBB admin@h1\n" and not guard.exists()


@pytest.mark.limit(60)
@pytest.mark.parametrize("setting", ["PermitRootLogin", "PubkeyAuthentication"])
def test_an_sshd_that_lets_no_root_in(host, keys, setting):
    """It is said before root's keys are changed."""
    host.machine.configure_sshd(f"{setting} no")
    assert f"set {setting} to " in fetched(host, CONFLICTS)["errors"][0]
    assert keys.read_text() == "ssh-ed25519 BBBB admin@h1"


@pytest.mark.limit(60)
def test_root_s_keys_are_a_link(host, keys):
    """Nothing is put in a link's place, and nothing is half done: the watcher is what it was."""
    real = keys.with_name("real")
    keys.rename(real)
    keys.symlink_to(real)
    assert "is a link" in fetched(host, CONFLICTS)["errors"][0]
    assert keys.is_symlink() and real.read_text() == "ssh-ed25519 BBBB admin@h1"
    assert "Fetched" not in (host.machine.etc / "gatehouse-watch/watch.conf").read_text()


@pytest.mark.limit(60)
def test_keys_that_lie_elsewhere(host):
    """The line goes where sshd looks, which may be a folder that there is not yet."""
    host.machine.configure_sshd("AuthorizedKeysFile /etc/keys/%u")
    fetched(host)
    assert (host.machine.etc / "keys/root").read_text() == OURS
    assert not (host.root / ".ssh").exists()
