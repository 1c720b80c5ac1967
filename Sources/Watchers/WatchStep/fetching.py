"""What lets the gateway fetch what was seen here, where this host does not reach the gateway.

Root's authorized keys get one line: certificates of the gateway's CA that are made for this host and for fetching run one small
script, and nothing else.
"""

import hashlib
import os
import pwd

from files import CONFLICTS, FAILED, Failure, command, make_folder, mend, read, remove, replace, run

GUARD = "/usr/local/libexec/gatehouse-watch-fetch"
#: Where the gateway puts the program; what it is, the step looks at.
BROUGHT = "/etc/gatehouse-watch/program"
MARK = " gatehouse-watch-fetch"

GUARD_TEXT = b"""\
#!/bin/sh
# All that the gateway may do here when it fetches. Written by `gatehouse watch install`; changes here are lost.
case "$SSH_ORIGINAL_COMMAND" in
deliver)
    exec /usr/local/sbin/gatehouse-watch ship --fetched
    ;;
program)
    umask 077
    exec head -c 268435456 >/etc/gatehouse-watch/program
    ;;
esac
echo "the gateway may do two things here, and not this" >&2
exit 64
"""


def put(line):
    """Lets the gateway in by this line, or not at all; says what was changed."""
    if line is None:
        # The script stays for as long as something names it.
        return ["authorized_keys"] * put_key_line(None) + ["fetch"] * remove(GUARD) if os.path.lexists(GUARD) else []
    if "\n" in line:
        raise Failure(FAILED, "the gateway's line for authorized_keys is more than one")
    make_folder(os.path.dirname(GUARD))
    changed = ["fetch"] if mend(GUARD, GUARD_TEXT, 0o755) else []
    if put_key_line('restrict,command="/bin/sh %s",%s%s' % (GUARD, line, MARK)):
        changed.append("authorized_keys")
    return changed


def put_key_line(line):
    """Whether root's authorized keys had another line of ours."""
    path = key_file()
    present = read(path)
    lines = [] if present is None else present.decode("utf-8", "surrogateescape").splitlines(True)
    ours = [each for each in lines if each.rstrip().endswith(MARK)]
    if [each.rstrip("\n") for each in ours] == ([] if line is None else [line]):
        return False
    check_key_file()
    others = "".join(each for each in lines if each not in ours)
    if line is not None:
        if others and not others.endswith("\n"):
            others += "\n"
        others += line + "\n"
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder, mode=0o700)
    replace(path, others.encode("utf-8", "surrogateescape"), 0o600)
    return True


def sshd_settings():
    """What sshd says holds for root; empty where it cannot be asked."""
    sshd = command("sshd")
    if sshd is None:
        return {}
    status, output = run(sshd, "-T", "-C", "user=root,host=localhost,addr=127.0.0.1")
    if status != 0:
        return {}
    return dict(line.split(" ", 1) for line in output.splitlines() if " " in line)


def check():
    """Whether the gateway could be let in here at all: to be called before anything is changed for it."""
    check_key_file()
    settings = sshd_settings()
    if settings.get("permitrootlogin") == "no":
        raise Failure(CONFLICTS, "sshd lets root in by no way, so the gateway cannot fetch: set PermitRootLogin to "
                      "forced-commands-only, which lets the gateway's own line work and nothing else of root's")
    if settings.get("pubkeyauthentication") == "no":
        raise Failure(CONFLICTS, "sshd takes no keys, so the gateway cannot fetch: set PubkeyAuthentication to yes")


def check_key_file():
    """A link's file is somebody else's to write, and in the link's place there would be a file of its mode."""
    if os.path.islink(key_file()):
        raise Failure(CONFLICTS, "%s is a link, which only whoever has made it should change: make it a file of root's, or have "
                      "the watcher deliver by itself" % key_file())


def key_file():
    """The first file in which sshd looks for root's keys."""
    home = pwd.getpwnam("root").pw_dir
    words = sshd_settings().get("authorizedkeysfile", "").split()
    name = words[0] if words and words[0] != "none" else ".ssh/authorized_keys"
    name = name.replace("%h", home).replace("%u", "root").replace("%U", "0").replace("%%", "%")
    return name if name.startswith("/") else "%s/%s" % (home, name)


def take_program(digest):
    """The program that the gateway has brought."""
    program = read(BROUGHT)
    remove(BROUGHT)
    if program is None or hashlib.sha256(program).hexdigest() != digest:
        raise Failure(FAILED, "the program that the gateway brought did not come whole")
    return program
