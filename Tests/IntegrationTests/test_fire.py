"""Truth under fire: whatever is killed, stopped, flooded or filled, the book ends as the file system is, and says where it was blind.

Each trial has a short form for every day, and a long one that is run by hand, with `-m fire`. FIRE_ROUNDS says how often the
gateway is killed while it takes segments in the long one: 10 times unless told.
"""

import os
import random
import secrets
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import wait_until
from test_watchers import SPOOL, TREE, gaps, kinds_of, known, service, spooled, touch_on, watching

ROUNDS = int(os.environ.get("FIRE_ROUNDS", "10"))
UNIT = "/etc/systemd/system/gatehouse-watch.service"
QUEUE = Path("/proc/sys/fs/fanotify/max_queued_events")

#: Creates, writes, renames, deletes and gives away files in one folder until its time is up, with a rest after each deed.
STORM = r"""
import os, random, sys, time
folder, seed, seconds, rest, uids = sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:5]), [int(word) for word in sys.argv[5:]]
chance = random.Random(seed)
os.makedirs(folder, exist_ok=True)
os.chown(folder, uids[0], -1)
files, folders, number = [], [folder], 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    number += 1
    if rest:
        time.sleep(rest)
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


def storm(lab, start, host, folder, seed, seconds, rest):
    """Starts one process of the storm on a host."""
    uids = [str(lab.uid(name)) for name in ("alice", "bob")]
    words = lab.exec_words(host, "python3", "-c", STORM, folder, str(seed), str(seconds), str(rest), *uids)
    return start(words, stdout=subprocess.PIPE, env=lab.environment())


def collector(lab, host, signal):
    """Signals a host's collector, once it runs."""
    path = lab.path.parent / f"hosts/{host}/units/active/gatehouse-watch.service"

    def signalled():
        try:
            os.kill(int(path.read_text()), signal)
            return True
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return False

    wait_until(signalled, f"a collector runs on {host}", 30)


def small_queues(lab, teardown, count):
    """Restarts the hosts' collectors with queues of so many events, which overflow when they stop for a moment."""
    limit = QUEUE.read_text()
    try:
        for host in lab.hosts:
            watching(lab, host)
            # Told to leave the limit as it is.
            lab.lab_exec(host, "sed", "-i", "s/ watch$/ watch --queue 0/", UNIT)
            teardown.callback(service, lab, host, "restart", "watch")
            teardown.callback(lab.lab_exec, host, "sed", "-i", "s/ watch --queue 0$/ watch/", UNIT)
            QUEUE.write_text(str(count))
            service(lab, host, "restart", "watch")
            began = time.time()
            wait_until(lambda: told_since(lab, host, began), f"{host} watches anew", 30)
    finally:
        # It was read when the collectors began.
        QUEUE.write_text(limit)


def told_since(lab, host, moment):
    """Whether a host's collector has written its status after a moment."""
    status = lab.lab_exec(host, "stat", "-c", "%Y", "/run/gatehouse-watch/status", check=False).out
    return bool(status) and int(status) > moment


def gap_count(lab, host, reason):
    """How many gaps of a kind the book has of a host."""
    return sum((row["host"], row["reason"]) == (host, reason) for row in gaps(lab))


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


def burn(lab, start, teardown, *, seconds, rest, pause, stop, queue):
    """Eight processes on two hosts, while one host's watcher is killed three times and the other's queue overflows twice."""
    small_queues(lab, teardown, queue)
    folder = f"{TREE}/fire-{secrets.token_hex(4)}"
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", folder)
    lab.lab_exec(lab.host1, "install", "-d", "-o", lab.uid("alice"), folder)
    kills, overflows = gap_count(lab, lab.host1, "restarted"), gap_count(lab, lab.host2, "overflow")
    processes = [
        storm(lab, start, lab.hosts[number % 2], f"{folder}/{number // 2}", number, seconds, rest) for number in range(8)
    ]
    killed = 0
    for deed in ("kill", "stop", "kill", "stop", "kill"):
        time.sleep(pause)
        if deed == "kill":
            # It has to have said what it missed before, or two gaps are one.
            wait_until(lambda: told_since(lab, lab.host1, killed), "the one that was killed is back", 30)
            collector(lab, lab.host1, signal.SIGKILL)
            killed = time.time()
        else:
            collector(lab, lab.host2, signal.SIGSTOP)
            time.sleep(stop)
            collector(lab, lab.host2, signal.SIGCONT)
    deeds = sum(int(process.communicate(timeout=120)[0]) for process in processes)
    print(f"{deeds} deeds, {len(reality(lab, folder))} files and folders at the end")
    for host in lab.hosts:
        watching(lab, host)
    wait_until(lambda: not difference(lab, folder), "the book equals a fresh find", 180)
    wait_until(lambda: gap_count(lab, lab.host1, "restarted") >= kills + 3, "three kills are three gaps", 30)
    wait_until(lambda: gap_count(lab, lab.host2, "overflow") >= overflows + 2, "two overflows are two gaps", 30)


@pytest.mark.limit(240)
def test_truth_under_a_short_fire(lab, start, teardown):
    """At the end the book equals a fresh find in every owner and path, and every gap is a row."""
    burn(lab, start, teardown, seconds=12, rest=0.01, pause=1, stop=1.5, queue=100)


@pytest.mark.fire
@pytest.mark.limit(600)
def test_truth_under_fire(lab, start, teardown):
    """The same for half a minute, as fast as it goes."""
    burn(lab, start, teardown, seconds=30, rest=0, pause=4, stop=3, queue=2000)


def kill_while_taking(lab, teardown, rounds):
    """Kills the gateway again and again while a host delivers, and compares the book with what was made."""
    watching(lab, lab.host1)
    folder = f"{TREE}/kill-{secrets.token_hex(4)}"
    lab.lab_exec(lab.host1, "install", "-d", "-m", "777", folder)
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-rf", folder)
    teardown.callback(service, lab, lab.host1, "start", "ship")
    teardown.callback(lab.restart_daemon)
    chance = random.Random(4)
    made = []
    for number in range(rounds):
        service(lab, lab.host1, "stop", "ship")
        new = [f"{folder}/{number}-{piece}" for piece in range(5)]
        touch_on(lab, lab.host1, *new)
        made += new
        wait_until(lambda: any(name.startswith("events") for name in spooled(lab, lab.host1)), "something waits", 15)
        service(lab, lab.host1, "start", "ship")
        time.sleep(chance.random() * 1.5)
        lab.kill_daemon()
        lab.restart_daemon()
    wait_until(lambda: known(lab, made[-1]), "the last one is in the book", 90)
    wait_until(lambda: len(spooled(lab, lab.host1)) <= 1, "the spool is delivered", 60)
    for path in made:
        kinds = kinds_of(lab, path)
        assert kinds.count("created") == 1, f"{path}: {kinds}"


@pytest.mark.limit(180)
def test_the_gateway_is_killed_while_it_takes(lab, teardown):
    """No file is lost, and none is counted twice."""
    kill_while_taking(lab, teardown, 4)


@pytest.mark.fire
@pytest.mark.limit(1800)
def test_the_gateway_is_killed_over_and_over(lab, teardown):
    """The same, FIRE_ROUNDS times."""
    kill_while_taking(lab, teardown, ROUNDS)


def small_spool(lab, host, teardown, size):
    """Puts a host's spool on a small disk of its own, with what is in it; gives a function that makes the disk bigger."""
    seen = f"/run/lab/outer{SPOOL}"

    def stop():
        for unit in ("ship", "watch"):
            service(lab, host, "stop", unit)

    def back():
        stop()
        lab.lab_exec(host, "sh", "-c", f"cp -a {SPOOL} {SPOOL}.aside && umount {seen} {SPOOL} && rm -rf {SPOOL}/* && "
                     f"cp -a {SPOOL}.aside/. {SPOOL} && rm -rf {SPOOL}.aside")
        for unit in ("watch", "ship"):
            service(lab, host, "start", unit)
        watching(lab, host)

    service(lab, host, "stop", "watch")
    wait_until(lambda: not lab.lab_exec(host, "find", SPOOL, "-name", "*.segment").out, "all is delivered", 60)
    service(lab, host, "stop", "ship")
    lab.lab_exec(host, "sh", "-c", f"cp -a {SPOOL} {SPOOL}.aside && mount -t tmpfs -o mode=700,size={size} spool {SPOOL} && "
                 f"mount --bind {SPOOL} {seen} && cp -a {SPOOL}.aside/. {SPOOL} && rm -rf {SPOOL}.aside")
    teardown.callback(back)
    service(lab, host, "start", "watch")
    return lambda size: lab.lab_exec(host, "mount", "-o", f"remount,size={size}", SPOOL)


@pytest.mark.limit(240)
def test_a_full_disk_under_the_spool(lab, teardown):
    """Writers do not wait; what is dropped is counted in a gap, and a walk of the tree brings the book up to date."""
    host = lab.host2
    for name in lab.hosts:
        watching(lab, name)
    log = lab.path.parent / f"hosts/{host}/services.log"
    before, start = gap_count(lab, host, "spool-full"), log.stat().st_size
    folder = f"{TREE}/full-{secrets.token_hex(4)}"
    alice = lab.uid("alice")
    lab.lab_exec(host, "install", "-d", "-o", alice, folder)
    teardown.callback(lab.lab_exec, host, "rm", "-rf", folder)
    grow = small_spool(lab, host, teardown, "160k")

    def told(what):
        with open(log, "rb") as file:
            file.seek(start)
            return what in file.read()

    make = f"import os\nfor n in range(%d, %d):\n p = f'{folder}/{{n}}-{{os.urandom(90).hex()}}'\n open(p, 'w').close()\n os.chown(p, {alice}, -1)"
    wait_until(lambda: told(b"watching"), "it watches", 30)
    for number in range(20):
        lab.lab_exec(host, "python3", "-c", make % (500 * number, 500 * number + 500), timeout=60)
        if told(b"the spool cannot be written"):
            break
    wait_until(lambda: told(b"the spool cannot be written"), "the spool is full", 30)
    lab.lab_exec(host, "python3", "-c", make % (100_000, 100_100))
    grow("64m")
    wait_until(lambda: told(b"the spool can be written again"), "there is room", 30)
    service(lab, host, "start", "ship")
    wait_until(lambda: gap_count(lab, host, "spool-full") > before, "what was dropped is a gap", 60)
    assert any(row["reason"] == "spool-full" and row["host"] == host and row["lost"] for row in gaps(lab))
    wait_until(lambda: not difference(lab, folder), "the book equals a fresh find", 120)
