"""Who may log in and become root: the files that sshd and sudo read.

Three files for all users instead of some for each: with thousands of users, making files is what costs a host most.
sshd asks for one user's lines with grep and awk, which every host has; see sshd.py.
"""

import os

import files
from files import FAILED, Failure, command, faults, make_folder, read, remove, remove_tree, replace, run

ACCESS = "/etc/ssh/gatehouse"
#: Who may log in with a certificate, a name on each line. Whoever is not there is refused, whatever the certificate.
PEOPLE = ACCESS + "/people"
#: Keys for jumps: a name, a space, and a line of an authorized_keys file.
KEYS = ACCESS + "/keys"
SUDOERS_FOLDER = "/etc/sudoers.d"
SUDOERS = SUDOERS_FOLDER + "/gatehouse"
CERTIFICATE_AUTHORITY = ACCESS + "/user_ca.pub"
REVOKED = ACCESS + "/revoked_keys"
PENDING_RELOAD = ACCESS + "/.reload-pending"
#: Settings with which sshd did not come up; how old the file is tells when that was.
REFUSED_SETTINGS = ACCESS + "/.refused-settings"
#: All that may be in our folder.
OURS = {os.path.basename(path)
        for path in (PEOPLE, KEYS, CERTIFICATE_AUTHORITY, REVOKED, PENDING_RELOAD, REFUSED_SETTINGS)}


class Access:
    """The files by which Gatehouse's users get in."""

    def __init__(self, users):
        people, keys, sudoers = [], [], []
        for user in users:
            name = user["name"]
            people.append(name + "\n")
            options = ",".join(sorted(set(user["restrictions"]))) + " " if user["restrictions"] else ""
            keys += [name + " " + options + key + "\n" for key in user["keys"]]
            if user["sudo"]:
                sudoers.append(name + " ALL=(ALL:ALL) NOPASSWD: ALL\n")
        self.has_sudo = os.path.isdir(SUDOERS_FOLDER) and command("visudo") is not None
        self.lists = [List(PEOPLE, "certificate", 0o644, people), List(KEYS, "keys", 0o644, keys)]
        if self.has_sudo:
            self.lists.append(List(SUDOERS, "sudo", 0o440, sudoers))
        self.folder_faults = faults(ACCESS, 0o755)

    def differences(self):
        """What is not as it should be: {user: [what]}, and sentences about what is nobody's alone."""
        by_user, common = {}, []
        if self.folder_faults:
            common.append("%s: %s" % (ACCESS, ", ".join(self.folder_faults)))
        for each in self.lists:
            for name, what in each.differences.items():
                by_user.setdefault(name, []).append(what)
            common += each.common
        return by_user, common + ["%s: not ours" % path for path in strangers()]

    def revoke(self):
        """Takes away what is not wanted any more."""
        for path in strangers():
            remove_tree(path)
        for each in self.lists:
            each.revoke()

    def grant(self):
        """Writes what is missing."""
        make_folder(ACCESS)
        for each in self.lists:
            each.write()


class List:
    """A file with lines that begin with a user's name."""

    def __init__(self, path, what, mode, lines):
        self.path, self.mode, self.lines = path, mode, lines
        self.data = "".join(lines).encode("utf-8")
        self.old = read(path)
        self.faults = faults(path, mode)
        self.is_wanted = bool(lines) or path != SUDOERS
        self.common = ["%s: %s" % (path, ", ".join(self.faults))] if self.faults else []
        self.differences = {}
        self.old_lines = []
        if self.old is not None and self.old != self.data:
            self.old_lines = self.old.decode("utf-8", "replace").splitlines(keepends=True)
        if self.old != self.data:
            self.compare(what)

    def compare(self, what):
        before, after = by_name(self.old_lines), by_name(self.lines)
        for name in sorted(set(before) | set(after)):
            if before.get(name) != after.get(name):
                self.differences[name] = what if name in after else "no " + what
        if self.old_lines and not self.differences:
            self.common.append("%s: contents" % self.path)

    def revoke(self):
        wanted = set(self.lines)
        kept = [line for line in self.old_lines if line in wanted]
        if len(kept) != len(self.old_lines):
            replace(self.path, "".join(kept).encode("utf-8"), self.mode, is_ours=True)
            self.old = None if files.is_rehearsal else read(self.path)

    def write(self):
        if not self.is_wanted:
            remove(self.path)
        elif self.faults or self.old != self.data:
            if self.path == SUDOERS:
                check_sudoers(self.data)
            replace(self.path, self.data, self.mode, is_ours=True)


def by_name(lines):
    found = {}
    for line in lines:
        found.setdefault(line.split(None, 1)[0] if line.strip() else "", []).append(line)
    return found


def strangers():
    """What is in our places and not ours: nobody else has a reason to put anything there."""
    found = []
    if os.path.isdir(ACCESS):
        found += [ACCESS + "/" + name for name in sorted(os.listdir(ACCESS)) if name not in OURS]
    if os.path.isdir(SUDOERS_FOLDER):
        names = sorted(os.listdir(SUDOERS_FOLDER))
        found += [SUDOERS_FOLDER + "/" + name for name in names
                  if name.startswith(("gatehouse", ".gatehouse")) and SUDOERS_FOLDER + "/" + name != SUDOERS]
    return found


def check_sudoers(rules):
    """Whether visudo takes the rules, before sudo sees them."""
    if files.is_rehearsal:
        return
    path = ACCESS + "/.sudoers.gatehouse-new"
    remove(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o440)
    with os.fdopen(handle, "wb") as file:
        file.write(rules)
    status, output = run(command("visudo"), "-c", "-q", "-f", path)
    remove(path)
    if status != 0:
        raise Failure(FAILED, "visudo does not accept the rules: " + output.strip()[-400:])
