"""A gateway that asks for a one-time code besides the key, its people, and their clients."""

import contextlib
import json
import os
import time
from types import SimpleNamespace

import pytest

import clients
from gateway import Gateway
from lab import run
from totp import Enrolment, Terminal

GRACE = 3_600


@pytest.fixture(scope="module")
def here(lab, tmp_path_factory):
    """A gateway that asks for a code besides the key, and has the people of these tests."""
    folder = tmp_path_factory.mktemp("factors")
    key = folder / "key-root-admin"
    assert run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).status == 0
    made = Gateway(lab, folder, key, {}, [
        "AuthenticationMethods publickey,totp", f"SecondFactorGraceTime {GRACE}s", "MaxFailuresPerAddress 0"])
    try:
        for name in ("alice", "bob", "carol", "dora", "ellen", "frank"):
            made.add(name)
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def people(here):
    """Their enrolments, made over SSH."""
    made = {}

    def enrolled(name):
        if name not in made:
            terminal = Terminal(here.ssh_words(name, "gate", "-tt", "totp", "enrol"))
            made[name] = Enrolment(terminal)
        return made[name]

    return enrolled


def ssh(here, name, target, *words, source="127.0.0.1", answer=None, tmp=None, options=()):
    """The stock client; `answer` is what it types when it is asked."""
    line = [str(word) for word in here.ssh_words(name, target, *words)]
    environment = dict(os.environ)
    if answer is not None:
        line[line.index("BatchMode=yes")] = "NumberOfPasswordPrompts=1"
        helper = tmp / f"askpass-{time.monotonic_ns()}"
        helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
        helper.chmod(0o700)
        environment |= {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
    return run([*line[:1], "-o", f"BindAddress={source}", *options, *line[1:]], env=environment)


@contextlib.contextmanager
def transport(here, source="127.0.0.1"):
    """A paramiko transport to that gateway."""
    with clients.transport(SimpleNamespace(gateway_host=here.address, gateway_port=here.port), source) as made:
        yield made


def private_key(here, name):
    return clients.private_key(here.configuration.with_name(f"key-{name}"))


def events(here, kind, user=None):
    """The events of a kind, the newest last."""
    rows = here.rows("event", "list", "--limit", "1000")
    return [row for row in rows if row["kind"] == kind and user in (None, row["user"])]


def recovery_codes_left(here, name):
    """How many recovery codes somebody still has."""
    return json.loads(here("totp", "status", name, "--json").out)["recovery_codes"]
