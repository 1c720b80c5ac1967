"""OpenSSH user certificates of CAs that are trusted: what they open, and what they leave of what grants give."""

import asyncio
import base64
import secrets

import asyncssh
import pytest

import clients
from lab import run, wait_until


@pytest.fixture
def trusted(lab, teardown, make_key):
    """Makes a CA and has it trusted; gives its key and its name."""

    def trusted(*options, kind="ed25519", bits=None):
        name = f"ca-{secrets.token_hex(4)}"
        key = make_key(kind, bits)
        lab.gatehouse("ca", "add", name, f"{key}.pub", *options)
        teardown.callback(lab.gatehouse, "ca", "remove", name, check=False)
        return key, name

    return trusted


def certify(ca, key, *options, names="alice", key_id="alice at work"):
    """Has ssh-keygen sign a key; without options all extensions of OpenSSH are in it."""
    words = ["ssh-keygen", "-q", "-s", ca, "-I", key_id, *(["-n", names] if names else []), *options]
    done = run([*words, f"{key}.pub"])
    assert done.status == 0, done.err.decode()
    return key


def clear(*options):
    """Options of ssh-keygen for a certificate with these alone."""
    return ["-O", "clear", *(word for option in options for word in ("-O", option))]


def login(lab, key, *words, target=None, user="alice", options=(), source="127.0.0.71", **more):
    """Logs in with a certificate, which lies beside its key."""
    name = f"{user}+{target or lab.host1}"
    bind = ["-o", f"BindAddress={source}"]
    return lab.login(name, *words, key=str(key), options=[*bind, *options], **more)


def refused(lab, key, reason, **more):
    """Whether a login is refused with this reason in the log, and no word of it to the client."""
    mark = lab.mark()
    failed = login(lab, key, "true", **more)
    assert failed.status == 255 and b"Permission denied (publickey)" in failed.err, failed.err
    said = [event["detail"] for event in lab.events_after(mark, "auth.rejected")]
    assert any(reason in detail["reason"] for detail in said), said
    return next(detail for detail in said if reason in detail["reason"])


@pytest.mark.limit(120)
def test_certificates_open_logins(lab, trusted, make_key):
    """A certificate of each kind of key opens its user's login; the log has CA, key id and serial."""
    ca, name = trusted()
    for kind, bits in (("ed25519", None), ("rsa", 3072), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521)):
        key = certify(ca, make_key(kind, bits), "-z", "4711", names="bob,alice")
        mark = lab.mark()
        done = login(lab, key, "id -un")
        assert done.out == b"alice\n", (kind, bits, done.err)
        detail = lab.wait_event(mark, "auth.accepted", user="alice")["detail"]
        assert detail["ca"] == lab.fingerprint(ca) and detail["ca.name"] == name
        assert detail["key.id"] == "alice at work" and detail["serial"] == "4711"
        assert detail["key"] == lab.fingerprint(key)
    assert name in lab.gatehouse("ca", "list").out.decode()
    assert lab.rows("ca", "list")


@pytest.mark.limit(120)
def test_authorities_of_each_kind(lab, trusted, make_key):
    """CAs with ECDSA and RSA keys are believed, but for SHA-1; when the trust ends, so does the way in."""
    for kind, bits in (("ecdsa", 256), ("ecdsa", 521), ("rsa", 3072)):
        ca, name = trusted(kind=kind, bits=bits)
        key = certify(ca, make_key())
        assert login(lab, key, "true").status == 0, (kind, bits)
        if kind == "rsa":
            certify(ca, key, "-t", "ssh-rsa")
            refused(lab, key, "signature of the certificate's CA is wrong")
        lab.gatehouse("ca", "remove", name)
        refused(lab, key, "no trusted CA")


@pytest.mark.limit(120)
def test_what_is_refused(lab, trusted, make_key):
    """Names, times, kinds, options and signers that do not fit: each is refused, and the log says why."""
    ca, name = trusted()
    key = make_key()
    for options, names, reason, source in (
        ((), "bob", "does not name the user", "127.0.0.72"),
        ((), None, "does not name the user", "127.0.0.72"),
        (("-V", "20200101:20200102"), "alice", "expired", "127.0.0.73"),
        (("-V", "+1h:+2h"), "alice", "not valid yet", "127.0.0.73"),
        (("-O", "critical:x@example.com=1"), "alice", "critical option that is not known", "127.0.0.74"),
        (("-O", "verify-required"), "alice", "verified user", "127.0.0.75"),
        (("-O", "source-address=10.0.0.0/8"), "alice", "not for this address", "127.0.0.75"),
    ):
        certify(ca, key, *options, names=names)
        detail = refused(lab, key, reason, source=source)
        assert detail["ca"] == lab.fingerprint(ca) and detail["key"] == lab.fingerprint(key)
    # Stock clients do not even offer a host's.
    private, mark = clients.private_key(certify(ca, key, "-h")), lab.mark()
    private.load_certificate(f"{key}-cert.pub")
    with clients.transport(lab, source="127.0.0.74") as transport, pytest.raises(clients.REFUSED):
        transport.auth_publickey(f"alice+{lab.host1}", private)
    assert lab.wait_event(mark, "auth.rejected")["detail"]["reason"] == "the certificate is a host's"
    # One that a stranger signed, and one that the holder of a good certificate signed.
    certify(make_key(), key)
    refused(lab, key, "no trusted CA", source="127.0.0.76")
    middle = certify(ca, make_key())
    certify(middle, key)
    refused(lab, key, "no trusted CA", source="127.0.0.76")
    # The same name, locked out by the scope of another CA.
    other, _ = trusted("--user", "bob")
    certify(other, key)
    refused(lab, key, "may not name this user", source="127.0.0.77")
    certify(other, key, names="nosuchuser")
    refused(lab, key, "no such user", source="127.0.0.77", user="nosuchuser")


@pytest.mark.limit(90)
def test_revocation(lab, trusted, make_key):
    """A certificate opens nothing once its serial, its key id or its key is revoked."""
    ca, name = trusted()
    for mark in (("--serial", "7"), ("--key-id", "id-1"), None):
        key = certify(ca, make_key(), "-z", "7" if mark and mark[0] == "--serial" else "8", key_id=mark[1] if mark else "x")
        assert login(lab, key, "true").status == 0
        if mark:
            lab.gatehouse("ca", "revoke", name, *mark)
        else:
            lab.gatehouse("key", "revoke", f"{key}.pub")
        refused(lab, key, "is revoked")
    listed = lab.gatehouse("ca", "revocations").out.decode()
    assert "serial 7" in listed and "key id id-1" in listed and lab.fingerprint(key) in listed
    # Nobody can be given a revoked key.
    again = lab.gatehouse("key", "add", "alice", f"{key}.pub", check=False)
    assert again.status != 0 and b"has been revoked" in again.err


@pytest.mark.limit(90)
def test_extensions_restrict(lab, trusted, make_key):
    """What a certificate does not permit is refused, though the grant permits it; and the reverse."""
    ca, _ = trusted()
    bare = certify(ca, make_key(), *clear())
    assert login(lab, bare, "true").status == 0
    terminal = login(lab, bare, "tty", options=["-tt"])
    assert b"PTY allocation request failed" in terminal.err and terminal.out == b""
    for forward in (["-W", "127.0.0.1:22"], ["-W", f"{lab.addresses[lab.host1]}:{lab.ssh_port(lab.host1)}"]):
        assert login(lab, bare, options=forward, target=lab.host1).status == 255
    # Nobody listens at that port: the host's sshd says so when it is asked.
    unheard, asked = ["-W", "127.0.0.1:9"], "connect_to 127.0.0.1 port 9: failed"
    before = lab.sshd_log(lab.host1).count(asked)
    assert login(lab, bare, options=unheard).status == 255
    assert lab.sshd_log(lab.host1).count(asked) == before
    remote = login(
        lab, bare, "true", options=["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"])
    assert b"remote port forwarding failed" in remote.err
    jump = run([
        "ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
        "-o", f"ProxyCommand=ssh -F none -i {bare} -p {lab.gateway_port} -l alice -o BatchMode=yes "
        f"-o UserKnownHostsFile={lab.known_hosts} -W {lab.host1}:{lab.ssh_port(lab.host1)} {lab.gateway_host}",
        "-i", lab.keys["alice"], f"alice@{lab.host1}", "true"])
    assert jump.status == 255
    full = certify(ca, make_key())
    assert b"/dev/pts/" in login(lab, full, "tty", options=["-tt"]).out
    remote = login(lab, full, "true", options=["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"])
    assert remote.status == 0, remote.err
    assert login(lab, full, options=unheard).status == 255
    wait_until(lambda: lab.sshd_log(lab.host1).count(asked) > before, "what the host's sshd says")


@pytest.mark.limit(90)
def test_forced_command(lab, trusted, make_key):
    """The host runs the certificate's command whatever is asked for, knows what that was, and nothing else goes."""
    ca, _ = trusted()
    command = "echo forced; echo \"[$SSH_ORIGINAL_COMMAND]\"; exit 5"
    key = certify(ca, make_key(), "-O", f"force-command={command}")
    done = login(lab, key, "rm -rf 'a b'")
    assert (done.status, done.out) == (5, b"forced\n[rm -rf 'a b']\n"), done.err
    assert login(lab, key).out == b"forced\n[]\n"
    files = login(lab, key, "sftp", options=["-s"])
    assert files.out.startswith(b"forced\n")
    gate = login(lab, key, "whoami", target="gate")
    assert gate.status == 255 and b"one command on a host" in gate.err
    assert login(lab, key, options=["-W", f"{lab.host1}:{lab.ssh_port(lab.host1)}"]).status == 255
    assert login(lab, certify(ca, make_key(), "-O", "source-address=127.0.0.71"), "true").status == 0


@pytest.mark.limit(60)
def test_other_clients(lab, trusted, make_key):
    """asyncssh logs in with a certificate, and what it alone offers is refused without a signature."""
    ca, _ = trusted()
    key = certify(ca, make_key())

    async def out():
        certificate = asyncssh.read_certificate(f"{key}-cert.pub")
        async with clients.connect(lab, key=(str(key), certificate)) as connection:
            return (await connection.run("id -un")).stdout

    assert asyncio.run(out()) == "alice\n"

    # bob's key signs where alice's certificate is offered.
    class Liar(asyncssh.SSHKeyPair):
        def __init__(self):
            own = asyncssh.read_private_key(str(make_key()))
            pair = asyncssh.load_keypairs([own])[0]
            blob = base64.b64decode(open(f"{key}-cert.pub").read().split()[1])
            super().__init__(b"ssh-ed25519-cert-v01@openssh.com", b"ssh-ed25519", [b"ssh-ed25519-cert-v01@openssh.com"], [b"ssh-ed25519"], blob, None)
            self._pair = pair

        def sign(self, data):
            return self._pair.sign(data)

    async def lie():
        async with clients.connect(lab, key=Liar()):
            pass

    mark = lab.mark()
    with pytest.raises(asyncssh.Error):
        asyncio.run(lie())
    assert lab.events_after(mark, "auth.accepted") == []
