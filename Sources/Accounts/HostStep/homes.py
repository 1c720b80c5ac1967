"""Home folders: made where there is none, never taken over."""

import os
import stat

import files
from files import command, read, run

HOME_IN_MAKING = ".gatehouse-incomplete"


def home_conflict(user):
    try:
        found = os.lstat(user["home"])
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return "home-owner: %s is not a directory" % user["home"]
    if found.st_uid == user["uid"] or is_home_in_making(user["home"]):
        return None
    return "home-owner: %s belongs to uid %d" % (user["home"], found.st_uid)


def is_home_in_making(home):
    """A home that an earlier run began: still root's own and closed, so its contents are ours."""
    found = os.lstat(home)
    return found.st_uid == 0 and os.path.lexists(os.path.join(home, HOME_IN_MAKING))


def make_home(user):
    """Makes the home from /etc/skel where there is none. Its owner gets it when everything is in it, so that nobody can
    put a link in the way before."""
    home = user["home"]
    marker = os.path.join(home, HOME_IN_MAKING)
    is_there, is_marked = os.path.lexists(home), os.path.lexists(marker)
    if is_there and not (is_marked and is_home_in_making(home)):
        if is_marked:
            files.remove(marker)  # The home was given away, and then the run was killed.
        return False
    if files.is_rehearsal:
        return True
    parent = os.stat(os.path.dirname(home))
    if parent.st_uid != 0 or (parent.st_mode & 0o022 and not parent.st_mode & stat.S_ISVTX):
        raise OSError("%s is not root's alone" % os.path.dirname(home))
    if not is_there:
        # It gets its name with the mark in it, so that a run that is killed leaves no home of root's behind.
        new = "%s/.%s.gatehouse-new" % os.path.split(home)
        os.makedirs(new, mode=0o700, exist_ok=True)
        os.close(os.open(os.path.join(new, HOME_IN_MAKING), os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        os.rename(new, home)
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(folder).st_uid != 0:
            raise OSError("%s was not made by root" % home)
        if os.path.isdir("/etc/skel"):
            copy_tree("/etc/skel", folder, user)
        os.fchown(folder, user["uid"], user["gid"])
        os.unlink(HOME_IN_MAKING, dir_fd=folder)
    finally:
        os.close(folder)
    if os.path.exists("/sys/fs/selinux/enforce") and command("restorecon"):
        run(command("restorecon"), "-R", home)
    return True


def copy_tree(source, folder, user):
    for name in os.listdir(source):
        path = os.path.join(source, name)
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            try:
                os.mkdir(name, 0o700, dir_fd=folder)
            except FileExistsError:
                pass
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            try:
                copy_tree(path, inner, user)
                os.fchmod(inner, stat.S_IMODE(mode))
                os.fchown(inner, user["uid"], user["gid"])
            finally:
                os.close(inner)
            continue
        try:
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(path), name, dir_fd=folder)
            os.chown(name, user["uid"], user["gid"], dir_fd=folder, follow_symlinks=False)
        elif stat.S_ISREG(mode):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:
                file.write(read(path))
                os.fchmod(file.fileno(), stat.S_IMODE(mode) & 0o777)
                os.fchown(file.fileno(), user["uid"], user["gid"])
