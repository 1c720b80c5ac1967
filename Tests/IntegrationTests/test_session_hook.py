"""`gatehouse-watch session-hook`, called as PAM calls it: what it notes of a login, and whose writes are told by it then."""

import os
import subprocess
from pathlib import Path

import pytest
from test_watch import PROGRAM, disk, watched  # noqa: F401

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root can watch and mount"), pytest.mark.limit(60)]
SESSION, LOGIN = "01J5ZKQ3T8WXY", 3210
CONNECTION = "192.0.2.9 40123 192.0.2.1 22"


@pytest.fixture
def certificate(tmp_path):
    """Gives what sshd says of a login with a certificate of a key id."""
    for name in ("ca", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)

    def make(key_id):
        words = ["ssh-keygen", "-q", "-s", tmp_path / "ca", "-I", key_id, "-n", "alice", tmp_path / "user.pub"]
        subprocess.run(words, check=True)
        return "publickey " + " ".join((tmp_path / "user-cert.pub").read_text().split()[:2])

    return make


def login(watched, variables, command, number=LOGIN):
    """Runs a command in a login session of its own after the hook, as a login does; gives the hook's status and remarks."""
    def begin():
        if number is not None:
            Path("/proc/self/loginuid").write_text(str(number))

    script = f'"{PROGRAM}" session-hook --settings "{watched.settings}"; status=$?; {command}; exit $status'
    environment = {"PATH": os.environ["PATH"], "PAM_TYPE": "open_session", "PAM_USER": "alice", **variables}
    return subprocess.run(["/bin/sh", "-c", script], preexec_fn=begin, env=environment, capture_output=True, text=True, timeout=30)


def actor_of(watched, name):
    """Who made a file, as the watcher tells it."""
    watched.settle()
    return next(event["actor"] for event in watched.events() if event["path"] == name)


def test_writes_of_a_login_are_of_its_session(watched, certificate):  # noqa: F811
    watched.start()
    variables = {"SSH_AUTH_INFO_0": certificate(f"gatehouse:{SESSION}:alice") + "\n", "SSH_CONNECTION": CONNECTION}
    done = login(watched, variables, f"cat /proc/self/sessionid; touch {watched.tree}/one; setsid touch {watched.tree}/two")
    assert (done.returncode, done.stderr) == (0, "")
    folder = watched.runtime / "sessions"
    assert folder.stat().st_mode & 0o777 == 0o700
    record = folder / done.stdout
    assert record.stat().st_mode & 0o777 == 0o600
    lines = dict(line.split(" ", 1) for line in record.read_text().splitlines())
    assert (lines["login"], lines["user"], lines["session"], lines["connection"]) == (str(LOGIN), "alice", SESSION, CONNECTION)
    for name in ("one", "two"):
        actor = actor_of(watched, name)
        assert (actor["login"], actor["session"]) == (LOGIN, SESSION)


@pytest.mark.parametrize("key_id", [None, "alice", f"gatehouse:{SESSION}:bob", "gatehouse:accounts:alice"])
def test_other_logins_have_their_connection_alone(watched, certificate, key_id):  # noqa: F811
    watched.start()
    information = certificate(key_id) if key_id else "publickey ssh-ed25519 AAAA"
    done = login(watched, {"SSH_AUTH_INFO_0": information, "SSH_CONNECTION": CONNECTION}, f"touch {watched.tree}/one")
    assert (done.returncode, done.stderr) == (0, "")
    actor = actor_of(watched, "one")
    assert "session" not in actor and actor["connection"] == CONNECTION


def test_ends_of_sessions_are_passed_over(watched, certificate):  # noqa: F811
    watched.start()
    done = login(watched, {"PAM_TYPE": "close_session", "SSH_AUTH_INFO_0": certificate(f"gatehouse:{SESSION}:alice")}, "true")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (watched.runtime / "sessions").exists()


def test_says_what_is_missing(watched, certificate):  # noqa: F811
    information = {"SSH_AUTH_INFO_0": certificate(f"gatehouse:{SESSION}:alice")}
    if int(Path("/proc/self/loginuid").read_text()) == 2**32 - 1:
        done = login(watched, information, "true", number=None)
        assert done.returncode == 69 and "pam_loginuid.so" in done.stderr
    watched.settings.unlink()
    done = login(watched, information, "true")
    assert done.returncode != 0 and str(watched.settings) in done.stderr
