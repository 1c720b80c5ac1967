"""Truth under fire: whatever is killed, stopped or flooded, the book ends as the file system is, and says where it was blind.

Run by hand, with `-m fire`, since it takes many minutes. FIRE_ROUNDS says how often the gateway is killed while it takes
segments: 10 times unless told.
"""

import os
import random
import secrets
import subprocess
import time

import pytest

from lab import wait_until
from test_watchers import TREE, gaps, kinds_of, known, restart, service, spooled, watching

pytestmark = pytest.mark.fire
ROUNDS = int(os.environ.get("FIRE_ROUNDS", "10"))
UNIT = "/etc/systemd/system/gatehouse-watch.service"

#: Creates, writes, renames, deletes and gives away files in one folder, as fast as it can, until its time is up.
STORM = r"""
import os, random, sys, time
folder, seed, seconds, uids = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), [int(word) for word in sys.argv[4:]]
chance = random.Random(seed)
os.makedirs(folder, exist_ok=True)
os.chown(folder, uids[0], -1)
files, folders, number = [], [folder], 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    number += 1
    what = chance.random()
    if what < 0.45 or len(files) < 20:
        path = "%s/f%d-%d" % (chance.choice(folders), seed, number)
        with open(path, "w") as file:
            file.write("x" * chance.randrange(64))
        os.chown(path, chance.choice(uids), -1)
        files.append(path)
    elif what < 0.65:
        place = chance.randrange(len(files))
        new = "%s/r%d-%d" % (chance.choice(folders), seed, number)
        os.rename(files[place], new)
        files[place] = new
    elif what < 0.80:
        os.unlink(files.pop(chance.randrange(len(files))))
    elif what < 0.95:
        os.chown(chance.choice(files), chance.choice(uids), -1)
    elif len(folders) < 30:
        new = "%s/d%d-%d" % (chance.choice(folders), seed, number)
        os.mkdir(new)
        os.chown(new, uids[0], -1)
        folders.append(new)
print(number)
"""


def storm(lab, start, host, folder, seed, seconds):
    """Starts one process of the storm on a host."""
    uids = [str(lab.uid(name)) for name in ("alice", "bob")]
    words = lab.exec_words(host, "python3", "-c", STORM, folder, str(seed), str(seconds), *uids)
    return start(words, stdout=subprocess.PIPE, env=lab.environment())


def collector(lab, host, signal):
    """Signals a host's collector; whether there was one."""
    pid = (lab.path.parent / f"hosts/{host}/units/active/gatehouse-watch.service").read_text()
    try:
        os.kill(int(pid), signal)
        return True
    except ProcessLookupError:
        return False


def reality(lab, folder):
    """What a fresh find says: owner of each path."""
    listing = lab.lab_exec(lab.host1, "find", folder, "-printf", "%U %p\\0").out
    pairs = (entry.split(b" ", 1) for entry in listing.split(b"\0") if entry)
    return {path.decode(): int(uid) for uid, path in pairs}


def book(lab, folder):
    """What the book says of the same, of both who own something there."""
    found = {}
    for name in ("alice", "bob"):
        uid = lab.uid(name)
        document = lab.gatehouse_json("file", "transfer", "--from", name, "--to", "carol", folder, "--plan", timeout=60)
        for path in document["files"]:
            # One may change hands between the two questions.
            found[path] = None if path in found else uid
    return found


def difference(lab, folder):
    """Where the book and a fresh find differ."""
    there, told = reality(lab, folder), book(lab, folder)
    return {path: (there.get(path), told.get(path)) for path in there.keys() | told.keys() if there.get(path) != told.get(path)}


@pytest.mark.limit(400)
def test_truth_under_fire(lab, start, teardown):
    """Eight processes on two hosts; the watcher is killed three times and its queue overflows twice: at the end the book
    equals a fresh find in every owner and path, and every gap is a row."""
    for host in lab.hosts:
        watching(lab, host)
        # A small queue, so that a collector that is stopped for a moment overflows.
        lab.lab_exec(host, "sed", "-i", "s/ watch$/ watch --queue 2000/", UNIT)
        service(lab, host, "restart", "watch")
        teardown.callback(service, lab, host, "restart", "watch")
        teardown.callback(lab.lab_exec, host, "sed", "-i", "s/ watch --queue 2000$/ watch/", UNIT)
    for host in lab.hosts:
        watching(lab, host)
    folder = f"{TREE}/fire-{secrets.token_hex(4)}"
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", folder)
    lab.lab_exec(lab.host1, "install", "-d", "-o", lab.uid("alice"), folder)
    before = len(gaps(lab))

    processes = [
        storm(lab, start, lab.hosts[number % 2], f"{folder}/{number // 2}", number, 30) for number in range(8)
    ]
    for deed in ("kill", "stop", "kill", "stop", "kill"):
        time.sleep(4)
        if deed == "kill":
            assert collector(lab, lab.host1, 9)
        else:
            assert collector(lab, lab.host2, 19)
            time.sleep(3)
            collector(lab, lab.host2, 18)
    deeds = sum(int(process.communicate(timeout=120)[0]) for process in processes)
    print(f"{deeds} deeds, {len(reality(lab, folder))} files and folders at the end")

    for host in lab.hosts:
        watching(lab, host)
    wait_until(lambda: not difference(lab, folder), "the book equals a fresh find", 180)
    reasons = [row["reason"] for row in gaps(lab)]
    assert len(reasons) >= before + 3
    assert "overflow" in reasons and "restarted" in reasons


@pytest.mark.limit(1200)
def test_the_gateway_is_killed_while_it_takes(lab, teardown):
    """Killed at random moments of ingestion: no file is lost, and none is counted twice."""
    watching(lab, lab.host1)
    folder = f"{TREE}/kill-{secrets.token_hex(4)}"
    lab.lab_exec(lab.host1, "install", "-d", "-m", "777", folder)
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", folder)
    teardown.callback(restart, lab)
    chance = random.Random(4)
    made = []
    for number in range(ROUNDS):
        service(lab, lab.host1, "stop", "ship")
        for piece in range(5):
            path = f"{folder}/{number}-{piece}"
            lab.lab_exec(lab.host1, "touch", path)
            made.append(path)
        wait_until(lambda: any(name.startswith("events") for name in spooled(lab, lab.host1)), "something waits", 15)
        service(lab, lab.host1, "start", "ship")
        time.sleep(chance.random() * 1.5)
        os.kill(lab.daemon_pid(), 9)
        restart(lab)
    wait_until(lambda: known(lab, made[-1]), "the last one is in the book", 90)
    wait_until(lambda: len(spooled(lab, lab.host1)) <= 1, "the spool is delivered", 60)
    for path in made:
        kinds = kinds_of(lab, path)
        assert kinds.count("created") == 1, f"{path}: {kinds}"
