"""The step that makes accounts on a host: what it refuses to be told. Needs root, no lab and no network."""

import json
import os

import pytest

from machine import BAD_INPUT, CONFLICTS, group, reason, user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a private /etc")


@pytest.mark.parametrize("name", ["", "12345", "1abc", "Alice", "al.ice", "svc$", "a@b.com", "zoë", "a" * 32, "-abc",
                                  "a b", "root", "ec2-user", "ssm-user", "alice\n", "../x"])
def test_bad_name(machine, name):
    """A name that is not one for a person is refused, and nothing of it appears anywhere."""
    before = (machine.etc / "passwd").read_bytes()
    report = machine.apply(machine.state({**user(), "name": name}), CONFLICTS)
    assert (report["users"][0]["result"], report["users"][0]["reason"]) == ("conflict", "bad-name")
    assert (machine.etc / "passwd").read_bytes() == before


@pytest.mark.parametrize("uid", [-1, 0, 500, 1000, 19999, 60000, 65534, 65535, 2**31, 2**32 - 2, 2**32])
def test_uid_out_of_range(machine, uid):
    """A number outside of the range is refused."""
    report = machine.apply(machine.state(user(uid=uid)), CONFLICTS)
    assert reason(report) == "id-out-of-range"


@pytest.mark.parametrize("field, value", [
    ("full_name", "x\nroot2::0:0::/:/bin/sh"), ("full_name", "a:b"), ("full_name", "\x00"), ("home", "/home/a:b"),
    ("home", "home"), ("home", "/home/../etc"), ("shell", "/bin/sh\n"), ("shell", "sh"),
    ("keys", ["ssh-ed25519 AAAA\nssh-ed25519 BBBB"]), ("keys", ['command="x" ssh-ed25519 AAAA']), ("keys", [""]),
    ("restrictions", ['command="x"']),
])
def test_bad_field(machine, field, value):
    """A field that could break out of its line is refused."""
    report = machine.apply(machine.state(user(**{field: value})), CONFLICTS)
    assert reason(report) == "bad-field"
    assert machine.line("passwd", "alice") is None


def bad_inputs():
    good = {"schema": 1, "generation": 1, "range": [20000, 59999], "accept_env": [], "users": [user()], "groups": [],
            "certificate_authority": "ssh-ed25519 AAAA"}
    yield "nothing", b""
    yield "not UTF-8", b"\xff"
    yield "truncated", json.dumps(good).encode()[:-5]
    yield "a list", b"[]"
    yield "deep", b"[" * 100_000
    yield "another schema", {**good, "schema": 2}
    yield "no users", {key: value for key, value in good.items() if key != "users"}
    yield "text for a number", {**good, "users": [user(uid="20000")]}
    yield "truth for a number", {**good, "users": [user(uid=True)]}
    yield "same name twice", {**good, "users": [user(), user(uid=20001)]}
    yield "same uid twice", {**good, "users": [user(), user("bob")]}
    yield "a group with a user's gid", {**good, "groups": [group(gid=20000)]}
    yield "range with root", {**good, "range": [0, 59999]}
    yield "an authority with options", {**good, "certificate_authority": "cert-authority ssh-ed25519 AAAA"}
    yield "an authority of two lines", {**good, "certificate_authority": "ssh-ed25519 AAAA\nssh-ed25519 BBBB"}
    yield "two words to accept", {**good, "accept_env": ["LANG\nPermitRootLogin yes"]}
    yield "loader variables", {**good, "accept_env": ["LD_*"]}


@pytest.mark.parametrize("state", [pytest.param(state, id=name) for name, state in bad_inputs()])
def test_bad_input(machine, state):
    """A state that is not one is refused before anything is touched."""
    before = machine.stamps()
    report = machine.apply(state, BAD_INPUT)
    assert len(report["errors"]) == 1 and report["changed"] is False
    assert machine.stamps() == before
