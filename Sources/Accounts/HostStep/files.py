"""Files and programs of the host, for the other modules of this step."""

import ctypes
import os
import shutil
import stat
import subprocess

#: Look only: nothing below writes, and says what it would have written.
is_rehearsal = False

UNCHANGED, CHANGED, CONFLICTS, BUSY, BAD_INPUT, FAILED = 0, 10, 20, 30, 40, 50


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


def create(path, data, mode):
    """Makes a small file where there is none; False where there is one. One that a kill left half-written is mended by
    the next run, and opens nothing until then."""
    if is_rehearsal:
        return not os.path.lexists(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except FileExistsError:
        return False
    try:
        if os.write(handle, data) != len(data):
            raise OSError("%s cannot be written" % path)
    finally:
        os.close(handle)
    return True


def replace(path, data, mode, durable=True):
    """Puts a whole new file in the place of the old one, which keeps its owner, mode and security label."""
    if is_rehearsal:
        return
    new = "%s/.%s.gatehouse-new" % os.path.split(path)
    if os.path.lexists(new):
        os.unlink(new)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        try:
            old = os.stat(path)
            os.fchown(handle, old.st_uid, old.st_gid)
            mode = stat.S_IMODE(old.st_mode)
            os.setxattr(handle, "security.selinux", os.getxattr(path, "security.selinux"))
        except OSError:
            pass  # A new file, or a system without labels.
        os.fchmod(handle, mode)
        if durable:
            os.fsync(handle)
    os.rename(new, path)
    if durable:
        sync_folder(os.path.dirname(path))


def make_folder(path):
    if not is_rehearsal:
        os.makedirs(path, mode=0o755, exist_ok=True)


def sync_folder(path):
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def sync_file_system(path):
    if is_rehearsal:
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    ctypes.CDLL(None).syncfs(handle)
    os.close(handle)


def remove(path):
    if not os.path.lexists(path):
        return False
    if not is_rehearsal:
        os.unlink(path)
    return True


def command(name):
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin")


def run(*words):
    """Exit status and output of a program."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")
