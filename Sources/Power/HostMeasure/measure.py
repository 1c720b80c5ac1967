"""Who uses this host, and how much: one line of JSON. Changes nothing.

The processor time of all processes is what they have used themselves and what their ended children had used: so nothing that
ran between two looks is missed, however short it was.
"""

import json
import os
import pwd
import sys

#: Programs that people leave running and come back to, by what is in their command line.
HOLDERS = [
    ("tmux", ("tmux",)),
    ("screen", ("SCREEN", "screen")),
    ("zellij", ("zellij",)),
    ("mosh", ("mosh-server",)),
]
SERVERS = [
    ("VS Code server", (".vscode-server/", ".vscode-server-insiders/", ".cursor-server/", ".windsurf-server/",
                        "openvscode-server", "code-server")),
    ("JetBrains server", (".cache/JetBrains/RemoteDev", "remote-dev-server", "remote-dev-worker")),
    ("Jupyter", ("jupyter-lab", "jupyter-notebook", "jupyter-server", "jupyterhub-singleuser", "ipykernel")),
    ("RStudio", ("rsession", "rserver")),
]
TICKS = os.sysconf("SC_CLK_TCK")
LIMIT = 500


def fields_of(pid):
    """Parent and ticks of a process: its own and those of its ended children."""
    with open("/proc/%d/stat" % pid, "rb") as file:
        # The name may hold anything, parentheses too.
        rest = file.read().rpartition(b")")[2].split()
    return int(rest[1]), int(rest[11]) + int(rest[12]), int(rest[13]) + int(rest[14])


def words_of(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        return file.read(65536).decode("utf-8", "replace").rstrip("\0").split("\0")


def kind_of(words):
    """What a command line is, and whether it is worth keeping the host for."""
    name = os.path.basename(words[0].split(" ")[0].rstrip(":")) or "?"
    for what, names in HOLDERS:
        if name in names:
            return what, True
    text = "\0".join(words[:4])
    for what, parts in SERVERS:
        if any(part in text for part in parts):
            return what, True
    return name, False


def login_of(words):
    """Who is logged in by this process of sshd; None: nobody. A connection of root without a terminal is ours."""
    program, _, title = words[0].strip().partition(": ")
    # `alice [priv]`, `[accepted]` and what listens are none; who only forwards has no `@` in theirs.
    if program not in ("sshd", "sshd-session") or not title or " " in title or "[" in title:
        return None
    name, _, terminal = title.partition("@")
    return None if name == "root" and terminal in ("", "notty") else name


def ourselves():
    """This process and those that brought it here."""
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        try:
            pid = fields_of(pid)[0]
        except (OSError, ValueError, IndexError):
            break
    return found


def names_of_users(low, high):
    """The people of the directory, by uid."""
    return {entry.pw_uid: entry.pw_name for entry in pwd.getpwall() if low <= entry.pw_uid <= high}


def measure(wanted):
    users = names_of_users(wanted["low"], wanted["high"])
    ours = ourselves()
    total, activities = 0, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in ours:
            continue
        pid = int(entry)
        try:
            _, own, ended = fields_of(pid)
            uid = os.stat("/proc/%d" % pid).st_uid
            words = words_of(pid)
        except (OSError, ValueError, IndexError):
            continue
        total += own + ended
        login = login_of(words)
        if login:
            key = (login, "login", True)
        elif uid in users:
            key = (users[uid], *kind_of(words))
        else:
            continue
        activities[key] = activities.get(key, 0) + own + ended
    heaviest = sorted(activities.items(), key=lambda item: (not item[0][2], -item[1]))[:LIMIT]
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    return {
        "boot": "%s %d" % (boot, started()),
        "cores": os.cpu_count() or 1,
        "seconds": total / TICKS,
        "activities": [
            {"user": user, "what": what[:64], "holds": holds, "seconds": ticks / TICKS}
            for (user, what, holds), ticks in heaviest
        ],
    }


def started():
    """When process 1 was started, in ticks after the kernel: a container may boot without the machine."""
    with open("/proc/1/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def main():
    report = {"schema": 1, "errors": []}
    try:
        wanted = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        report.update(measure(wanted))
    except (OSError, ValueError, KeyError, TypeError) as error:
        report["errors"] = ["it cannot be measured: %s" % error]
    print(json.dumps(report, sort_keys=True))
    sys.exit(50 if report["errors"] else 0)


main()
