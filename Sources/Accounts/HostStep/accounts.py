"""The account files of the host, and which of the accounts are Gatehouse's."""

import json
import os
import pwd
import time

import files
from files import FAILED, Failure, command, faults, read, replace
from homes import home_conflict
from processes import processes_of

ACCOUNT_FILES = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
REGISTRY_FOLDER = "/etc/gatehouse"
REGISTRY = REGISTRY_FOLDER + "/managed.json"


class Table:
    """One of the account files. Lines that are not set keep their bytes."""

    def __init__(self, path, width):
        self.path, self.width, self.old = path, width, read(path)
        self.lines = (self.old or b"").decode("utf-8", "surrogateescape").split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        # The first line of a name counts, as it does for the C library.
        self.places = {line.partition(":")[0]: place for place, line in reversed(list(enumerate(self.lines)))}
        self.touched = set()

    def get(self, name):
        place = self.places.get(name)
        if place is None:
            return None
        fields = self.lines[place].split(":")
        return fields if len(fields) == self.width else (fields + [""] * self.width)[: self.width]

    def set(self, name, line):
        place = self.places.setdefault(name, len(self.lines))
        if place == len(self.lines):
            self.lines.append("")
        if self.lines[place] != line:
            self.lines[place] = line
            self.touched.add(name)

    def names_by_id(self):
        names = {}
        for line in self.lines:
            fields = line.split(":")
            if len(fields) == self.width and fields[2].isdigit():
                names.setdefault(int(fields[2]), fields[0])
        return names

    def save(self):
        data = ("\n".join(self.lines) + "\n").encode("utf-8", "surrogateescape")
        replace(self.path, data, 0o600)


class Host:
    """The account files of this host and what Gatehouse remembers here."""

    def __init__(self, adopted=()):
        self.adopted = frozenset(adopted)
        try:
            self.registry = json.loads((read(REGISTRY) or b'{"users": {}, "groups": {}}').decode("utf-8"))
            self.managed, self.shared = dict(self.registry["users"]), dict(self.registry["groups"])
        except (ValueError, KeyError, TypeError):
            raise Failure(FAILED, "%s is damaged" % REGISTRY)
        self.passwd, self.shadow, self.group, self.gshadow = map(Table, ACCOUNT_FILES, (7, 9, 4, 4))
        if not self.passwd.get("root") or not self.group.lines or not self.shadow.lines:
            raise Failure(FAILED, "the account files of this host cannot be read")
        self.user_names, self.group_names = self.passwd.names_by_id(), self.group.names_by_id()
        self.asks_network = network_names()
        self.today = str(int(time.time() // 86400))

    def user_conflict(self, user):
        """Why this user cannot have the account here: a code and, after it, what stands in the way."""
        name, uid = user["name"], user["uid"]
        entry = self.passwd.get(name)
        if entry and name not in self.managed and not (name in self.adopted and entry[2] == str(uid)):
            return "name-unmanaged: uid %s" % entry[2]
        if entry and entry[2] != str(uid):
            return self.uid_drift(name, uid, entry[2])
        if not entry:
            other = self.user_names.get(uid)
            if other is None and self.asks_network:
                try:
                    other = pwd.getpwuid(uid).pw_name
                except KeyError:
                    pass
                try:
                    return "name-unmanaged: uid %d, from the network" % pwd.getpwnam(name).pw_uid
                except KeyError:
                    pass
            if other is not None:
                return "uid-taken: by %s" % other
        return self.group_conflict(user) or home_conflict(user)

    def uid_drift(self, name, uid, found):
        """Why a managed account whose number was changed by hand cannot have its own again."""
        if self.managed[name] != uid:
            return "uid-drift: uid %s here" % found
        if uid in self.user_names:
            return "uid-taken: by %s" % self.user_names[uid]
        alone = found.isdigit() and self.user_names.get(int(found)) == name
        if alone and processes_of(int(found)):
            return "uid-drift: uid %s here, and processes run under it" % found
        return self.group_conflict({"name": name, "gid": uid}) or home_conflict(
            {"uid": uid, "home": self.passwd.get(name)[5]})

    def group_conflict(self, wanted):
        entry = self.group.get(wanted["name"])
        if entry and entry[2] != str(wanted["gid"]):
            # Ours, and changed by hand: it gets its number back if that is still free.
            ours = self.shared.get(wanted["name"], self.managed.get(wanted["name"]))
            if ours == wanted["gid"] and ours not in self.group_names:
                return None
            return "group-gid-mismatch: gid %s here" % entry[2]
        if not entry and wanted["gid"] in self.group_names:
            return "gid-taken: by %s" % self.group_names[wanted["gid"]]
        return None

    def differences(self, user, shell):
        """What of an adopted account or of a number changed by hand is going to be different, for people."""
        entry = self.passwd.get(user["name"])
        if not entry:
            return ()
        places = [("uid", 2, str(user["uid"])), ("gid", 3, str(user["gid"]))]
        if user["name"] in self.adopted:
            places += [("full name", 4, user["full_name"]), ("home", 5, user["home"]), ("shell", 6, shell)]
        return ["%s %s was %s" % (field, value or "empty", entry[place] or "empty")
                for field, place, value in places if entry[place] != value]

    def set_user(self, user, shell):
        name = user["name"]
        self.passwd.set(name, "%s:x:%d:%d:%s:%s:%s"
                        % (name, user["uid"], user["gid"], user["full_name"], user["home"], shell))
        self.set_shadow(name, True)

    def lock(self, name):
        """Locks an account that is no longer wanted; False where it is gone or not ours any more."""
        entry = self.passwd.get(name)
        if not entry or entry[2] != str(self.managed[name]):
            return False
        self.passwd.set(name, ":".join(entry[:6] + [no_login_shell()]))
        self.set_shadow(name, False)
        return True

    def set_shadow(self, name, is_active):
        """No password either way. `*` is an account without one; `!` is what sshd takes for locked; day 1 is past."""
        old = self.shadow.get(name)
        day = old[2] if old and old[2].isdigit() and old[2] != "0" else self.today
        self.shadow.set(name, "%s:%s:%s:0:99999:7::%s:" % (name, *(("*", day, "") if is_active else ("!*", day, "1"))))

    def set_group(self, name, gid, members):
        """Sets a group's managed members; names that Gatehouse does not manage stay. Returns who came or went."""
        entry = self.group.get(name) or [name, "x", "", ""]
        old = entry[3].split(",") if entry[3] else ()
        if old or members:
            new = ",".join([member for member in old if member and member not in self.managed] + sorted(members))
        else:
            new = ""
        self.group.set(name, "%s:%s:%d:%s" % (name, entry[1], gid, new))
        if self.gshadow.old is not None:
            secret = self.gshadow.get(name) or [name, "!", "", ""]
            self.gshadow.set(name, "%s:%s:%s:%s" % (name, secret[1], secret[2], new))
        return {member for member in old if member in self.managed}.symmetric_difference(members)

    def group_counts(self):
        """In how many groups, beside their own, the managed users of this host are, as far as they are in any."""
        counts = {}
        for line in self.group.lines:
            if line[-1:] not in (":", ""):
                for name in line.rsplit(":", 1)[-1].split(","):
                    if name in self.managed:
                        counts[name] = counts.get(name, 0) + 1
        return counts

    def remember(self, state):
        """Writes down what is Gatehouse's here. That alone is no change: the accounts tell whether there was one."""
        registry = {"schema": 1, "generation": state["generation"], "users": self.managed, "groups": self.shared}
        if registry != self.registry or faults(REGISTRY, 0o644):
            # A member on each line, for people; Python's fast encoder makes no lines.
            members = ["%s: %s" % (json.dumps(key), json.dumps(registry[key], sort_keys=True)) for key in sorted(registry)]
            data = "{\n " + ",\n ".join(members) + "\n}\n"
            replace(REGISTRY, data.encode("ascii"), 0o644, is_ours=True)

    def save(self):
        """Writes the changed files. A name becomes visible last, so it never lacks its group or shadow line."""
        changed = [t for t in (self.group, self.gshadow, self.shadow, self.passwd) if t.touched]
        if files.is_rehearsal:
            return bool(changed)
        for table in changed:
            if not os.access(table.path, os.W_OK) or not os.access("/etc", os.W_OK):
                raise Failure(FAILED, "%s cannot be written" % table.path)
        for table in changed:
            table.save()
        return bool(changed)


def network_names():
    """Whether accounts may also come from a directory service (sssd, LDAP)."""
    text = (read("/etc/nsswitch.conf") or b"").decode("utf-8", "replace")
    words = [word for line in text.split("\n") if line.startswith("passwd:") for word in line.split()[1:]]
    return bool(set(words) - {"files", "compat", "systemd"})


def no_login_shell():
    return command("nologin") or "/bin/false"
