"""Passwords through PAM: who is asked what, and who gets in."""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import signal
import threading
import time
from statistics import median

import asyncssh
import paramiko
import pytest

from clients import message
from lab import run, wait_until
from passwords import PASSWORDS, PINS, events, helpers, make_gateway, private_key, ssh, transport
from totp import Enrolment, Terminal

@pytest.fixture(scope="module")
def strict(lab, tmp_path_factory):
    """A gateway that asks for a key and what PAM wants."""
    made, stacks = make_gateway(lab, tmp_path_factory.mktemp("pam-strict"), "publickey,pam")
    made.stacks = stacks
    try:
        for name in ("alice", "bob"):
            made.add(name)
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def open_door(lab, tmp_path_factory):
    """A gateway that lets people in by a password alone."""
    made, stacks = make_gateway(lab, tmp_path_factory.mktemp("pam-open"), "pam", "PasswordLogin yes")
    made.stacks = stacks
    try:
        for name in ("alice", "bob"):
            made.add(name)
        yield made
    finally:
        made.end()


@pytest.fixture(autouse=True)
def fresh(request):
    """Each test begins with a stack that asks for a password, and nothing guessed."""
    for name in ("strict", "open_door"):
        if name in request.fixturenames:
            here = request.getfixturevalue(name)
            here.stacks.use_password()
            for user in ("alice", "bob"):
                here("user", "unlock", user, check=False)


def test_key_and_password(strict, tmp_path):
    """Neither does alone; both do, and the log says what was shown."""
    right = ssh(strict, "alice", "whoami", answers=[PASSWORDS["alice"]], tmp=tmp_path)
    assert right.status == 0 and b"alice" in right.out, right.err.decode()
    assert events(strict, "auth.accepted", "alice")[-1]["detail"]["method"] == "publickey,pam"
    wrong = ssh(strict, "alice", "whoami", answers=["not this"], tmp=tmp_path)
    assert wrong.status == 255
    assert events(strict, "auth.rejected", "alice")[-1]["detail"]["reason"].startswith("PAM: ")
    # Who has no key is not even asked.
    without = ssh(strict, "alice", "whoami", answers=[PASSWORDS["alice"]], tmp=tmp_path, key=False)
    assert without.status == 255 and without.asked == ""
    assert ssh(strict, "bob", "whoami", answers=[PASSWORDS["alice"]], tmp=tmp_path).status == 255
    for secret in (PASSWORDS["alice"], "not this"):
        assert secret not in strict.log_text()
        assert secret.encode() not in strict("event", "list", "--limit", "1000", "--json").out


def test_two_questions(strict, tmp_path):
    """Both questions reach the client as the modules ask them: hidden and shown, with what is said besides."""
    strict.stacks.use_two_questions()
    done = ssh(strict, "alice", "whoami", answers=[PASSWORDS["alice"], PINS["alice"]], tmp=tmp_path)
    assert done.status == 0, done.err.decode()
    assert ssh(strict, "alice", "whoami", answers=[PASSWORDS["alice"], "0815"], tmp=tmp_path).status == 255

    rounds = []

    def answer(title, instruction, prompts):
        rounds.append((instruction, list(prompts)))
        given = [PASSWORDS["alice"], PINS["alice"]]
        asked = sum(len(each) for _, each in rounds[:-1])
        return given[asked:asked + len(prompts)]

    with transport(strict) as client:
        left = client.auth_publickey("alice+gate", private_key(strict, "alice"))
        assert sorted(left) == ["keyboard-interactive", "password"]
        assert client.auth_interactive("alice+gate", answer) == []
    questions = [prompt for _, prompts in rounds for prompt in prompts]
    assert [shown for _, shown in questions] == [False, True]
    # What is said comes with the next question, or by itself in the end.
    assert [instruction.strip() for instruction, _ in rounds] == ["", "A number comes next.", "Welcome."]

    class Client(asyncssh.SSHClient):
        def __init__(self):
            self.answers = [PASSWORDS["alice"], PINS["alice"]]

        def kbdint_auth_requested(self):
            return ""

        def kbdint_challenge_received(self, name, instructions, lang, prompts):
            return [self.answers.pop(0) for _ in prompts]

    async def login():
        async with asyncssh.connect(
            strict.address, strict.port, username="alice+gate", known_hosts=None, config=None, agent_path=None,
            client_keys=[str(strict.configuration.with_name("key-alice"))], client_factory=Client,
        ) as connection:
            return (await connection.run("whoami")).stdout

    assert "alice" in asyncio.run(login())


def test_expired_password(strict, tmp_path):
    """Who has an expired password gives a new one in the same conversation; the old one is nothing then."""
    strict.stacks.use_expired()
    old, new = PASSWORDS["bob"], "a new staple"
    try:
        done = ssh(strict, "bob", "whoami", answers=[old, old, new, new], tmp=tmp_path)
        assert done.status == 0, done.err.decode() + done.asked
        assert new in strict.stacks.passwords.read_text()
        strict.stacks.use_password()
        assert ssh(strict, "bob", "whoami", answers=[old], tmp=tmp_path).status == 255
        assert ssh(strict, "bob", "whoami", answers=[new], tmp=tmp_path).status == 0
        # By the method 'password' nothing can be asked besides: that is a refusal.
        strict.stacks.use_expired()
        with transport(strict) as client:
            client.auth_publickey("bob+gate", private_key(strict, "bob"))
            with pytest.raises(paramiko.AuthenticationException):
                client.auth_password("bob+gate", new, fallback=False)
    finally:
        strict.stacks.passwords = strict.stacks.database("passwords", PASSWORDS)


def test_answers_that_nobody_has_judged(open_door):
    """An answer counts as a guess also where PAM comes to no end after it, and the log says when no further one is looked at."""
    open_door.stacks.use_two_questions()
    mark = len(events(open_door, "auth.limited", "bob"))
    for _ in range(3):
        with transport(open_door, "127.0.0.84") as client:
            with pytest.raises(paramiko.AuthenticationException):
                client.auth_password("bob+gate", "not this", fallback=False)
    limited = events(open_door, "auth.limited", "bob")[mark:]
    assert [row["address"] for row in limited] == ["127.0.0.84"]
    guesses = json.loads(open_door("user", "show", "bob", "--json").out)["user"]["guesses"]
    assert {(row["factor"], row["failures"]) for row in guesses} == {("pam", 3)}


def test_method_password(open_door, tmp_path):
    """The method `password` answers the one question of a stack; where there are two it is refused."""
    words = [str(word) for word in open_door.ssh_words("alice", "gate", "whoami")]
    words[words.index("BatchMode=yes")] = "PreferredAuthentications=password"
    words[words.index("-i"):words.index("-i") + 2] = ["-o", "PubkeyAuthentication=no"]
    done = run(["sshpass", "-p", PASSWORDS["alice"], *words])
    assert done.status == 0 and b"alice" in done.out, done.err.decode()
    detail = events(open_door, "auth.accepted", "alice")[-1]["detail"]
    assert detail["method"] == "pam" and "key" not in detail
    with transport(open_door) as client:
        with pytest.raises(paramiko.BadAuthenticationType) as raised:
            client.auth_none("alice+gate")
        assert sorted(raised.value.allowed_types) == ["keyboard-interactive", "password", "publickey"]
        with pytest.raises(paramiko.AuthenticationException):
            client.auth_password("alice+gate", "not this", fallback=False)
        assert client.auth_password("alice+gate", PASSWORDS["alice"], fallback=False) == []

    async def login():
        async with asyncssh.connect(
            open_door.address, open_door.port, username="alice+gate", password=PASSWORDS["alice"], known_hosts=None,
            config=None, agent_path=None, client_keys=None, preferred_auth="password",
        ) as connection:
            return (await connection.run("whoami")).stdout

    assert "alice" in asyncio.run(login())
    open_door.stacks.use_two_questions()
    with transport(open_door) as client, pytest.raises(paramiko.AuthenticationException):
        client.auth_password("alice+gate", PASSWORDS["alice"], fallback=False)


def conversation(client, login, secret):
    """What a client sees of one attempt, and how long it takes."""
    seen = []

    def answer(title, instruction, prompts):
        seen.append((title, instruction, tuple(prompts)))
        return [secret for _ in prompts]

    start = time.monotonic()
    try:
        left = client.auth_interactive(login, answer)
        seen.append(("in", left))
    except paramiko.AuthenticationException as error:
        seen.append((type(error).__name__, str(error)))
    return seen, time.monotonic() - start


@pytest.mark.released("compares times")
@pytest.mark.limit(120)
def test_equal_answers(open_door):
    """A wrong password, nobody, who is locked and who is known to PAM alone see the same, in the same time."""
    open_door.add("carol")
    open_door("user", "lock", "carol")
    logins = {"alice": "not this", "carol": PASSWORDS["carol"], "nobody": PASSWORDS["nobody"], "xyzzy": "whatever"}
    seen, times = {}, {name: [] for name in logins}
    for turn in range(3):
        for index, (name, secret) in enumerate(logins.items()):
            # Each from a network of its own: guesses are limited.
            with transport(open_door, f"127.0.{10 + turn}.{10 + index}") as client:
                seen[name], took = conversation(client, name, secret)
                times[name].append(took)
    assert seen["alice"] == seen["carol"] == seen["nobody"] == seen["xyzzy"]
    middle = {name: median(each) for name, each in times.items()}
    assert max(middle.values()) - min(middle.values()) < 0.25, middle


def test_a_password_makes_no_more_of_itself(open_door, tmp_path):
    """Who has come without a key can neither enrol for codes nor add a key: those would outlive the password."""
    right = {"answers": [PASSWORDS["alice"]], "tmp": tmp_path, "key": False}
    assert ssh(open_door, "alice", "whoami", **right).status == 0
    for words, options in ((["totp", "enrol"], ["-tt"]), (["keys", "add", "-"], [])):
        done = ssh(open_door, "alice", *words, options=options, **right)
        assert done.status != 0 and b"without a key" in done.err + done.out, words


def test_limits_on_guessing(open_door, tmp_path):
    """After three wrong passwords none is looked at, also no right one, from that network alone."""
    for _ in range(3):
        assert ssh(open_door, "bob", "whoami", answers=["wrong"], tmp=tmp_path, source="127.0.0.61", key=False).status == 255
    assert events(open_door, "auth.limited", "bob")[-1]["address"] == "127.0.0.61"
    shut = ssh(open_door, "bob", "whoami", answers=[PASSWORDS["bob"]], tmp=tmp_path, source="127.0.0.61", key=False)
    # PAM is not asked; what the client asks by itself, for the method `password`, has no brackets.
    assert shut.status == 255 and "(" not in shut.asked
    reasons = [row["detail"]["reason"] for row in events(open_door, "auth.rejected", "bob")]
    assert any("too many" in reason for reason in reasons)
    other = ssh(open_door, "bob", "whoami", answers=[PASSWORDS["bob"]], tmp=tmp_path, source="127.0.0.62", key=False)
    assert other.status == 0, other.err.decode()


def test_fail_delay(open_door, tmp_path):
    """pam_faildelay's pause is kept, and delays nobody else."""
    open_door.stacks.use_password("auth required pam_faildelay.so delay=3000000")
    with transport(open_door, "127.0.0.71") as slow:
        start = time.monotonic()
        results = []

        async def both():
            loop = asyncio.get_running_loop()
            waits = loop.run_in_executor(None, conversation, slow, "alice", "wrong")
            quick = await loop.run_in_executor(
                None, lambda: ssh(open_door, "bob", "whoami", answers=[PASSWORDS["bob"]], tmp=tmp_path, key=False))
            results.append((quick.status, time.monotonic() - start))
            await waits
            results.append(time.monotonic() - start)

        asyncio.run(both())
    (status, quick), slow_one = results
    assert status == 0 and quick < slow_one
    # The pause that PAM makes varies by half.
    assert slow_one > 1.4


def test_disconnect(open_door):
    """A client that leaves in the middle leaves no process behind; what a helper may do is bounded."""
    open_door.stacks.use_two_questions()
    with transport(open_door, "127.0.0.81") as client:
        numbers = []

        def leave(title, instruction, prompts):
            numbers.extend(helpers(open_door))
            client.sock.close()
            return ["" for _ in prompts]

        with pytest.raises((paramiko.SSHException, EOFError, OSError)):
            client.auth_interactive("alice+gate", leave)
        assert len(numbers) == 1
    wait_until(lambda: helpers(open_door) == [], "the end of the helper")


def test_leaving_questions_is_an_attempt(open_door):
    """Who asks to be asked again and again, and never answers, is cut off like who gives wrong passwords."""
    mark = len(events(open_door, "auth.rejected"))
    with transport(open_door, "127.0.0.82") as client:
        for _ in range(20):
            with contextlib.suppress(EOFError, OSError, paramiko.SSHException):
                client._send_message(message(50, "alice+gate", "ssh-connection", "keyboard-interactive", "", ""))
        wait_until(lambda: not client.is_active(), "the end of the connection", 20)
    reasons = [row["detail"]["reason"] for row in events(open_door, "auth.rejected")[mark:]]
    assert reasons == ["PAM's questions were left without an answer"] * 6
    wait_until(lambda: helpers(open_door) == [], "the end of the last helper")


def test_leaving_while_pam_works(open_door):
    """Nobody waits for an answer that nobody reads: the helper ends with the client, not with the pause."""
    open_door.stacks.use_password("auth required pam_faildelay.so delay=20000000")
    with transport(open_door, "127.0.0.83") as client:
        def leave(title, instruction, prompts):
            threading.Timer(1, client.sock.close).start()
            return ["wrong" for _ in prompts]

        with pytest.raises((paramiko.SSHException, EOFError, OSError)):
            client.auth_interactive("alice+gate", leave)
    wait_until(lambda: helpers(open_door) == [], "the end of the helper", 8)


@pytest.mark.limit(120)
def test_nobody_waits(lab, tmp_path):
    """A helper ends by itself when the daemon is killed, and is ended when a module hangs; nobody else waits for it."""
    here, stacks = make_gateway(lab, tmp_path, "pam", "PasswordLogin yes")
    try:
        here.add("alice")
        stacks.use_two_questions()
        numbers = []

        def kill(title, instruction, prompts):
            numbers.extend(helpers(here))
            os.kill(here.process.pid, signal.SIGKILL)
            here.process.wait()
            return ["" for _ in prompts]

        with transport(here) as client, pytest.raises((paramiko.SSHException, EOFError, OSError)):
            client.auth_interactive("alice+gate", kill)
        assert len(numbers) == 1
        wait_until(lambda: not os.path.exists(f"/proc/{numbers[0]}"), "the end of the helper")

        with open(here.configuration, "a") as file:
            file.write("LoginGraceTime 5s\n")
        here.start()
        # Who opens this waits for a writer, who never comes.
        os.mkfifo(tmp_path / "silence")
        stacks.use_password(f"auth optional pam_echo.so file={tmp_path}/silence")
        with transport(here) as client, concurrent.futures.ThreadPoolExecutor() as pool:
            hangs = pool.submit(conversation, client, "alice+gate", "whatever")
            wait_until(lambda: helpers(here) != [], "the helper")
            number = helpers(here)[0]
            assert here("user", "show", "alice").status == 0 and not hangs.done()
            assert hangs.exception() or hangs.result()[0][-1][0] != "in"
        wait_until(lambda: not os.path.exists(f"/proc/{number}"), "the end of the helper")
        assert "not come to an end" in events(here, "auth.rejected", "alice")[-1]["detail"]["reason"]
    finally:
        here.end()


@pytest.mark.released("a sanitizer adds to the environment")
def test_what_a_helper_holds(open_door):
    """One socket and no other descriptor of the daemon, no word in arguments or environment, no new privileges, limits."""
    looked = {}

    def look(title, instruction, prompts):
        number = helpers(open_door)[0]
        looked["files"] = sorted(
            os.readlink(f"/proc/{number}/fd/{name}").split(":")[0] for name in os.listdir(f"/proc/{number}/fd"))
        for name in ("cmdline", "environ", "status", "limits"):
            with open(f"/proc/{number}/{name}", "rb") as file:
                looked[name] = file.read().decode()
        return ["wrong" for _ in prompts]

    with transport(open_door, "127.0.0.82") as client:
        with pytest.raises(paramiko.AuthenticationException):
            client.auth_interactive("alice+gate", look)
    assert [name for name in looked["files"] if name not in ("/dev/null", "socket")] == []
    assert len(looked["files"]) <= 4
    assert "alice" not in looked["cmdline"] and "127.0.0.82" not in looked["cmdline"]
    assert looked["environ"] == "PATH=/usr/sbin:/usr/bin:/sbin:/bin\0"
    assert "NoNewPrivs:\t1" in looked["status"]
    assert any(line.startswith("Max core file size") and line.split()[4] == "0" for line in looked["limits"].splitlines())
    wait_until(lambda: helpers(open_door) == [], "the end of the helper")


def test_no_stack(open_door):
    """Without the stack nobody gets in, not by the system's `other` either, and the log says why."""
    (open_door.stacks.folder / "other").write_text("auth required pam_permit.so\naccount required pam_permit.so\n")
    (open_door.stacks.folder / "gatehouse").unlink()
    try:
        with transport(open_door, "127.0.0.83") as client, pytest.raises(paramiko.AuthenticationException):
            client.auth_password("alice+gate", PASSWORDS["alice"], fallback=False)
    finally:
        (open_door.stacks.folder / "other").unlink()
        open_door.stacks.use_password()
    assert "no PAM stack" in events(open_door, "auth.rejected", "alice")[-1]["detail"]["reason"]


def test_switched_off(lab, tmp_path):
    """Nothing without a key unless an administrator says so, in words that say what to do."""
    path = tmp_path / "gatehouse.conf"
    path.write_text("AuthenticationMethods publickey pam\n")
    done = run([lab.program("gatehoused"), "-t", "-f", path])
    assert done.status == 78 and b"PasswordLogin yes" in done.err
    path.write_text("AuthenticationMethods publickey pam\nPasswordLogin yes\n")
    assert b"PasswordLogin" not in run([lab.program("gatehoused"), "-t", "-f", path]).err


@pytest.mark.limit(90)
def test_three_factors(lab, tmp_path):
    """publickey,pam,totp: each in its turn, and enrolling needs key and password."""
    here, _ = make_gateway(lab, tmp_path, "publickey,pam,totp")
    try:
        here.add("alice")
        words = [str(word) for word in here.ssh_words("alice", "gate", "-tt", "totp", "enrol")]
        words[words.index("BatchMode=yes")] = "NumberOfPasswordPrompts=1"
        alice = Enrolment(Terminal(["sshpass", "-P", "assword:", "-p", PASSWORDS["alice"], *words]))
        with transport(here) as client:
            client.auth_publickey("alice+gate", private_key(here, "alice"))
            assert client.auth_interactive("alice+gate", lambda *_: [PASSWORDS["alice"]]) == ["keyboard-interactive"]
            assert client.auth_interactive("alice+gate", lambda *_: [alice.recovery[0]]) == []
        assert events(here, "auth.accepted", "alice")[-1]["detail"]["method"] == "publickey,pam,totp"
        # Whoever has key and password gains no guesses at the code by them.
        looked_at = 0
        for _ in range(3):
            with transport(here, "127.0.0.91") as client:
                client.auth_publickey("alice+gate", private_key(here, "alice"))
                with contextlib.suppress(paramiko.AuthenticationException):
                    client.auth_interactive("alice+gate", lambda *_: [PASSWORDS["alice"]])
                    for _ in range(2):
                        with contextlib.suppress(paramiko.AuthenticationException):
                            client.auth_interactive("alice+gate", lambda *_: ["000000"])
        reasons = [row["detail"]["reason"] for row in events(here, "auth.rejected", "alice")]
        assert reasons.count("the one-time code is wrong") == 3, reasons
        assert any("too many" in reason for reason in reasons)
        assert events(here, "auth.limited", "alice")[-1]["address"] == "127.0.0.91"
    finally:
        here.end()


def test_enrolling_needs_a_key(lab, tmp_path):
    """A password alone does not make somebody the owner of the codes that are to protect it."""
    here, _ = make_gateway(lab, tmp_path, "pam,totp", "PasswordLogin yes")
    try:
        here.add("alice")
        with transport(here) as client:
            assert client.auth_interactive("alice+gate", lambda *_: [PASSWORDS["alice"]]) == ["keyboard-interactive"]
            with pytest.raises(paramiko.AuthenticationException):
                client.auth_interactive("alice+gate", lambda *_: ["000000"])
        assert events(here, "session.start", "alice") == []
    finally:
        here.end()
