"""Who may log in and become root: the files that sshd and sudo read."""

import os

import files
from files import FAILED, Failure, command, create, make_folder, read, remove, replace, run, sync_file_system

ACCESS = "/etc/ssh/gatehouse"
SUDOERS = "/etc/sudoers.d"


class Access:
    """The files by which Gatehouse's users get in. Whoever has none is refused, also with a valid certificate."""

    def __init__(self, users):
        self.files = {ACCESS + "/principals": {}, ACCESS + "/authorized_keys": {}}
        sudoers = {}
        for user in users:
            name = user["name"]
            self.files[ACCESS + "/principals"][name] = name + "\n"
            options = ",".join(sorted(set(user["restrictions"]))) + " " if user["restrictions"] else ""
            if user["keys"]:
                self.files[ACCESS + "/authorized_keys"][name] = "".join(options + key + "\n" for key in user["keys"])
            if user["sudo"]:
                sudoers["gatehouse-" + name] = "%s ALL=(ALL:ALL) NOPASSWD: ALL\n" % name
        self.has_sudo = os.path.isdir(SUDOERS) and command("visudo") is not None
        if self.has_sudo:
            self.files[SUDOERS] = sudoers

    def revoke(self):
        """Takes away what is not wanted any more: {user: [what]}."""
        gone = {}
        for folder, wanted in self.files.items():
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                ours = folder != SUDOERS or name.startswith(("gatehouse-", ".gatehouse-"))
                if ours and name not in wanted and remove(os.path.join(folder, name)):
                    gone.setdefault(user_of(folder, name), []).append("no " + what(folder))
        return gone

    def grant(self):
        """Writes what is missing or different: {user: [what]}. A file torn by a power cut is mended by the next run."""
        made = {}
        for folder, wanted in self.files.items():
            make_folder(folder)
            mode = 0o440 if folder == SUDOERS else 0o644
            there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
            contents = {name: text.encode("utf-8") for name, text in wanted.items()}
            new = {name: data for name, data in contents.items()
                   if name not in there or read(folder + "/" + name) != data}
            if folder == SUDOERS and new:
                check_sudoers(b"".join(new.values()))
            for name, data in new.items():
                path = folder + "/" + name
                # sshd tells a half-written key or principal from a whole one; sudo would give up on all of its rules.
                if folder == SUDOERS or not create(path, data, mode):
                    replace(path, data, mode, durable=False)
                made.setdefault(user_of(folder, name), []).append(what(folder))
        if made:
            sync_file_system("/etc")
        return made


def user_of(folder, name):
    return name[len("gatehouse-"):] if folder == SUDOERS and name.startswith("gatehouse-") else name


def what(folder):
    return {"principals": "certificate", "authorized_keys": "keys", "sudoers.d": "sudo"}[os.path.basename(folder)]


def check_sudoers(rules):
    """Whether visudo takes the rules, before sudo sees them. All at once: it is a process of its own."""
    path = ACCESS + "/.sudoers.gatehouse-new"
    if files.is_rehearsal:
        return
    files.remove(path)
    files.create(path, rules, 0o440)
    status, output = run(command("visudo"), "-c", "-q", "-f", path)
    files.remove(path)
    if status != 0:
        raise Failure(FAILED, "visudo does not accept the rules: " + output.strip()[-400:])
