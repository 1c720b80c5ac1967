"""Past advisories about gateways and SSH libraries, tried here; docs/security.md has the list of all and of their tests."""

import contextlib
import os
import secrets
import socket
import struct
import threading

import paramiko
import pytest

import clients
from lab import resident_bytes, run, wait_until
from sockets import connect, read_to_end


def spoil(lab, after):
    """A port whose connections go to the gateway, with one bit turned in what the client sends after so many bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(source, sink, spoils):
        seen = 0
        try:
            while part := source.recv(65_536):
                if spoils and seen <= after < seen + len(part):
                    index = after - seen
                    part = part[:index] + bytes([part[index] ^ 1]) + part[index + 1:]
                seen += len(part)
                sink.sendall(part)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve():
        client, _ = listener.accept()
        gateway = socket.create_connection((lab.gateway_host, lab.gateway_port))
        for words in ((client, gateway, True), (gateway, client, False)):
            threading.Thread(target=carry, args=words, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener


@pytest.mark.limit(60)
@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])
def test_turned_bit(lab, host_folder, cipher):
    """CVE-2026-59847: a packet in which one bit was turned ends the connection, and nothing of it is passed on."""
    sent, folder = secrets.token_bytes(1_000_000), host_folder()

    def send(after):
        with spoil(lab, after) as listener:
            done = run(
                ["ssh", "-F", lab.config(), "-c", cipher, "-o", "HostName=127.0.0.1",
                 "-o", f"Port={listener.getsockname()[1]}",
                 "-o", f"HostKeyAlias=[{lab.gateway_host}]:{lab.gateway_port}",
                 lab.host1, f"cat > {folder}/sent"],
                input=sent)
        return done.status, run(lab.exec_words(lab.host1, "cat", f"{folder}/sent"), env=lab.environment()).out

    assert send(after=10_000_000) == (0, sent)
    status, passed = send(after=500_000)
    assert status == 255
    assert len(passed) < 520_000 and sent.startswith(passed)


def test_probe_of_another_key(lab):
    """CVE-2024-45337: who asks about alice's key and signs with bob's is not alice, nor bob under her name."""
    mark = lab.mark()
    with clients.transport(lab) as transport:
        clients.probe(transport, f"alice+{lab.host1}", f"{lab.keys['alice']}.pub")
        with pytest.raises(clients.REFUSED):
            transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(lab.keys["bob"]))
        with pytest.raises(clients.REFUSED):
            transport.open_session(timeout=3)
    assert lab.events_after(mark, "auth.accepted") == []


@pytest.mark.limit(60)
def test_data_after_close(lab):
    """CVE-2026-59850: data, requests and closes for channels that are closed end that connection at most."""
    with clients.transport(lab) as transport:
        transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(lab.keys["alice"]))
        channel = transport.open_session(timeout=15)
        channel.exec_command("true")
        channel.recv_exit_status()
        number = channel.remote_chanid
        channel.close()
        for _ in range(200):
            for kind, more in ((b"\x5e", b"\0\0\0\x01x"), (b"\x60", b""), (b"\x61", b""), (b"\x5d", b"\0\0\1\0")):
                message = paramiko.Message(kind + struct.pack("!I", number) + more)
                try:
                    transport._send_user_message(message)
                except clients.REFUSED:
                    break
    assert lab.ssh("echo fine").out == b"fine\n"


@pytest.mark.limit(90)
def test_wrong_guesses_of_a_key_exchange(lab):
    """CVE-2025-8277, CVE-2025-8114: key exchanges begun again and again grow nothing, and end with the grace time."""
    def name_list(*names):
        text = ",".join(names).encode()
        return struct.pack("!I", len(text)) + text

    def packet(payload):
        padding = 8 - (len(payload) + 5) % 8
        padding += 8 if padding < 4 else 0
        return struct.pack("!IB", len(payload) + padding + 1, padding) + payload + bytes(padding)

    begin = (
        b"\x14" + os.urandom(16) + name_list("diffie-hellman-group16-sha512", "curve25519-sha256")
        + name_list("ssh-ed25519") + 2 * name_list("aes128-ctr") + 2 * name_list("hmac-sha2-256-etm@openssh.com")
        + 2 * name_list("none") + 2 * name_list() + b"\1" + bytes(4))
    guess = b"\x1e" + struct.pack("!I", 4) + b"\1\2\3\4"
    before = resident_bytes([lab.daemon_pid()])
    processes = lab.session_pids()
    with connect(lab.gateway_port, lab.gateway_host) as connection:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.settimeout(5)
        with contextlib.suppress(OSError):
            for _ in range(2_000):
                connection.sendall(packet(begin) + packet(guess))
        grown = max((resident_bytes([pid]) for pid in lab.session_pids() - processes), default=0)
        assert grown < 64_000_000
        with contextlib.suppress(OSError):
            connection.settimeout(40)
            connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
    wait_until(lambda: not lab.session_pids() - processes, "the end of the session's process", 40)
    assert resident_bytes([lab.daemon_pid()]) - before < 16_000_000


def test_parts_of_libssh_that_are_not_used(lab):
    """CVE-2026-59845, -59846, CVE-2023-6004, CVE-2025-5318: no proxy command, no configuration file, no server of files."""
    symbols = run(["nm", "-D", "--undefined-only", lab.program("gatehouse-session")]).out.decode()
    used = {line.split()[-1].split("@")[0] for line in symbols.splitlines() if "ssh" in line or "sftp" in line}
    assert "ssh_bind_accept_fd" in used
    assert not {name for name in used if name.startswith(("sftp_", "ssh_options_parse_config", "ssh_scp"))}, used
    assert not used & {"ssh_connector_new", "ssh_bind_options_parse_config", "ssh_gssapi_set_creds"}
