"""POSIX access lists, as the kernel keeps them in extended attributes: no tools of the host are needed."""

import errno
import os
import stat
import struct

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
OWNER, USER, GROUP_OWNER, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xFFFFFFFF


def from_mode(mode):
    """The list that permission bits stand for."""
    return {(OWNER, NOBODY): mode >> 6 & 7, (GROUP_OWNER, NOBODY): mode >> 3 & 7, (OTHER, NOBODY): mode & 7}


def decode(data):
    version, = struct.unpack_from("<I", data)
    if version != 2 or (len(data) - 4) % 8:
        raise OSError(errno.EINVAL, "an access list of an unknown kind")
    return {(tag, number): rights for tag, rights, number in struct.iter_unpack("<HHI", data[4:])}


def encode(entries):
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, rights, number) for (tag, number), rights in sorted(entries.items()))


def read(path, name):
    """The list; None where there is none."""
    try:
        return decode(os.getxattr(path, name))
    except OSError as error:
        if error.errno == errno.ENODATA:
            return None
        raise


def effective(entries):
    """The same rights without a mask: it took from the named and the group whatever is not in it."""
    mask = entries.get((MASK, NOBODY), 7)
    return {(tag, number): rights & mask if tag in (USER, GROUP_OWNER, GROUP) else rights
            for (tag, number), rights in entries.items() if tag != MASK}


def complete(entries):
    """With the mask that lets all of it through; what has nobody named needs none."""
    if any(tag in (USER, GROUP) for tag, _ in entries):
        entries[(MASK, NOBODY)] = 0
        for (tag, _), rights in entries.items():
            if tag in (USER, GROUP_OWNER, GROUP):
                entries[(MASK, NOBODY)] |= rights
    return entries


def with_entry(entries, key, rights):
    """The list with one entry more, other, or (None) less; nobody else's rights change."""
    entries = effective(entries)
    if rights is None:
        entries.pop(key, None)
    else:
        entries[key] = rights
    return complete(entries)


def write(path, name, entries, mode=None):
    """Puts the list in place; one that says no more than the mode becomes the mode."""
    if name == ACCESS and len(entries) == 3:
        bits = entries[(OWNER, NOBODY)] << 6 | entries[(GROUP_OWNER, NOBODY)] << 3 | entries[(OTHER, NOBODY)]
        try:
            os.removexattr(path, name)
        except OSError as error:
            if error.errno != errno.ENODATA:
                raise
        os.chmod(path, stat.S_IMODE(mode) & ~0o777 | bits)
    else:
        os.setxattr(path, name, encode(entries))
