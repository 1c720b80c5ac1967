"""Who gets in, who does not, and what they are told."""

import base64
import subprocess
import time
from pathlib import Path

import paramiko
import pytest

import clients
from lab import wait_until


@pytest.mark.parametrize("login", ["alice+HOST1", "alice+HOST2", "alice@HOST1", "alice"])
def test_login_names(lab, login):
    """The login name chooses the host, by `+`, by `@`, or not at all."""
    login = login.replace("HOST1", lab.host1).replace("HOST2", lab.host2)
    result = lab.login(login, "id -un; cat /etc/hostname")
    assert result.status == 0, result.err.decode()
    assert result.out.split()[0] == b"alice"


def test_event_of_a_login(lab):
    """A login is in the event log with its user, key and client address."""
    mark = lab.mark()
    assert lab.ssh("true").status == 0
    event = lab.wait_event(mark, "auth.accepted", user="alice")
    assert event["address"].startswith("127.0.0.1")
    fingerprint = lab.fingerprint(lab.keys["alice"])
    assert fingerprint in str(event["detail"])


def test_twelve_keys(lab, make_key):
    """27: whoever tries key after key is disconnected after the sixth."""
    with clients.transport(lab) as transport:
        tried = 0
        with pytest.raises(clients.REFUSED) as failure:
            for _ in range(12):
                key = clients.private_key(make_key())
                try:
                    transport.auth_publickey(f"alice+{lab.host1}", key)
                except paramiko.AuthenticationException:
                    tried += 1
                    if not transport.is_active():
                        raise
        assert tried <= 6, failure
        assert not transport.is_active()


def blob(public):
    """The bytes of the key in a `.pub` file."""
    return base64.b64decode(Path(public).read_text().split()[1])


class Offer(paramiko.PKey):
    """A public key whose private half is not ours: what signs is another key."""

    def __init__(self, public, signer):
        """Offers the key of a `.pub` file and signs with another."""
        self.public_blob = None
        self.public, self.signer = blob(public), signer

    def asbytes(self):
        """The key that is offered."""
        return self.public

    def get_name(self):
        """The kind of key."""
        return "ssh-ed25519"

    def sign_ssh_data(self, data, algorithm=None):
        """A signature, but not by the key that is offered."""
        return self.signer.sign_ssh_data(data, algorithm)


def test_key_of_another_without_signing(lab, make_key):
    """27, GHSA-3cjp-w4cp-m9c8: offering bob's public key without being able to sign is no login, and nobody is recorded as bob."""
    mark = lab.mark()
    with clients.transport(lab) as transport:
        transport.auth_timeout = 3
        offer = Offer(f"{lab.keys['bob']}.pub", clients.private_key(make_key()))
        with pytest.raises(clients.REFUSED):
            transport.auth_publickey(f"bob+{lab.host1}", offer)
        assert not transport.is_authenticated()
    assert lab.events_after(mark, "auth.accepted") == []
    assert lab.events_after(mark, "session.start") == []


def test_probe_is_not_a_login(lab):
    """27, CVE-2024-45337, CVE-2026-46595: a key that was only asked about opens no channel."""
    mark = lab.mark()
    with clients.transport(lab) as transport:
        clients.probe(transport, f"bob+{lab.host1}", f"{lab.keys['bob']}.pub")
        with pytest.raises(clients.REFUSED):
            transport.open_session(timeout=3)
    assert lab.events_after(mark, "auth.accepted") == []


def test_each_attempt_is_logged(lab, make_key):
    """Each failed attempt of a connection is an event of its own, also where a later one succeeds."""
    mark, wrong = lab.mark(), [make_key() for _ in range(3)]
    with clients.transport(lab) as transport:
        for key in wrong:
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(key))
        transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(lab.keys["alice"]))
        lab.wait_event(mark, "auth.accepted", user="alice")
    for key in wrong:
        lab.wait_event(
            mark, "auth.rejected", where=lambda event: lab.fingerprint(key) in str(event["detail"])
        )


def test_none(lab):
    """27: the method none lists the methods."""
    with clients.transport(lab) as transport:
        with pytest.raises(paramiko.BadAuthenticationType) as failure:
            transport.auth_none(f"alice+{lab.host1}")
        assert failure.value.allowed_types == ["publickey"]


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_methods_not_offered(lab, method):
    """27: a method that is not offered is refused, and publickey still works after it."""
    with clients.transport(lab) as transport:
        with pytest.raises(paramiko.BadAuthenticationType):
            if method == "password":
                transport.auth_password(f"alice+{lab.host1}", "secret", fallback=False)
            else:
                transport.auth_interactive(f"alice+{lab.host1}", lambda *_: ["secret"])
        transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(lab.keys["alice"]))
        assert transport.is_authenticated()


STRANGERS = [
    "nobody-here",
    "root",
    "Alice",
    "",
    "alice ",
    "a" * 5_000,
    "älice",
    "alice;id",
    "../alice",
    "-oProxy",
    "alice\tx",
]


@pytest.mark.parametrize("login", STRANGERS, ids=lambda login: repr(login[:12]))
def test_unknown_user(lab, login):
    """27: an unknown user, however odd the name, gets the answer that a wrong key gets."""
    key = clients.private_key(lab.keys["alice"])
    with clients.transport(lab) as transport:
        with pytest.raises(paramiko.AuthenticationException) as failure:
            transport.auth_publickey(f"{login}+{lab.host1}", key)
        assert str(failure.value) == "Authentication failed."


def test_unknown_user_reads_like_a_wrong_key(lab, make_key):
    """27: the stock client prints the same text for an unknown user, a wrong key and another's key."""
    wrong = make_key()
    texts = {
        lab.login(login, "true", key=key).err.decode().replace(login, "LOGIN")
        for login, key in (
            (f"nobody-here+{lab.host1}", "alice"),
            (f"alice+{lab.host1}", wrong),
            (f"alice+{lab.host1}", "bob"),
            (f"root+{lab.host1}", "ada"),
        )
    }
    assert len(texts) == 1, texts


@pytest.mark.parametrize("user, key", [("alice", "bob"), ("bob", "alice"), ("ada", "alice"), ("root", "ada")])
def test_key_of_another(lab, user, key):
    """27: a key opens only its own user's login, and the attempt is logged."""
    mark = lab.mark()
    result = lab.login(f"{user}+{lab.host1}", "id", key=key)
    assert (result.out, result.status) == (b"", 255)
    assert b"Permission denied (publickey)" in result.err
    event = lab.wait_event(
        mark, "auth.rejected", where=lambda event: lab.fingerprint(lab.keys[key]) in str(event)
    )
    assert event["detail"]["login"] == f"{user}+{lab.host1}"


def test_targets_that_tell_nothing(lab, scratch_host):
    """30: who has no grant gets one answer for a host, an unreachable host and a name that there is not."""
    dead = scratch_host(lab.nobodys_address)
    answers = set()
    for target in (lab.host1, dead, "nosuchhost", "x" * 31):
        result = lab.login(f"carol+{target}", "id", key="carol")
        assert (result.out, result.status) == (b"", 255)
        answers.add(result.err.decode().replace(f"'{target}'", "TARGET"))
    assert len(answers) == 1, answers


def test_hosts_that_tell_nothing_to_a_granted_user(lab, scratch_host):
    """30: a host without a grant and one that there is not give alice the same answer."""
    other = scratch_host(lab.nobodys_address)
    texts = {
        lab.login(f"alice+{target}", "id").err.decode().replace(f"'{target}'", "TARGET")
        for target in (other, "nosuchhost")
    }
    assert len(texts) == 1, texts


def test_no_grant_no_default(lab):
    """A user without any grant who names no target is told so and gets nothing."""
    result = lab.login("carol", "id", key="carol")
    assert (result.out, result.status) == (b"", 255)
    assert result.err


def test_wrong_host_key(lab, scratch_host, scratch_user):
    """26: a host with another key than the pinned one is refused within 3 s, before anything is sent to it."""
    address = lab.addresses[lab.host1]
    host = scratch_host(address)
    user = scratch_user(grant=["--host", host])
    mark, before = lab.mark(), lab.sshd_log(lab.host1)
    result = lab.login(f"{user}+{host}", "id", key=user)
    assert (result.out, result.status) == (b"", 255)
    assert result.seconds < 3
    assert host in result.err.decode()
    event = lab.wait_event(mark, "host.failed", host=host)
    assert event["user"] == user
    after = lab.sshd_log(lab.host1)
    assert after.startswith(before)
    news = after[len(before) :]
    assert f"for {user}" not in news and f"user {user}" not in news and "Accepted" not in news


def test_unreachable_host(lab, scratch_host, scratch_user):
    """26: a host that nobody answers for, and one that refuses, each have their own text, which names the host."""
    texts = {}
    for address in (lab.nobodys_address, f"{lab.addresses[lab.host1]}:9"):
        host = scratch_host(address)
        user = scratch_user(grant=["--host", host])
        mark = lab.mark()
        result = lab.login(f"{user}+{host}", "id", key=user, timeout=15)
        assert (result.out, result.status) == (b"", 255)
        assert result.seconds < 8
        assert host in result.err.decode()
        lab.wait_event(mark, "host.failed", host=host)
        texts[address] = result.err.decode().replace(host, "HOST")
    assert len(set(texts.values())) == len(texts), texts


def test_locked_user(lab, start, scratch_user):
    """30: locking a user ends the live sessions within 5 s and refuses the next; unlocking lets in again."""
    user = scratch_user(grant=["--host", lab.host1])
    words = ["ssh", "-F", lab.own_config(user), lab.host1, "echo up; sleep 60"]
    live = start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert live.stdout.readline() == b"up\n"
    lab.gatehouse("user", "lock", user)
    start_of_end = time.monotonic()
    assert live.wait(6) == 255
    assert time.monotonic() - start_of_end < 5
    refused = lab.ssh("true", user=user)
    assert refused.status == 255 and b"Permission denied" in refused.err
    lab.gatehouse("user", "unlock", user)
    wait_until(lambda: lab.ssh("true", user=user).status == 0, "a login after the unlock")


def test_left_user(lab, scratch_user):
    """30: who has left gets in no more, and the uid is not given out again."""
    user = scratch_user(grant=["--host", lab.host1])
    uid = lab.uid(user)
    lab.gatehouse("user", "leave", user, "--yes")
    assert lab.ssh("true", user=user).status == 255
    later = scratch_user()
    assert lab.uid(later) != uid
    refused = lab.gatehouse("user", "add", "it-again", "--uid", uid, check=False)
    assert refused.status != 0


def test_removed_key(lab, scratch_user, make_key):
    """A key that was removed opens nothing; one that was added opens at once."""
    user = scratch_user(grant=["--host", lab.host1])
    second = make_key()
    assert lab.login(f"{user}+{lab.host1}", "true", key=second).status == 255
    lab.gatehouse("key", "add", user, f"{second}.pub")
    assert lab.login(f"{user}+{lab.host1}", "true", key=second).status == 0
    fingerprint = lab.fingerprint(second)
    lab.gatehouse("key", "remove", user, fingerprint)
    assert lab.login(f"{user}+{lab.host1}", "true", key=second).status == 255


@pytest.mark.parametrize(
    "kind, bits", [("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 3072), ("ed25519", None)]
)
def test_kinds_of_keys(lab, scratch_user, make_key, kind, bits):
    """Each kind of key that can be added can log in."""
    user = scratch_user(grant=["--host", lab.host1])
    key = make_key(kind, bits)
    lab.gatehouse("key", "add", user, f"{key}.pub")
    result = lab.login(f"{user}+{lab.host1}", "id -un", key=key)
    assert (result.out.decode().strip(), result.status) == (user, 0), result.err.decode()
