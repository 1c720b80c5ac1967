"""Files change hands: each one only if it still belongs to whom it should."""

import os
import stat

import files
from files import Failure
from paths import give, names_of, open_folder, walk


def transfer(wanted, report):
    """`items` are paths below the tree; each gets an answer of its own: its old group, or why not."""
    tree = open_folder(wanted["tree"])
    report["items"] = []
    links = {}
    try:
        for item in wanted["items"]:
            note_link(tree, item, links)
        for item in wanted["items"]:
            answer = move(tree, item, wanted, links)
            report["items"].append(answer)
            if "gid" in answer:
                report["changed"] = True
    finally:
        os.close(tree)


def note_link(tree, item, links):
    """Counts the names of each file with several that are to change hands."""
    try:
        target = walk(tree, names_of(item["path"]))
    except Failure:
        return
    facts = os.fstat(target)
    if facts.st_nlink > 1 and not stat.S_ISDIR(facts.st_mode):
        links[facts.st_ino] = links.get(facts.st_ino, 0) + 1
    os.close(target)


def move(tree, item, wanted, links):
    try:
        target = walk(tree, names_of(item["path"]))
    except Failure as failure:
        return {"why": str(failure)}
    try:
        facts = os.fstat(target)
        if facts.st_uid == wanted["to"]:
            if links.get(facts.st_ino, 0) > 1:
                return {"gid": facts.st_gid, "inode": facts.st_ino, "again": True}
            return {"why": "it is theirs already"}
        if facts.st_uid != wanted["from"]:
            return {"why": "it belongs to uid %d now" % facts.st_uid}
        if item.get("inode") is not None and facts.st_ino != item["inode"]:
            return {"why": "it is another file now"}
        if not stat.S_ISDIR(facts.st_mode) and facts.st_nlink > max(1, links.get(facts.st_ino, 0)):
            return {"why": "it has other names that are not among these"}
        gid = item.get("gid")
        if gid is None:
            gid = wanted["to_gid"] if facts.st_gid == wanted["from_gid"] else facts.st_gid
        if not files.is_rehearsal:
            give(target, wanted["to"], gid)
        return {"gid": facts.st_gid, "inode": facts.st_ino}
    except OSError as error:
        return {"why": os.strerror(error.errno)}
    finally:
        os.close(target)
