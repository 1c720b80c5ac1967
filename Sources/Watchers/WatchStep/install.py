"""Puts the watcher on this host, or takes it away; JSON on standard input says what is wanted.

The program does not come along: the host fetches it from the gateway, on the way on which it will deliver, once the gateway
knows the watcher's key; or the gateway brings it, on the way on which it will fetch. Its hash comes from the gateway by the way on
which this step came.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time

import fetching
import services
from files import BAD_INPUT, CHANGED, CONFLICTS, FAILED, UNCHANGED, Failure, read, remove, replace, run
from services import PROGRAM, SETTINGS, put

FOLDER = "/etc/gatehouse-watch"
KEY = FOLDER + "/key"
KNOWN_HOSTS = FOLDER + "/known_hosts"
SPOOL = "/var/spool/gatehouse-watch"
#: What the last walk of each tree found.
STATE = "/var/lib/gatehouse-watch"
PAM = "/etc/pam.d/sshd"
PAM_LINE = b"session optional pam_exec.so quiet " + PROGRAM.encode() + b" session-hook"
FETCH_SECONDS = 60
FETCH_ATTEMPTS = 3
PAM_MARK = b"# gatehouse-watch: which session of the gateway a login is\n"


def digest_of_program():
    program = read(PROGRAM)
    return hashlib.sha256(program).hexdigest() if program is not None else None


def prepare(wanted, report):
    """All that the gateway need not know of: after this it learns the key."""
    changed = []
    for folder in (FOLDER, SPOOL):
        if not os.path.isdir(folder):
            if folder != FOLDER:
                services.restart_later()
            os.makedirs(folder, mode=0o700, exist_ok=True)
            changed.append(folder)
        os.chmod(folder, 0o700)
    line = wanted.get("fetch_line")
    if line is not None:
        fetching.check()
    if wanted.get("watch.conf") is None and os.path.exists(SETTINGS) and services.is_fetched() != (line is not None):
        raise Failure(CONFLICTS, "the last installation did not come to its end: run `gatehouse watch install` again")
    # Before the key: without settings there is nothing to prepare for.
    if put_settings(wanted.get("watch.conf"), wanted["trees"]):
        changed.append("watch.conf")
    if not os.path.exists(KEY):
        services.restart_later()
        status, output = run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "gatehouse-watch", "-f", KEY)
        if status != 0:
            raise Failure(FAILED, "no key could be made: %s" % output.strip()[-400:])
        changed.append("key")
    if put(KNOWN_HOSTS, wanted["known_hosts"].encode("utf-8"), 0o644):
        changed.append("known_hosts")
    changed += fetching.put(line)
    report["key"], report["program"] = public_key(), digest_of_program()
    report["done"], report["changed"] = changed, bool(changed)


def install(wanted, report):
    changed = put_program(wanted["sha256"])
    changed += services.start(wanted["is_new"] or bool(changed))
    if add_pam_line():
        changed.append("pam")
    report["done"], report["changed"] = changed, bool(changed)
    if not services.has_systemd():
        loops = ", ".join("`sh %s %s &`" % (services.STARTER, verb) for verb, _, _ in services.SERVICES)
        report["remarks"].append("no systemd: have %s run at the start of the host" % loops)


def put_settings(text, trees):
    """Whether the settings are others now; without a text those of now stay, apart from the trees."""
    if text is None:
        present = read(SETTINGS)
        if present is None:
            raise Failure(CONFLICTS, "no watcher is installed here")
        lines = present.decode("utf-8").splitlines(True)
        text = "".join(line for line in lines if line.split(" ")[0] not in ("Tree", "Scan"))
    return put(SETTINGS, (text + trees).encode("utf-8"), 0o644)


def set_trees(wanted, report):
    report["changed"] = put_settings(None, wanted["trees"])
    # Without its program it is not installed to the end: that starts it.
    if (report["changed"] or os.path.exists(services.PENDING_RESTART)) and os.path.exists(PROGRAM):
        services.start(report["changed"], ends_fetching=False)


def put_program(digest):
    if digest_of_program() == digest:
        return []
    program = fetching.take_program(digest) if services.is_fetched() else fetch_program(digest)
    services.restart_later()
    os.makedirs(os.path.dirname(PROGRAM), mode=0o755, exist_ok=True)
    replace(PROGRAM, program, 0o755)
    os.chmod(PROGRAM, 0o755)
    status, output = run(PROGRAM, "--version")
    if status != 0:
        raise Failure(FAILED, "the program does not run here: %s" % output.strip()[-400:])
    return ["program"]


def fetch_program(digest):
    """The program with this hash, from the gateway."""
    settings = dict(line.split(" ", 1) for line in read(SETTINGS).decode("utf-8").splitlines() if " " in line)
    if "Gateway" not in settings or "Host" not in settings:
        raise Failure(CONFLICTS, "%s names no gateway: install the watcher again" % SETTINGS)
    host, _, port = settings["Gateway"].rpartition(":")
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=" + KNOWN_HOSTS,
               "GlobalKnownHostsFile=/dev/null", "HostKeyAlias=gatehouse-gateway", "IdentitiesOnly=yes",
               "IdentityAgent=none", "IdentityFile=" + KEY, "PreferredAuthentications=publickey", "ConnectTimeout=10",
               "ControlPath=none", "LogLevel=ERROR", "UpdateHostKeys=no"]
    words = ["ssh", "-F", "/dev/null", "-T", "-x", "-a"] + [word for option in options for word in ("-o", option)]
    words += ["-p", port, "-l", "gatehouse-watch+" + settings["Host"], "-s", host.strip("[]"), "gatehouse-watch-program"]
    said = b""
    for attempt in range(FETCH_ATTEMPTS):
        # Other hosts may have been turned away at the same moment.
        time.sleep(attempt * random.uniform(1, 4))
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=FETCH_SECONDS)
        except subprocess.TimeoutExpired:
            said = b"it takes too long"
            continue
        if hashlib.sha256(done.stdout).hexdigest() == digest:
            return done.stdout
        said = done.stderr.strip()[-400:] or b"it did not come whole"
    raise Failure(FAILED, "the program cannot be fetched from the gateway at %s: %s"
                  % (settings["Gateway"], said.decode("utf-8", "replace")))


def public_key():
    """The public half, made from the private one: what lies beside it may be anything."""
    status, output = run("ssh-keygen", "-y", "-f", KEY)
    if status != 0:
        raise Failure(FAILED, "the key cannot be read: %s" % output.strip()[-400:])
    return " ".join(output.split()[:2])


def add_pam_line():
    present = read(PAM)
    if present is None or PAM_LINE in present.split(b"\n"):
        return False
    text = present if present.endswith(b"\n") else present + b"\n"
    replace(PAM, text + PAM_MARK + PAM_LINE + b"\n", 0o644)
    return True


def remove_pam_line():
    present = read(PAM)
    if present is None or PAM_LINE not in present.split(b"\n"):
        return False
    replace(PAM, present.replace(PAM_MARK, b"").replace(PAM_LINE + b"\n", b""), 0o644)
    return True


def uninstall(wanted, report):
    deadline = time.monotonic() + wanted["patience"]
    while waiting() and services.states()["ship"] in ("active", "fetched") and time.monotonic() < deadline:
        time.sleep(0.2)
    report["left"] = waiting()
    done = fetching.put(None) + services.stop()
    if remove_pam_line():
        done.append("pam")
    for folder in (FOLDER, SPOOL, STATE, services.RUNTIME):
        if os.path.isdir(folder):
            shutil.rmtree(folder)
            done.append(folder)
    if remove(PROGRAM):
        done.append("program")
    report["done"], report["changed"] = done, bool(done)


def waiting():
    """Segments that have not been delivered."""
    try:
        return sum(1 for name in os.listdir(SPOOL) if name.endswith(".segment"))
    except OSError:
        return 0


def status(wanted, report):
    report["sha256"] = digest_of_program()
    report["version"] = run(PROGRAM, "--version")[1].strip() if report["sha256"] else ""
    report["services"] = services.states() if report["sha256"] else {}
    report["waiting"] = waiting()
    report["pam"] = PAM_LINE in (read(PAM) or b"").split(b"\n")
    report["key"] = public_key() if os.path.exists(KEY) else ""


ACTIONS = {"prepare": prepare, "install": install, "remove": uninstall, "status": status, "trees": set_trees}


def main():
    report = {"schema": 1, "changed": False, "errors": [], "remarks": []}
    os.umask(0o022)
    try:
        try:
            wanted = json.loads(sys.stdin.buffer.read().decode("utf-8"))
            action = ACTIONS[wanted["action"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(BAD_INPUT, "what is wanted cannot be read: %s" % error)
        action(wanted, report)
        code = CHANGED if report["changed"] else UNCHANGED
    except Failure as failure:
        code, report["errors"] = failure.code, [str(failure)]
    except OSError as error:
        code, report["errors"] = FAILED, [str(error)]
    print(json.dumps(report, sort_keys=True))
    sys.exit(code)


main()
