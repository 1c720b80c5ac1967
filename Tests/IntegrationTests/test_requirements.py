"""Grants that require a factor: who is asked at which login, and what a login without it does not get."""

import asyncio
import os
import subprocess

import asyncssh
import paramiko
import pytest

from clients import connect
from lab import run, wait_until
from passwords import PASSWORDS, events, make_gateway, private_key, transport
from totp import Enrolment, Terminal


def typing(tmp_path, answer):
    """The environment in which stock clients are answered so when they ask."""
    helper = tmp_path / "askpass"
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o700)
    return {**os.environ, "SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}


@pytest.mark.limit(180)
def test_required_code(lab, scratch_user, scratch_host, start, tmp_path):
    """A host that requires a code is reached with one, by jump too; without it nobody gets there, whichever way they try."""
    user = scratch_user(grant=["--host", lab.host1, "--require", "totp"])
    login, config, mark = f"{user}+{lab.host1}", lab.own_config(user), lab.mark()
    through_gate = ["-o", "ProxyJump=gate"]

    # Who has no codes is told how to get some, at a login and nowhere else.
    done = lab.login(login, "id", key=user)
    assert done.status == 255 and b"uid=" not in done.out
    assert f"ssh -t {user}+gate@GATEWAY totp enrol" in done.err.decode()
    codes = Enrolment(Terminal(lab.ssh_words("totp", "enrol", alias="gate", user=user, options=["-tt"])))

    # Who has some is asked for one there, and not at the gate; a jump through the gate has shown none.
    assert lab.ssh("whoami", alias="gate", user=user).status == 0
    assert b"keyboard-interactive" in lab.ssh("id", user=user).err
    assert lab.ssh("id", alias=f"jump-{lab.host1}", user=user, options=through_gate).status == 255
    says = f"ssh -J {login}@GATEWAY {lab.host1}"
    lab.wait_event(mark, "refused", lambda event: says in str(event["detail"]), 60, user=user)

    # In a pool the way leads past it, and that is said to who would rather be there.
    other = lab.gatehouse("grant", "add", "--user", user, "--host", lab.host2).out.decode()
    lab.ssh("hosts", "default", lab.host1, alias="gate", user=user)
    done = lab.login(f"{user}+communal", "cat /etc/hostname", key=user)
    assert done.out.decode().strip() == lab.host2, done.err.decode()
    assert f"{lab.host1} requires a one-time code, which this login has not shown: you are on {lab.host2}" in done.err.decode()
    lab.ssh("hosts", "default", "--clear", alias="gate", user=user)
    lab.gatehouse("grant", "remove", other.split()[1])

    # So it is asked for in the login that the jump goes through, as the entries of ssh-config have it.
    gateway = f"{lab.gateway_host}:{lab.gateway_port}"
    entries = lab.ssh("ssh-config", "--gateway", gateway, alias="gate", user=user).out.decode()
    assert f"ProxyJump gatehouse-jump-{lab.host1}\n" in entries and "ProxyJump gatehouse-jump\n" not in entries
    known, door = tmp_path / "known_hosts", tmp_path / "config"
    known.write_text("".join(f"{line[2:]}\n" for line in entries.splitlines() if line.startswith("# ") and " ssh-" in line))
    door.write_text(
        f"{entries}\nHost *\n  IdentityFile {lab.keys[user]}\n  IdentitiesOnly yes\n  LogLevel ERROR\n"
        f"  UserKnownHostsFile {known}\n")
    words = ["ssh", "-F", door, f"{lab.host1}-direct", "id", "-un"]
    done = run(words, env=typing(tmp_path, codes.recovery[0]))
    assert done.out.decode().strip() == user, done.err.decode()
    accepted = lab.wait_event(mark, "auth.accepted", lambda event: "required" in event["detail"], 60, user=user)
    assert (accepted["detail"]["method"], accepted["detail"]["required"]) == ("publickey,totp", "totp")

    # From there on it counts, for scp and for jumps through any login.
    file = tmp_path / "file"
    file.write_bytes(b"contents")
    copied = run(["scp", "-q", "-F", config, "-o", "BatchMode=yes", file, f"{lab.host1}:copy"])
    assert copied.status == 0, copied.err.decode()
    jumped = lab.ssh("cat", "copy", alias=f"jump-{lab.host1}", user=user, options=through_gate)
    assert jumped.out == b"contents", jumped.err.decode()

    # Who is moved on from a host that does not answer is held to what the next one requires.
    dead = scratch_host(f"{lab.addresses[lab.host1]}:9")
    lab.gatehouse("pool", "join", "communal", dead)
    lab.gatehouse("grant", "add", "--user", user, "--host", dead)
    lab.ssh("hosts", "default", dead, alias="gate", user=user)
    moved = lab.login(f"{user}+communal", "cat /etc/hostname", key=user)
    assert moved.out.decode().strip() == lab.host1 and f"{dead} does not answer" in moved.err.decode(), moved.err.decode()
    connected = lab.wait_event(mark, "host.connected", lambda event: "required" in event["detail"], 60, user=user, host=lab.host1)
    assert connected["detail"]["required"] == "totp"
    stays = lab.login(f"{user}+communal", "id", key=user, options=["-o", "BindAddress=127.0.0.42"])
    assert stays.status == 255 and f"{dead} cannot be reached" in stays.err.decode(), stays.err.decode()

    # Another client, from elsewhere.
    class Client(asyncssh.SSHClient):
        def kbdint_auth_requested(self):
            return ""

        def kbdint_challenge_received(self, name, instructions, lang, prompts):
            return [codes.recovery[1] for _ in prompts]

    async def elsewhere():
        async with connect(lab, login, user, client_factory=Client, local_addr=("127.0.0.41", 0)) as connection:
            return (await connection.run("id -un")).stdout.strip()

    assert asyncio.run(elsewhere()) == user

    explained = lab.gatehouse("grant", "explain", user, lab.host1).out.decode()
    assert "after a one-time code" in explained and "with totp" in explained
    grant = next(row for row in lab.rows("grant", "list") if row.get("user") == user)
    assert grant["require"] == ["totp"]

    # Root belongs to the account: who is there without a code must not be there when it is given.
    added = lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1).out.decode()
    sleep = ["echo up; exec sleep 600"]
    without = start(lab.ssh_words(*sleep, user=user, options=["-o", "BindAddress=127.0.0.42"]), stdout=subprocess.PIPE)
    assert without.stdout.readline() == b"up\n"
    root = lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--sudo", "--require", "totp").out.decode()
    wait_until(lambda: without.poll() is not None, "the end of what was begun without a code", 60)
    for grant in (root, added):
        lab.gatehouse("grant", "remove", grant.split()[1])

    # A plain grant beside it opens the host to a login without a code, for as long as there is that grant.
    added = lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1).out.decode()
    without = start(lab.ssh_words(*sleep, user=user, options=["-o", "BindAddress=127.0.0.42"]), stdout=subprocess.PIPE)
    shown = start(lab.ssh_words(*sleep, user=user), stdout=subprocess.PIPE)
    assert without.stdout.readline() == shown.stdout.readline() == b"up\n"
    lab.gatehouse("grant", "remove", added.split()[1])
    wait_until(lambda: without.poll() is not None, "the end of what needs a code now", 60)
    assert shown.poll() is None
    refused = lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--require", "key", check=False)
    assert refused.status == 64 and b"write totp" in refused.err


@pytest.mark.limit(90)
def test_required_password(lab, tmp_path):
    """A host that requires a password is asked for with one; other targets are not, and a wrong one opens nothing."""
    here, _ = make_gateway(lab, tmp_path, "publickey")
    try:
        here.add("alice")
        here("host", "add", "vault", "--address", "127.0.0.1", "--key", f"{here.make_key('host')}.pub")
        here("grant", "add", "--user", "alice", "--host", "vault", "--require", "pam")
        key = private_key(here, "alice")
        for login in ("alice+vault", "alice"):
            with transport(here) as client:
                assert sorted(client.auth_publickey(login, key)) == ["keyboard-interactive", "password"]
                assert client.auth_password(login, PASSWORDS["alice"], fallback=False) == []
            detail = events(here, "auth.accepted", "alice")[-1]["detail"]
            assert (detail["method"], detail["required"]) == ("publickey,pam", "pam")
        with transport(here) as client:
            client.auth_publickey("alice+vault", key)
            with pytest.raises(paramiko.AuthenticationException):
                client.auth_interactive("alice+vault", lambda *_: ["not this"])
        # A password counts for its own login only.
        with transport(here) as client:
            assert client.auth_publickey("alice+vault", key) != []
        with transport(here) as client:
            assert client.auth_publickey("alice+gate", key) == []
    finally:
        here.end()


@pytest.mark.limit(90)
def test_guesses_at_what_is_required(lab, tmp_path):
    """Logins that need less than the code give nobody who has the password new guesses at the code."""
    here, _ = make_gateway(lab, tmp_path, "publickey,pam")
    try:
        here.add("alice")
        here("host", "add", "vault", "--address", "127.0.0.1", "--key", f"{here.make_key('host')}.pub")
        here("grant", "add", "--user", "alice", "--host", "vault", "--require", "totp")
        words = [str(word) for word in here.ssh_words("alice", "gate", "-tt", "totp", "enrol")]
        words[words.index("BatchMode=yes")] = "NumberOfPasswordPrompts=1"
        Enrolment(Terminal(["sshpass", "-P", "assword:", "-p", PASSWORDS["alice"], *words]))
        key = private_key(here, "alice")
        for _ in range(3):
            with transport(here) as client:
                client.auth_publickey("alice+vault", key)
                client.auth_interactive("alice+vault", lambda *_: [PASSWORDS["alice"]])
                for _ in range(2):
                    with pytest.raises(paramiko.AuthenticationException):
                        client.auth_interactive("alice+vault", lambda *_: ["000000"])
            with transport(here) as client:
                client.auth_publickey("alice+gate", key)
                assert client.auth_interactive("alice+gate", lambda *_: [PASSWORDS["alice"]]) == []
        reasons = [row["detail"]["reason"] for row in events(here, "auth.rejected", "alice")]
        assert reasons.count("the one-time code is wrong") == 3, reasons
        assert len(events(here, "auth.limited", "alice")) == 1
    finally:
        here.end()
