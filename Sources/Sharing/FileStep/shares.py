"""Shares: one more entry in the access lists of a file or folder, set as its owner."""

import os
import stat

import acl
from files import CONFLICTS, Failure
from paths import acting_as, below, closed_way, door, names_of, open_folder, rights, shown, walk

#: A folder with more in it takes too long for one share.
LIMIT = 200000


def key_of(grantee):
    return (acl.USER if grantee["kind"] == "user" else acl.GROUP, grantee["id"])


def people(grantee):
    """Whom the share is for, with their groups, as the kernel sees them; of a group without members, somebody who is in it."""
    if not grantee["people"]:
        return [(65534, grantee["id"], [grantee["id"]])]
    return [(person["uid"], person["uid"], person["groups"]) for person in grantee["people"]]


def check_kind(facts):
    if not stat.S_ISDIR(facts.st_mode) and not stat.S_ISREG(facts.st_mode):
        raise Failure(CONFLICTS, "only files and folders are shared")


def share(wanted, report):
    path = wanted["tree"] + (b"/" + wanted["path"] if wanted["path"] else b"")
    tree = open_folder(wanted["tree"])
    try:
        if wanted["caller"] is None:
            target = walk(tree, names_of(wanted["path"]))
        else:
            # What the caller cannot see is not there.
            with acting_as(wanted["caller"]):
                target = walk(tree, names_of(wanted["path"]))
    finally:
        os.close(tree)
    try:
        facts = os.fstat(target)
        check_kind(facts)
        if wanted["caller"] is not None and facts.st_uid != wanted["caller"]:
            raise Failure(CONFLICTS, "it belongs to uid %d; its owner or an administrator may share it" % facts.st_uid)
        if facts.st_uid == wanted["grantee"]["id"] and wanted["grantee"]["kind"] == "user":
            raise Failure(CONFLICTS, "it is theirs already")
        everybody = people(wanted["grantee"])
        ways = [closed_way(path, person) for person in everybody]
        if None not in ways:
            closed = ways[0]
            raise Failure(CONFLICTS, "they cannot pass %s, so a share of what lies below is of no use" % shown(closed))
        report["owner"], report["inode"] = facts.st_uid, facts.st_ino
        report["folder"] = stat.S_ISDIR(facts.st_mode)
        change(target, facts, key_of(wanted["grantee"]), wanted["write"], report)
        found = [rights(path, person) for person in everybody]
        report["reads"] = any(reads for reads, _ in found)
        report["writes"] = any(writes for _, writes in found)
        report["unreached"] = sum(1 for reads, _ in found if not reads)
        report["changed"] = True
    finally:
        os.close(target)


def rights_for(facts, entries, writes):
    if stat.S_ISDIR(facts.st_mode):
        return 7 if writes else 5
    return (6 if writes else 4) | (entries[(acl.OWNER, acl.NOBODY)] & 1)


def change(target, facts, key, writes, report):
    """The target, and below a folder everything that belongs to the same owner."""
    set_entry(target, facts, key, writes)
    report["count"] = 1
    if not stat.S_ISDIR(facts.st_mode):
        return
    for found, more, _ in below(target, facts.st_dev):
        if more.st_uid != facts.st_uid or not (stat.S_ISDIR(more.st_mode) or stat.S_ISREG(more.st_mode)):
            report["others"] = report.get("others", 0) + 1
            continue
        set_entry(found, more, key, writes)
        report["count"] += 1
        if report["count"] > LIMIT:
            raise Failure(CONFLICTS, "there is more than %d in it" % LIMIT)


def set_entry(target, facts, key, writes):
    """Sets (writes: True or False) or takes away (None) the entry; as the owner, whom the kernel lets."""
    with acting_as(facts.st_uid):
        path = door(target)
        kinds = [acl.ACCESS] + ([acl.DEFAULT] if stat.S_ISDIR(facts.st_mode) else [])
        base = acl.read(path, acl.ACCESS) or acl.from_mode(facts.st_mode)
        for kind in kinds:
            entries = base if kind == acl.ACCESS else acl.read(path, kind)
            if entries is None:
                if writes is None:
                    continue
                entries = acl.effective(base)
            if writes is None and key not in entries:
                continue
            rights = None if writes is None else rights_for(facts, base, writes)
            changed = acl.with_entry(entries, key, rights)
            if changed != entries:
                acl.write(path, kind, changed, facts.st_mode)


def unshare(wanted, report):
    """Takes the entry away wherever the thing is now: it is known by its number, should it have been moved."""
    tree = open_folder(wanted["tree"])
    try:
        target = find(tree, wanted["path"], wanted["inode"])
        if target is None:
            report["gone"] = True
            return
        try:
            facts = os.fstat(target)
            key, report["count"] = key_of(wanted["grantee"]), 0
            take_away(target, facts, key, report)
            if stat.S_ISDIR(facts.st_mode):
                for found, more, _ in below(target, facts.st_dev):
                    take_away(found, more, key, report)
        finally:
            os.close(target)
    finally:
        os.close(tree)


def take_away(target, facts, key, report):
    if not stat.S_ISDIR(facts.st_mode) and not stat.S_ISREG(facts.st_mode):
        return
    set_entry(target, facts, key, None)
    report["count"] += 1
    if stat.S_ISDIR(facts.st_mode):
        drop_empty_default(target, facts)


def drop_empty_default(target, facts):
    """A default list that only the share had brought goes with it: the folder around has none."""
    present = acl.read(door(target), acl.DEFAULT)
    if present is None or len(present) > 3:
        return
    parent = os.open("..", os.O_PATH | os.O_CLOEXEC, dir_fd=target)
    try:
        if acl.read(door(parent), acl.DEFAULT) is None:
            with acting_as(facts.st_uid):
                os.removexattr(door(target), acl.DEFAULT)
    finally:
        os.close(parent)


def find(tree, path, inode):
    try:
        target = walk(tree, names_of(path))
        if os.fstat(target).st_ino == inode:
            return target
        os.close(target)
    except Failure:
        pass
    for found, facts, _ in below(tree, os.fstat(tree).st_dev):
        if facts.st_ino == inode:
            return os.dup(found)
    return None
