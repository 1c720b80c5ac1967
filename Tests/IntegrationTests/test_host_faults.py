"""The step that makes accounts on a host: locks, races, kills and broken file systems. Needs root, no lab and no network."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from machine import BAD_INPUT, BUSY, CHANGED, FAILED, GROUP, PASSWD, SHADOW, UNCHANGED, group, user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")


@pytest.mark.parametrize("content", ["", "1", "999999"])
def test_stale_lock_files(machine, content):
    """Lock files of the shadow tools do not matter; the lock of the system does."""
    (machine.etc / "passwd.lock").write_text(content)
    machine.apply(machine.state(user()), CHANGED)


@pytest.mark.limit(60)
def test_account_files_are_locked(machine):
    """While another program holds the account files, the step waits, gives up and has changed nothing."""
    holder = subprocess.Popen(machine.words(sys.executable, "-c", (
        "import ctypes, time; assert ctypes.CDLL(None).lckpwdf() == 0; print('held', flush=True); time.sleep(60)")),
        stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        report = machine.apply(machine.state(user()), BUSY)
        assert "another program" in report["errors"][0]
        assert machine.line("passwd", "alice") is None
    finally:
        holder.kill()
        holder.wait()


def test_read_only(machine):
    """On a file system that cannot be written nothing is half done."""
    before = machine.contents()
    report = machine.apply(machine.state(user()), FAILED, read_only=True)
    assert report["errors"] and machine.contents() == before


def test_immutable_file(machine):
    """With one of the files made immutable, none of them is changed."""
    if subprocess.run(["chattr", "+i", machine.etc / "passwd"], capture_output=True).returncode != 0:
        pytest.skip("the file system knows no immutable files")
    try:
        report = machine.apply(machine.state(user()), FAILED)
        assert "/etc/passwd cannot be written" in report["errors"][0]
        assert (machine.etc / "group").read_bytes() == GROUP
    finally:
        subprocess.run(["chattr", "-i", machine.etc / "passwd"], check=True)


KILLED = """
import os, signal
points = %d
def deadly(name, real):
    def call(*arguments, **more):
        global points
        if name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR):
            return real(*arguments, **more)
        points -= 1
        if points == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)
    setattr(os, name, call)
for name in ("rename", "unlink", "mkdir", "open", "fchown", "fchmod", "chown", "chmod", "symlink"):
    deadly(name, getattr(os, name))
"""


@pytest.mark.limit(600)
def test_killed_anywhere(machine, tmp_path_factory):
    """Killed before any of its changes, a change of everything ends the same after the next run."""
    first = machine.state(user("bob", 20001, keys=["ssh-ed25519 AAAA"], sudo=True), groups=[group("bob")])
    second = machine.state(user(keys=["ssh-ed25519 AAAA"], sudo=True), groups=[group("alice")], generation=2)
    second["accept_env"] = ["LANG"]
    machine.apply(first, CHANGED)
    start = tmp_path_factory.mktemp("start")
    for folder in ("etc", "home"):
        subprocess.run(["cp", "-a", machine.folder / folder, start], check=True)
    machine.apply(second, CHANGED)
    wanted, point = machine.contents(), 0
    while True:
        point += 1
        for folder in ("etc", "home"):
            shutil.rmtree(machine.folder / folder)
            subprocess.run(["cp", "-a", start / folder, machine.folder], check=True)
        words, state = machine.step_words(KILLED % point), json.dumps(second).encode()
        killed = subprocess.run(words, input=state, capture_output=True)
        if killed.returncode == CHANGED:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        for name, before in (("passwd", PASSWD), ("shadow", SHADOW), ("group", GROUP)):
            assert (machine.etc / name).read_bytes().startswith(before)
        if machine.line("passwd", "alice"):
            assert machine.line("shadow", "alice") and machine.line("group", "alice")
        machine.apply(second)
        assert machine.contents() == wanted, f"killed at {point}"
        if point % 5 == 0:
            machine.apply(second, UNCHANGED)
    assert point > 40


@pytest.mark.limit(120)
def test_race_with_useradd(machine):
    """Accounts that `useradd` makes at the same time are all there at the end, and so are Gatehouse's."""
    script = "for i in $(seq 12); do useradd -M -K UID_MIN=1001 -u $((1100+i)) local$i || exit 1; done"
    other = subprocess.Popen(machine.words("sh", "-c", script))
    for count in range(1, 13):
        users = [user(f"u{number}", 20000 + number) for number in range(count)]
        machine.apply(machine.state(*users, generation=count), CHANGED)
    assert other.wait() == 0
    for number in range(1, 13):
        assert machine.line("passwd", f"local{number}") and machine.line("passwd", f"u{number - 1}")
    machine.assert_sound()


def test_two_runs_at_once(machine):
    """Two runs take turns; the newer directory wins, whichever comes first."""
    states = [machine.state(user(), generation=1), machine.state(user(), user("bob", 20001), generation=2)]
    runs = []
    for state in states * 3:
        process = subprocess.Popen(machine.step_words(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(json.dumps(state).encode())
        process.stdin.close()
        runs.append(process)
    assert {process.wait() for process in runs} <= {UNCHANGED, CHANGED, BAD_INPUT}
    for process in runs:
        process.stdout.close()
    assert machine.is_let_in("bob")
    machine.assert_sound()


OVERTAKEN = """
import os
make = os.makedirs
def makedirs(path, *others, **more):
    make(path)
    return make(path, *others, **more)
os.makedirs = makedirs
"""


def test_another_run_makes_the_folder_first(machine):
    """The folder in which runs take turns may be made by two of them at the same moment."""
    machine.apply(machine.state(user()), CHANGED, prelude=OVERTAKEN)
    assert machine.is_let_in("alice")
