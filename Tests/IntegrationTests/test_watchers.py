"""Watchers on hosts: installed, upgraded and removed; what they deliver, and what goes wrong on the way."""

import os
import secrets
import shlex
import struct
import time
from pathlib import Path

import pytest

from clients import private_key, transport
from lab import run, wait_until

SPOOL = "/var/spool/gatehouse-watch"
TREE = "/shared/lab"


def status(lab, host):
    """What the gateway knows of a host's watcher."""
    return next(row for row in lab.rows("watch", "status") if row["host"] == host)


#: Seconds until a watcher is back: 15 s is the longest pause from one connection to the next, and as much again is for ssh and the
#: gateway on a busy machine.
BACK = 30


def watching(lab, host):
    return wait_until(lambda: status(lab, host)["state"] == "watching" and status(lab, host), f"{host} watches", BACK)


def spooled(lab, host):
    """Segments that wait on a host, by name."""
    listed = lab.lab_exec(host, "ls", SPOOL).out.decode().split()
    return sorted(name for name in listed if name.endswith(".segment"))


def service(lab, host, action, unit):
    lab.lab_exec(host, "systemctl", action, f"gatehouse-{unit}.service")


@pytest.fixture
def no_shipping(lab, teardown):
    """Holds back the deliveries of a host."""

    def hold(host):
        service(lab, host, "stop", "ship")
        teardown.callback(service, lab, host, "start", "ship")

    return hold


def touch(lab, host=None, user="alice"):
    """Makes a file in the tree, and says its path."""
    path = f"{TREE}/it-{secrets.token_hex(6)}"
    assert lab.ssh(f"echo x >{path}", alias=host or lab.host1, user=user).status == 0
    return path


def touch_on(lab, host, *paths, prefix=()):
    """Makes files from within a host, past the gateway.

    A process that comes in from the machine is the host's when its watcher has seen it there, so it lives for a moment before.
    """
    lab.lab_exec(host, *prefix, "sh", "-c", 'sleep 0.5; touch "$@"', "sh", *paths)


def known(lab, path):
    """Whether the book has it, by what it says about its owner."""
    return lab.gatehouse("file", "owner", path, check=False).status == 0


def kinds_of(lab, path):
    """What the book says happened to a file, one word each."""
    return [moment["kind"] for moment in lab.gatehouse_json("file", "history", path)["file"]["moments"]]


def gaps(lab):
    """The gaps that the book has."""
    return lab.gatehouse_json("file", "gaps")["gaps"]


# Installation


def test_the_lab_is_watched(lab):
    """Both hosts watch; version, start, trees and an empty spool are told."""
    for host in lab.hosts:
        row = watching(lab, host)
        assert row["version"] == lab.gatehouse("version").out.decode().split()[-1]
        assert row["since"] and row["trees"] == [TREE]
        wait_until(lambda: status(lab, host)["spool_segments"] <= 2, "the spool is delivered", 15)


def test_what_is_installed_is_roots_alone(lab):
    """Program, key, settings, services and the line for sshd's sessions, as they should be."""
    modes = lab.lab_exec(
        lab.host1, "stat", "-c", "%U %a %n", "/usr/local/sbin/gatehouse-watch", "/etc/gatehouse-watch",
        "/etc/gatehouse-watch/key", SPOOL,
    ).out.decode().splitlines()
    assert [line.split()[:2] for line in modes] == [["root", "755"], ["root", "700"], ["root", "600"], ["root", "700"]]
    settings = lab.lab_exec(lab.host1, "cat", "/etc/gatehouse-watch/watch.conf").out.decode()
    assert f"Host {lab.host1}\n" in settings and f"Tree {TREE}\nScan {TREE}\n" in settings
    assert "Scan" not in lab.lab_exec(lab.host2, "cat", "/etc/gatehouse-watch/watch.conf").out.decode()
    pam = lab.lab_exec(lab.host1, "cat", "/etc/pam.d/sshd").out.decode()
    assert pam.count("gatehouse-watch session-hook") == 1


@pytest.mark.released("only its release build is static")
def test_the_program_needs_nothing_of_the_host(lab):
    kind = lab.lab_exec(lab.host1, "sh", "-c", "ldd /usr/local/sbin/gatehouse-watch 2>&1 || true").out
    assert b"not a dynamic executable" in kind or b"statically linked" in kind


@pytest.mark.limit(60)
def test_a_second_installation_changes_nothing(lab):
    """Neither the key nor what runs."""
    before = watching(lab, lab.host1)
    words = shlex.split(f"watch install {lab.host1} --gateway {gateway_of(lab)} --only-mount-namespace")
    row = lab.gatehouse_json(*words)["hosts"][0]
    assert (row["result"], row["done"]) == ("unchanged", [])
    row = lab.gatehouse_json("watch", "upgrade", lab.host1)["hosts"][0]
    assert (row["result"], row["done"]) == ("unchanged", [])
    after = watching(lab, lab.host1)
    assert (after["key"], after["since"]) == (before["key"], before["since"])


def gateway_of(lab):
    settings = lab.lab_exec(lab.host1, "cat", "/etc/gatehouse-watch/watch.conf").out.decode()
    return next(line.split()[1] for line in settings.splitlines() if line.startswith("Gateway "))


@pytest.mark.limit(90)
def test_an_upgrade_keeps_what_waits(lab, no_shipping):
    """What is different on the host is put right, settings and spool stay, and what waited is delivered."""
    watching(lab, lab.host1)
    service(lab, lab.host1, "stop", "ship")
    path = touch(lab)
    wait_until(lambda: spooled(lab, lab.host1), "something waits", 10)
    # A program that runs cannot be written to, but can be replaced.
    lab.lab_exec(lab.host1, "sh", "-c", "cd /usr/local/sbin && cp gatehouse-watch other && echo x >>other && "
                 "mv other gatehouse-watch && sed -i /session-hook/d /etc/pam.d/sshd")
    row = lab.gatehouse_json("watch", "upgrade", lab.host1)["hosts"][0]
    assert "program" in row["done"] and "pam" in row["done"] and "watch.conf" not in row["done"]
    watching(lab, lab.host1)
    wait_until(lambda: known(lab, path), "what waited is in the book", 20)


@pytest.mark.limit(120)
def test_a_watcher_goes_and_comes(lab):
    """Removal leaves nothing on the host and its key opens nothing; a new installation has a new key and goes on."""
    old = watching(lab, lab.host2)
    lab.lab_exec(lab.host2, "cp", "/etc/gatehouse-watch/key", "/run/old-key")
    gateway = gateway_of(lab)
    lab.gatehouse("watch", "remove", lab.host2, "--yes")
    try:
        assert status(lab, lab.host2)["state"] == "none"
        left = lab.lab_exec(
            lab.host2, "sh", "-c", f"ls -d /usr/local/sbin/gatehouse-watch /etc/gatehouse-watch {SPOOL} "
            "/etc/systemd/system/gatehouse-*; grep session-hook /etc/pam.d/sshd; pgrep gatehouse-watch", check=False,
        )
        assert left.out == b""
        assert deliver(lab, lab.host2, b"", key="/run/old-key").status == 255
    finally:
        lab.gatehouse("watch", "install", lab.host2, "--gateway", gateway, "--only-mount-namespace", timeout=60)
    assert watching(lab, lab.host2)["key"] != old["key"]
    path = touch(lab, host=lab.host2)
    wait_until(lambda: known(lab, path), "the new watcher's file is in the book", 20)


# The door


def deliver(lab, host, data, key="/etc/gatehouse-watch/key", login=None, words=("-s", "gatehouse-book"), **more):
    """Says something to the book's door from a host, as `ssh` with its key would."""
    address, port = gateway_of(lab).rsplit(":", 1)
    known_hosts = "/etc/gatehouse-watch/known_hosts"
    flags = [word for word in words if word.startswith("-")]
    rest = [word for word in words if not word.startswith("-")]
    command = [
        "timeout", "10", "ssh", "-F", "/dev/null", "-T", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known_hosts}",
        "-o", "GlobalKnownHostsFile=/dev/null", "-o", "HostKeyAlias=gatehouse-gateway", "-o", "IdentitiesOnly=yes",
        "-o", "LogLevel=ERROR", "-i", key, "-p", port, "-l", login or f"gatehouse-watch+{host}", *flags, address, *rest,
    ]
    return lab.lab_exec(host, *command, check=False, input=data, **more)


def frame(kind, *fields):
    """A message of the delivery: bytes and texts with their lengths, numbers as they are."""
    body = bytes([kind])
    for field in fields:
        if isinstance(field, bool):
            body += bytes([field])
        elif isinstance(field, int):
            body += struct.pack(">Q", field)
        else:
            field = field.encode() if isinstance(field, str) else field
            body += struct.pack(">I", len(field)) + field
    return struct.pack(">I", len(body)) + body


HELLO = frame(1, "test", "boot")
WELCOME = frame(4)


def segment(name, data, accepts_hole=False):
    return frame(2, name, accepts_hole, data)


def answers(output):
    """The kinds of the gateway's messages, and the reason of refusals."""
    found = []
    while output:
        length, = struct.unpack(">I", output[:4])
        body, output = output[4:4 + length], output[4 + length:]
        if body[0] == 6:
            size, = struct.unpack(">I", body[1:5])
            found.append(("refused", body[5 + size]))
        else:
            found.append({4: "welcome", 5: "taken", 7: "rescan"}[body[0]])
    return found


@pytest.mark.limit(60)
def test_the_key_opens_one_thing(lab, no_shipping):
    """No command, no shell, no host, no forward, no other host's door, no other name; and everybody else's key none of it."""
    host = lab.host1
    # What is to be scanned may follow.
    assert deliver(lab, host, HELLO).out.startswith(WELCOME)
    for words in (("id",), ("-s", "sftp"), ("user", "list"), ()):
        result = deliver(lab, host, b"", words=words)
        assert (result.out, result.status) == (b"", 255) or result.status != 0, words
        assert b"uid=" not in result.out
    assert deliver(lab, host, HELLO, login=f"gatehouse-watch+{lab.host2}").status == 255
    for login in ("alice", f"alice+{host}", "alice+gate", "root", "gatehouse-watch", "gatehouse-watch+gate"):
        assert deliver(lab, host, HELLO, login=login).status == 255, login
    mark = lab.mark()
    jump = deliver(lab, host, HELLO, words=("-W", f"{lab.host2}:22"))
    assert b"SSH-" not in jump.out
    for user in ("alice", "ada"):
        assert lab.login(f"gatehouse-watch+{host}", "true", key=user).status == 255
    lab.wait_event(mark, "auth.rejected", where=lambda event: "watcher" in str(event["detail"]))


def test_the_program_is_given_once_a_connection(lab, tmp_path):
    """Each is a thread of the daemon for as long as the host likes to take it."""
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_bytes(lab.lab_exec(lab.host1, "cat", "/etc/gatehouse-watch/key").out)

    def fetch(connection):
        channel = connection.open_session()
        channel.settimeout(20)
        channel.invoke_subsystem("gatehouse-watch-program")
        return [b"".join(iter(lambda: read(65_536), b"")) for read in (channel.recv, channel.recv_stderr)]

    with transport(lab) as connection:
        connection.auth_publickey(f"gatehouse-watch+{lab.host1}", private_key(key))
        assert fetch(connection)[0].startswith(b"\x7fELF")
        assert fetch(connection) == [b"", b"gatehouse: the program was sent already\r\n"]
    with transport(lab) as connection:
        connection.auth_publickey(f"gatehouse-watch+{lab.host1}", private_key(key))
        assert fetch(connection)[0].startswith(b"\x7fELF")


@pytest.mark.limit(60)
def test_nonsense_at_the_door(lab, no_shipping):
    """What is no frame, too long or not the host's to say ends the connection; the gateway goes on."""
    no_shipping(lab.host1)
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\xff\xff\xff\xff", frame(9), frame(4), HELLO + frame(5, "x"), os.urandom(4096)):
        result = deliver(lab, lab.host1, data)
        assert result.out == b"" or result.out.startswith(WELCOME)
    assert deliver(lab, lab.host1, HELLO).out.startswith(WELCOME)


@pytest.mark.limit(90)
def test_segments_repeated_reordered_and_tampered(lab, no_shipping):
    """A repeated segment is taken again without a trace, one too early is refused, a changed one too, with an event."""
    watching(lab, lab.host1)
    no_shipping(lab.host1)
    paths = []
    for _ in range(3):
        paths.append(touch(lab))
        wait_until(lambda: len([name for name in spooled(lab, lab.host1) if name.startswith("events")]) >= len(paths), "a segment each", 10)
    names = [name for name in spooled(lab, lab.host1) if name.startswith("events")]
    data = {name: lab.lab_exec(lab.host1, "cat", f"{SPOOL}/{name}").out for name in names}
    mark = lab.mark()
    last = names[-1]
    tampered = bytearray(data[names[0]])
    tampered[len(tampered) // 2] ^= 1
    words = HELLO + segment(last, data[last]) + segment(names[0], bytes(tampered)) + segment("x", b"") + segment("y", os.urandom(500))
    assert answers(deliver(lab, lab.host1, words).out) == ["welcome", ("refused", 2), ("refused", 3), ("refused", 3), ("refused", 3)]
    lab.wait_event(mark, "watcher.refused", host=lab.host1)
    assert not known(lab, paths[0])
    # Another host's segment, signed by another key.
    assert ("refused", 3) in answers(deliver(lab, lab.host2, HELLO + segment(names[0], data[names[0]])).out)
    everything = b"".join(segment(name, data[name]) for name in names)
    assert answers(deliver(lab, lab.host1, HELLO + everything + everything).out) == ["welcome"] + ["taken"] * (2 * len(names))
    for path in paths:
        assert known(lab, path)
    # The watcher itself delivers them once more; nothing is counted twice.
    service(lab, lab.host1, "start", "ship")
    wait_until(lambda: not set(names) & set(spooled(lab, lab.host1)), "the spool is empty", 20)
    for path in paths:
        kinds = kinds_of(lab, path)
        assert kinds.count("created") == 1


@pytest.mark.limit(90)
def test_a_lost_segment_is_a_gap(lab, no_shipping):
    """What a host loses before it is delivered is an event and a gap in the book, and what comes after is taken."""
    watching(lab, lab.host1)
    no_shipping(lab.host1)
    touch(lab)
    wait_until(lambda: spooled(lab, lab.host1), "something waits", 10)
    lab.lab_exec(lab.host1, "sh", "-c", f"rm {SPOOL}/events-*.segment")
    path = touch(lab)
    wait_until(lambda: spooled(lab, lab.host1), "something waits", 10)
    mark = lab.mark()
    service(lab, lab.host1, "start", "ship")
    lab.wait_event(mark, "watcher.gap", host=lab.host1, timeout=20)
    wait_until(lambda: known(lab, path), "what came after is in the book", 20)


# Trouble on the way


@pytest.mark.limit(120)
def test_a_gap_outlives_the_gateway(lab, no_shipping):
    """What a host missed is looked for by a walk, even when the gateway ended after it had heard of it."""
    scanner, host = lab.hosts
    watching(lab, host)
    no_shipping(scanner)
    before = len(gaps(lab))
    service(lab, host, "stop", "watch")
    path = f"{TREE}/it-{secrets.token_hex(6)}"
    lab.lab_exec(host, "touch", path)
    service(lab, host, "start", "watch")
    wait_until(lambda: len(gaps(lab)) > before, "the gap is in the book", 30)
    lab.kill_daemon()
    lab.restart_daemon()
    assert not known(lab, path)
    service(lab, scanner, "start", "ship")
    wait_until(lambda: known(lab, path), "a walk has found it", 60)


@pytest.mark.limit(120)
def test_the_gateway_is_away(lab):
    """While the daemon is gone the spool grows; when it is back everything is delivered, and that it was away is a gap."""
    watching(lab, lab.host1)
    alice, group = lab.uid("alice"), group_of(lab)
    lab.kill_daemon()
    try:
        time.sleep(1)
        path = f"{TREE}/it-{secrets.token_hex(6)}"
        touch_on(lab, lab.host1, path, prefix=("setpriv", f"--reuid={alice}", f"--regid={alice}", f"--groups={group}"))
        wait_until(lambda: spooled(lab, lab.host1), "something waits", 10)
    finally:
        lab.restart_daemon()
    wait_until(lambda: known(lab, path), "what waited is in the book", 60)
    watching(lab, lab.host1)


def group_of(lab):
    return lab.lab_exec(lab.host1, "getent", "group", "lab").out.decode().split(":")[2]


@pytest.mark.limit(120)
def test_shipping_is_killed(lab, no_shipping):
    """Killed again and again while it delivers: everything arrives, once."""
    watching(lab, lab.host1)
    paths = []
    for _ in range(6):
        paths.append(touch(lab))
        lab.lab_exec(lab.host1, "pkill", "-KILL", "-f", "^/usr/local/sbin/gatehouse-watch ship", check=False)
    for path in paths:
        wait_until(lambda: known(lab, path), f"{path} is in the book", 60)
        kinds = kinds_of(lab, path)
        assert kinds.count("created") == 1


@pytest.mark.limit(240)
def test_a_full_disk_under_the_book(lab, teardown):
    """While the book's disk is full nothing is taken and nothing forgotten; with room, everything is in the book."""
    watching(lab, lab.host1)
    state = Path(lab.variables["DIRECTORY_DB"]).parent
    used = int(run(["du", "-s", "--block-size=1", state]).out.split()[0])
    # What the book's log holds goes into the book's file first, so room is more than what waits.
    move_state(lab, state, f"size={used + (64 << 20)}")
    try:
        filler = state / "filler"
        with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        folder = f"{TREE}/it-{secrets.token_hex(6)}"
        lab.lab_exec(lab.host1, "mkdir", folder)
        teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", folder)
        make = f"import os\nfor n in range(2000): open(f'{folder}/{{os.urandom(90).hex()}}', 'w').close()"

        def waits():
            # A little finds room in the file where changes of the database wait.
            lab.lab_exec(lab.host1, "python3", "-c", make, timeout=60)
            time.sleep(5)
            return spooled(lab, lab.host1)

        wait_until(waits, "something waits", 60)
        path = f"{folder}/last"
        touch_on(lab, lab.host1, path)
        time.sleep(5)
        assert spooled(lab, lab.host1)
        filler.unlink()
        wait_until(lambda: known(lab, path), "what waited is in the book", 60)
    finally:
        move_state_back(lab, state)
    watching(lab, lab.host1)


def move_state(lab, state, options):
    """Puts the gateway's state on a small disk of its own, the daemon being away meanwhile."""
    lab.kill_daemon()
    aside = state.with_name("state.aside")
    try:
        assert run(["cp", "-a", state, aside]).status == 0
        assert run(["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "state", state]).status == 0
        copied = run(["cp", "-a", f"{aside}/.", state])
        if copied.status:
            run(["umount", "--lazy", state])
        assert copied.status == 0, copied.err.decode()
    finally:
        lab.restart_daemon()


def move_state_back(lab, state):
    aside = state.with_name("state.aside")
    lab.kill_daemon()
    assert run(["rm", "-rf", aside]).status == 0
    assert run(["cp", "-a", state, aside]).status == 0
    assert run(["umount", "--lazy", state]).status == 0
    for name in os.listdir(aside):
        assert run(["cp", "-a", "--no-target-directory", aside / name, state / name]).status == 0
    assert run(["rm", "-rf", aside]).status == 0
    lab.restart_daemon()


@pytest.mark.limit(120)
def test_a_silent_watcher_is_noticed(lab, no_shipping):
    """After half a minute without a word: an event, and another when it is back; the gap is in the book."""
    watching(lab, lab.host2)
    mark = lab.mark()
    no_shipping(lab.host2)
    lab.wait_event(mark, "watcher.silent", host=lab.host2, timeout=50)
    assert status(lab, lab.host2)["state"] == "silent"
    service(lab, lab.host2, "start", "ship")
    lab.wait_event(mark, "watcher.back", host=lab.host2, timeout=20)
    assert [row for row in gaps(lab) if row["host"] == lab.host2 and row["reason"] == "silence"]
