"""Where clients may come from, and proxies that say for whom they come."""

import contextlib
import json
import socket
import struct

import paramiko
import pytest

import clients
from gateway import Gateway
from lab import run, wait_until

PROXY, PLAIN, DENIED, STRANGER = "127.0.0.91", "127.0.0.92", "127.0.0.93", "127.1.0.1"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture(scope="module")
def gateway(lab, tmp_path_factory):
    """A gateway with rules about networks and a proxy that it believes."""
    folder = tmp_path_factory.mktemp("networks")
    key = folder / "key"
    assert run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).status == 0
    gateway = Gateway(lab, folder, key, {}, settings=[
        "AllowFrom 127.0.0.0/24 203.0.113.0/24 2001:db8::/32", f"DenyFrom {DENIED} 203.0.113.66",
        f"ProxyProtocolFrom {PROXY}", "MaxFailuresPerAddress 2", "FailureBlockTime 60",
    ])
    gateway.add("pat")
    yield gateway
    gateway.end()


@contextlib.contextmanager
def connection(gateway, source):
    """A socket to the gateway from an address."""
    with socket.create_connection(
        (gateway.address, gateway.port), 15, source_address=(source, 0)) as connection:
        yield connection


def first_version(source, port=4660):
    """A header of version 1."""
    kind = "TCP6" if ":" in source else "TCP4"
    own = "::1" if ":" in source else "127.0.0.1"
    return f"PROXY {kind} {source} {own} {port} 22\r\n".encode()


def second_version(source, port=4660, more=b""):
    """A header of version 2, with what else a proxy may tell."""
    six = ":" in source
    family = socket.AF_INET6 if six else socket.AF_INET
    own = "::1" if six else "127.0.0.1"
    body = socket.inet_pton(family, source) + socket.inet_pton(family, own) + struct.pack("!HH", port, 22) + more
    return SIGNATURE + bytes([0x21, 0x21 if six else 0x11]) + struct.pack("!H", len(body)) + body


def whoami(gateway, source, header=b"", key="pat", name="pat"):
    """Logs in over a socket that begins with a header, and runs a command of the gateway."""
    with connection(gateway, source) as raw:
        raw.sendall(header)
        transport = paramiko.Transport(raw)
        transport.banner_timeout = transport.auth_timeout = 15
        try:
            transport.start_client(timeout=15)
            path = gateway.configuration.with_name(f"key-{key}") if key else gateway.key
            transport.auth_publickey(f"{name}+gate", clients.private_key(path))
            channel = transport.open_session(timeout=15)
            channel.exec_command("whoami")
            return channel.makefile().read()
        finally:
            transport.close()


def logins(gateway):
    """The addresses of logins, newest first."""
    listed = json.loads(gateway("event", "list", "--limit", "1000", "--json").out)["events"]
    made = sorted((event for event in listed if event["kind"] == "auth.accepted"), key=lambda event: -event["id"])
    return [event["address"] for event in made]


def said(gateway, source, header=b""):
    """All that the gateway says to who sends this and waits."""
    with connection(gateway, source) as raw:
        raw.settimeout(15)
        text = b""
        with contextlib.suppress(ConnectionError):
            raw.sendall(header)
            while part := raw.recv(1000):
                text += part
                if text.startswith(b"SSH-"):
                    break
        return text


def test_networks(gateway):
    """A client from a denied network or a strange one is cut off before a word is said."""
    assert b"pat" in whoami(gateway, PLAIN)
    assert said(gateway, PLAIN).startswith(b"SSH-2.0-")
    assert said(gateway, DENIED) == b""
    assert said(gateway, STRANGER) == b""


def test_proxy_names_the_client(gateway):
    """Both versions: the client that the proxy names is in the log, and the rules are about it."""
    for header, address in (
        (first_version("203.0.113.9"), "203.0.113.9"), (second_version("203.0.113.10"), "203.0.113.10"),
        (first_version("2001:db8::9"), "2001:db8::9"), (second_version("2001:db8::a"), "2001:db8::a"),
        (second_version("::ffff:203.0.113.11", more=b"\x03\0\1x"), "203.0.113.11"),
        (SIGNATURE + b"\x20\0\0\0", PROXY), (b"PROXY UNKNOWN\r\n", PROXY),
    ):
        assert b"pat" in whoami(gateway, PROXY, header), header
        assert logins(gateway)[0] == address
    for source in ("203.0.113.66", "198.51.100.1", DENIED, "::1"):
        assert said(gateway, PROXY, first_version(source)) == b""
        assert said(gateway, PROXY, second_version(source)) == b""


def test_a_person_s_networks(gateway):
    """Behind a proxy it is the client's own address that has to be in them, in whatever clothes it comes."""
    gateway("user", "set", "pat", "--allow-from", "203.0.113.0/28,2001:db8:7::/48")
    try:
        for source in ("203.0.113.1", "::ffff:203.0.113.2", "2001:db8:7::1"):
            assert b"pat" in whoami(gateway, PROXY, second_version(source)), source
        for source in ("203.0.113.101", "::ffff:203.0.113.102", "2001:db8:8::1"):
            with pytest.raises(paramiko.AuthenticationException):
                whoami(gateway, PROXY, second_version(source))
        with pytest.raises(paramiko.AuthenticationException):
            whoami(gateway, PLAIN)
        # The proxy's own address is nobody's.
        gateway("user", "set", "pat", "--allow-from", PROXY)
        with pytest.raises(paramiko.AuthenticationException):
            whoami(gateway, PROXY, first_version("203.0.113.3"))
        # Nor is it that of a client whom the proxy does not know.
        with pytest.raises(paramiko.AuthenticationException):
            whoami(gateway, PROXY, b"PROXY UNKNOWN\r\n")
    finally:
        gateway("user", "set", "pat", "--allow-from", "any")
    assert b"pat" in whoami(gateway, PLAIN)


def test_proxy_forgeries(gateway):
    """GHSA-4w53-6jvp-gg52: nobody but the proxy has a header believed, and the proxy needs one."""
    before = len(logins(gateway))
    for header in (first_version("203.0.113.9"), second_version("203.0.113.9")):
        with pytest.raises(clients.REFUSED):
            whoami(gateway, PLAIN, header)
    for header in (
        b"SSH-2.0-OpenSSH_9.2\r\n", b"PROXY TCP4 203.0.113.9\r\n", b"PROXY TCP4 203.0.113.9 1.1.1.1 1 99999\r\n",
        SIGNATURE + b"\x21\x11\xff\xff", SIGNATURE + b"\x21\x31\0\0", b"PROXY " + b"x" * 200,
    ):
        assert said(gateway, PROXY, header) == b"", header
    assert len(logins(gateway)) == before


def test_proxy_that_says_nothing(gateway):
    """A header has to come within seconds; meanwhile others log in as ever."""
    with connection(gateway, PROXY) as silent:
        silent.sendall(b"PROXY TCP4")
        assert b"pat" in whoami(gateway, PROXY, first_version("203.0.113.9"))
        silent.settimeout(15)
        assert silent.recv(1) == b""


def test_limits_are_the_clients(gateway):
    """Failures count for the client that the proxy names, and for no other behind the same proxy."""
    for _ in range(2):
        with pytest.raises(paramiko.AuthenticationException):
            whoami(gateway, PROXY, first_version("203.0.113.50"), key=None)
    wait_until(
        lambda: said(gateway, PROXY, first_version("203.0.113.50")).startswith(b"Exceeded"), "the block", 30)
    assert b"pat" in whoami(gateway, PROXY, first_version("203.0.113.51"))
    assert b"pat" in whoami(gateway, PLAIN)
