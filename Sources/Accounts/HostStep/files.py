"""Files and programs of the host, for the other modules of this step."""

import os
import stat

#: Look only: nothing below writes, and says what it would have written.
is_rehearsal = False

UNCHANGED, CHANGED, CONFLICTS, BUSY, BAD_INPUT, FAILED = 0, 10, 20, 30, 40, 50
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"


class Failure(Exception):
    """Ends the run with an exit code and a sentence."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


def rehearse():
    global is_rehearsal
    is_rehearsal = True


def read(path):
    """The file's bytes, None where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    # Without Python's buffers: with many users this is most of what a run with nothing to do costs.
    try:
        data = more = os.read(handle, 65536)
        while more:
            more = os.read(handle, 1 << 20) if len(data) >= 65536 else b""
            data += more
        return data
    finally:
        os.close(handle)


def unfinished(path):
    """Where `replace` writes, and where a run that is killed leaves its piece."""
    folder, name = os.path.split(path)
    return "%s/.%s.gatehouse-new" % (folder, name)


def replace(path, data, mode, is_ours=False):
    """Puts a whole new file in the place of the old one. One of the host's own keeps its owner and mode, one of ours
    gets root and the mode; both keep the security label."""
    if is_rehearsal:
        return
    new = unfinished(path)
    if os.path.lexists(new):
        os.unlink(new)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        try:
            old = os.lstat(path)
            if not is_ours:
                os.fchown(handle, old.st_uid, old.st_gid)
                mode = stat.S_IMODE(old.st_mode)
            os.setxattr(handle, "security.selinux", os.getxattr(path, "security.selinux"))
        except OSError:
            pass  # A new file, or a system without labels.
        os.fchmod(handle, mode)
        os.fsync(handle)
    os.rename(new, path)
    handle = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def faults(path, mode):
    """What is wrong with a file or folder of ours, apart from what it holds; empty: nothing, or it is not there."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return []
    wrong = []
    if found.st_uid != 0 or found.st_gid != 0:
        wrong.append("owner %d:%d" % (found.st_uid, found.st_gid))
    if stat.S_ISLNK(found.st_mode):
        wrong.append("a link")
    elif stat.S_IMODE(found.st_mode) != mode:
        wrong.append("mode %o" % stat.S_IMODE(found.st_mode))
    return wrong


def mend(path, data, mode):
    """Makes a file of ours hold this, with the right owner and mode: what was wrong with it; empty: nothing."""
    wrong, old = faults(path, mode), read(path)
    if old is None:
        wrong.append("missing")
    elif old != data:
        wrong.append("contents")
    if wrong:
        replace(path, data, mode, is_ours=True)
    return wrong


def make_folder(path, mode=0o755):
    """Makes a folder of ours, or gives it back to root: what was wrong with it."""
    if os.path.islink(path):
        raise Failure(FAILED, "%s is a link" % path)
    if not os.path.isdir(path):
        if not is_rehearsal:
            # Another run may make it at the same moment: turns are taken only in this folder.
            os.makedirs(path, mode=mode, exist_ok=True)
        return []
    wrong = faults(path, mode)
    if wrong and not is_rehearsal:
        os.chown(path, 0, 0)
        os.chmod(path, mode)
    return wrong


def remove(path):
    if not os.path.lexists(path):
        return False
    if not is_rehearsal:
        os.unlink(path)
    return True


def remove_tree(path):
    """Removes a file, or a folder with all that is in it; nobody can lead this elsewhere meanwhile."""
    if is_rehearsal:
        return
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil  # Seldom needed, and slow to load.

        shutil.rmtree(path)
    else:
        os.unlink(path)


def command(name):
    for folder in PATH.split(":"):
        path = folder + "/" + name
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def run(*words):
    """Exit status and output of a program."""
    import subprocess  # Most runs need none, and it is half of what they import.

    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")
