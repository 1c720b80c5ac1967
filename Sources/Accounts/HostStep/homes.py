"""Home folders: made where there is none, never taken over."""

import os
import stat

import files
from files import command, read, remove_tree, run


def home_conflict(user):
    """Why this user cannot have the home: it is there and another's. Notes in passing whether it is there."""
    try:
        found = os.lstat(user["home"])
    except OSError:
        user["has_home"] = False
        return None
    user["has_home"] = True
    if not stat.S_ISDIR(found.st_mode):
        return "home-owner: %s is not a directory" % user["home"]
    if found.st_uid != user["uid"]:
        return "home-owner: %s belongs to uid %d" % (user["home"], found.st_uid)
    return None


def make_homes(users):
    """Makes the homes that are missing: {user: what was done, or why not}."""
    made, skeleton, parents = {}, None, {}
    for user in users:
        if user["has_home"] if "has_home" in user else os.path.lexists(user["home"]):
            continue
        if files.is_rehearsal:
            made[user["name"]] = "home"
            continue
        if skeleton is None:
            skeleton = read_tree("/etc/skel") if os.path.isdir("/etc/skel") else []
        parent = os.path.dirname(user["home"])
        if parent not in parents:
            parents[parent] = parent_fault(parent)
        if parents[parent]:
            made[user["name"]] = "no home: %s" % parents[parent]
            continue
        try:
            if make_home(user, skeleton):
                made[user["name"]] = "home"
        except OSError as error:
            reason = error.strerror or str(error)
            made[user["name"]] = "no home: %s takes none from root (%s); if it is mounted read-only or with " \
                "root_squash, make %s for uid %d on its server" % (parent, reason, user["home"], user["uid"])
    label([user["home"] for user in users if made.get(user["name"]) == "home"])
    return made


def parent_fault(folder):
    try:
        found = os.stat(folder)
    except OSError as error:
        return "%s: %s" % (folder, error.strerror)
    if found.st_uid != 0 or (found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX):
        return "%s is not root's alone" % folder
    return None


def make_home(user, skeleton):
    """The home gets its name and its owner when everything is in it: nobody can put a link in the way, and a run that is
    killed leaves no home of root's behind. The name before is this host's own, since others may share the folder."""
    home, uid, gid = user["home"], user["uid"], user["gid"]
    folder, name = os.path.split(home)
    new = "%s/.%s.gatehouse-%s" % (folder, name, os.uname().nodename.replace("/", "-"))
    try:
        os.mkdir(new, 0o700)
    except FileExistsError:
        pass  # Of a run that was killed.
    handle = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        owner = os.fstat(handle).st_uid
        if owner == 0:
            write_tree(skeleton, handle, uid, gid)
            os.fchown(handle, uid, gid)
        elif owner != uid:
            os.rmdir(new)
            raise OSError("what root makes there belongs to uid %d" % owner)
    finally:
        os.close(handle)
    try:
        if os.path.lexists(home):
            raise FileExistsError
        os.rename(new, home)
    except OSError:
        if not os.path.lexists(home):
            raise
        remove_tree(new)  # Another host was faster.
        return False
    return True


def read_tree(folder):
    """Name, mode and contents of what is in a folder: bytes of a file, text of a link, a list of a folder."""
    tree = []
    for name in os.listdir(folder):
        path = folder + "/" + name
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            tree.append((name, stat.S_IMODE(mode), read_tree(path)))
        elif stat.S_ISLNK(mode):
            tree.append((name, None, os.readlink(path)))
        elif stat.S_ISREG(mode):
            tree.append((name, stat.S_IMODE(mode) & 0o777, read(path)))
    return tree


def write_tree(tree, folder, uid, gid):
    """Writes it into a folder of root's; what a killed run has left there is written anew."""
    there = set(os.listdir(folder))
    for name, mode, contents in tree:
        if isinstance(contents, list):
            if name not in there:
                os.mkdir(name, 0o700, dir_fd=folder)
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            try:
                write_tree(contents, inner, uid, gid)
                os.fchown(inner, uid, gid)
                os.fchmod(inner, mode)
            finally:
                os.close(inner)
            continue
        if name in there:
            os.unlink(name, dir_fd=folder)
        if mode is None:
            os.symlink(contents, name, dir_fd=folder)
            os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)
            continue
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(name, flags, 0o600, dir_fd=folder)
        try:
            while contents:
                contents = contents[os.write(handle, contents):]
            os.fchown(handle, uid, gid)
            os.fchmod(handle, mode)
        finally:
            os.close(handle)


def label(homes):
    """Gives new homes the security label that they have where such labels are in force."""
    if homes and os.path.exists("/sys/fs/selinux/enforce") and command("restorecon"):
        for start in range(0, len(homes), 500):
            run(command("restorecon"), "-R", *homes[start:start + 500])
