"""The step that makes trees, shares and transfers on a host, on folders of its own; needs root, no lab and no network."""

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
STEP = TOP / "Sources/Sharing/FileStep"
MODULES = [TOP / "Sources/Accounts/HostStep/files.py"] + [
    STEP / f"{name}.py" for name in ("acl", "paths", "trees", "shares", "transfer", "work")
]
UNCHANGED, CHANGED, CONFLICTS, BAD_INPUT, FAILED = 0, 10, 20, 40, 50
ALICE, BOB, LAB = 47001, 47002, 47100
LOADER = """
import json, sys, types
stream = sys.stdin.buffer
for name, size in json.loads(stream.readline().decode()):
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(stream.read(size), name + ".py", "exec"), module.__dict__)
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")


def encoded(path):
    return base64.b64encode(os.fsencode(path)).decode()


def run_step(**wanted):
    """Runs an action; its exit status and report."""
    sources = [module.read_bytes() for module in MODULES]
    index = [[module.stem, len(source)] for module, source in zip(MODULES, sources)]
    data = json.dumps(index).encode() + b"\n" + b"".join(sources) + json.dumps({"schema": 1, **wanted}).encode()
    done = subprocess.run([sys.executable, "-I", "-c", LOADER], input=data, capture_output=True)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def as_user(uid, *words, groups=()):
    """Whether a command succeeds for a user."""
    return (
        subprocess.run(
            words, user=uid, group=uid, extra_groups=list(groups), capture_output=True, umask=0o077
        ).returncode
        == 0
    )


@pytest.fixture
def tree(tmp_path_factory):
    """A shared folder to which everybody finds the way."""
    folder = Path(f"/var/tmp/gh-files-{os.getpid()}-{len(os.listdir('/var/tmp'))}")
    folder.mkdir(mode=0o755)
    (folder / "tree").mkdir(mode=0o755)
    (folder / "tree").chmod(0o777)
    yield folder / "tree"
    subprocess.run(["rm", "-rf", folder], check=True)


def make(path, uid=ALICE, mode=0o600, text="hers", gid=None):
    path.write_text(text)
    os.chown(path, uid, uid if gid is None else gid)
    path.chmod(mode)
    return path


def make_folder(path, uid=ALICE, mode=0o700):
    path.mkdir()
    os.chown(path, uid, uid)
    path.chmod(mode)
    return path


def user(uid, groups=()):
    return {"kind": "user", "id": uid, "people": [{"uid": uid, "groups": [uid, *groups]}]}


def group(gid, *members):
    people = [{"uid": uid, "groups": [uid, gid, *groups]} for uid, *groups in members]
    return {"kind": "group", "id": gid, "people": people}


def share(tree, path, grantee, caller=ALICE, write=False):
    return run_step(
        action="share", tree=encoded(tree), path=encoded(path), caller=caller, grantee=grantee, write=write
    )


def unshare(tree, path, inode, grantee):
    return run_step(
        action="unshare", tree=encoded(tree), path=encoded(path), inode=inode, grantee=grantee
    )


def make_tree(path, gid=LAB, create=True, adopt=False, **more):
    return run_step(action="tree", path=encoded(path), gid=gid, create=create, adopt=adopt, **more)


# Trees


def test_a_tree_makes_group_work_just_work(tree):
    """What one makes in a new tree, with any umask and in new folders, others of the group can change."""
    lab = tree / "lab"
    status, report = make_tree(lab)
    assert (status, report["made"]) == (CHANGED, True)
    assert (lab.stat().st_gid, stat.S_IMODE(lab.stat().st_mode)) == (LAB, 0o2770)
    assert as_user(ALICE, "sh", "-c", f"mkdir {lab}/d && echo a >{lab}/d/f", groups=[LAB])
    assert as_user(BOB, "sh", "-c", f"echo b >>{lab}/d/f && mkdir {lab}/d/e", groups=[LAB])
    assert not as_user(BOB, "ls", lab)
    assert (lab / "d/f").stat().st_gid == LAB
    assert make_tree(lab) == (UNCHANGED, {"changed": False, "errors": [], "remarks": [], "schema": 1})


def test_a_tree_that_is_there_keeps_its_owner(tree):
    """A folder of another group is refused unless told; then only the group changes."""
    lab = make_folder(tree / "lab", mode=0o755)
    (lab / "old").write_text("")
    status, report = make_tree(lab)
    assert status == CONFLICTS and "belongs to the group" in report["errors"][0]
    assert stat.S_IMODE(lab.stat().st_mode) == 0o755
    assert make_tree(lab, adopt=True, rehearsal=True)[0] == CHANGED
    assert lab.stat().st_gid == ALICE
    assert make_tree(lab, adopt=True)[0] == CHANGED
    facts = lab.stat()
    assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (ALICE, LAB, 0o2775)
    assert (lab / "old").stat().st_gid == 0
    assert make_tree(lab)[0] == UNCHANGED


def test_a_tree_is_no_link_and_no_file(tree):
    """Neither the tree nor the way to it is a link."""
    (tree / "elsewhere").mkdir()
    (tree / "link").symlink_to(tree / "elsewhere")
    (tree / "file").write_text("")
    assert make_tree(tree / "link")[0] == CONFLICTS
    assert make_tree(tree / "link/lab")[0] == CONFLICTS
    assert make_tree(tree / "file")[0] == CONFLICTS
    assert make_tree(tree / "missing", gid=None, create=False)[0] == CONFLICTS
    assert os.listdir(tree / "elsewhere") == []


# Shares


def test_a_share_opens_a_file_and_an_end_closes_it(tree):
    """Bob reads what Alice shares, and nothing is left when she ends it."""
    path = make(tree / "data")
    assert not as_user(BOB, "cat", path)
    status, report = share(tree, "data", user(BOB))
    assert (status, report["reads"], report["writes"], report["owner"]) == (CHANGED, True, False, ALICE)
    assert as_user(BOB, "cat", path) and not as_user(BOB, "sh", "-c", f"echo >>{path}")
    assert not as_user(BOB + 1, "cat", path)
    assert share(tree, "data", user(BOB), write=True)[1]["writes"]
    assert as_user(BOB, "sh", "-c", f"echo >>{path}")
    assert unshare(tree, "data", report["inode"], user(BOB))[0] == UNCHANGED
    assert not as_user(BOB, "cat", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listxattr(path) == []


def test_a_share_of_a_folder_covers_what_is_and_comes(tree):
    """All that is Alice's in a folder, and what is made there later; not what is others'."""
    folder = make_folder(tree / "folder")
    make_folder(folder / "deep")
    make(folder / "deep/file")
    make(folder / "others", uid=BOB + 1)
    (folder / "link").symlink_to("/etc/shadow")
    status, report = share(tree, "folder", group(LAB))
    assert (status, report["count"], report["others"]) == (CHANGED, 3, 2)
    assert as_user(BOB, "cat", folder / "deep/file", groups=[LAB])
    assert not as_user(BOB, "cat", folder / "others", groups=[LAB])
    assert as_user(ALICE, "sh", "-c", f"echo new >{folder}/deep/new; chmod 640 {folder}/deep/new")
    assert as_user(BOB, "cat", folder / "deep/new", groups=[LAB])
    unshare(tree, "folder", report["inode"], group(LAB))
    assert not as_user(BOB, "ls", folder, groups=[LAB])
    for path in (folder, folder / "deep", folder / "deep/file", folder / "deep/new"):
        assert not any("acl" in name for name in os.listxattr(path))


def test_other_rights_stay_as_they_were(tree):
    """A share never widens what somebody else may do, a mask included."""
    path = make(tree / "data", mode=0o640, gid=LAB)
    share(tree, "data", user(BOB + 1), write=True)
    path.chmod(0o600)  # Alice closes it: the mask is empty now.
    assert not as_user(BOB + 1, "cat", path) and not as_user(BOB + 3, "cat", path, groups=[LAB])
    assert share(tree, "data", user(BOB))[1]["reads"]
    assert not as_user(BOB + 1, "cat", path)
    assert not as_user(BOB + 3, "cat", path, groups=[LAB])


def test_only_the_owner_shares(tree):
    """A caller shares what is theirs, sees nothing of what is hidden, and an administrator shares all."""
    make(tree / "bobs", uid=BOB)
    assert share(tree, "bobs", user(ALICE))[0] == CONFLICTS
    assert share(tree, "bobs", user(ALICE), caller=None)[1]["reads"]
    make(make_folder(tree / "hidden", uid=BOB) / "file", uid=ALICE, mode=0o644)
    status, report = share(tree, "hidden/file", user(BOB))
    assert status == CONFLICTS and "Permission denied" in report["errors"][0]
    assert share(tree, "hidden/missing", user(BOB))[1]["errors"] == [
        error.replace("file", "missing") for error in report["errors"]
    ]


def test_a_closed_way_is_said_and_nothing_is_changed(tree):
    """A share that the grantee could not reach is refused, with the folder that stands in the way."""
    path = make(make_folder(tree / "private") / "data")
    status, report = share(tree, "private/data", user(BOB))
    assert status == CONFLICTS and f"cannot pass {tree}/private," in report["errors"][0]
    assert os.listxattr(path) == []


@pytest.mark.parametrize("path", ["../etc/passwd", "a/../../etc/passwd", "link/passwd", "link", "fifo", "a//b", "."])
def test_no_way_out_of_the_tree(tree, path):
    """Neither dots nor links lead out of the tree, and what is neither file nor folder is not shared."""
    (tree / "link").symlink_to("/etc")
    os.mkfifo(tree / "fifo")
    os.chown(tree / "fifo", ALICE, ALICE)
    (tree / "a").mkdir()
    assert share(tree, path, user(BOB), caller=None if path != "fifo" else ALICE)[0] in (BAD_INPUT, CONFLICTS)


def test_a_share_is_found_where_it_was_moved(tree):
    """The end of a share follows the file to its new name; of what is gone nothing is left to do."""
    path = make(tree / "data")
    inode = share(tree, "data", user(BOB))[1]["inode"]
    make_folder(tree / "far", mode=0o755)
    path.rename(tree / "far/moved")
    make(tree / "data")  # Another file with the old name is not touched.
    share(tree, "data", user(BOB))
    assert unshare(tree, "data", inode, user(BOB))[0] == UNCHANGED
    assert not as_user(BOB, "cat", tree / "far/moved")
    assert as_user(BOB, "cat", tree / "data")
    (tree / "far/moved").unlink()
    assert unshare(tree, "data", inode, user(BOB))[1]["gone"]


def test_a_group_is_its_members(tree):
    """The way is open if it is for one of them, and how many it is closed for is said."""
    lab = tree / "lab"
    lab.mkdir()
    os.chown(lab, 0, LAB)
    lab.chmod(0o2770)
    make(lab / "data", gid=LAB)
    status, report = run_step(
        action="share", tree=encoded(tree), path=encoded("lab/data"), caller=None, write=False,
        grantee=group(LAB + 1, (BOB, LAB), (BOB + 1,)),
    )
    assert (status, report["reads"], report["unreached"]) == (CHANGED, True, 1)
    status, report = run_step(
        action="share", tree=encoded(tree), path=encoded("lab/data"), caller=None, write=False,
        grantee=group(LAB + 2, (BOB + 1,)),
    )
    assert status == CONFLICTS


# Transfers


def transfer(tree, *paths, source=BOB, to=ALICE, rehearsal=False):
    items = [path if isinstance(path, dict) else {"path": encoded(path)} for path in paths]
    return run_step(
        action="transfer", tree=encoded(tree), rehearsal=rehearsal, **{"from": source, "to": to},
        from_gid=source, to_gid=to, items=items,
    )


def test_files_change_hands(tree):
    """Owner and private group; a shared group stays; links and folders as such."""
    make(tree / "own", uid=BOB)
    make(tree / "group's", uid=BOB, gid=LAB)
    make_folder(tree / "folder", uid=BOB)
    (tree / "link").symlink_to("/etc/passwd")
    os.lchown(tree / "link", BOB, BOB)
    names = ["own", "group's", "folder", "link"]
    status, report = transfer(tree, *names, rehearsal=True)
    assert [item["gid"] for item in report["items"]] == [BOB, LAB, BOB, BOB]
    assert (tree / "own").stat().st_uid == BOB
    status, report = transfer(tree, *names)
    assert status == CHANGED
    owners = [((tree / name).lstat().st_uid, (tree / name).lstat().st_gid) for name in names]
    assert owners == [(ALICE, ALICE), (ALICE, LAB), (ALICE, ALICE), (ALICE, ALICE)]
    assert os.stat("/etc/passwd").st_uid == 0
    back = [{"path": encoded(name), "inode": item["inode"], "gid": item["gid"]} for name, item in zip(names, report["items"])]
    assert transfer(tree, *back, source=ALICE, to=BOB)[0] == CHANGED
    assert [((tree / name).lstat().st_uid, (tree / name).lstat().st_gid) for name in names] == [(BOB, BOB), (BOB, LAB), (BOB, BOB), (BOB, BOB)]


def test_only_what_still_is_his_changes_hands(tree):
    """Others' files, other files under an old name, missing ones and files with names elsewhere stay, each with a reason."""
    make(tree / "alices", uid=ALICE)
    make(tree / "carols", uid=BOB + 1)
    make(tree / "linked", uid=BOB)
    os.link(tree / "linked", tree / "elsewhere")
    make(tree / "new", uid=BOB)
    report = transfer(tree, "alices", "carols", "linked", "missing", {"path": encoded("new"), "inode": 1})[1]
    whys = [item["why"] for item in report["items"]]
    assert whys[0] == "it is theirs already" and "belongs to uid" in whys[1] and "other names" in whys[2]
    assert "No such file" in whys[3] and "another file" in whys[4]
    assert [(tree / name).stat().st_uid for name in ("linked", "new", "carols")] == [BOB, BOB, BOB + 1]
    report = transfer(tree, "linked", "elsewhere")[1]
    assert all("gid" in item for item in report["items"])
    assert (tree / "linked").stat().st_uid == ALICE


def test_a_link_in_the_way_leads_nowhere(tree):
    """A folder that became a link on the way is not followed."""
    (tree / "d").symlink_to("/etc")
    report = transfer(tree, "d/passwd", source=0, to=ALICE)[1]
    assert "why" in report["items"][0]
    assert os.stat("/etc/passwd").st_uid == 0


def test_nonsense_is_refused(tree):
    """What cannot be read is bad input."""
    assert run_step(action="nothing")[0] == BAD_INPUT
    assert run_step(action="share", tree="!", path="")[0] == BAD_INPUT
    assert share(tree, "a\0b", user(BOB))[0] == BAD_INPUT
