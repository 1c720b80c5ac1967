"""Past advisories about gateways and SSH libraries, tried here; docs/security.md has the list of all and of their tests."""

import contextlib
import os
import secrets
import socket
import ssl
import struct
import threading

import paramiko
import pytest

import clients
import factors
from factors import here, people
from lab import resident_bytes, run, wait_until
from sockets import connect, read_to_end
from test_user_certificates import certify, clear


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


@pytest.mark.limit(60)
def test_names_that_are_commands(lab, scratch_user, host_folder, tmp_path):
    """CVE-2020-15778: what a client asks a host to run is handed on as it is: no shell of the gateway reads it, nor one
    of a host for whom may transfer files alone."""
    file, folder, mark = tmp_path / "f", host_folder(), lab.mark()
    file.write_text("x")
    caught = f"/tmp/caught-{secrets.token_hex(4)}"
    name = f"{folder}/`touch {caught}`$(touch {caught})"
    scp = ["scp", "-q", "-F", lab.config(), "-O", file, f"{lab.host1}:{name}"]
    run(scp)
    # It is the user's own shell, on the host, with the user's own rights, that reads it, as after a direct ssh.
    assert lab.exec_words(lab.host1, "true") and lab.lab_exec(lab.host1, "stat", "-c", "%U", caught).out == b"alice\n"
    lab.lab_exec(lab.host1, "rm", caught)
    assert not os.path.exists(caught)
    asked = lab.wait_event(mark, "channel.open", user="alice", where=lambda event: caught in str(event["detail"]))
    assert f"scp -t {name}" in str(asked["detail"])

    user = scratch_user(grant=["--host", lab.host1, "--files-only"])
    for words in ([f"scp -t {name}"], [f"scp -f {name}"], [f"sftp-server; touch {caught}"]):
        assert lab.login(f"{user}+{lab.host1}", *words, key=user).status != 0
    assert not os.path.exists(caught)
    assert lab.lab_exec(lab.host1, "ls", caught, check=False).status != 0


@pytest.mark.limit(60)
def test_every_kind_of_channel_wants_every_factor(here, people, tmp_path):
    """CVE-2023-45140: no kind of program, transfer or forward comes in by the key where a code is asked for besides."""
    alice = people("alice")
    source = "127.0.0.94"
    words = [str(word) for word in here.ssh_words("alice", "gate")]
    options = words[1:words.index("-p")]
    for option in ("User=alice+gate", f"Port={here.port}", f"BindAddress={source}", "ExitOnForwardFailure=yes"):
        options += ["-o", option]
    file = tmp_path / "f"
    file.write_text("x")
    kinds = (
        ["ssh", *options, here.address, "version"],
        ["ssh", *options, "-tt", here.address],
        ["ssh", *options, "-s", here.address, "sftp"],
        ["ssh", *options, "-N", "-R", "0:127.0.0.1:9", here.address],
        ["ssh", *options, "-W", "127.0.0.1:9", here.address],
        ["scp", *options, file, f"{here.address}:f"],
        ["scp", "-O", *options, file, f"{here.address}:f"],
        ["sftp", *options, "-b", "/dev/null", here.address],
    )
    mark = len(factors.events(here, "session.start"))
    for words in kinds:
        done = run(words)
        assert done.status != 0, words
        assert b"Permission denied (keyboard-interactive)" in done.err, (words, done.err)
    assert len(factors.events(here, "session.start")) == mark
    done = factors.ssh(here, "alice", "gate", "version", answer=alice.next(), tmp=tmp_path, source=source)
    assert done.status == 0, done.err.decode()
    # Who has shown it comes to hear what else there is to say about each.
    assert all(b"Permission denied" not in run(words).err for words in kinds)


@pytest.mark.limit(60)
def test_restrictions_outlive_the_second_factor(here, people, make_key, tmp_path):
    """CVE-2026-39828: what a certificate leaves out is left out also when a code was shown after it."""
    bob = people("bob")
    ca = make_key()
    here("ca", "add", "office", f"{ca}.pub")
    key = certify(ca, make_key(), *clear("force-command=true"), names="bob")
    words = [str(word) for word in here.ssh_words("bob", "gate", "user", "list")]
    words[words.index("-i") + 1] = str(key)
    helper = tmp_path / "askpass"
    helper.write_text(f"#!/bin/sh\necho {bob.next()}\n")
    helper.chmod(0o700)
    words[words.index("BatchMode=yes")] = "NumberOfPasswordPrompts=1"
    environment = os.environ | {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
    done = run([words[0], "-o", "BindAddress=127.0.0.95", *words[1:]], env=environment)
    assert factors.events(here, "auth.accepted", "bob")[-1]["detail"]["method"] == "publickey,totp"
    assert (done.status, done.out) != (0, b"") and done.out == b""
    assert b"command" in done.err, done.err


@pytest.mark.limit(60)
def test_unknown_services_of_the_cloud(lab, tmp_path):
    """CVE-2026-31798: no request, and so no signature, goes to a service whose certificate is nobody's."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "1",
                "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
    assert made.status == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard = []

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    heard.append(secure.recv(65_536))
                    secure.sendall(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                heard.append(b"")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        environment = os.environ | {name: value for name, value in lab.variables.items() if name.startswith("AWS_")}
        environment["AWS_ENDPOINT_URL"] = f"https://127.0.0.1:{listener.getsockname()[1]}"
        words = [lab.program("gatehouse-ssm"), lab.instance(lab.host1)]
        done = run(words, env=environment)
        assert done.status != 0 and b"certificate" in done.err, done.err
        assert heard and not any(heard)
        # The same service is asked once its certificate is known.
        run(words, env=environment | {"AWS_CA_BUNDLE": str(certificate)})
        assert any(b"Authorization: AWS4-HMAC-SHA256" in part for part in heard)


@pytest.mark.limit(60)
@pytest.mark.parametrize("name", ["../../../../tmp/x", "a/b", "..", "%2e%2e", "alice/../bob"])
def test_names_that_are_paths(lab, name):
    """sshpiper #819: a login name is no path: it opens nothing, and nothing is made by it."""
    state = os.path.dirname(lab.variables["DIRECTORY_DB"])

    def folders():
        return {folder for folder, _, _ in os.walk(state)}

    before = folders()
    done = lab.login(f"{name}+{lab.host1}", "true", key="alice")
    assert done.status == 255 and b"Permission denied (publickey)" in done.err
    assert folders() == before
    assert lab.ssh("echo fine").out == b"fine\n"
