"""Awkward names and numbers on a host of the lab, through `gatehouse account`: the numbered cases of a list of 25."""

import pytest

from hosts import apply, edit, entry, is_let_in, line, rename, renumber, stamps, state, tamper, unused


@pytest.fixture
def newcomer(lab, scratch_user, teardown):
    """A user who may reach the first host and has no account there yet; at the end the host is as the directory says."""
    teardown.callback(apply, lab, lab.host1)
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    return user


@pytest.fixture
def account(lab, newcomer):
    """A user with an account on the first host."""
    lab.gatehouse("account", "apply", lab.host1)
    return newcomer


@pytest.fixture
def foreign(lab, teardown):
    """Makes an account or a group on the first host that is not Gatehouse's."""

    def foreign(tool, name, *flags):
        lab.lab_exec(lab.host1, tool, *flags, name)
        teardown.callback(lab.lab_exec, lab.host1, tool.replace("add", "del"), name, check=False)

    return foreign


def test_same_again(lab, account):
    """1: the same name with the same uid again is no change, and writes nothing."""
    before = stamps(lab, lab.host1)
    report = apply(lab, lab.host1)
    assert report["changed"] is False and entry(report, account)[0] == "unchanged"
    assert stamps(lab, lab.host1) == before


def test_name_of_another(lab, newcomer, foreign):
    """2: a name that an account of the host's own has is a conflict, and that account stays as it is."""
    foreign("useradd", newcomer, "-M", "-u", "4001")
    before = line(lab, lab.host1, "passwd", newcomer)
    assert entry(apply(lab, lab.host1), newcomer) == ("conflict", "name-unmanaged: uid 4001")
    assert line(lab, lab.host1, "passwd", newcomer) == before
    assert not is_let_in(lab, lab.host1, newcomer)
    assert state(lab, lab.host1, newcomer)["state"] == "conflict"


def test_drifted_uid(lab, account, foreign):
    """3: a number changed by hand is found; where its own number is another's now, it is reported and not rewritten."""
    uid = lab.uid(account)
    edit(lab, lab.host1, "/etc/passwd", f"^{account}:x:{uid}:", f"{account}:x:4003:")
    other = unused()
    foreign("useradd", other, "-M", "-u", str(uid))
    assert entry(apply(lab, lab.host1), account) == ("conflict", f"uid-taken: by {other}")
    assert line(lab, lab.host1, "passwd", account)[2] == "4003"
    assert not is_let_in(lab, lab.host1, account)
    lab.lab_exec(lab.host1, "userdel", other)
    assert entry(apply(lab, lab.host1), account)[0] == "updated"
    assert line(lab, lab.host1, "passwd", account)[2] == str(uid)


def test_uid_of_another(lab, newcomer, foreign):
    """4: a uid that an account of the host's own has is a conflict; there is never a second account with one uid."""
    other = unused()
    foreign("useradd", other, "-M", "-u", str(lab.uid(newcomer)))
    assert entry(apply(lab, lab.host1), newcomer) == ("conflict", f"uid-taken: by {other}")
    assert line(lab, lab.host1, "passwd", newcomer) is None


def test_gid_of_another(lab, newcomer, foreign):
    """5: a gid that another group has is a conflict, and no other gid is given instead."""
    other = unused()
    foreign("groupadd", other, "-g", str(lab.uid(newcomer)))
    assert entry(apply(lab, lab.host1), newcomer) == ("conflict", f"gid-taken: by {other}")
    assert line(lab, lab.host1, "group", newcomer) is None and line(lab, lab.host1, "passwd", newcomer) is None


def test_group_with_another_gid(lab, newcomer, foreign):
    """6: a group of the user's name with another gid is a conflict, and keeps its gid."""
    foreign("groupadd", newcomer, "-g", "4006")
    assert entry(apply(lab, lab.host1), newcomer) == ("conflict", "group-gid-mismatch: gid 4006 here")
    assert line(lab, lab.host1, "group", newcomer)[2] == "4006"


def test_primary_group_missing(lab, account):
    """7: a primary group that somebody removed comes back, with its gid."""
    for file in ("group", "gshadow"):
        edit(lab, lab.host1, f"/etc/{file}", f"^{account}:.*", "")
        lab.lab_exec(lab.host1, "sed", "-i", "/^$/d", f"/etc/{file}")
    assert line(lab, lab.host1, "group", account) is None
    lab.gatehouse("account", "apply", lab.host1)
    assert line(lab, lab.host1, "group", account)[2] == str(lab.uid(account))
    assert lab.ssh("id -gn", user=account).out == f"{account}\n".encode()


@pytest.mark.parametrize("number", [
    pytest.param(70_000, id="15-above-the-range"), pytest.param(65_535, id="16-65535"),
    pytest.param(2**31, id="16-negative-for-some"), pytest.param(2**32 - 2, id="16-nobody-of-old"),
    pytest.param(2**32 - 1, id="17-minus-one"), pytest.param(500, id="18-a-system-number"), pytest.param(0, id="18-root"),
])
def test_number_out_of_range(lab, newcomer, teardown, number):
    """15, 16, 17, 18: a number outside the range is refused by the host, whatever a directory says."""
    own = lab.uid(newcomer)
    renumber(lab, own, number)
    teardown.callback(renumber, lab, number, own)
    before = lab.lab_exec(lab.host1, "cat", "/etc/passwd", "/etc/shadow").out
    assert entry(apply(lab, lab.host1), newcomer) == ("conflict", "id-out-of-range")
    assert lab.lab_exec(lab.host1, "cat", "/etc/passwd", "/etc/shadow").out == before
    assert not is_let_in(lab, lab.host1, newcomer)


@pytest.mark.parametrize("number", [2**32, -1])
def test_number_that_is_none(lab, newcomer, teardown, number):
    """17: a number that no uid can be never reaches the host, and the others there are served."""
    own, before = lab.uid(newcomer), lab.lab_exec(lab.host1, "cat", "/etc/passwd").out
    renumber(lab, own, number)
    teardown.callback(renumber, lab, number, own)
    report = apply(lab, lab.host1)
    assert newcomer not in {row["name"] for row in report["users"]} and entry(report, "alice")[0] == "unchanged"
    assert not is_let_in(lab, lab.host1, newcomer)
    assert lab.lab_exec(lab.host1, "cat", "/etc/passwd").out == before


@pytest.mark.parametrize("name", [
    pytest.param("12345", id="19-digits"), pytest.param("1abc", id="19-a-digit-first"),
    *(pytest.param(name, id=f"20-{name}") for name in ("Alice", "al.ice", "svc$", "a@b.com", "zoë")),
    pytest.param("x" * 32, id="21-32-characters"), pytest.param("root", id="also-root"),
    pytest.param("ec2-user", id="also-ec2-user"),
])
def test_bad_name(lab, newcomer, teardown, name):
    """19, 20, 21: the directory takes no such name, and a host refuses it if one came all the same."""
    assert lab.gatehouse("user", "add", name, check=False).status != 0
    rename(lab, newcomer, name)
    teardown.callback(rename, lab, name, newcomer)
    before = lab.lab_exec(lab.host1, "cat", "/etc/passwd", "/etc/group").out
    assert entry(apply(lab, lab.host1), name) == ("conflict", "bad-name")
    assert lab.lab_exec(lab.host1, "cat", "/etc/passwd", "/etc/group").out == before


def test_longest_name(lab, teardown, make_key):
    """21: 31 characters are a name, in the directory and on the host."""
    user = unused("x" * 25)
    assert len(user) == 31
    lab.gatehouse("user", "add", user)
    teardown.callback(apply, lab, lab.host1)
    teardown.callback(lab.gatehouse, "user", "leave", user, "--yes")
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    assert entry(apply(lab, lab.host1), user)[0] == "created"
    assert lab.lab_exec(lab.host1, "id", "-u", user).out == b"%d\n" % lab.uid(user)


@pytest.mark.parametrize("name", ["x\nroot2::0:0::/:/bin/sh", "a:b"])
def test_bad_field(lab, newcomer, teardown, name):
    """22: a newline or a colon in a field is refused by the directory, and by the host."""
    assert lab.gatehouse("user", "add", unused("it-"), "--full-name", name, check=False).status != 0
    change = "UPDATE users SET full_name = ? WHERE uid = ?"
    tamper(lab, (change, name, lab.uid(newcomer)))
    teardown.callback(tamper, lab, (change, "", lab.uid(newcomer)))
    assert entry(apply(lab, lab.host1), newcomer) == ("conflict", "bad-field")
    assert line(lab, lab.host1, "passwd", "root2") is None
    assert line(lab, lab.host1, "passwd", newcomer) is None


def test_twin_by_case(lab, account, foreign):
    """Also: names that differ only by case cannot both be in the directory; one of the host's own is left alone."""
    done = lab.gatehouse("user", "add", account.upper(), check=False)
    assert done.status != 0 and b"lower case" in done.err
    foreign("useradd", account.upper(), "-M", "-u", "4020")
    assert entry(apply(lab, lab.host1), account)[0] == "unchanged"
    assert not is_let_in(lab, lab.host1, account.upper())
    assert line(lab, lab.host1, "passwd", account.upper())[2] == "4020"
