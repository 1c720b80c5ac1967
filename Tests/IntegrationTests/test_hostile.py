"""Clients that mean harm: they get nowhere and cost nobody else anything."""

import contextlib
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import asyncssh
import paramiko
import pytest

import clients
from lab import OTHER_CLIENT, resident_bytes, wait_until
from sockets import connect, read_to_end


@pytest.fixture
def bystander(lab, start):
    """A session of alice that nothing may disturb; calling it types a line and hears it back."""
    words = lab.ssh_words("while read line; do echo $line; done")
    client = start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(text="still here"):
        client.stdin.write(text.encode() + b"\n")
        client.stdin.flush()
        assert client.stdout.readline() == text.encode() + b"\n"

    say()
    yield say
    say()


def ends(connection, within):
    """Waits until the other side has closed, whatever it says before."""
    connection.settimeout(within)
    try:
        read_to_end(connection)
    except ConnectionError:
        pass


@pytest.mark.parametrize("after", ["key exchange", "service request", "refused key"])
def test_userauth_success(lab, bystander, make_key, after):
    """CVE-2018-10933: a client that sends USERAUTH_SUCCESS is not logged in: no channel opens and nothing is logged as a login."""
    mark = lab.mark()
    with clients.transport(lab) as transport:
        if after == "service request":
            request = paramiko.Message()
            request.add_byte(b"\x05")
            request.add_string("ssh-userauth")
            transport._send_message(request)
        elif after == "refused key":
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(make_key()))
        success = paramiko.Message()
        success.add_byte(b"\x34")
        transport._send_message(success)
        with pytest.raises(clients.REFUSED):
            transport.open_session(timeout=3)
    assert lab.events_after(mark, "auth.accepted") == []
    assert lab.events_after(mark, "session.start") == []


def test_channel_before_login(lab, bystander):
    """A channel or a forward that is asked for before the login is not opened."""
    with clients.transport(lab) as transport:
        with pytest.raises(clients.REFUSED):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1), timeout=3)
    with clients.transport(lab) as transport:
        with pytest.raises((*clients.REFUSED, AssertionError)):
            assert transport.global_request("tcpip-forward", ("", 0), wait=True) is not None


BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"


@pytest.mark.parametrize(
    "name, sent",
    [
        ("garbage instead of a banner", secrets.token_bytes(65_536)),
        ("a banner without end", b"SSH-2.0-" + b"x" * 1_000_000),
        ("lines without end", b"hello\r\n" * 200_000),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("protocol 1", b"SSH-1.5-old\r\n"),
        ("garbage after the banner", BANNER + secrets.token_bytes(65_536)),
        ("a packet of 2 GiB", BANNER + b"\x7f\xff\xff\xff\x04" + b"\0" * 4_096),
        ("a packet of 4 GiB", BANNER + b"\xff\xff\xff\xff\x04" + b"\0" * 4_096),
        ("a packet of no length", BANNER + b"\0\0\0\0\0" + b"\0" * 4_096),
        ("padding longer than the packet", BANNER + b"\0\0\0\x0c\xff\x14" + b"\0" * 4_096),
        ("a cut key exchange", BANNER + b"\0\0\0\x1c\x04\x14" + b"\0" * 26),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_garbage(lab, bystander, name, sent):
    """GHSA-vgvv-x7xg-6cqg: garbage ends its own connection soon, and neither memory nor another session is touched."""
    before = resident_bytes([lab.daemon_pid()])
    with connect(lab.gateway_port, lab.gateway_host) as connection:
        try:
            connection.sendall(sent)
        except ConnectionError:
            return
        connection.settimeout(0.5)
        try:
            read_to_end(connection)
        except (TimeoutError, ConnectionError):
            pass
        bystander()
        if name not in ("a banner without end",):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            ends(connection, 10)
    assert resident_bytes([lab.daemon_pid()]) - before < 16_000_000


@pytest.mark.limit(60)
def test_silence(lab, bystander):
    """CVE-2026-7776: whoever connects and does not log in is disconnected when the grace time is over."""
    silent = connect(lab.gateway_port, lab.gateway_host)
    polite = connect(lab.gateway_port, lab.gateway_host)
    polite.sendall(BANNER)
    with silent, polite:
        ends(silent, 40)
        ends(polite, 10)


def flood(lab, count, source):
    """Opens connections that say nothing; gives those that were greeted and those that were turned away."""
    connections = [connect(lab.gateway_port, lab.gateway_host, source) for _ in range(count)]
    greeted, turned_away = [], []
    for connection in connections:
        connection.settimeout(3)
        try:
            heard = connection.recv(4)
        except (TimeoutError, ConnectionError):
            heard = b""
        (greeted if heard == b"SSH-" else turned_away).append(connection)
    return greeted, turned_away


@pytest.mark.limit(60)
def test_flood(lab, bystander):
    """A flood of connections from one address is cut at its limit, while other sessions and addresses go on."""
    greeted, turned_away = flood(lab, 60, OTHER_CLIENT)
    try:
        assert 1 <= len(greeted) <= 20
        assert len(turned_away) == 60 - len(greeted)
        bystander()
        assert lab.ssh("echo ok").out == b"ok\n"
    finally:
        for connection in greeted + turned_away:
            connection.close()

    def again():
        accepted, refused = flood(lab, 1, OTHER_CLIENT)
        for connection in accepted + refused:
            connection.close()
        return accepted

    wait_until(again, "a place for the address after the flood")


@pytest.mark.limit(60)
def test_many_broken_connections(lab, bystander):
    """Hundreds of connections that break off leave no process and no descriptor behind."""
    daemon, before = lab.daemon_pid(), lab.session_pids()
    descriptors = lambda: len(list(Path(f"/proc/{daemon}/fd").iterdir()))
    descriptors_before = descriptors()
    for number in range(200):
        with connect(lab.gateway_port, lab.gateway_host, OTHER_CLIENT) as connection:
            if number % 2:
                connection.sendall(BANNER + secrets.token_bytes(100))
    wait_until(lambda: len(lab.session_pids() - before) <= 4, "the end of the broken sessions", 20)
    wait_until(lambda: descriptors() <= descriptors_before + 8, "the descriptors to be closed", 10)


def test_session_processes_have_no_rights(lab, bystander):
    """A session's process has another uid than root, and can get no new privileges."""
    bystander()
    assert lab.session_pids()
    for pid in lab.session_pids():
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert "0" not in status["Uid"].split()
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        # 2: a filter of system calls; what it forbids, the unit tests of the sandbox try.
        assert status["Seccomp"] == "2"


@pytest.mark.limit(60)
def test_login_names_do_no_harm(lab, bystander):
    """Odd characters in a login name reach no log line and no shell."""
    for login in (
        "a\nb",
        "a\x1b[31m",
        "$(id)",
        "a'b",
        "a\0b",
        "a+b+c",
        "+",
        "alice+",
        "+host",
        "@",
        "alice@@x",
    ):
        with clients.transport(lab) as transport:
            transport.auth_timeout = 2
            with pytest.raises(clients.REFUSED):
                transport.auth_publickey(login, clients.private_key(lab.keys["bob"]))
    for line in lab.gatehouse("event", "list", "--limit", 50).out.decode().splitlines():
        assert line.isprintable(), repr(line)


@pytest.mark.limit(60)
def test_tiny_packets(lab, bystander, asynchronously):
    """CVE-2026-59843: a channel whose packets have no room for data costs the session that asked for it, in seconds."""
    before = lab.session_pids()

    async def main():
        connection = await clients.connect(lab)
        with contextlib.suppress(asyncssh.Error, OSError):
            await connection.create_process("echo hello", max_pktsize=10)
        await connection.wait_closed()

    asynchronously(main())
    bystander()
    wait_until(lambda: lab.session_pids() <= before, "the end of the session's process")


@pytest.mark.released("the shadow of a sanitizer is beyond every limit of memory")
def test_session_processes_are_bounded(lab, bystander):
    """A session's process can start no other, and its memory has a limit."""
    for pid in lab.session_pids():
        try:
            lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
        except OSError:
            continue
        limits = {line[:26].strip(): line[26:].split()[1] for line in lines[1:]}
        assert limits["Max processes"] == "0"
        assert int(limits["Max data size"]) <= 2 << 30
        assert limits["Max core file size"] == "0"
        # Who can read the program could look into a process before it forbids that itself.
        assert os.stat(f"/proc/{pid}/exe").st_mode & 0o044 == 0
        assert os.stat(f"/proc/{pid}/environ").st_uid == 0


def test_many_channels(lab, bystander):
    """More channels than one connection may have are refused, and the connection lives."""
    with clients.transport(lab) as transport:
        transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(lab.keys["alice"]))
        start, refused = time.monotonic(), 0
        channels = []
        for _ in range(60):
            try:
                channels.append(transport.open_session(timeout=10))
            except paramiko.ChannelException:
                refused += 1
        assert time.monotonic() - start < 20
        channel = channels[0]
        channel.exec_command("echo alive")
        assert channel.makefile().read() == b"alive\n"
        assert len(channels) >= 40
