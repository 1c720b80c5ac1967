"""Ways to files that nobody can bend while they are gone: one name after the other, no links."""

import contextlib
import ctypes
import errno
import os
import pwd
import stat

from files import BAD_INPUT, CONFLICTS, FAILED, Failure

AT_EMPTY_PATH = 0x1000
libc = ctypes.CDLL(None, use_errno=True)


class Missing(Failure):
    """There is nothing of that name."""


def shown(path):
    return path.decode("utf-8", "backslashreplace")


def open_folder(path):
    """A descriptor of an absolute path, without a link on the way."""
    folder = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = walk(folder, names_of(path))
    finally:
        os.close(folder)
    if not stat.S_ISDIR(os.fstat(found).st_mode):
        os.close(found)
        raise Failure(CONFLICTS, "%s is not a folder" % shown(path))
    return found


def walk(folder, names):
    """A descriptor (O_PATH) of what lies at the names below the folder; a new one also for no names."""
    current = os.open(".", os.O_PATH | os.O_CLOEXEC, dir_fd=folder)
    for place, name in enumerate(names):
        if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
            os.close(current)
            raise Failure(BAD_INPUT, "a path has a part that is no name")
        try:
            step = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
        except OSError as error:
            kind = Missing if error.errno == errno.ENOENT else Failure
            raise kind(CONFLICTS, "%s: %s" % (shown(b"/".join(names[:place + 1])), os.strerror(error.errno)))
        finally:
            os.close(current)
        current = step
        if place + 1 < len(names) and not stat.S_ISDIR(os.fstat(current).st_mode):
            os.close(current)
            raise Failure(CONFLICTS, "%s is not a folder" % shown(b"/".join(names[:place + 1])))
    return current


def names_of(path):
    return [name for name in path.split(b"/") if name]


def door(descriptor):
    """A path by which calls that know no descriptors reach exactly what it stands for."""
    return "/proc/self/fd/%d" % descriptor


def give(descriptor, uid, gid):
    """Changes the owner of what the descriptor stands for, links included."""
    if libc.fchownat(descriptor, b"", uid, gid, AT_EMPTY_PATH) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def groups_of(uid):
    try:
        entry = pwd.getpwuid(uid)
        return entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid)
    except KeyError:
        return uid, [uid]


@contextlib.contextmanager
def acting_as(uid, gid=None, groups=None):
    """The kernel decides as for this user, and gives nothing of root's; root again afterwards."""
    if gid is None:
        gid, groups = groups_of(uid)
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


def asked_as(uid, gid, groups, question):
    """The answer (bytes) to a question that is asked by this person, in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            os.write(writer, question())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    if os.waitpid(child, 0)[1] != 0:
        raise Failure(FAILED, "what uid %d may do cannot be found out" % uid)
    return answer


def closed_way(path, who):
    """The first folder above the path that this person cannot pass; None when the way is open."""

    def question():
        here = b"/"
        for name in names_of(path):
            if not os.access(here, os.X_OK):
                return here
            here = os.path.join(here, name)
        return b""

    return asked_as(*who, question) or None


def rights(path, who):
    """Whether this person may read and write what is at the path."""
    answer = asked_as(*who, lambda: bytes([os.access(path, os.R_OK), os.access(path, os.W_OK)]))
    return bool(answer[0]), bool(answer[1])


def below(folder, device):
    """Descriptors of everything below a folder on the same file system, parents first; each is valid during its turn."""
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        names = [os.fsencode(name) for name in os.listdir(handle)]
    finally:
        os.close(handle)
    for name in names:
        try:
            found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            if error.errno == errno.ENOENT:
                continue
            raise
        try:
            facts = os.fstat(found)
            if facts.st_dev != device:
                continue
            yield found, facts, name
            if stat.S_ISDIR(facts.st_mode):
                for deeper, more, rest in below(found, device):
                    yield deeper, more, name + b"/" + rest
        finally:
            os.close(found)
