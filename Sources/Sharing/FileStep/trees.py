"""Shared folders in which a group works together: what one makes there, the others can change."""

import errno
import os
import stat

import acl
import files
from files import CONFLICTS, FAILED, Failure
from paths import Missing, door, names_of, open_folder, shown, walk

#: What a new one is: its group's alone, and so is everything that is made in it.
MODE = 0o2770


def make(wanted, report):
    path, gid = wanted["path"], wanted["gid"]
    names = names_of(path)
    parent = open_folder(b"/" + b"/".join(names[:-1]))
    try:
        try:
            tree = walk(parent, names[-1:])
        except Missing:
            if gid is None or not wanted["create"]:
                raise Failure(CONFLICTS, "there is no %s" % shown(path))
            if files.is_rehearsal:
                report["made"] = report["changed"] = True
                return
            os.mkdir(names[-1], 0o700, dir_fd=parent)
            tree = walk(parent, names[-1:])
            os.chown(door(tree), 0, gid)
            os.chmod(door(tree), MODE)
            report["made"] = report["changed"] = True
    finally:
        os.close(parent)
    try:
        facts = os.fstat(tree)
        if not stat.S_ISDIR(facts.st_mode):
            raise Failure(CONFLICTS, "%s is not a folder" % shown(path))
        if gid is not None:
            prepare(tree, facts, gid, wanted["adopt"], report)
    finally:
        os.close(tree)


def prepare(tree, facts, gid, adopts, report):
    """Group, set-gid bit and default access list of the folder itself; what lies in it stays as it is."""
    if facts.st_gid != gid:
        if not adopts:
            raise Failure(CONFLICTS, "it is there already and belongs to the group %d" % facts.st_gid)
        report["changed"] = True
        if not files.is_rehearsal:
            os.chown(door(tree), -1, gid)
    mode = stat.S_IMODE(facts.st_mode) | 0o2070
    listed = acl.read(door(tree), acl.ACCESS)
    if listed is None and mode != stat.S_IMODE(facts.st_mode) or facts.st_gid != gid:
        report["changed"] = True
        if not files.is_rehearsal:
            os.chmod(door(tree), mode)
    wanted = acl.from_mode(0o770)
    wanted[(acl.OTHER, acl.NOBODY)] = mode & 5
    try:
        present = acl.read(door(tree), acl.DEFAULT)
        if present is not None:
            # Shares of the folder are in it too.
            wanted = acl.with_entry(present, (acl.GROUP_OWNER, acl.NOBODY), 7)
        if present != wanted:
            report["changed"] = True
            if not files.is_rehearsal:
                acl.write(door(tree), acl.DEFAULT, wanted)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise Failure(FAILED, "the default access list cannot be set: %s" % os.strerror(error.errno))
        report["remarks"].append("the file system has no access lists: new files follow each one's umask")
