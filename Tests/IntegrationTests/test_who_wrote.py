"""Who wrote it: person, host, program and session of each write, within two seconds, however it was done."""

import json
import os
import secrets
import time

import pytest

from lab import run, wait_until
from test_watchers import TREE, watching

#: The program behind `sh` here.
SHELL = os.path.basename(os.path.realpath("/bin/sh"))


@pytest.fixture
def path(lab, teardown):
    """A path in the shared tree where nothing is."""
    for host in lab.hosts:
        watching(lab, host)
    path = f"{TREE}/who-{secrets.token_hex(4)}"
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", path)
    return path


def writers(lab, path):
    """The last writers by the book, newest first."""
    result = lab.gatehouse("file", "who", path, "--json", check=False)
    if result.status != 0:
        return []
    return json.loads(result.out)["file"]["writers"]


def written(lab, path, count=1, within=2.0):
    """Waits until the book knows so many writes; it may take two seconds and not more."""
    began = time.monotonic()
    found = wait_until(lambda: len(writers(lab, path)) >= count and writers(lab, path), f"{count} writers of {path}", 15)
    assert time.monotonic() - began < within + 1, "it took longer than two seconds"
    return found


#: Whoever is gone before the watcher has looked is known by user and session; these tests want the program, too.
LINGER = "; sleep 1; true"


def session_of(lab, mark, user):
    """The session that a user began after a mark."""
    return lab.wait_event(mark, "session.start", user=user)["session"]


def check(lab, writer, person, host, session, program=None):
    """A writer is who it should be."""
    assert writer["actor"]["person"] == person, writer
    assert writer["host"] == host, writer
    assert writer["session"] == session, writer
    if program:
        assert program in (writer["actor"]["executable"] or writer["actor"]["command"]), writer


def test_by_ssh(lab, path):
    """A shell command."""
    mark = lab.mark()
    assert lab.ssh(f"echo 1 >{path}{LINGER}").status == 0
    check(lab, written(lab, path)[0], "alice", lab.host1, session_of(lab, mark, "alice"), "bash")


def test_by_sftp(lab, path, tmp_path):
    """A file that is uploaded through the gateway."""
    (tmp_path / "file").write_text("2")
    mark = lab.mark()
    words = lab.ssh_words(program="sftp", options=["-b", "-"])
    assert run(words, input=f"put {tmp_path}/file {path}\n!sleep 1\n").status == 0
    check(lab, written(lab, path)[0], "alice", lab.host1, session_of(lab, mark, "alice"), "sftp-server")


def test_by_sudo(lab, path, teardown):
    """As root, and told as who it is."""
    grant = lab.gatehouse("grant", "add", "--user", "alice", "--host", lab.host1, "--sudo").out.split()[1].decode()
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1)
    teardown.callback(lab.gatehouse, "grant", "remove", grant)
    lab.gatehouse("account", "apply", lab.host1)
    mark = lab.mark()
    assert lab.ssh(f"sudo -n sh -c 'echo 3 >{path}{LINGER}'").status == 0
    writer = written(lab, path)[0]
    check(lab, writer, "alice", lab.host1, session_of(lab, mark, "alice"), SHELL)
    assert writer["actor"]["uid"] == 0 and writer["actor"]["origin"] == "switched-user"


def test_after_the_logout(lab, path):
    """A detached process, when its session is long over."""
    mark = lab.mark()
    assert lab.ssh(f"setsid sh -c 'sleep 2; echo 4 >{path}{LINGER}' >/dev/null 2>&1 </dev/null &").status == 0
    session = session_of(lab, mark, "alice")
    lab.wait_event(mark, "session.end", session=session)
    lab.lab_exec(lab.host1, "sh", "-c", f"until test -e {path}; do sleep 0.02; done")
    check(lab, written(lab, path)[0], "alice", lab.host1, session, SHELL)


def test_through_a_jump(lab, path):
    """Through `ssh -J`, where the host sees no certificate of the gateway."""
    mark = lab.mark()
    assert lab.ssh(f"echo 5 >{path}{LINGER}", alias=f"jump-{lab.host1}").status == 0
    check(lab, written(lab, path)[0], "alice", lab.host1, session_of(lab, mark, "alice"), "bash")


def test_from_the_other_host(lab, path):
    """Bob appends to what Alice wrote, elsewhere; both are told, the last one first."""
    mark = lab.mark()
    assert lab.ssh(f"echo 6 >{path}{LINGER}").status == 0
    alices = session_of(lab, mark, "alice")
    written(lab, path)
    mark = lab.mark()
    assert lab.ssh(f"echo 7 >>{path}{LINGER}", alias=lab.host2, user="bob").status == 0
    found = wait_until(
        lambda: [w for w in writers(lab, path) if w["actor"] and w["actor"]["person"] == "bob"], "Bob's write", 10)
    check(lab, found[0], "bob", lab.host2, session_of(lab, mark, "bob"), "bash")
    check(lab, [w for w in writers(lab, path) if w["actor"]["person"] == "alice"][0], "alice", lab.host1, alices, "bash")
    assert writers(lab, path)[0]["actor"]["person"] == "bob"
