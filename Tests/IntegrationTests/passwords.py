"""A gateway that asks PAM, with stacks of the tests' own."""

import contextlib
import os
import time
from pathlib import Path
from types import SimpleNamespace

import clients
from gateway import Gateway
from lab import TOP, run

MATRIX = next(Path("/usr/lib").glob("*/pam_wrapper/pam_matrix.so"), None)
UNIT = TOP / "systemd/gatehoused.service"

#: Of the stacks: by name.
PASSWORDS = {"alice": "correct horse", "bob": "battery staple", "carol": "locked out", "nobody": "known to PAM alone"}
PINS = {"alice": "4711", "bob": "4712", "nobody": "4713"}


def capabilities(*more):
    """The command that runs a program with the capabilities that systemd's unit leaves it, and more."""
    line = next(line for line in UNIT.read_text().splitlines() if line.startswith("CapabilityBoundingSet="))
    names = [name.removeprefix("CAP_").lower() for name in line.partition("=")[2].split()]
    names += more
    return ["setpriv", "--no-new-privs", "--bounding-set", ",".join(["-all", *(f"+{name}" for name in names)])]


class Stacks:
    """A folder of PAM stacks; the gateway's is `gatehouse`."""

    def __init__(self, folder):
        self.folder = folder / "pam.d"
        self.folder.mkdir()
        self.passwords = self.database("passwords", PASSWORDS)
        self.pins = self.database("pins", PINS)

    def database(self, name, entries):
        path = self.folder.parent / name
        path.write_text("".join(f"{user}:{secret}:gatehouse\n" for user, secret in entries.items()))
        return path

    def matrix(self, kind, database, *words):
        return f"{kind} required {MATRIX} passdb={database} {' '.join(words)}".rstrip()

    def use(self, *lines):
        """Puts a stack in force: each conversation reads it anew."""
        fresh = self.folder / "fresh"
        fresh.write_text("\n".join(lines) + "\n")
        fresh.rename(self.folder / "gatehouse")

    def use_password(self, *before):
        self.use(*before, self.matrix("auth", self.passwords), "account required pam_permit.so",
                 "password required pam_deny.so")

    def use_two_questions(self):
        self.use(self.matrix("auth", self.passwords), "auth optional pam_echo.so A number comes next.",
                 self.matrix("auth", self.pins, "echo"), "account optional pam_echo.so Welcome.",
                 "account required pam_permit.so", "password required pam_deny.so")

    def use_expired(self):
        """A good password that is to be changed."""
        self.use(self.matrix("auth", self.passwords), "account required pam_debug.so acct=new_authtok_reqd",
                 self.matrix("password", self.passwords))


def make_gateway(lab, folder, methods, *settings):
    key = folder / "key-root-admin"
    assert run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).status == 0
    stacks = Stacks(folder)
    stacks.use_password()
    made = Gateway(lab, folder, key, {}, [
        f"AuthenticationMethods {methods}", f"PAMServiceDirectory {stacks.folder}", "MaxFailuresPerAddress 0", *settings,
    ], prefix=capabilities())
    return made, stacks


def ssh(here, name, *words, answers=(), tmp=None, source="127.0.0.1", key=True, options=()):
    """The stock client, which types `answers` one after the other."""
    line = [str(word) for word in here.ssh_words(name, "gate", *words)]
    line[line.index("BatchMode=yes")] = "NumberOfPasswordPrompts=1"
    if not key:
        at = line.index("-i")
        line[at:at + 2] = ["-o", "PubkeyAuthentication=no"]
    helper = tmp / f"askpass-{time.monotonic_ns()}"
    queue = helper.with_suffix(".answers")
    queue.write_text("".join(f"{answer}\n" for answer in answers))
    asked = helper.with_suffix(".asked")
    helper.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{asked}'\nhead -n 1 '{queue}'\nsed -i 1d '{queue}'\n")
    helper.chmod(0o700)
    environment = {**os.environ, "SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
    done = run([*line[:1], "-o", f"BindAddress={source}", *options, *line[1:]], env=environment)
    return SimpleNamespace(
        status=done.status, out=done.out, err=done.err, asked=asked.read_text() if asked.exists() else "")


@contextlib.contextmanager
def transport(here, source="127.0.0.1"):
    """A paramiko transport to that gateway."""
    with clients.transport(SimpleNamespace(gateway_host=here.address, gateway_port=here.port), source) as made:
        yield made


def private_key(here, name):
    return clients.private_key(here.configuration.with_name(f"key-{name}"))


def helpers(here):
    """The processes that talk with PAM for this gateway, by number."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            program = os.readlink(entry / "exe")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if program.endswith("/gatehouse-pam") and parent == here.process.pid:
            found.append(int(entry.name))
    return found


def events(here, kind, user=None):
    rows = here.rows("event", "list", "--limit", "1000")
    return [row for row in rows if row["kind"] == kind and user in (None, row["user"])]
