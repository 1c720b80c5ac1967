"""`gatehouse-watch watch` on an ext4 of its own: what it tells and of whom, killed, overflowed, and with no room left."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import PROGRAMS

PROGRAM = PROGRAMS / "gatehouse-watch"
QUEUE = Path("/proc/sys/fs/fanotify/max_queued_events")

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root can watch and mount"), pytest.mark.limit(120)]


class Watched:
    """A watched tree and its watcher."""

    def __init__(self, home, tree):
        self.home, self.tree = home, tree
        self.spool, self.runtime, self.log = home / "spool", home / "run", home / "log"
        (home / "keys").mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "keys/key"], check=True)
        self.settings = home / "watch.conf"
        self.write_settings()
        self.child = None

    def write_settings(self, *lines):
        lines = ("Host host1", "Gateway 127.0.0.1:1", f"Tree {self.tree}", f"Spool {self.spool}",
                 f"Runtime {self.runtime}", f"Keys {self.home}/keys", *lines)
        self.settings.write_text("\n".join(lines) + "\n")

    def start(self, *words):
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen([PROGRAM, "watch", "--settings", self.settings, *words], stderr=log)
        self.wait(lambda: b"watching" in self.log.read_bytes())
        return self

    def wait(self, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not what():
            assert self.child.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def end(self, number=signal.SIGTERM):
        if self.child:
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(number)
            self.child.wait(20)
            self.child = None

    def records(self):
        """All that was told, proven to be one chain of numbers without holes."""
        segments = sorted(self.spool.glob("events-*.segment"))
        if not segments:
            return []
        done = subprocess.run([PROGRAM, "show", "--settings", self.settings, *segments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        records = [json.loads(line) for line in done.stdout.splitlines()]
        assert [record["sequence"] for record in records] == list(range(1, len(records) + 1))
        return records

    def events(self):
        return [record for record in self.records() if record["record"] == "event"]

    def told(self):
        """Ends the watcher once it is quiet, and gives (kind, path) of all events."""
        self.settle()
        self.end()
        return [(event["kind"], event["path"]) for event in self.events() if not event["path"].startswith("settled-")]

    def settle(self):
        """Until a file that is made now has been told."""
        mark = f"settled-{time.monotonic_ns()}"
        (self.tree / mark).touch()
        self.wait(lambda: any(event["path"] == mark for event in self.events()))


@pytest.fixture
def disk(tmp_path):
    """An ext4 of its own, so that nothing else is seen."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    with open(image, "wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    folder.mkdir()
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def watched(tmp_path, disk):
    tree = disk / "tree"
    tree.mkdir()
    watched = Watched(tmp_path, tree)
    yield watched
    watched.end(signal.SIGKILL)


def as_login(login, command, user=None):
    """Runs a command in a login session of its own."""
    def begin():
        Path("/proc/self/loginuid").write_text(str(login))
        if user is not None:
            os.setgid(user)
            os.setuid(user)
    return subprocess.Popen(["/bin/sh", "-c", command], preexec_fn=begin, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def test_tells_every_kind_of_change(watched):
    (watched.tree / "old").write_text("old")
    (watched.tree / "before").mkdir()
    watched.start()
    tree = watched.tree
    for step in (lambda: (tree / "file").write_text("1"), lambda: os.link(tree / "file", tree / "link"),
                 lambda: (tree / "file").chmod(0o600), lambda: os.chown(tree / "file", 1234, 1234),
                 lambda: (tree / "a/b/c").mkdir(parents=True), lambda: (tree / "a/b/c/deep").write_text("x"),
                 lambda: (tree / "a").rename(tree / "before/z"),
                 lambda: (tree / "before/z/b/c/deep").write_text("again"), lambda: (tree / "old").unlink(),
                 lambda: (tree / "file").rename(tree / "before/file"), lambda: (tree / "sym").symlink_to("x"),
                 lambda: shutil.rmtree(tree / "before/z/b")):
        step()
        time.sleep(0.1)
    told = watched.told()
    assert told == [
        ("created", "file"), ("linked", "link"), ("modeChanged", "file"), ("modeChanged", "file"),
        ("directoryCreated", "a"), ("directoryCreated", "a/b"), ("directoryCreated", "a/b/c"),
        ("created", "a/b/c/deep"), ("directoryRenamed", "a"), ("written", "before/z/b/c/deep"), ("deleted", "old"),
        ("renamed", "file"), ("created", "sym"), ("deleted", "before/z/b/c/deep"),
        ("directoryDeleted", "before/z/b/c"), ("directoryDeleted", "before/z/b"),
    ]
    renamed = next(event for event in watched.events() if event["kind"] == "directoryRenamed")
    assert renamed["to"] == "before/z"
    owner = [event["stat"]["uid"] for event in watched.events() if event["path"] == "file" and "stat" in event]
    assert owner[-1] == 1234


def test_takes_every_name(watched):
    watched.start()
    names = [b"new\nline", b"\xff\xfe", b"n" * 255, b"-rf", b"quote\"\\", "ü…".encode(), b" "]
    for name in names:
        with open(os.fsencode(watched.tree) + b"/" + name, "w"):
            pass
    watched.settle()
    watched.end()
    paths = [event["path"] for event in watched.events()]
    told = [base64.b64decode(path["base64"]) if isinstance(path, dict) else path.encode() for path in paths]
    assert sorted(told[:-1]) == sorted(names)


def test_leaves_out_what_is_outside(watched, disk):
    watched.start()
    (disk / "treeish").mkdir()
    (disk / "treeish/file").write_text("not ours")
    (disk / "coming").mkdir()
    (disk / "coming/inner").write_text("x")
    time.sleep(0.2)
    (disk / "coming").rename(watched.tree / "came")
    (watched.tree / "came/inner").write_text("now it is")
    time.sleep(0.1)
    (watched.tree / "came").rename(disk / "left")
    (disk / "left/inner").write_text("not any more")
    assert watched.told() == [("directoryCreated", "came"), ("written", "came/inner"),
                                   ("directoryDeleted", "came")]
    assert list((watched.runtime / "rescan").iterdir()), "the contents of what came in are to be scanned"


@pytest.mark.parametrize("sessions", [20])
def test_knows_writers_that_live_a_millisecond(watched, sessions):
    watched.tree.chmod(0o1777)
    watched.start()
    command = ("cd {tree}; for i in 1 2 3 4 5 6 7 8 9 10; do touch {login}-touch-$i; done; "
               "setsid touch {login}-setsid; (touch {login}-sub); sudo -n touch {login}-sudo; "
               "sudo -n -u nobody touch {login}-nobody; su -s /bin/sh -c 'touch {login}-su' nobody; "
               "nohup setsid sh -c 'sleep 0.3; touch {login}-late' & exit 0")
    children = [as_login(3000 + number, command.format(tree=watched.tree, login=3000 + number))
                for number in range(sessions)]
    children.append(subprocess.Popen(["touch", watched.tree / "unset-1"]))
    for child in children:
        child.wait()
    time.sleep(0.6)
    watched.settle()
    watched.end()
    right = wrong = unknown = 0
    seen = set()
    for event in watched.events():
        who, what = event["path"].split("-")[:2]
        if who in ("settled",):
            continue
        seen.add(event["path"])
        login = event["actor"].get("login")
        if who == "unset":
            own = int(Path("/proc/self/loginuid").read_text())
            assert login == (None if own == 2**32 - 1 else own)
            continue
        right += login == int(who)
        unknown += login is None
        wrong += login is not None and login != int(who)
        if what in ("nobody", "su"):
            assert event["actor"]["uid"] == 65534
        assert event["actor"]["origin"] == "switchedUser", "no login has the uid that these wrote with"
    assert (wrong, unknown) == (0, 0)
    assert right >= len(seen) - 1 == sessions * 16


def test_an_overflow_is_a_gap_and_asks_for_a_scan(watched):
    limit = QUEUE.read_text()
    try:
        QUEUE.write_text("200")
        watched.start("--queue", "0")
        (watched.runtime / "rescan").exists() and shutil.rmtree(watched.runtime / "rescan")
        os.kill(watched.child.pid, signal.SIGSTOP)
        for number in range(2000):
            (watched.tree / f"f{number}").touch()
        os.kill(watched.child.pid, signal.SIGCONT)
        watched.wait(lambda: b"reason=overflow" in watched.log.read_bytes())
        watched.settle()
        watched.end()
    finally:
        QUEUE.write_text(limit)
    gaps = [record for record in watched.records() if record["record"] == "gap"]
    assert [(gap["reason"], gap["tree"]) for gap in gaps] == [("overflow", str(watched.tree))]
    assert gaps[0]["from"] < gaps[0]["until"]
    assert [path.name for path in (watched.runtime / "rescan").iterdir()] == [str(watched.tree).replace("/", "%2F")]


def test_killed_at_any_moment_goes_on_with_its_chain(watched):
    made = 0
    for number in range(8):
        watched.start()
        for _ in range(300):
            (watched.tree / f"f{made}").touch()
            made += 1
        time.sleep(0.1 * number)
        watched.end(signal.SIGKILL)
    watched.start()
    watched.settle()
    watched.end()
    records = watched.records()
    gaps = [record for record in records if record["record"] == "gap"]
    assert [gap["reason"] for gap in gaps] == ["restarted"] * 8
    assert all(gap["from"] <= gap["until"] for gap in gaps)
    times = [(gap["from"], gap["until"]) for gap in gaps]
    missing = set(range(made)) - {int(event["path"][1:]) for event in watched.events() if event["path"][0] == "f"}
    for number in missing:
        when = (watched.tree / f"f{number}").stat().st_ctime_ns // 1000
        assert any(start - 50_000 <= when <= end + 50_000 for start, end in times), "lost, and no gap says so"


def test_without_room_counts_what_it_drops_and_writers_do_not_wait(watched, tmp_path):
    room = tmp_path / "spool"
    room.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "none", room], check=True)
    try:
        watched.start()
        for number in range(6000):
            (watched.tree / f"{number}-{os.urandom(60).hex()}").touch()
        watched.wait(lambda: b"cannot be written" in watched.log.read_bytes())
        for number in range(6000, 7000):
            (watched.tree / f"{number}-{os.urandom(60).hex()}").touch()
        time.sleep(0.5)
        subprocess.run(["mount", "-o", "remount,size=64m", room], check=True)
        watched.wait(lambda: b"written again" in watched.log.read_bytes())
        watched.settle()
        watched.end()
        records = watched.records()
    finally:
        watched.end(signal.SIGKILL)
        subprocess.run(["umount", "-l", room], check=True)
    lost = sum(record["lost"] for record in records if record["record"] == "gap" and record["reason"] == "spoolFull")
    told = sum(record["record"] == "event" and record["path"][0].isdigit() and record["kind"] == "created"
               for record in records)
    assert lost > 0
    assert told < 7000 <= told + lost


def test_a_limit_of_the_spool_is_kept(watched):
    watched.write_settings("SpoolLimit 60000")
    watched.start()
    for number in range(10):
        for index in range(100):
            (watched.tree / f"{number}-{index}-{os.urandom(60).hex()}").touch()
        time.sleep(0.6)
    used = sum(path.stat().st_blocks * 512 for path in watched.spool.iterdir())
    assert used < 60000 + 100_000
    watched.end()


@pytest.mark.released("measures memory")
def test_uses_little_memory(watched):
    watched.start()
    for number in range(4000):
        (watched.tree / f"folder{number}").mkdir()
        (watched.tree / f"folder{number}/file").touch()
    watched.settle()
    status = Path(f"/proc/{watched.child.pid}/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert peak < 30 * 1024


def test_file_systems_without_handles_are_watched_by_closed_files(tmp_path, disk):
    lower, upper, work, tree = (disk / name for name in ("lower", "upper", "work", "overlay"))
    for folder in (lower, upper, work, tree):
        folder.mkdir()
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, tree], check=True)
    watched = Watched(tmp_path, tree)
    try:
        watched.start()
        (tree / "file").write_text("1")
        with open(tree / "file"):
            pass
        with open(tree / "file", "r+"):
            pass
        watched.wait(lambda: any(event["path"] == "file" for event in watched.events()))
        watched.end()
    finally:
        watched.end(signal.SIGKILL)
        subprocess.run(["umount", "-l", tree], check=True)
    coverage = [record for record in watched.records() if record["record"] == "coverage"]
    assert [record["extent"] for record in coverage] == ["closedWrites"]
    assert {event["kind"] for event in watched.events()} == {"written"}


def test_a_lost_mount_is_a_gap(watched, disk):
    watched.start()
    watched.tree.rename(disk / "away")
    watched.wait(lambda: b"is not there" in watched.log.read_bytes())
    watched.tree.mkdir()
    watched.wait(lambda: b"mountLost" in watched.log.read_bytes())
    watched.settle()
    watched.end()
    records = watched.records()
    assert [record["extent"] for record in records if record["record"] == "coverage"] == [
        "everything", "none", "everything"]


def test_two_watchers_of_one_spool_are_one_too_many(watched):
    watched.start()
    done = subprocess.run([PROGRAM, "watch", "--settings", watched.settings], capture_output=True, text=True)
    assert done.returncode == 69
    assert "another watcher runs" in done.stderr
    watched.end()
