"""From where grants hold and people may log in: clients that come from this address and from that one."""

import subprocess

import pytest

from lab import run, wait_until
from passwords import PASSWORDS, events, make_gateway, ssh

NEAR, FAR, NETWORKS = "127.0.0.41", "127.0.0.73", "127.0.0.32/28,2001:db8::/32"
SLEEP = "echo up; exec sleep 600"


def at(address):
    """Options of a client that comes from there."""
    return ["-o", f"BindAddress={address}"]


def jump(lab, user, address, folder):
    """A login on the first host through a jump from there."""
    config = folder / "config"
    config.write_text(f"Host gateway\n  BindAddress {address}\nHost *\n  Include {lab.own_config(user)}\n")
    return run(["ssh", "-F", config, f"jump-{lab.host1}", "id", "-un"])


@pytest.mark.limit(150)
def test_grants_hold_from_somewhere(lab, scratch_user, start, tmp_path):
    """A grant for some networks opens its host to clients from there, by jump too, and to nobody from elsewhere; sessions are held to it."""
    user = scratch_user(grant=["--host", lab.host1, "--allow-from", NETWORKS])
    name, mark = user.encode(), lab.mark()
    near = lab.ssh("id", "-un", user=user, options=at(NEAR))
    assert near.out.strip() == name, near.err.decode()
    far = lab.ssh("id", "-un", user=user, options=at(FAR))
    assert far.status == 255 and far.out == b""
    assert f"You may not reach {lab.host1} from {FAR}:" in far.err.decode() and b"2001:db8" not in far.err
    assert jump(lab, user, NEAR, tmp_path).out.strip() == name
    assert jump(lab, user, FAR, tmp_path).status == 255
    says = f"You may not reach {lab.host1} from {FAR}"
    lab.wait_event(mark, "refused", lambda event: says in event["detail"]["reason"], 60, user=user, address=FAR)

    # The gate itself needs no grant; what it tells of hosts does.
    for address, reaches in ((NEAR, True), (FAR, False)):
        listed = lab.ssh("hosts", alias="gate", user=user, options=at(address))
        assert (lab.host1 in listed.out.decode()) == reaches
        assert (f"not from {address}: {lab.host1}" in listed.err.decode()) != reaches
    explained = lab.gatehouse("grant", "explain", user, lab.host1, "--from", FAR).out.decode()
    assert f"does not reach {lab.host1} from {FAR}" in explained
    assert f"does not hold from {FAR}, needs {NETWORKS}" in explained
    grant = next(row for row in lab.rows("grant", "list") if row.get("user") == user)
    assert grant["allow_from"] == NETWORKS.split(",")
    for words, hint in (
        (["--allow-from", "127.0.0.1/8"], b"write 127.0.0.0/8"), (["--allow-from", "near"], b"write networks"),
        (["--from", NETWORKS], b"--allow-from takes networks"),
    ):
        refused = lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, *words, check=False)
        assert refused.status == 64 and hint in refused.err

    # A plain grant beside it opens the host from elsewhere, until root comes, which is the account's.
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    live = {
        address: start(lab.ssh_words(SLEEP, user=user, options=at(address)), stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
        for address in (NEAR, FAR)}
    assert [process.stdout.readline() for process in live.values()] == [b"up\n", b"up\n"]
    words = ["--user", user, "--host", lab.host1, "--sudo", "--allow-from", "127.0.0.41"]
    lab.gatehouse("grant", "add", *words)
    wait_until(lambda: live[FAR].poll() is not None, "the end of what came from elsewhere", 60)
    assert b"is not granted any more" in live[FAR].stderr.read() and live[NEAR].poll() is None
    assert lab.ssh("id", user=user, options=at(FAR)).status == 255
    lab.wait_event(mark, "session.end", lambda event: f"does not hold from {FAR}" in event["detail"]["reason"], 60)


@pytest.mark.limit(120)
def test_people_log_in_from_somewhere(lab, scratch_user, start, tmp_path):
    """Whoever may log in from some networks is nobody elsewhere, at the gate too; what runs from there ends."""
    user = scratch_user(grant=["--host", lab.host1])
    live = start(lab.ssh_words(SLEEP, user=user, options=at(FAR)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert live.stdout.readline() == b"up\n"
    mark = lab.mark()
    lab.gatehouse("user", "set", user, "--allow-from", NETWORKS)
    wait_until(lambda: live.poll() is not None, "the end of what came from elsewhere", 60)
    assert b"you may not log in any more" in live.stderr.read()

    for target in ("gate", lab.host1):
        def said(name, target=target):
            done = lab.login(f"{name}+{target}", "whoami", key=user, options=["-v", *at(FAR)])
            assert done.status == 255
            return [line.replace(name, "NAME") for line in done.err.decode().splitlines() if "uthenti" in line or "denied" in line]

        assert said(user) == said("nobody-here") != []
        assert lab.login(f"{user}+{target}", "whoami", key=user, options=at(NEAR)).status == 0
    assert jump(lab, user, FAR, tmp_path).status == 255
    assert jump(lab, user, NEAR, tmp_path).status == 0
    reason = "the user may not log in from this address"
    lab.wait_event(mark, "auth.rejected", lambda event: event["detail"]["reason"] == reason, 60, user=user, address=FAR)
    assert lab.user(user)["allow_from"] == NETWORKS.split(",")
    lab.gatehouse("user", "set", user, "--allow-from", "any")
    assert lab.login(f"{user}+gate", "whoami", key=user, options=at(FAR)).status == 0


@pytest.mark.limit(120)
def test_secrets_of_people_from_elsewhere(lab, tmp_path):
    """A right password opens nothing from elsewhere, and what is asked and answered is the same as for nobody."""
    here, _ = make_gateway(lab, tmp_path, "pam", "PasswordLogin yes")
    try:
        here.add("alice")
        here("user", "set", "alice", "--allow-from", NETWORKS)

        def login(name, source):
            return ssh(here, name, "whoami", answers=[PASSWORDS["alice"]], tmp=tmp_path, key=False, source=source)

        alice, nobody = (login(name, FAR) for name in ("alice", "nobody"))
        assert alice.status == nobody.status == 255
        assert alice.asked.replace("alice", "nobody") == nobody.asked != ""
        assert alice.err.replace(b"alice", b"nobody") == nobody.err
        reasons = [row["detail"]["reason"] for row in events(here, "auth.rejected", "alice")]
        assert set(reasons) == {"the user may not log in from this address"}
        right = login("alice", NEAR)
        assert right.status == 0, right.err.decode()
    finally:
        here.end()
