"""Shared trees, shares and transfers, as those who use them see them."""

import secrets
import time

import pytest

from acl import entries
from lab import wait_until

TREE = "/shared/lab"


@pytest.fixture
def place(lab, teardown):
    """A folder of Alice's in the shared tree."""
    path = f"{TREE}/it-{secrets.token_hex(4)}"
    assert lab.ssh("mkdir", path).status == 0
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", path)
    return path


def write(lab, path, text, user="alice", host=None):
    """Writes a file through the door."""
    alias = host or lab.host1
    done = lab.ssh(f"cat >'{path}'", alias=alias, user=user, input=text)
    assert done.status == 0, done.err.decode()


def reads(lab, path, user="bob", host=None):
    """Whether a user can read a file on a host."""
    return lab.ssh("cat", path, alias=host or lab.host2, user=user).status == 0


def test_the_lab_has_its_tree(lab):
    """The lab's tree is known with its hosts, and says who works in it."""
    tree = lab.gatehouse_json("tree", "show", TREE)["tree"]
    assert tree["group"] == "lab" and tree["hosts"] == [lab.host1, lab.host2]
    assert set(tree["members"]) == {"alice", "bob"}
    assert [row["path"] for row in lab.rows("tree", "list")].count(TREE) == 1


def test_a_group_works_together(lab, place):
    """What Alice makes, with the strictest umask and in new folders, Bob changes on the other host; Carol sees nothing."""
    assert lab.ssh(f"umask 077; mkdir {place}/deep && echo alice >{place}/deep/file").status == 0
    assert lab.ssh(f"echo bob >>{place}/deep/file && mkdir {place}/deep/er", alias=lab.host2, user="bob").status == 0
    assert lab.ssh("cat", f"{place}/deep/file").out == b"alice\nbob\n"
    mode = lab.lab_exec(lab.host1, "stat", "-c", "%G %a", place).out.split()
    assert mode[0] == b"lab" and mode[1].startswith(b"2")


def test_a_tree_is_added_and_removed(lab, teardown):
    """A new tree is made on its hosts, refused twice, and forgotten without a touch."""
    path = f"/shared/it-{secrets.token_hex(4)}"
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", path)
    teardown.callback(lab.gatehouse, "tree", "remove", path, "--yes", check=False)
    mark = lab.mark()
    report = lab.gatehouse_json("tree", "add", path, "--group", "lab")
    assert {row["host"]: row["result"] for row in report["hosts"]} == {lab.host1: "made", lab.host2: "unchanged"}
    lab.wait_event(mark, "directory.changed", where=lambda event: event["detail"].get("path") == path)
    assert lab.lab_exec(lab.host2, "stat", "-c", "%U:%G %a", path).out == b"root:lab 2770\n"
    assert lab.gatehouse("tree", "add", path, "--group", "lab", check=False).status == 1
    assert lab.gatehouse("tree", "add", f"{path}/inner", "--group", "lab", check=False).status == 1
    assert lab.gatehouse_json("tree", "apply", path)["hosts"][0]["result"] == "unchanged"
    lab.gatehouse("tree", "remove", path, "--yes")
    assert lab.lab_exec(lab.host1, "test", "-d", path).status == 0


def test_a_folder_of_another_group_is_not_taken(lab, teardown):
    """A tree never changes the owner of what exists without being told."""
    path = f"/shared/it-{secrets.token_hex(4)}"
    lab.lab_exec(lab.host1, "install", "-d", "-o", lab.uid("alice"), "-g", lab.uid("alice"), "-m", "755", path)
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", path)
    teardown.callback(lab.gatehouse, "tree", "remove", path, "--yes", check=False)
    result = lab.gatehouse("tree", "add", path, "--group", "lab", check=False)
    assert result.status == 1 and b"belongs to the group" in result.err
    assert lab.lab_exec(lab.host1, "stat", "-c", "%u:%g %a", path).out == b"%d:%d 755\n" % (lab.uid("alice"), lab.uid("alice"))
    lab.gatehouse("tree", "add", path, "--group", "lab", "--adopt")
    assert lab.lab_exec(lab.host1, "stat", "-c", "%u:%G", path).out == b"%d:lab\n" % lab.uid("alice")


def test_alice_shares_a_file(lab, place):
    """Through the door, with the effect printed, on the record, for a time."""
    write(lab, f"{place}/secret", "42\n")
    assert lab.ssh("chmod", "600", f"{place}/secret").status == 0
    assert not reads(lab, f"{place}/secret")
    mark = lab.mark()
    said = lab.ssh("file", "share", f"{place}/secret", "bob", "--until", "1h", alias="gate")
    assert said.status == 0, said.err.decode()
    assert said.out.decode().startswith(f"bob reads {place}/secret, until ")
    event = lab.wait_event(mark, "file.shared", user="alice")
    assert event["detail"]["with"] == "bob" and event["detail"]["path"] == f"{place}/secret"
    assert reads(lab, f"{place}/secret")
    assert lab.ssh(f"echo >>{place}/secret", alias=lab.host2, user="bob").status != 0
    listed = lab.ssh("file", "shares", alias="gate", user="bob").out.decode()
    assert f"{place}/secret" in listed
    assert lab.ssh("file", "unshare", f"{place}/secret", "bob", alias="gate", user="bob").status == 66
    assert lab.ssh("file", "unshare", f"{place}/secret", "bob", alias="gate").status == 0
    assert not reads(lab, f"{place}/secret")


def test_what_is_not_hers_is_not_shared(lab, place):
    """Another's file, a file in no tree and a way that is closed: refused with the reason, and nothing changes."""
    write(lab, f"{place}/bobs", "b", user="bob")
    refused = lab.ssh("file", "share", f"{place}/bobs", "carol", alias="gate")
    assert refused.status == 1 and b"belongs to uid" in refused.err
    assert lab.ssh("file", "share", "/etc/passwd", "bob", alias="gate").status == 66
    write(lab, f"{place}/hers", "a")
    refused = lab.ssh("file", "share", f"{place}/hers", "carol", alias="gate")
    assert refused.status == 1 and f"cannot pass {TREE}".encode() in refused.err
    assert not [entry for entry in entries(lab, lab.host1, f"{place}/hers") if entry[2] == lab.uid("carol")]
    assert lab.gatehouse("file", "share", f"{place}/bobs", "alice").status == 0


@pytest.mark.limit(60)
def test_a_share_ends_by_itself(lab, place, gatehouse):
    """At its time, on whatever name the file has by then."""
    write(lab, f"{place}/brief", "x")
    lab.ssh("chmod", "600", f"{place}/brief")
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
    mark = lab.mark()
    assert lab.ssh("file", "share", f"{place}/brief", "bob", "--until", until, alias="gate").status == 0
    assert reads(lab, f"{place}/brief")
    assert lab.ssh("mv", f"{place}/brief", f"{place}/moved").status == 0
    lab.wait_event(mark, "file.unshared", timeout=20)
    assert not reads(lab, f"{place}/moved")
    assert not [row for row in lab.rows("file", "shares") if row["path"] == f"{place}/brief"]


def test_a_folder_is_shared_with_a_group(lab, place, teardown):
    """With all that is hers in it and what comes; a person of the group, also of no tree's group, gets in."""
    name = f"it-{secrets.token_hex(3)}"
    gatehouse = lab.gatehouse
    gatehouse("group", "add", name)
    gatehouse("group", "add-member", name, "bob")
    gatehouse("account", "apply", "--all")
    folder = f"{place}/folder"
    lab.ssh(f"mkdir -m 700 {folder} && echo 1 >{folder}/old && chmod 600 {folder}/old")
    assert not reads(lab, f"{folder}/old")
    assert lab.ssh("file", "share", folder, name, "--write", alias="gate").status == 0
    lab.ssh(f"echo 2 >{folder}/new")
    assert reads(lab, f"{folder}/old") and reads(lab, f"{folder}/new")
    assert lab.ssh(f"echo 3 >>{folder}/old", alias=lab.host2, user="bob").status == 0
    assert lab.ssh("file", "unshare", folder, name, alias="gate").status == 0
    assert not reads(lab, f"{folder}/new")


@pytest.mark.limit(90)
def test_files_change_hands_and_back(lab, teardown):
    """Who has left: their files become another's by the book, with a plan, an undo and an event."""
    place = f"{TREE}/it-{secrets.token_hex(4)}"
    assert lab.ssh(f"mkdir {place}", user="bob").status == 0
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", place)
    for number in range(3):
        write(lab, f"{place}/f{number}", "b", user="bob")
    write(lab, f"{place}/alices", "a")

    def planned():
        document = lab.gatehouse_json("file", "transfer", "--from", "bob", "--to", "alice", place, "--plan")
        return len(document["files"]) == 4

    wait_until(planned, "the book knows Bob's four", 20)
    assert lab.gatehouse("file", "transfer", "--from", "bob", "--to", "alice", place, check=False).status == 64
    mark = lab.mark()
    done = lab.gatehouse_json("file", "transfer", "--from", "bob", "--to", "alice", place, "--yes")
    assert (done["count"], done["left"]) == (4, [])
    lab.wait_event(mark, "file.transferred")
    owners = lab.lab_exec(lab.host2, "find", place, "-printf", "%u\n").out.split()
    assert owners == [b"alice"] * 5
    lab.gatehouse("file", "transfer", "--undo", done["transfer"], "--yes")
    owners = lab.lab_exec(lab.host2, "find", place, "-printf", "%u\n").out.split()
    assert sorted(owners) == [b"alice"] + [b"bob"] * 4
    assert lab.gatehouse("file", "transfer", "--undo", done["transfer"], "--yes", check=False).status == 1
