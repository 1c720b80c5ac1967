"""The step that makes accounts on a host: sshd's settings, and who gets in with them. Needs root, no lab and no network."""

import json
import os
import shutil
import signal
import subprocess

import pytest

from machine import CHANGED, CONFLICTS, FAILED, UNCHANGED, Daemon, results, user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")


def test_sshd_does_not_include(machine):
    """Without the Include in sshd's configuration the report says what to write where."""
    machine.configure_sshd()
    report = machine.apply(machine.state(user()), FAILED)
    assert "Include /etc/ssh/sshd_config.d/*.conf" in report["errors"][0]
    assert results(report) == {"alice": "created"}


def test_sshd_other_file_wins(machine):
    """A file that sets the same before ours is reported."""
    (machine.etc / "ssh/sshd_config.d/05-site.conf").write_text("Match User *\n    TrustedUserCAKeys /etc/ssh/site.pub\n")
    assert "TrustedUserCAKeys" in machine.apply(machine.state(user()), FAILED)["errors"][0]


def test_sshd_is_rolled_back(machine):
    """A configuration that sshd does not take goes back to the one before, and comes when the fault is gone."""
    machine.apply(machine.state(user()), CHANGED)
    ours = machine.etc / "ssh/sshd_config.d/10-gatehouse.conf"
    before = ours.read_bytes()
    machine.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf", "NoSuchKeyword yes")
    state = machine.state(user())
    state["accept_env"] = ["OTHER"]
    report = machine.apply(state, FAILED)
    assert "NoSuchKeyword" in report["errors"][0] or "nosuchkeyword" in report["errors"][0].lower()
    assert ours.read_bytes() == before
    machine.configure_sshd("Include /etc/ssh/sshd_config.d/*.conf")
    assert machine.apply(state, CHANGED)["sshd"]["changed"] is True
    assert b"AcceptEnv OTHER" in ours.read_bytes()


def test_a_rehearsal_while_settings_rest(machine):
    """Settings with which sshd did not come up are left alone by logins for an hour; what only looks says what there is to do."""
    state = machine.state(user())
    state["accept_env"] = ["OTHER"]
    machine.apply(state, CHANGED)
    ours = machine.etc / "ssh/sshd_config.d/10-gatehouse.conf"
    refused = machine.etc / "ssh/gatehouse/.refused-settings"
    broken = ours.read_bytes()
    machine.apply(machine.state(user()), CHANGED)
    refused.write_bytes(broken)
    refused.chmod(0o600)
    before = machine.contents()
    assert "did not come up" in machine.apply(state, FAILED)["errors"][0]
    report = machine.apply({**state, "rehearsal": True}, CHANGED)
    assert report["sshd"]["changed"] is True and f"/etc/ssh/sshd_config.d/{ours.name}: contents" in report["files"]
    assert machine.contents() == before
    machine.apply({**state, "insists": True}, CHANGED)
    assert ours.read_bytes() == broken and not refused.exists()


@pytest.fixture(params=["UsePAM yes", "UsePAM no"])
def daemon(machine, request):
    daemon = Daemon(machine, request.param)
    yield daemon
    daemon.stop()


def reload_and_wait(daemon, state, expect):
    report = daemon.machine.apply(state, expect)
    daemon.wait()
    return report


@pytest.mark.limit(60)
def test_logins(machine, daemon):
    """The running sshd takes certificates and keys of Gatehouse's users, of nobody else, and not of locked ones."""
    with (machine.etc / "passwd").open("ab") as file:
        file.write(b"local:x:1500:1000::/home/local:/bin/sh\ncarol:x:1501:1000::/home/carol:/bin/sh\n")
    with (machine.etc / "shadow").open("a") as file:
        file.write("local:*:19000:0:99999:7:::\ncarol:*:19000:0:99999:7:::\n")
    for name, uid in (("local", 1500), ("alice", 20000)):
        (machine.home / name / ".ssh").mkdir(parents=True)
        shutil.copy(machine.folder / "other.pub", machine.home / name / ".ssh/authorized_keys")
        subprocess.run(["chown", "-R", str(uid), machine.home / name], check=True)
        subprocess.run(["chmod", "-R", "go-w", machine.home / name], check=True)
    key = (machine.folder / "alice.pub").read_text().strip()
    state = machine.state(user(keys=[key]), user("carol", 20001))
    report = reload_and_wait(daemon, state, CONFLICTS)
    assert report["sshd"] == {"changed": True, "reloaded": True}

    assert daemon.login("alice", certificate=False) == "alice", "the user's own key, for jumps"
    assert daemon.login("alice", "other") == "", "a key that the user put into the home"
    assert daemon.login("local", "other") == "local", "the host's own account with its own key"
    daemon.certify("alice")
    (machine.etc / "ssh/gatehouse/keys").write_text("")
    assert daemon.login("alice") == "alice", "a certificate"
    daemon.certify("carol")
    assert daemon.login("carol") == "", "a certificate for an account that is not Gatehouse's"
    daemon.certify("root")
    assert daemon.login("root") == ""

    machine.apply(machine.state(generation=2))
    daemon.certify("alice")
    assert daemon.login("alice") == "", "a certificate of a locked account"
    (machine.etc / "ssh/gatehouse/people").write_text("alice\n")
    assert daemon.login("alice") == "", "the account itself has expired, too"


@pytest.mark.limit(60)
def test_reload_that_was_missed(machine):
    """A run that was killed between writing sshd's file and telling sshd is made good by the next."""
    daemon = Daemon(machine)
    try:
        prelude = "import os, signal\nreal = os.kill\nos.kill = lambda pid, number: real(os.getpid(), signal.SIGKILL)"
        killed = subprocess.run(machine.step_words(prelude), input=json.dumps(machine.state(user())).encode())
        assert killed.returncode == -signal.SIGKILL
        assert machine.apply(machine.state(user()), CHANGED)["sshd"] == {"changed": False, "reloaded": True}
        daemon.wait()
        daemon.certify("alice")
        assert daemon.login("alice") == "alice"
        assert machine.apply(machine.state(user()), UNCHANGED)["sshd"] == {"changed": False, "reloaded": False}
    finally:
        daemon.stop()
