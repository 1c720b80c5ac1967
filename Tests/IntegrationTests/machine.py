"""A machine for the step that makes accounts: a private /etc and /home, and if need be an sshd of its own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

STEP = Path(__file__).parents[2] / "Sources/Accounts/HostStep"
UNCHANGED, CHANGED, CONFLICTS, BUSY, BAD_INPUT, FAILED = 0, 10, 20, 30, 40, 50
PASSWD = b"""\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
ec2-user:x:1000:1000:\xe9\x0b\xe2\x80\xa8:/home/ec2-user:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
SHADOW = b"root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nsshd:!:19000::::::\nec2-user:*:19000:0:99999:7:::\n"
SHADOW += b"nobody:*:19000:0:99999:7:::\n"
GROUP = b"root:x:0:\ndaemon:x:1:\nshadow:x:42:\nec2-user:x:1000:\nnogroup:x:65534:\n"
GSHADOW = b"root:*::\ndaemon:*::\nshadow:*::\nec2-user:!::\nnogroup:*::\n"


class Machine:
    """A private /etc and /home below a folder; every command sees them in a mount namespace of its own."""

    def __init__(self, folder):
        self.folder, self.etc, self.home = folder, folder / "etc", folder / "home"
        self.home.mkdir()
        self.etc.mkdir()
        for name in ("pam.d", "security", "ld.so.cache", "ld.so.conf", "nsswitch.conf", "login.defs", "alternatives",
                     "shells", "default", "sudoers", "pam.conf", "environment", "hosts", "localtime"):
            source = Path("/etc", name)
            if source.is_dir():
                shutil.copytree(source, self.etc / name, symlinks=True)
            elif source.exists():
                shutil.copy2(source, self.etc / name)
        for name, data, mode in (("passwd", PASSWD, 0o644), ("group", GROUP, 0o644), ("shadow", SHADOW, 0o640),
                                 ("gshadow", GSHADOW, 0o640)):
            (self.etc / name).write_bytes(data)
            (self.etc / name).chmod(mode)
        for name in ("ssh/sshd_config.d", "sudoers.d", "skel/.config"):
            (self.etc / name).mkdir(parents=True)
        (self.etc / "skel/.profile").write_text("# yours\n")
        (self.etc / "skel/.config/deep").write_text("deep\n")
        (self.etc / "skel/link").symlink_to(".profile")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.etc / "ssh/key"], check=True)
        self.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf")
        self.authority = folder / "ca"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.authority], check=True)

    def configure_sshd(self, *lines):
        text = "\n".join([*lines, "HostKey /etc/ssh/key", f"PidFile {self.folder}/sshd.pid", ""])
        (self.etc / "ssh/sshd_config").write_text(text)

    def words(self, *command, read_only=False):
        script = 'set -e; mkdir -p /run/sshd; mount --bind "$0/home" /home; mount --bind "$0/etc" /etc; '
        script += 'mount -o remount,bind,ro /etc; exec "$@"' if read_only else 'exec "$@"'
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(self.folder), *map(str, command)]

    def run(self, *command, check=True, **more):
        return subprocess.run(self.words(*command), check=check, capture_output=True, **more)

    def step_words(self, prelude="", **more):
        return self.words(sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(STEP)!r})\n"
                          f"sys.dont_write_bytecode = True\n{prelude}\nimport apply", **more)

    def apply(self, state, expect=None, prelude="", **more):
        """Runs the step; its report with the exit status in it."""
        data = state if isinstance(state, bytes) else json.dumps(state).encode()
        done = subprocess.run(self.step_words(prelude, **more), input=data, capture_output=True)
        assert done.stdout.count(b"\n") == 1, (done.returncode, done.stdout, done.stderr.decode())
        report = json.loads(done.stdout)
        report["status"] = done.returncode
        assert expect is None or done.returncode == expect, report
        return report

    def state(self, *users, groups=(), generation=1):
        return {
            "schema": 1, "generation": generation, "range": [20000, 59999], "accept_env": ["LANG", "LC_*"],
            "certificate_authority": self.authority.with_suffix(".pub").read_text().strip(),
            "users": list(users), "groups": list(groups),
        }

    def line(self, file, name):
        lines = (self.etc / file).read_bytes().split(b"\n")
        found = [line.decode() for line in lines if line.split(b":")[0] == name.encode()]
        return found[0].split(":") if found else None

    def lines(self, file):
        """The lines of a file below /etc; none where there is no such file."""
        path = self.etc / file
        return path.read_text().splitlines() if path.exists() else []

    def is_let_in(self, name):
        return name in self.lines("ssh/gatehouse/people")

    def keys_of(self, name):
        return [line.split(" ", 1)[1] for line in self.lines("ssh/gatehouse/keys") if line.split()[0] == name]

    def may_become_root(self, name):
        return any(line.split()[0] == name for line in self.lines("sudoers.d/gatehouse"))

    def contents(self):
        """Every file below /etc and /home with what it holds and whose it is."""
        found = {}
        for path in sorted([*self.etc.rglob("*"), *self.home.rglob("*")]):
            status = path.lstat()
            data = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(self.folder))] = (data, status.st_mode, status.st_uid, status.st_gid)
        return found

    def stamps(self):
        paths = sorted([*self.etc.rglob("*"), *self.home.rglob("*")])
        return [(str(path), path.lstat().st_ino, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in paths]

    def assert_sound(self):
        """pwck and grpck have nothing to say."""
        for tool in (("pwck", "-r", "-q"), ("grpck", "-r")):
            done = self.run(*tool, check=False)
            words = (done.stdout + done.stderr).decode()
            words = [w for w in words.splitlines() if not re.search("directory .* does not exist|no changes", w)]
            assert words == [], words


def user(name="alice", uid=20000, **more):
    kinds = {"name": name, "uid": uid, "gid": uid, "full_name": "", "home": f"/home/{name}", "shell": "/bin/sh",
             "sudo": False, "keys": [], "restrictions": []}
    return {**kinds, **more}


def group(*members, name="lab", gid=30000):
    return {"name": name, "gid": gid, "members": list(members)}


def results(report, kind="users"):
    return {entry["name"]: entry["result"] for entry in report[kind]}


def reason(report, name="alice"):
    return next(entry["reason"] for entry in report["users"] if entry["name"] == name)


class Daemon:
    """A real sshd on the machine's private /etc."""

    def __init__(self, machine, *lines):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.machine = machine
        machine.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf", f"ListenAddress 127.0.0.1:{self.port}",
                               "PasswordAuthentication no", *lines)
        self.process = subprocess.Popen(machine.words("/usr/sbin/sshd", "-D", "-e"), stderr=subprocess.PIPE)
        for name in ("alice", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", machine.folder / name], check=True)
        self.wait()

    def wait(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                    if client.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("sshd does not answer")

    def certify(self, principal):
        subprocess.run(["ssh-keygen", "-q", "-s", self.machine.authority, "-I", "test", "-n", principal, "-V", "+5m",
                        self.machine.folder / "alice.pub"], check=True)

    def login(self, name, key="alice", certificate=True):
        words = ["ssh", "-F", "none", "-p", str(self.port), "-i", self.machine.folder / key, "-o", "BatchMode=yes",
                 "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                 "-o", "LogLevel=ERROR"]
        if not certificate:
            (self.machine.folder / "alice-cert.pub").unlink(missing_ok=True)
        done = subprocess.run([*words, f"{name}@127.0.0.1", "id -un"], capture_output=True, timeout=20,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.machine.folder)})
        return done.stdout.decode().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


def change(machine, file, old, new):
    """Edits an account file as somebody with an editor would."""
    text = (machine.etc / file).read_text("latin-1")
    assert old in text
    (machine.etc / file).write_text(text.replace(old, new), "latin-1")
