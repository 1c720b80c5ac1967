"""Awkward files, locks and runs on a host of the lab: the numbered cases of a list of 25, and sshd's reload."""

import json
import subprocess

import pytest

from hosts import ACCESS, apply, entry, is_let_in, line, run_step, stamps, state, tamper, unused
from lab import run, wait_until


@pytest.fixture
def newcomer(lab, scratch_user, teardown):
    """A user who may reach the first host and has no account there yet; at the end the host is as the directory says."""
    teardown.callback(apply, lab, lab.host1)
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    return user


@pytest.mark.parametrize("content", ["999999", "$$", ""], ids=["a dead process", "a live process", "empty"])
def test_stale_lock_file(lab, newcomer, teardown, content):
    """23: lock files that the shadow tools left behind are in nobody's way; only the system's lock counts."""
    for name in ("passwd", "group", "shadow", "gshadow"):
        lab.lab_exec(lab.host1, "sh", "-c", f"printf '%s' \"{content.replace('$$', '1')}\" >/etc/{name}.lock")
        teardown.callback(lab.lab_exec, lab.host1, "rm", "-f", f"/etc/{name}.lock")
    assert entry(apply(lab, lab.host1), newcomer)[0] == "created"


@pytest.mark.limit(60)
def test_lock_that_is_held(lab, newcomer, start):
    """23: while a program of the host holds the system's lock, applying waits, gives up, says so and has changed nothing."""
    code = "import ctypes, time; assert ctypes.CDLL(None).lckpwdf() == 0; print('held', flush=True); time.sleep(60)"
    holder = start(lab.exec_words(lab.host1, "python3", "-c", code), stdout=subprocess.PIPE, env=lab.environment())
    assert holder.stdout.readline() == b"held\n"
    before = stamps(lab, lab.host1)
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert done.status != 0 and b"another program holds the account files" in done.out + done.err
    assert stamps(lab, lab.host1) == before


def test_read_only(lab, newcomer, teardown):
    """24: where /etc cannot be written nothing is half done, the command fails, and the next one makes it good."""
    lab.lab_exec(lab.host1, "mount", "--bind", "/etc", "/etc")
    teardown.callback(lab.lab_exec, lab.host1, "umount", "/etc", check=False)
    lab.lab_exec(lab.host1, "mount", "-o", "remount,bind,ro", "/etc")
    before = stamps(lab, lab.host1)
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert done.status != 0 and b"Read-only file system" in done.out + done.err
    assert stamps(lab, lab.host1) == before
    assert state(lab, lab.host1, newcomer)["state"] == "missing"
    lab.lab_exec(lab.host1, "umount", "/etc")
    assert entry(apply(lab, lab.host1), newcomer)[0] == "created"


@pytest.mark.parametrize("length", [0, 1, 100, -1], ids=["empty", "a brace", "cut", "without its end"])
def test_truncated_state(lab, length):
    """Also: of a wanted state that does not arrive whole nothing is done."""
    before = stamps(lab, lab.host1)
    wanted = {"schema": 1, "generation": 10**9, "range": [20000, 59999], "accept_env": [], "users": [], "groups": [],
              "certificate_authority": "ssh-ed25519 AAAA"}
    status, report = run_step(lab, lab.host1, wanted, length=length)
    assert status == 40 and report["errors"] and report["changed"] is False
    assert stamps(lab, lab.host1) == before


def test_older_directory(lab, teardown):
    """Also: a directory that was put back to an older state, or is empty, locks nobody out: the host refuses it."""
    lab.gatehouse("account", "apply", lab.host1)
    change = "UPDATE counters SET value = value + ? WHERE name = 'generation'"
    tamper(lab, (change, -1))
    teardown.callback(tamper, lab, (change, 1))
    before = stamps(lab, lab.host1)
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert done.status != 0 and b"is older than" in done.out + done.err
    assert stamps(lab, lab.host1) == before
    assert lab.ssh("true").status == 0


def test_sudo_reads_our_file(lab, scratch_user):
    """Also: sudo ignores files with a dot in their names; ours has none, whatever the users are called."""
    user = scratch_user(grant=["--host", lab.host1, "--sudo"])
    assert lab.ssh("sudo -n id -u", user=user).out == b"0\n"
    names = lab.lab_exec(lab.host1, "ls", "-A", "/etc/sudoers.d").out.decode().split()
    assert [name for name in names if "gatehouse" in name] == ["gatehouse"]


@pytest.mark.limit(60)
def test_two_at_once(lab, newcomer, start):
    """Also: two runs at a host at once take turns; both are content, and the account files are sound."""
    words = [lab.variables["GATEHOUSE"], "account", "apply", lab.host1]
    checks = (("pwck", "-r", "-q"), ("grpck", "-r"))
    before = [lab.lab_exec(lab.host1, *tool, check=False).out for tool in checks]
    both = [start(words, env=lab.environment()) for _ in range(2)]
    registry = json.loads(lab.lab_exec(lab.host1, "cat", "/etc/gatehouse/managed.json").out)
    assert [process.wait(30) for process in both] == [0, 0]
    assert line(lab, lab.host1, "passwd", newcomer) and registry["schema"] == 1
    assert [lab.lab_exec(lab.host1, *tool, check=False).out for tool in checks] == before


# sshd's reload


@pytest.fixture
def breakable(lab, teardown):
    """Makes the first host's sshd one that ends when it reads a drop-in with a certain name in it, which no test of the
    configuration shows."""
    real, name = "/usr/sbin/sshd", unused("breaks")
    script = (f"#!/bin/bash\ncase \" $* \" in *' -T '*|*' -t '*) ;; *) grep -q {name} /etc/ssh/sshd_config.d/10-gatehouse.conf "
              f"&& exit 1 ;; esac\nexec -a {real} {real}.real \"$@\"\n")
    lab.lab_exec(lab.host1, "sh", "-c", f"cp -p {real} {real}.real && cat >{real}.new && chmod 755 {real}.new && "
                 f"mv {real}.new {real}", input=script)

    def mend():
        lab.lab_exec(lab.host1, "userdel", name, check=False)
        # The one that runs bears the name of the copy: its successor does not.
        lab.lab_exec(lab.host1, "sh", "-c", f"mv {real}.real {real} && kill -KILL $(cat /run/sshd.pid)")
        wait_until(lambda: lab.ssh("true").status == 0, "sshd", 20)
        apply(lab, lab.host1)

    teardown.callback(mend)
    return name


@pytest.mark.limit(120)
def test_reload_that_breaks(lab, breakable, scratch_user):
    """A drop-in with which sshd does not come up again is rolled back: sshd answers as before, and the command says so.
    Logins leave it alone from then on, and who asks for it has it tried again."""
    drop_in = "/etc/ssh/sshd_config.d/10-gatehouse.conf"
    lab.gatehouse("account", "apply", lab.host1)
    before = lab.lab_exec(lab.host1, "cat", drop_in).out
    lab.lab_exec(lab.host1, "useradd", "-M", "-u", "4100", breakable)
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    words = (done.out + done.err).decode()
    assert done.status != 0
    assert "sshd does not answer on " in words and "127.0.0.1 port 22" in words, words
    assert f"the former {drop_in} is back, and sshd answers with it" in words, words
    assert lab.lab_exec(lab.host1, "cat", drop_in).out == before
    assert lab.ssh("true").status == 0

    daemon, mark = lab.lab_exec(lab.host1, "cat", "/run/sshd.pid").out, lab.mark()
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    assert lab.ssh("id -un", user=user).out.decode() == f"{user}\n", "its account is made just in time"
    told = lab.wait_event(mark, "account.failed", host=lab.host1)["detail"]["reason"]
    assert "it keeps the former ones; they are tried again after an hour" in told, told
    assert lab.lab_exec(lab.host1, "cat", "/run/sshd.pid").out == daemon, "its sshd was left alone"

    # The one that runs now bears the name of the copy, so the step does not take it for sshd and tells it nothing.
    lab.gatehouse("account", "apply", lab.host1)
    assert breakable.encode() in lab.lab_exec(lab.host1, "cat", drop_in).out
    lab.lab_exec(lab.host1, "userdel", breakable)
    apply(lab, lab.host1)
    assert lab.lab_exec(lab.host1, "cat", drop_in).out == before


@pytest.mark.limit(90)
def test_reload_that_somebody_else_broke(lab, teardown):
    """Where the host's own settings keep sshd from coming up, the message says that it is not ours to mend."""
    path, name = "/etc/ssh/sshd_config.d/50-site.conf", unused()
    taken = "ListenAddress 192.0.2.1\n"
    lab.lab_exec(lab.host1, "sh", "-c", f"cat >{path}", input=taken)

    def mend():
        lab.lab_exec(lab.host1, "rm", "-f", path)
        lab.lab_exec(lab.host1, "userdel", name, check=False)
        wait_until(lambda: lab.ssh("true").status == 0, "sshd", 20)
        apply(lab, lab.host1)

    teardown.callback(mend)
    lab.lab_exec(lab.host1, "useradd", "-M", "-u", "4101", name)
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    words = (done.out + done.err).decode()
    assert done.status != 0 and "does not answer either" in words, words


def test_root_of_another_host(lab, make_key):
    """A certificate for root on one host is refused by root's sshd on the other."""
    key, authority = make_key(), lab.path.parent / "state/user_ca"
    statuses = {}
    for host in lab.hosts:
        words = ["ssh-keygen", "-q", "-s", authority, "-I", "x", "-n", f"gatehouse-root@{lab.host1}", "-V", "+5m"]
        assert run([*words, f"{key}.pub"]).status == 0
        words = ["ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]
        words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        statuses[host] = run([*words, f"root@{lab.addresses[host]}", "true"]).status
    assert statuses == {lab.host1: 0, lab.host2: 255}


def test_every_user_has_one_line(lab, newcomer):
    """The host's lists hold exactly the directory's users, each once."""
    apply(lab, lab.host1)
    people = lab.lab_exec(lab.host1, "cat", ACCESS["certificate"]).out.decode().split()
    assert newcomer in people and len(people) == len(set(people))
    wanted = {row["user"] for row in lab.rows("account", "status", lab.host1) if row["state"] == "ok" and row["user"]}
    assert set(people) == wanted
    assert is_let_in(lab, lab.host1, newcomer)
