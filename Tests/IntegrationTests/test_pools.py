"""Pools of hosts: least loaded, sticky, fail-over, drain and a person's own choice, with three hosts."""

import datetime
import json
import os
import pty
import re
import secrets
import select
import signal
import socket
import struct
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from lab import TOP, record, run, wait_until

THIRD = "communal3"


@pytest.fixture(scope="module")
def pool(lab):
    """A pool of the lab's two hosts and a third one, started for these tests; gives its name."""
    script, name = str(TOP / "Tests/Lab/lab"), f"it-{secrets.token_hex(4)}"
    address = lab.addresses[lab.host1].rsplit(".", 1)[0] + ".13"
    with ExitStack() as teardown:
        teardown.callback(run, [script, "remove-host", THIRD], timeout=60)
        started = run([script, "add-host", THIRD], timeout=60)
        assert started.status == 0, started.err.decode()
        key = f"{lab.variables['LAB_ROOT']}/hosts/{THIRD}/ssh_host_ed25519_key.pub"
        lab.gatehouse("host", "add", THIRD, "--address", address, "--key", key)
        teardown.callback(lab.gatehouse, "host", "remove", THIRD, "--yes", check=False)
        lab.gatehouse("pool", "add", name)
        lab.gatehouse("pool", "join", name, lab.host1, lab.host2, THIRD)
        yield name


@pytest.fixture
def person(lab, pool, scratch_user):
    """Makes a user who may reach the pool, with accounts on all of its hosts."""

    def person():
        user = scratch_user(grant=["--pool", pool])
        lab.gatehouse("account", "apply", pool, timeout=60)
        return user

    return person


@pytest.fixture
def setting(lab, teardown):
    """Changes a setting of the daemon until the test is over."""
    path = lab.path.with_name("gatehouse.conf")
    before = path.read_text()

    def reload(text):
        path.write_text(text)
        os.kill(lab.daemon_pid(), signal.SIGHUP)

    def setting(keyword, value):
        text = re.sub(f"^{keyword} .*\n", "", path.read_text(), flags=re.MULTILINE)
        reload(f"{text}{keyword} {value}\n")
        rows = lambda: {row["keyword"]: row["value"] for row in lab.rows("config", "show")}
        wait_until(lambda: rows().get(keyword) == value, f"{keyword} {value}")

    teardown.callback(reload, before)
    return setting


@pytest.fixture
def stay(lab, start):
    """Begins a session that stays, and says on which host it is."""

    def stay(user, target):
        words = login_words(lab, user, target, "cat /etc/hostname; exec sleep 600")
        client = start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return client, client.stdout.readline().decode().strip()

    return stay


def login_words(lab, user, target, *words, options=()):
    login = f"{user}+{target}" if target else user
    return [
        "ssh", "-F", "none", *options, "-i", lab.keys[user], "-p", str(lab.gateway_port), "-l", login,
        "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR",
        "-o", "GlobalKnownHostsFile=/dev/null", "-o", f"UserKnownHostsFile={lab.known_hosts}", lab.gateway_host, *words,
    ]


def place(lab, user, target):
    """On which host a login lands, and what it is told there."""
    result = lab.login(f"{user}+{target}" if target else user, "cat /etc/hostname", key=user)
    return result.out.decode().strip(), result.err.decode().strip()


def shown(lab, host):
    return record(lab.gatehouse_json("host", "show", host))


def link(lab, state):
    """Cuts the third host's cable, or mends it."""
    name = f"gh-lab{lab.variables['LAB_NUMBER']}-3"
    assert run(["ip", "link", "set", name, state]).status == 0


@pytest.mark.limit(90)
def test_least_loaded(lab, pool, person, stay):
    """Three people are spread over the hosts, and each comes back to their own."""
    people = [person() for _ in range(3)]
    places = [stay(user, pool)[1] for user in people]
    assert len(set(places)) == 3, places
    for user, host in zip(people, places):
        assert place(lab, user, pool) == (host, "")
        assert place(lab, user, None) == (host, "")


@pytest.mark.limit(90)
def test_windows_of_one_ide(lab, pool, person):
    """Many connections of one person within a moment land on one host; so do those of another, elsewhere."""
    people = [person(), person()]

    def window(user):
        return user, lab.login(f"{user}+{pool}", "cat /etc/hostname; sleep 3", key=user, timeout=60).out.decode().strip()

    with ThreadPoolExecutor(16) as threads:
        places = set(threads.map(window, people * 8))
    assert len(places) == 2, places
    assert len({host for _, host in places}) == 2


@pytest.mark.limit(120)
def test_service_keeps_place(lab, pool, person, teardown):
    """Whoever has a terminal multiplexer or the server of an IDE on a host comes back to it, without any session there."""
    user, coder = person(), person()
    server = "mkdir -p ~/.vscode-server/bin && cp /bin/sleep ~/.vscode-server/bin/node && setsid -f ~/.vscode-server/bin/node 600 >/dev/null 2>&1"
    begun = lab.login(f"{coder}+{lab.host2}", server, key=coder)
    assert begun.status == 0, begun.err.decode()
    teardown.callback(lab.lab_exec, lab.host2, "pkill", "-U", lab.uid(coder), check=False)
    started = lab.login(f"{user}+{lab.host2}", "tmux -L it new-session -d -s it 'sleep 600'", key=user)
    assert started.status == 0, started.err.decode()
    services = [{"uid": lab.uid(user), "name": "tmux"}, {"uid": lab.uid(coder), "name": "vscode"}]

    def known():
        load = shown(lab, lab.host2)["load"]
        return load and all(service in load["services"] for service in services)

    wait_until(known, "the watcher's word of both", 60)
    assert f"tmux of {user}" in lab.gatehouse("host", "show", lab.host2).out.decode()
    assert place(lab, user, pool) == place(lab, coder, pool) == (lab.host2, "")


@pytest.mark.limit(180)
def test_cut_off(lab, pool, person, setting, stay, teardown):
    """A host that is cut off in mid-session: its session ends with a word, the next login is on another host, with a remark."""
    setting("HostAliveTimeout", "3s")
    user, other, mark = person(), person(), lab.mark()
    assert lab.login(f"{user}+gate", "hosts", "default", THIRD, key=user).status == 0
    client, host = stay(user, None)
    assert host == THIRD
    teardown.callback(link, lab, "up")
    link(lab, "down")

    host, remark = place(lab, user, pool)
    assert host in lab.addresses
    assert remark == f"gatehouse: {THIRD} does not answer: you are on {host}"
    assert place(lab, user, None)[0] in lab.addresses

    out, err = client.communicate(timeout=60)
    assert client.returncode == 255 and out == b""
    assert b"gatehouse: the connection to communal3 was lost" in err
    lab.wait_event(mark, "host.failed", host=THIRD, user=user, timeout=60)

    # Three failures open the breaker: nobody waits for that host any more.
    event = lab.wait_event(mark, "host.health", host=THIRD, timeout=60)
    assert event["detail"]["state"] == "does not answer" and not shown(lab, THIRD)["answers"]
    failures = len(lab.events_after(mark, "host.failed", host=THIRD))
    assert place(lab, user, pool)[1].startswith(f"gatehouse: {THIRD} does not answer")
    assert place(lab, other, pool)[1] == "", "who was not there is told nothing"
    assert len(lab.events_after(mark, "host.failed", host=THIRD)) == failures, "it was not tried"
    assert "does not answer" in lab.gatehouse("host", "list").out.decode()

    link(lab, "up")
    wait_until(lambda: shown(lab, THIRD)["answers"], "the host to be found well", 60)
    assert place(lab, user, pool) == (THIRD, "")


@pytest.mark.limit(120)
def test_health_check(lab, pool, setting, teardown):
    """Hosts of a pool are asked in the background; one whose sshd takes connections and says nothing counts as failing."""
    daemon = lab.lab_exec(THIRD, "cat", "/run/sshd.pid").out.decode().strip()
    teardown.callback(lab.lab_exec, THIRD, "kill", "-CONT", daemon)
    setting("ConnectTimeout", "1s")
    setting("HealthCheckInterval", "1s")
    wait_until(lambda: shown(lab, THIRD)["answers"], "the host to be found well", 60)
    mark = lab.mark()
    lab.lab_exec(THIRD, "kill", "-STOP", daemon)
    event = lab.wait_event(mark, "host.health", host=THIRD, timeout=60)
    assert "no SSH server speaks" in event["detail"]["reason"]
    lab.lab_exec(THIRD, "kill", "-CONT", daemon)
    lab.wait_event(mark, "host.health", host=THIRD, timeout=60, where=lambda it: it["detail"]["state"] == "answers")


@pytest.mark.limit(120)
def test_drain(lab, pool, person, start, teardown, tmp_path):
    """A drained host takes nobody new; who is there is told, may stay until the deadline, and is ended then.

    Whoever has only jumped there, and is back, goes on.
    """
    user, passing, mark = person(), person(), lab.mark()
    shared = ["-o", f"ControlPath={tmp_path / 'master'}"]
    elsewhere = start(
        login_words(lab, passing, lab.host1, "echo ready; exec sleep 600", options=["-M", *shared]), stdout=subprocess.PIPE
    )
    assert elsewhere.stdout.readline() == b"ready\n"
    jump = run(login_words(lab, passing, lab.host1, options=[*shared, "-W", f"{THIRD}:22"]), input=b"SSH-2.0-x\r\n")
    assert jump.out.startswith(b"SSH-2.0-OpenSSH")
    lab.login(f"{user}+gate", "hosts", "default", THIRD, key=user)
    ours, theirs = pty.openpty()
    teardown.callback(os.close, ours)
    client = start(login_words(lab, user, pool, options=["-tt"]), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.set_blocking(ours, False)
    seen = bytearray()

    def says(text):
        try:
            seen.extend(os.read(ours, 65_536))
        except (BlockingIOError, OSError):
            pass
        return text in seen

    wait_until(lambda: lab.upstream_connections(THIRD) > 0 and says(b"$"), "a prompt", 30)
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=20)
    teardown.callback(lab.gatehouse, "host", "undrain", THIRD, check=False)
    drained = lab.gatehouse(
        "host", "drain", THIRD, "--deadline", end.strftime("%Y-%m-%dT%H:%M:%SZ"), "--message", "kernel update"
    )
    assert drained.err == b"" and b"sessions there: 1" in drained.out
    wait_until(lambda: says(b"kernel update"), "the word on the terminal", 30)
    lab.wait_event(mark, "host.drained", host=THIRD)
    assert shown(lab, THIRD)["drain"]["message"] == "kernel update"
    assert "draining until" in lab.gatehouse("host", "list").out.decode()

    host, remark = place(lab, user, pool)
    assert host in lab.addresses
    assert remark == f"gatehouse: {THIRD} takes no new sessions (kernel update): you are on {host}"
    named = lab.login(f"{user}+{THIRD}", "true", key=user)
    assert named.status == 255 and b"takes no new sessions now: kernel update" in named.err

    assert client.wait(60) == 255
    assert datetime.datetime.now(datetime.timezone.utc) >= end - datetime.timedelta(seconds=1)
    reason = "communal3 was drained, and the deadline has passed"
    lab.wait_event(mark, "session.end", host=THIRD, user=user, where=lambda it: it["detail"]["reason"] == reason)

    lab.gatehouse("host", "undrain", THIRD)
    lab.wait_event(mark, "host.undrained", host=THIRD)
    assert place(lab, user, pool) == (THIRD, "")
    assert run(login_words(lab, passing, lab.host1, "echo on", options=shared)).out == b"on\n"
    assert elsewhere.poll() is None


def test_own_choice(lab, pool, person):
    """`hosts default` chooses where one gets without a name and within the pool; --clear takes it back."""
    user = person()
    gate = lambda *words: lab.login(f"{user}+gate", "hosts", *words, key=user)
    assert gate("default").out.decode().strip() == pool
    assert gate("default", lab.host2).out.decode().strip() == f"{lab.host2}, your own choice"
    assert place(lab, user, None) == place(lab, user, pool) == (lab.host2, "")
    assert place(lab, user, THIRD) == (THIRD, "")
    chosen = [row["name"] for row in json.loads(gate("--json").out)["targets"] if row["default"]]
    assert chosen == [lab.host2]
    links = gate("--links", "--gateway", f"{lab.gateway_host}:{lab.gateway_port}").out.decode()
    assert f"vscode://vscode-remote/ssh-remote+{lab.host2}/home/{user}" in links and "jetbrains-gateway://" in links
    assert gate("default", "nowhere").status == 66
    assert gate("default", "--clear").out.decode().strip() == pool


@pytest.mark.limit(120)
def test_ssh_config_install(lab, pool, person, tmp_path):
    """`ssh-config --install | sh` writes two files and one line, keeps what is there, and its entries lead to hosts and pools, by jumps too."""
    user, home = person(), tmp_path / "a home"
    folder = home / ".ssh"
    folder.mkdir(parents=True)
    (folder / "config").write_text("Host mine\n    User me\n")
    words = ("ssh-config", "--gateway", f"{lab.gateway_host}:{lab.gateway_port}", "--install")

    def install():
        program = lab.login(f"{user}+gate", *words, key=user)
        assert (program.status, program.err) == (0, b"")
        done = run(["sh"], input=program.out, env={**os.environ, "HOME": str(home)})
        assert done.status == 0 and done.out == b"", done.err.decode()
        return {path.name: path.read_text() for path in folder.iterdir()}

    first = install()
    assert first["config"] == "Include gatehouse.conf\n\nHost mine\n    User me\n"
    assert install() == first and set(first) == {"config", "gatehouse.conf", "gatehouse_known_hosts"}

    def ssh(alias):
        options = ["-i", lab.keys[user], "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
        # `~` is root's for ssh, whatever HOME says; the jump reads the file alone.
        known = "~/.ssh/gatehouse_known_hosts ~/.ssh/known_hosts"
        text = first["gatehouse.conf"].replace(known, f'"{folder}/gatehouse_known_hosts"')
        (tmp_path / "conf").write_text(f"{text}\nHost *\n  IdentityFile {lab.keys[user]}\n  IdentitiesOnly yes\n")
        return run(["ssh", "-F", tmp_path / "conf", *options, alias, "cat /etc/hostname"], timeout=40)

    for alias in (pool, f"{pool}-direct"):
        assert ssh(alias).out.decode().strip() in (*lab.hosts, THIRD), ssh(alias).err.decode()
    for alias in (THIRD, f"{THIRD}-direct"):
        assert ssh(alias).out.decode().strip() == THIRD


@pytest.mark.limit(120)
def test_jump_to_pool(lab, pool, person, stay):
    """A jump to a pool leads where the person is already, and whoever is on a host by a jump is there."""
    user = person()
    lab.login(f"{user}+gate", "hosts", "default", THIRD, key=user)
    _, host = stay(user, None)
    assert host == THIRD
    assert lab.login(f"{user}+gate", "hosts", "default", "--clear", key=user).status == 0
    words = login_words(lab, user, None, "true")
    proxy = " ".join([*words[: words.index(lab.gateway_host)], "-W", f"{pool}:22", lab.gateway_host])
    options = ["-o", f"ProxyCommand={proxy}", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    result = run(["ssh", "-F", "none", *options, "-i", lab.keys[user], "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
                  "-l", user, pool, "cat /etc/hostname"])
    assert result.out.decode().strip() == THIRD, result.err.decode()


@pytest.mark.limit(120)
def test_jump_over_a_session_stays_with_it(lab, pool, person, start, tmp_path):
    """A jump to the pool over a connection that is on a host leads to that host, and leaves its person there."""
    user, path = person(), tmp_path / "master"
    lab.login(f"{user}+gate", "hosts", "default", THIRD, key=user)
    shared = ["-o", f"ControlPath={path}"]
    client = start(
        login_words(lab, user, pool, "cat /etc/hostname; exec sleep 600", options=["-M", *shared]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert client.stdout.readline().decode().strip() == THIRD
    assert lab.login(f"{user}+gate", "hosts", "default", "--clear", key=user).status == 0
    mark = lab.mark()
    jump = login_words(lab, user, pool, options=[*shared, "-W", f"{pool}:22"])
    assert run(jump, input=b"SSH-2.0-x\r\n").out.startswith(b"SSH-2.0-OpenSSH")
    assert lab.wait_event(mark, "channel.open", user=user)["host"] == THIRD
    # A jump elsewhere, by the host's name, is no move.
    jump = login_words(lab, user, pool, options=[*shared, "-W", f"{lab.host1}:22"])
    assert run(jump, input=b"SSH-2.0-x\r\n").out.startswith(b"SSH-2.0-OpenSSH")
    assert place(lab, user, pool) == (THIRD, "")


def breaks_logins_off(connection, address):
    """Passes the key exchange on to a true sshd, and breaks off with what the client says first after it."""

    def client_has_keys(data):
        """Whether the packets in clear, after the version's line, end with NEWKEYS (21)."""
        at = data.find(b"\n") + 1
        while 0 < at < len(data) - 5:
            length, = struct.unpack(">I", data[at:at + 4])
            if data[at + 5] == 21:
                return len(data) > at + 4 + length
            at += 4 + length
        return False

    said = b""
    with suppress(OSError), connection, socket.create_connection(address, 10) as host:
        while not client_has_keys(said):
            for ready in select.select([connection, host], [], [], 20)[0]:
                data = ready.recv(65_536)
                if not data:
                    return
                if ready is connection:
                    said += data
                    # What is encrypted never arrives.
                    if client_has_keys(said):
                        return
                (host if ready is connection else connection).sendall(data)


@pytest.mark.limit(120)
def test_a_host_that_breaks_logins_off_draws_nobody(lab, pool, person, scratch_host, teardown):
    """Whoever has not got in was not there: this login leads elsewhere, and so does the next."""
    user, mark = person(), lab.mark()
    server = socket.create_server(("127.0.0.1", 0))
    teardown.callback(server.close)

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(
                target=breaks_logins_off, args=(connection, (lab.addresses[lab.host1], 22)), daemon=True
            ).start()

    threading.Thread(target=serve, daemon=True).start()
    broken = scratch_host(f"127.0.0.1:{server.getsockname()[1]}", f"{lab.variables['LAB_ROOT']}/hosts/{lab.host1}/ssh_host_ed25519_key.pub")
    lab.gatehouse("pool", "join", pool, broken)
    assert lab.login(f"{user}+gate", "hosts", "default", broken, key=user).status == 0
    host, remark = place(lab, user, pool)
    assert host in (*lab.hosts, THIRD)
    assert remark == f"gatehouse: {broken} does not complete the SSH handshake: you are on {host}"
    lab.wait_event(mark, "host.failed", host=broken, user=user)
    assert lab.login(f"{user}+gate", "hosts", "default", "--clear", key=user).status == 0
    host, remark = place(lab, user, pool)
    assert host in (*lab.hosts, THIRD) and remark == ""
