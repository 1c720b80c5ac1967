"""Makes the accounts of this host as Gatehouse's directory wants them.

Runs as root on a communal host: the wanted state comes as JSON on standard input, one line of JSON with what was done
goes to standard output. Python 3.6 and its standard library are enough. The step can be killed at any point and run
again; a second run changes nothing.

Exit codes: 0 nothing to do, 10 changed, 20 some accounts are in conflict, 30 another program holds the account
files, 40 the wanted state is not acceptable, 50 reading or writing failed.

Which accounts are Gatehouse's is written in /etc/gatehouse/managed.json, before they are made. A marker group would
show in everyone's `id`, take one of the sixteen groups that NFS carries, and grow one line with every account. An
account that is not in that file is never touched; one that is, is locked when it is no longer wanted, never removed.
"""

import ctypes
import errno
import fcntl
import gc
import json
import os
import sys
import time

import files
from access import Access
from accounts import ACCOUNT_FILES, REGISTRY, REGISTRY_FOLDER, Host
from files import BAD_INPUT, BUSY, CHANGED, CONFLICTS, FAILED, UNCHANGED, Failure
from homes import make_homes
from processes import end_processes, processes_of, uids_with_processes
from sshd import SSHD_FILE, configure_sshd
from wanted import own_fault, wanted_state

LOCK_SECONDS = 15
#: What NFS carries of somebody's groups, beside the first, unless it runs over Kerberos.
NFS_GROUPS = 16


def take_turn():
    """One run at a time on this host. Returns what is wrong with our own memory of it, from now on mended."""
    wrong = [(path, faults) for path, faults in ((REGISTRY_FOLDER, files.make_folder(REGISTRY_FOLDER)),
                                                 (REGISTRY, files.faults(REGISTRY, 0o644))) if faults]
    remarks = ["%s: %s" % (path, ", ".join(faults)) for path, faults in wrong]
    if files.is_rehearsal and not os.path.isdir(REGISTRY_FOLDER):
        return remarks
    folder = os.open(REGISTRY_FOLDER, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return remarks
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Failure(BUSY, "another run holds this host")
            time.sleep(0.05)


def sort_out(state, host):
    """Which users get in, and why others do not."""
    granted, refused = [], {}
    for user in state["users"]:
        reason = own_fault(user, state) or host.user_conflict(user)
        if reason:
            refused[user["name"]] = reason
        else:
            granted.append(user)
    return granted, refused


def change_accounts(state, host, granted, refused, remarks):
    """The account files, in memory. Returns who is locked, whose groups changed, and what became of the groups."""
    shells = {shell: os.path.isfile(shell) and os.access(shell, os.X_OK) for shell in {u["shell"] for u in granted}}
    for user in granted:
        name, shell = user["name"], user["shell"]
        if not shells[shell]:
            remarks.setdefault(name, []).append("%s is not installed, /bin/sh instead" % shell)
            shell = "/bin/sh"
        differences = host.differences(user, shell)
        if differences:
            remarks.setdefault(name, []).extend(differences)
        host.managed[name] = user["uid"]
        host.set_group(name, user["gid"], ())
        host.set_user(user, shell)
    names = {user["name"] for user in granted}
    locked = [name for name in sorted(host.managed) if name not in names and name not in refused and host.lock(name)]
    groups, moved, wanted = [], set(), {group["name"]: group for group in state["groups"]}
    for name, gid in sorted(host.shared.items()):
        if name not in wanted and host.group.get(name) and host.group.get(name)[2] == str(gid):
            host.set_group(name, gid, ())
    for name, group in wanted.items():
        reason = own_fault(group, state) or host.group_conflict(group)
        if reason:
            groups.append({"name": name, "result": "conflict", "reason": reason})
            continue
        is_fresh = host.group.get(name) is None
        host.shared[name] = group["gid"]
        moved |= host.set_group(name, group["gid"], names.intersection(group["members"]))
        result = "created" if is_fresh else "updated" if name in host.group.touched else "unchanged"
        groups.append({"name": name, "result": result, "reason": ""})
    running = uids_with_processes() if moved else ()
    for name in moved:
        late = ", from the next login on" if host.managed.get(name) in running else ""
        remarks.setdefault(name, []).append("groups" + late)
    return locked, moved, groups


def end_departed(state, host):
    """Ends what people still run here who may not log in at all any more: {user: [what]}."""
    ended = {}
    for name in state["departed"]:
        uid = host.managed.get(name)
        if uid is None or not state["range"][0] <= uid <= state["range"][1]:
            continue
        entry = host.passwd.get(name)
        if entry and entry[2] == str(uid):
            count = len(processes_of(uid)) if files.is_rehearsal else end_processes(uid, state["range"][0])
            if count:
                ended[name] = ["processes ended: %d" % count]
    return ended


def report_users(host, granted, refused, locked, remarks, fresh, changed):
    """One entry per user, for the report."""
    rows = [(name, "conflict", [reason]) for name, reason in refused.items()]
    touched = host.passwd.touched | host.shadow.touched
    for name in locked:
        is_news = name in touched or name in changed
        reasons = ["locked: not wanted here any more"] + remarks.get(name, [])
        rows.append((name, "locked" if is_news else "unchanged", reasons))
    for user in granted:
        name = user["name"]
        if name in touched:
            remarks.setdefault(name, []).insert(0, "account")
            changed.add(name)
        result = "created" if name in fresh else "updated" if name in changed else "unchanged"
        rows.append((name, result, remarks.get(name, [])))
    return [{"name": name, "result": result, "reason": ", ".join(reasons)} for name, result, reasons in sorted(rows)]


def apply(state, report):
    if state["rehearsal"]:
        files.rehearse()
    wrong = take_turn()
    libc = ctypes.CDLL(None, use_errno=True)
    # The lock makes a file where there is none; who only looks sees whole files without it, as everybody does.
    if not files.is_rehearsal and libc.lckpwdf() != 0:
        number = ctypes.get_errno()
        if number not in (0, errno.EINTR, errno.EAGAIN):
            raise OSError(number, os.strerror(number), "/etc/.pwd.lock")
        raise Failure(BUSY, "another program holds the account files")
    # Lines of /etc/shadow are not to lie about after a run that was killed.
    for path in (*ACCOUNT_FILES, REGISTRY, SSHD_FILE):
        files.remove(files.unfinished(path))
    host = Host(state["adopted"])
    known = host.registry.get("generation", 0)
    if state["generation"] < known:
        raise Failure(BAD_INPUT, "generation %d of the directory is older than %d, which this host has; after "
                      "restoring a directory, remove the line from %s" % (state["generation"], known, REGISTRY))
    granted, refused = sort_out(state, host)
    fresh = {user["name"] for user in granted if not host.passwd.get(user["name"])}
    access = Access(granted)
    changed_access, common = access.differences()
    common = wrong + common
    access.revoke()
    remarks = {}
    locked, moved, report["groups"] = change_accounts(state, host, granted, refused, remarks)
    host.remember(state)
    saved = host.save()
    if not files.is_rehearsal:
        libc.ulckpwdf()

    changed = set(moved)
    # After their accounts are locked, so that nothing new starts.
    ended = end_departed(state, host)
    homes = make_homes(granted)
    access.grant()
    for source in (changed_access, ended, {name: [what] for name, what in homes.items()}):
        for name, what in source.items():
            remarks.setdefault(name, []).extend(what)
    changed.update(changed_access, ended, [name for name, what in homes.items() if what == "home"])
    for user in granted:
        if user["sudo"] and not access.has_sudo:
            remarks.setdefault(user["name"], []).append("sudo is not installed")
    for name, count in host.group_counts().items():
        if count > NFS_GROUPS:
            remarks.setdefault(name, []).append(
                "in %d groups, of which NFS carries %d without Kerberos" % (count, NFS_GROUPS))
    report["users"] = report_users(host, granted, refused, locked, remarks, fresh, changed)
    known_names = {entry["name"] for entry in report["users"]}
    common += ["%s: %s" % (name or "an empty line", ", ".join(what)) for name, what in sorted(changed_access.items())
               if name not in known_names]
    report["files"] = common
    report["changed"] = saved or bool(changed) or bool(common)
    try:
        configure_sshd(state, host, report["sshd"], report["files"])
    finally:
        report["changed"] = report["changed"] or report["sshd"]["changed"]
    if refused or any(group["result"] == "conflict" for group in report["groups"]):
        code = CONFLICTS
    else:
        code = CHANGED if report["changed"] or report["sshd"]["reloaded"] else UNCHANGED
    if state["brief"]:
        for kind in ("users", "groups"):
            report[kind] = [row for row in report[kind] if row["result"] != "unchanged" or row["reason"]]
    return code


def main():
    report = {"schema": 1, "changed": False, "users": [], "groups": [], "files": [],
              "sshd": {"changed": False, "reloaded": False}, "errors": []}
    os.umask(0o022)
    gc.disable()  # The run is short, and with many users half of its lists would be walked again and again.
    try:
        code = apply(wanted_state(sys.stdin.buffer.read()), report)
    except Failure as failure:
        code, report["errors"] = failure.code, [str(failure)]
    except OSError as error:
        code, report["errors"] = FAILED, [str(error)]
    print(json.dumps(report, sort_keys=True))
    sys.exit(code)


main()
