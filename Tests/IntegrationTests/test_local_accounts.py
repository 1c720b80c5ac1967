"""Accounts of the gateway's own machine (`--accounts local`), on a private /etc and /home with an sshd of its own."""

import os
from pathlib import Path

import pytest

from gateway import Gateway
from lab import run
from machine import Daemon

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")


@pytest.fixture
def here(lab, machine, tmp_path, teardown, make_key):
    """A gateway that runs on that machine, and has it as its only host."""
    daemon = Daemon(machine, "UsePAM yes")
    teardown.callback(daemon.stop)
    folder = tmp_path / "gateway"
    folder.mkdir()
    # Without a command its words are what comes before one.
    gateway = Gateway(lab, folder, make_key(), {}, prefix=machine.words())
    teardown.callback(gateway.end)
    gateway("host", "add", "self", "--address", f"127.0.0.1:{daemon.port}", "--key", machine.etc / "ssh/key.pub",
            "--accounts", "local")
    return gateway


@pytest.mark.limit(90)
def test_local_accounts(machine, here):
    """The first login makes the account, a second run finds nothing to do, a lock shuts out; nothing else sees any of it."""
    number = here.add("it-ann", "self")
    first = run(here.ssh_words("it-ann", "self", "id -u; pwd"))
    assert first.out.decode().split() == [str(number), "/home/it-ann"], first.err.decode()
    assert machine.line("passwd", "it-ann")[2:4] == [str(number)] * 2
    assert machine.is_let_in("it-ann") and (machine.home / "it-ann").stat().st_uid == number
    assert here("account", "apply", "self").out.decode().endswith("self: nothing changed, 1 users\n")

    here.add("it-ben", "self")
    assert "it-ben" in here("account", "plan", "self").out.decode()
    assert machine.line("passwd", "it-ben") is None
    here("account", "apply", "--all")
    assert machine.line("passwd", "it-ben")

    here("user", "lock", "it-ann")
    here("account", "apply", "self")
    assert machine.line("shadow", "it-ann")[1:8:6] == ["!*", "1"]
    assert run(here.ssh_words("it-ann", "self", "true")).status == 255
    assert b"it-" not in Path("/etc/passwd").read_bytes()
    machine.assert_sound()
