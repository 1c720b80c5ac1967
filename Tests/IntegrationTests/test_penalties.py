"""An address from which logins fail too often is turned away; nobody else is."""

import subprocess

import pytest

from lab import wait_until

#: What MaxFailuresPerAddress is without a line in gatehouse.conf.
LIMIT = 10


def from_address(address):
    """Options of a client that connects from `address`."""
    return ["-o", f"BindAddress={address}"]


@pytest.mark.limit(90)
def test_address_is_blocked(lab, make_key, start):
    """27: after ten failed connections an address is turned away; live sessions and other addresses are not."""
    blocked, other = "127.0.0.88", "127.0.0.89"
    target = f"alice+{lab.host1}"
    assert lab.login(target, "true", options=from_address(blocked)).status == 0
    words = lab.ssh_words("echo up; sleep 8; echo still here", options=from_address(blocked))
    live = start(words, stdout=subprocess.PIPE)
    assert live.stdout.readline() == b"up\n"

    wrong = make_key("ed25519")
    for _ in range(LIMIT):
        failed = lab.login(target, "true", key=wrong, options=from_address(blocked))
        assert failed.status == 255
        assert b"Permission denied" in failed.err

    turned_away = lab.login(target, "true", options=from_address(blocked))
    assert turned_away.status == 255
    assert b"Permission denied" not in turned_away.err
    assert lab.login(target, "true", options=from_address(other)).status == 0
    assert lab.login(target, "true").status == 0
    events = lab.gatehouse_json("event", "list", "--limit", "50")["events"]
    assert any(event["kind"] == "refused" and event["address"] == blocked for event in events)

    assert live.communicate(timeout=20)[0].strip() == b"still here"
    wait_until(
        lambda: lab.login(target, "true", options=from_address(blocked)).status == 0, "the block has ended", 30)


def test_wrong_key_first_is_no_failure(lab, make_key):
    """A person whose agent offers a wrong key before the right one is never counted."""
    options = [*from_address("127.0.0.87"), "-i", str(make_key("ed25519"))]
    for _ in range(LIMIT + 2):
        assert lab.login(f"alice+{lab.host1}", "true", options=options).status == 0
