"""POSIX access ACLs, as the bytes that the kernel keeps."""

import struct

ATTRIBUTE = "system.posix_acl_access"
OWNER, USER, OWNING_GROUP, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
NOBODY = 0xFFFF_FFFF


def access_list(owner=7, group=0, mask=7, other=0, users=(), groups=()):
    """The attribute for these bits; `users` and `groups` are pairs of number and bits."""
    entries = [(OWNER, owner, NOBODY), *((USER, bits, uid) for uid, bits in users), (OWNING_GROUP, group, NOBODY),
               *((GROUP, bits, gid) for gid, bits in groups), (MASK, mask, NOBODY), (OTHER, other, NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def set_access_list(lab, host, path, bytes_):
    """Gives a file on a host an ACL, as root there."""
    lab.lab_exec(host, "python3", "-c", "import os, sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))",
                 path, ATTRIBUTE, bytes_.hex())


def entries(lab, host, path):
    """The entries of a file's ACL on a host, as (tag, bits, id)."""
    script = ("import os, sys\ntry: print(os.getxattr(sys.argv[1], sys.argv[2]).hex())\n"
              "except OSError as error: sys.exit(0 if error.errno == 61 else 1)")
    found = bytes.fromhex(lab.lab_exec(host, "python3", "-c", script, path, ATTRIBUTE).out.decode())
    return list(struct.iter_unpack("<HHI", found[4:]))
