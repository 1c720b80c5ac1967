"""A second factor: who is asked for a one-time code, and who gets in with one."""

import asyncio

import asyncssh
import pytest

from factors import events, here, people, private_key, recovery_codes_left, ssh, transport
from lab import run
from totp import PERIOD, Enrolment, Terminal, code


@pytest.mark.limit(90)
def test_enrolment(here, people, tmp_path):
    """Who has no codes can do nothing with the key but enrol, at the gate; then the key alone is nothing any more."""
    refused = ssh(here, "alice", "gate", "hosts")
    assert refused.status == 77
    assert b"totp enrol" in refused.err
    assert ssh(here, "alice", "gate", "totp", "remove").status == 77
    assert ssh(here, "alice", "gate", "version").status == 0
    jump = ssh(here, "alice", "gate", options=["-W", "127.0.0.1:22"])
    assert jump.status != 0
    # For want of codes, whatever the grants are.
    assert "One-time codes are asked for here" in events(here, "refused", "alice")[-1]["detail"]["reason"]
    # Anywhere else a code is asked for, as from everybody.
    with transport(here) as client:
        assert client.auth_publickey("alice", private_key(here, "alice")) == ["keyboard-interactive"]
    without = ssh(here, "alice", "gate", "totp", "enrol")
    assert without.status != 0 and b"ssh -t" in without.err

    alice = people("alice")
    assert f"secret={alice.secret}" in alice.shown and alice.shown.count("█") > 200
    assert len(set(alice.recovery)) == 10
    assert recovery_codes_left(here, "alice") == 10
    assert alice.secret.encode() not in here("directory", "export").out
    assert alice.secret not in here.log_text()
    assert ssh(here, "alice", "gate", "version").status == 255
    # The code of the enrolment is used up.
    used = code(alice.secret, at=alice.step * PERIOD)
    assert ssh(here, "alice", "gate", "whoami", answer=used, tmp=tmp_path).status == 255


@pytest.mark.limit(120)
def test_code_is_good_once(here, people, tmp_path):
    """28: a wrong code is refused, a right one lets in, the same again does not, neither from elsewhere nor after a restart."""
    bob = people("bob")
    wrong = f"{(int(code(bob.secret)) + 500_000) % 1_000_000:06d}"
    assert ssh(here, "bob", "gate", "whoami", answer=wrong, tmp=tmp_path).status == 255
    good = bob.next()
    result = ssh(here, "bob", "gate", "whoami", answer=good, tmp=tmp_path, source="127.0.0.11")
    assert result.status == 0, result.err.decode()
    assert b"bob" in result.out
    assert ssh(here, "bob", "gate", "whoami", answer=good, tmp=tmp_path, source="127.0.0.12").status == 255
    here.process.terminate()
    here.process.wait(10)
    here.start()
    again = ssh(here, "bob", "gate", "whoami", answer=good, tmp=tmp_path, source="127.0.0.12")
    assert again.status == 255
    # The grace time has ended with the daemon.
    assert ssh(here, "bob", "gate", "version", source="127.0.0.11").status == 255
    reasons = [row["detail"]["reason"] for row in events(here, "auth.rejected", "bob")]
    assert "the one-time code is wrong" in reasons
    assert "the one-time code was used before" in reasons


@pytest.mark.limit(120)
def test_grace(here, people, tmp_path):
    """Within the grace time the same key from the same address is not asked, another address is; `totp remove` ends it."""
    carol = people("carol")
    first = ssh(here, "carol", "gate", "version", answer=carol.next(), tmp=tmp_path, source="127.0.0.21")
    assert first.status == 0, first.err.decode()
    assert ssh(here, "carol", "gate", "version", source="127.0.0.21").status == 0
    assert ssh(here, "carol", "gate", "version", source="127.0.0.22").status == 255
    other = here.configuration.with_name("key-other")
    assert run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other]).status == 0
    here("key", "add", "carol", f"{other}.pub")
    words = [str(other) if str(word).endswith("key-carol") else word
             for word in here.ssh_words("carol", "gate", "version")]
    assert run([words[0], "-o", "BindAddress=127.0.0.21", *words[1:]]).status == 255
    accepted = [row["detail"] for row in events(here, "auth.accepted", "carol")]
    assert [detail["method"] for detail in accepted[-2:]] == ["publickey,totp", "publickey"]
    assert int(accepted[-1]["code_age"]) < 60 and "code_age" not in accepted[-2]
    # Who enrols anew, with a present code, begins anew.
    terminal = Terminal(here.ssh_words("carol", "gate", "-o", "BindAddress=127.0.0.21", "-tt", "totp", "enrol"))
    again = Enrolment(terminal, present=carol.recovery[0])
    assert again.secret != carol.secret
    assert ssh(here, "carol", "gate", "version", source="127.0.0.21").status == 255


@pytest.mark.limit(60)
def test_recovery_codes(here, people, tmp_path):
    """A recovery code stands in for a code, once, and the event log says so."""
    dora = people("dora")
    typed = dora.recovery[4].upper()
    assert ssh(here, "dora", "gate", "version", answer=typed, tmp=tmp_path, source="127.0.0.31").status == 0
    assert ssh(here, "dora", "gate", "version", answer=typed, tmp=tmp_path, source="127.0.0.32").status == 255
    assert events(here, "auth.recovered")[-1]["detail"]["left"] == "9"
    # Administrators help who has lost everything.
    here("totp", "remove", "dora", "--yes")
    assert ssh(here, "dora", "gate", "totp", "status", source="127.0.0.33").status == 0


def test_enrolling_anew_wants_a_code(here, people):
    """A stolen key cannot put its own secret in the place of the owner's, also not by an enrolment begun before."""
    thief = Terminal(here.ssh_words("ellen", "gate", "-tt", "totp", "enrol"))
    stolen = thief.until(b"The code that it shows now:").decode()
    secret = stolen.split("type the secret: ")[1].split()[0]
    owner = people("ellen")
    thief.say(code(secret))
    text, status = thief.end()
    assert status != 0 and "meanwhile" in text
    assert f"secret={owner.secret}" in owner.shown
    assert recovery_codes_left(here, "ellen") == 10


def test_real_clients(here, people, tmp_path):
    """sshpass, paramiko and asyncssh show key and code."""
    frank = people("frank")
    key = here.configuration.with_name("key-frank")
    words = [str(word) for word in here.ssh_words("frank", "gate", "version")]
    words[words.index("BatchMode=yes")] = "NumberOfPasswordPrompts=1"
    done = run(["sshpass", "-P", "One-time code:", "-p", frank.recovery[0], words[0], "-o",
                "BindAddress=127.0.0.41", *words[1:]])
    assert done.status == 0, done.err.decode()

    with transport(here, "127.0.0.42") as client:
        assert client.auth_publickey("frank+gate", private_key(here, "frank")) == ["keyboard-interactive"]
        asked = []

        def answer(title, instruction, prompts):
            asked.extend(prompts)
            return [frank.recovery[1]]

        assert client.auth_interactive("frank+gate", answer) == []
        assert asked == [("One-time code: ", False)]
        assert client.is_authenticated()
        with client.open_session(timeout=10) as channel:
            channel.exec_command("whoami")
            assert b"frank" in channel.makefile().read()

    class Client(asyncssh.SSHClient):
        def kbdint_auth_requested(self):
            return ""

        def kbdint_challenge_received(self, name, instructions, lang, prompts):
            return [frank.recovery[2]] if prompts else []

    async def login():
        async with asyncssh.connect(
            here.address, here.port, username="frank+gate", client_keys=[str(key)], known_hosts=None, config=None,
            agent_path=None, client_factory=Client, local_addr=("127.0.0.43", 0),
        ) as connection:
            return (await connection.run("whoami")).stdout

    assert "frank" in asyncio.run(login())
