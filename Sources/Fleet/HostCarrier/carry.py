"""Brings a command with its input to this host in parts, runs it, and hands back what came of it.

Runs as root by the agent of Systems Manager, once for each part. What the agent does to output and exit codes shapes the
answer: it is short or fetched in pieces, carries its own length and hash, and the exit status is 0 whenever there is one.
Python 3.6 and its standard library are enough.
"""

import base64
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zlib

#: Bytes of an answer in one output, of which the agent keeps 24,000 characters.
PIECE = 17700
#: Of what a command says on standard error, the end is handed back.
ERRORS_KEPT = 4000
STALE_SECONDS = 3600


class Trouble(Exception):
    """Ends the run with a sentence for the gateway."""


def own_folder(path):
    """A folder that nobody but this user can look into, made if need be."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise Trouble("%s is there and is not a folder of root's alone" % path)
    return path


def remove_stale(folder):
    """Takes away what transfers have left that never came to their end."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            if time.time() - os.lstat(path).st_mtime > STALE_SECONDS:
                shutil.rmtree(path)
        except OSError:
            pass  # Another run was quicker.


def store(path, data):
    """The file is there whole or not at all."""
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.rename(draft, path)


def collect(order, place, last):
    """The whole input, after its parts were checked; the parts are gone then."""
    paths = [os.path.join(place, "part%d" % number) for number in range(order["parts"] - 1)]
    missing = [number + 1 for number, path in enumerate(paths) if not os.path.exists(path)]
    if missing:
        raise Trouble("part %d of %d did not stay on this host" % (missing[0], order["parts"]))
    packed = b""
    for path in paths:
        with open(path, "rb") as file:
            packed += file.read()
        os.unlink(path)
    packed += last
    if hashlib.sha256(packed).hexdigest() != order["whole"]:
        raise Trouble("the parts that came here are not what was sent")
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, order["size"] + 1)
    if len(data) != order["size"] or not unpacker.eof:
        raise Trouble("the parts that came here are not of the size that was sent")
    return data


def run(command, data, place):
    """Exit status, output and the end of the errors of a shell command, which has its input in a file without a name."""
    with tempfile.TemporaryFile(dir=place) as source, tempfile.TemporaryFile(dir=place) as output, \
            tempfile.TemporaryFile(dir=place) as errors:
        source.write(data)
        source.seek(0)
        status = subprocess.call(["/bin/sh", "-c", command], stdin=source, stdout=output, stderr=errors)
        output.seek(0)
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - ERRORS_KEPT))
        return status if status >= 0 else 128 - status, output.read(), errors.read()


def show(packed, size, offset):
    """One piece of the answer, with length and hash of all of it."""
    print("gatehouse-answer %d %d %s" % (len(packed), size, hashlib.sha256(packed).hexdigest()))
    print(base64.b64encode(packed[offset:offset + PIECE]).decode())


def carry(order, data):
    folder = own_folder(order["folder"])
    remove_stale(folder)
    place = os.path.join(folder, order["transfer"])
    if order["do"] == "fetch":
        with open(os.path.join(place, "answer"), "rb") as file:
            size, packed = file.read().split(b"\n", 1)
        show(packed, int(size), order["offset"])
        if order["offset"] + PIECE >= len(packed):
            shutil.rmtree(place)
        return
    if hashlib.sha256(data).hexdigest() != order["sum"]:
        raise Trouble("a part that came here is not what was sent")
    own_folder(place)
    if order["do"] == "store":
        store(os.path.join(place, "part%d" % order["part"]), data)
        print("gatehouse-stored %d" % order["part"])
        return
    is_kept = False
    try:
        status, output, errors = run(order["command"], collect(order, place, data), place)
        answer = b"%d %d\n" % (status, len(output)) + output + errors
        packed = zlib.compress(answer, 9)
        if len(packed) > PIECE:
            store(os.path.join(place, "answer"), b"%d\n" % len(answer) + packed)
            is_kept = True
        show(packed, len(answer), 0)
    finally:
        if not is_kept:
            shutil.rmtree(place)


def main(order, data):
    os.umask(0o077)
    try:
        carry(json.loads(base64.b64decode(order).decode()), base64.b64decode(data))
    except Trouble as trouble:
        print("gatehouse-trouble %s" % trouble)
        sys.exit(65)
    except OSError as error:
        print("gatehouse-trouble %s" % error)
        sys.exit(65)
