"""Who tries to do without the second factor, or to guess, reuse and bend it."""

import contextlib
import time

import paramiko
import pytest

import clients
from clients import message
from factors import events, here, people, private_key, recovery_codes_left, transport
from lab import run, wait_until


@contextlib.contextmanager
def half_way(here, name):
    """A connection that has shown the key of somebody who is enrolled, and is asked for a code."""
    with transport(here, "127.0.0.99") as client:
        methods = client.auth_publickey(f"{name}+gate", private_key(here, name))
        assert methods == ["keyboard-interactive"]
        yield client


def assert_shut(here, client, mark):
    """Nothing can be done on this connection, and nobody has logged in since."""
    with pytest.raises(clients.REFUSED):
        client.open_session(timeout=3)
    assert not client.is_authenticated()
    assert len(events(here, "session.start")) == mark


@pytest.fixture
def mark(here, people):
    people("alice")
    return len(events(here, "session.start"))


def test_channel_before_the_last_factor(here, mark):
    """The key alone opens no channel and no forward; the connection ends."""
    for request in (message(90, "session", 0, 1 << 20, 1 << 15), message(80, "tcpip-forward", True, "", 0)):
        with half_way(here, "alice") as client:
            client._send_message(request)
            wait_until(lambda: not client.is_active(), "the end of the connection")
            assert_shut(here, client, mark)


def test_other_name_after_the_key(here, mark):
    """What was shown for one name is nothing for another: of a person, or of a target."""
    for login in ("bob+gate", "alice", "gatehouse-watch+x", ""):
        with half_way(here, "alice") as client:
            with pytest.raises(clients.REFUSED):
                client.auth_interactive(login, lambda *_: ["123456"])
            assert_shut(here, client, mark)


@pytest.mark.parametrize("request_", [
    message(50, "alice+gate", "ssh-connection", "none"),
    message(50, "alice+gate", "ssh-connection", "hostbased", "ssh-ed25519", b"x", "h", "alice", b"y"),
    message(50, "alice+gate", "ssh-connection", "password", False, "123456"),
    message(50, "alice+gate", "ssh-connection", "gssapi-with-mic", 0),
], ids=["none", "hostbased", "password", "gssapi"])
def test_other_methods_after_the_key(here, mark, request_):
    """No other method stands in for the code, however often it is tried."""
    with half_way(here, "alice") as client:
        # The gateway may end it after MaxAuthTries of them, in the middle of one.
        with contextlib.suppress(*clients.REFUSED):
            for _ in range(8):
                client._send_message(request_)
        time.sleep(0.3)
        assert_shut(here, client, mark)


def test_order_of_the_chain(here, people, mark):
    """A code before the key, the key twice, another key after the key: none of it leads on, and no code is spent."""
    alice = people("alice")
    with transport(here, "127.0.0.99") as client:
        with pytest.raises(clients.REFUSED):
            client.auth_interactive("alice+gate", lambda *_: [alice.recovery[9]])
        assert_shut(here, client, mark)
    for name in ("alice", "bob"):
        with half_way(here, "alice") as client:
            with pytest.raises(clients.REFUSED):
                client.auth_publickey("alice+gate", private_key(here, name))
            assert_shut(here, client, mark)
    assert recovery_codes_left(here, "alice") == 10


def test_answers_without_a_question(here, people, mark):
    """Answers to nothing are no answers, also when they would be right."""
    alice = people("alice")
    with half_way(here, "alice") as client:
        client._send_message(message(61, 1, alice.recovery[8]))
        time.sleep(0.3)
        assert_shut(here, client, mark)
    # Nor is a second answer to one question.
    with half_way(here, "alice") as client:
        with pytest.raises(clients.REFUSED):
            client.auth_interactive("alice+gate", lambda *_: ["000000"])
        client._send_message(message(61, 1, alice.recovery[8]))
        time.sleep(0.3)
        assert_shut(here, client, mark)
    assert recovery_codes_left(here, "alice") == 10


@pytest.mark.parametrize("answers", [
    [], ["000000", "000000"], [""] * 200, ["x"] * 1_000, ["1" * 2_000], ["1" * 30_000], ["\0" * 6], ["%n%s" * 9],
], ids=["none", "two", "200", "1000", "long", "longer", "zeros", "percent"])
def test_odd_answers(here, mark, answers):
    """However many answers come, and whatever they are, the daemon and other sessions go on."""
    with half_way(here, "alice") as client:
        client.auth_timeout = 2
        with pytest.raises(clients.REFUSED):
            client.auth_interactive("alice+gate", lambda *_: answers)
        assert_shut(here, client, mark)
    assert here("version").status == 0


def test_attempts_are_counted(here, mark):
    """Wrong codes end the connection after MaxAuthTries, and each is in the log."""
    before = len(events(here, "auth.rejected", "alice"))
    with half_way(here, "alice") as client:
        tries = 0
        with pytest.raises(clients.REFUSED):
            for _ in range(20):
                try:
                    client.auth_interactive("alice+gate", lambda *_: ["000000"])
                except paramiko.AuthenticationException:
                    tries += 1
                    if not client.is_active():
                        raise
        assert tries <= 6
        assert_shut(here, client, mark)
    assert len(events(here, "auth.rejected", "alice")) - before == 6


def test_locked_between_the_factors(here, people, mark):
    """What the directory says counts at the end: who is locked meanwhile does not get in, with the right code."""
    # Nobody has guessed at hers yet, which would be another reason to refuse.
    ellen = people("ellen")
    mark = len(events(here, "session.start"))
    with half_way(here, "ellen") as client:
        here("user", "lock", "ellen")
        try:
            with pytest.raises(clients.REFUSED):
                client.auth_interactive("ellen+gate", lambda *_: [ellen.recovery[7]])
            assert_shut(here, client, mark)
        finally:
            here("user", "unlock", "ellen")
    assert events(here, "auth.rejected", "ellen")[-1]["detail"]["reason"] == "the user is locked"
    assert recovery_codes_left(here, "ellen") == 10


def test_who_has_not_enrolled_is_asked_all_the_same(here, people, mark):
    """With or without codes: the same question, and the same refusal."""
    here("user", "add", "nocodes")
    here("key", "add", "nocodes", f"{here.make_key('nocodes')}.pub")
    people("frank")
    told = {}
    for name in ("frank", "nocodes"):
        said = told[name] = []

        def answer(*question):
            said.append(question)
            return ["000000"]

        with transport(here, "127.0.0.98") as client:
            assert client.auth_publickey(name, private_key(here, name)) == ["keyboard-interactive"]
            for _ in range(2):
                with pytest.raises(paramiko.AuthenticationException) as refusal:
                    client.auth_interactive(name, answer)
                said.append(str(refusal.value))
    assert told["frank"] == told["nocodes"] and len(told["frank"]) == 4


def test_key_of_codes_is_needed(lab, here, people, tmp_path):
    """Without the key of the secrets, or with another, the daemon does not start while somebody is enrolled, and nobody else can read it."""
    people("alice")
    path = here.state / "totp_key"
    assert path.stat().st_mode & 0o777 == 0o600
    hidden = path.rename(tmp_path / "totp_key")
    try:
        here.process.terminate()
        here.process.wait(10)
        done = run([lab.program("gatehoused"), "-f", here.configuration], env=here.environment, timeout=20)
        assert done.status != 0
        assert b"backup" in done.err
        path.write_bytes(bytes(32))
        path.chmod(0o600)
        done = run([lab.program("gatehoused"), "-f", here.configuration], env=here.environment, timeout=20)
        assert done.status != 0
        assert b"another key" in done.err
    finally:
        hidden.rename(path)
        here.start()
