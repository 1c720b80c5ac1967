"""The system's own passwords by pam_unix, with the stack that Gatehouse installs, on a private /etc."""

import os
import shutil

import pytest

from gateway import Gateway
from lab import TOP, run
from passwords import capabilities, events, ssh

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")

PASSWORD = "correct-horse"


def hashed(secret):
    done = run(["openssl", "passwd", "-6", "-stdin"], input=f"{secret}\n".encode())
    return done.out.decode().strip()


def add_account(machine, name, number, secret, last_change=19_000, longest=99_999):
    with open(machine.etc / "passwd", "a") as file:
        file.write(f"{name}:x:{number}:{number}::/home/{name}:/bin/bash\n")
    with open(machine.etc / "shadow", "a") as file:
        file.write(f"{name}:{hashed(secret)}:{last_change}:0:{longest}:7:::\n")


@pytest.fixture
def start(lab, machine, tmp_path, teardown, make_key):
    """Starts a gateway with the unit's capabilities and more."""
    shutil.copy(TOP / "pam/gatehouse", machine.etc / "pam.d/gatehouse")
    os.chown(machine.etc / "shadow", 0, 42)
    folder = tmp_path / "gateway"
    folder.mkdir()

    def started(*more):
        settings = ["AuthenticationMethods pam", "PasswordLogin yes", "MaxFailuresPerAddress 0"]
        gateway = Gateway(
            lab, folder, make_key(), {}, settings, prefix=machine.words(*capabilities(*more)))
        teardown.callback(gateway.end)
        return gateway

    return started


@pytest.mark.limit(120)
def test_system_passwords(machine, start, tmp_path):
    """Right and wrong passwords, a name that Gatehouse has not, and an expired password that is changed."""
    # An administrator who wants passwords changed gives the daemon CAP_CHOWN and a writable /etc: docs/operations.md.
    here = start("chown")

    def status(name, *answers):
        words = ["-o", "PreferredAuthentications=keyboard-interactive"]
        return ssh(here, name, "whoami", answers=answers, tmp=tmp_path, key=False, options=words).status

    for number, name in enumerate(("it-ann", "it-ben", "it-dan"), start=42_100):
        add_account(machine, name, number, PASSWORD, 0 if name == "it-ben" else 19_000)
    here("user", "add", "it-ann")
    here("user", "add", "it-ben")
    assert status("it-ann", PASSWORD) == 0, here("event", "list").out.decode()
    assert status("it-ann", "wrong") == 255
    # The password is right, but it is nobody's that Gatehouse knows.
    assert status("it-dan", PASSWORD) == 255
    fresh = "fresh-Staple-7"
    before = machine.line("shadow", "it-ben")
    assert status("it-ben", PASSWORD, PASSWORD, fresh, "something-Else-7") == 255
    assert machine.line("shadow", "it-ben") == before
    assert status("it-ben", PASSWORD, PASSWORD, fresh, fresh) == 0
    assert machine.line("shadow", "it-ben") != before
    assert (machine.etc / "shadow").stat().st_gid == 42
    assert status("it-ben", fresh) == 0


@pytest.mark.limit(60)
def test_unchangeable_password(machine, start, tmp_path):
    """With the unit's capabilities passwords are looked at, and an expired one cannot be changed: the log says so."""
    here = start()
    here("user", "add", "it-ann")
    here("user", "add", "it-ben")
    add_account(machine, "it-ann", 42_100, PASSWORD)
    add_account(machine, "it-ben", 42_101, PASSWORD, 0)
    assert ssh(here, "it-ann", "whoami", answers=[PASSWORD], tmp=tmp_path, key=False).status == 0
    options = ["-o", "PreferredAuthentications=keyboard-interactive"]
    answers = [PASSWORD, PASSWORD, "fresh-Staple-7", "fresh-Staple-7"]
    done = ssh(here, "it-ben", "whoami", answers=answers, tmp=tmp_path, key=False, options=options)
    assert done.status == 255
    assert "token manipulation" in events(here, "auth.rejected", "it-ben")[-1]["detail"]["reason"]
