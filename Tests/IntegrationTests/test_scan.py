"""`gatehouse-watch scan` as an administrator runs it: killed at random, over mounts, through trees that resist."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from acl import ATTRIBUTE, access_list
from lab import PROGRAMS

PROGRAM = PROGRAMS / "gatehouse-watch"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others, and mounts")


class Scanned:
    """A tree and the book of it."""

    def __init__(self, folder):
        self.tree, self.book = folder / "tree", folder / "book.db"
        self.tree.mkdir()

    def start(self, *words):
        return subprocess.Popen([PROGRAM, "scan", self.tree, "--book", self.book, *words],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def scan(self, *words):
        child = self.start(*words)
        out, err = child.communicate(timeout=120)
        return child.returncode, out.decode(), err.decode()

    def rows(self, query, *values):
        with sqlite3.connect(self.book) as book:
            return book.execute(query, values).fetchall()

    def totals(self):
        rows = self.rows("SELECT uid, sum(files), sum(directories), sum(bytes) FROM total GROUP BY uid")
        return {uid: tuple(rest) for uid, *rest in rows}

    def owner(self, *paths):
        done = subprocess.run([PROGRAM, "owner", "--book", self.book, "--paths-from-input"],
                              input=b"\0".join(os.fsencode(path) for path in paths), stdout=subprocess.PIPE)
        return [line.split(b" ")[0] for line in done.stdout.splitlines()]


def found(tree):
    """By owner: files, folders and bytes, as os.walk sees them."""
    totals = {}
    for folder, folders, files in os.walk(os.fsencode(tree)):
        for name in folders + files:
            status = os.lstat(os.path.join(folder, name))
            is_folder = os.path.isdir(os.path.join(folder, name)) and not os.path.islink(os.path.join(folder, name))
            files_, folders_, size = totals.get(status.st_uid, (0, 0, 0))
            totals[status.st_uid] = ((files_, folders_ + 1, size) if is_folder
                                     else (files_ + 1, folders_, size + status.st_size))
    return totals


def fill(tree, folders, files, seed):
    rng = random.Random(seed)
    known = [tree]
    for number in range(folders):
        known.append(rng.choice(known[-20:]) / f"d{number}")
        known[-1].mkdir()
    for number in range(files):
        path = rng.choice(known) / f"f{number}"
        path.write_bytes(b"x" * rng.randrange(100))
        os.chown(path, 20000 + rng.randrange(5), 20000)
    return known


@pytest.fixture
def scanned(tmp_path):
    return Scanned(tmp_path)


@pytest.mark.limit(180)
def test_goes_on_after_kills(scanned):
    fill(scanned.tree, 600, 3000, 1)
    rng = random.Random(2)
    kills, deadline = 0, time.monotonic() + 120
    seen = set()
    while time.monotonic() < deadline:
        child = scanned.start("--rate", "6000")
        time.sleep(rng.uniform(0.01, 0.12))
        child.send_signal(signal.SIGKILL)
        if child.wait() == 0:
            break
        kills += 1
        seen.add(scanned.rows("SELECT count(*) FROM directory")[0][0] if scanned.book.exists() and kills % 5 == 0 else 0)
        if kills == 100:
            break
    code, out, err = scanned.scan()
    assert code == 0, err
    assert kills >= 20
    assert scanned.totals() == found(scanned.tree)
    assert scanned.rows("SELECT count(*) FROM scan")[0][0] <= 2
    assert scanned.rows("SELECT count(*) FROM directory GROUP BY inode HAVING count(*) > 1") == []


def test_rescan_tells_what_changed_and_nothing_else(scanned):
    folders = fill(scanned.tree, 50, 400, 3)
    assert scanned.scan()[0] == 0
    assert "0 directories new or different" in scanned.scan()[1]
    files = sorted(path for path in scanned.tree.rglob("f*"))
    os.chown(files[0], 1234, 1234)
    files[1].write_bytes(b"something else")
    files[2].unlink()
    files[3].rename(folders[5] / "moved")
    (folders[6] / "new").write_bytes(b"")
    assert scanned.scan()[0] == 0
    rows = scanned.rows("SELECT kind, name FROM change ORDER BY kind")
    names = [(kind, bytes(name).decode()) for kind, name in rows]
    assert names == [(1, "new"), (2, files[2].name), (3, "moved"), (4, files[0].name), (6, files[1].name)]
    assert scanned.owner(files[0], files[2], files[1])[:2] == [b"1234", b"-"]
    assert scanned.totals() == found(scanned.tree)


def test_mounts_below_the_tree_are_left_out_unless_asked_for(scanned):
    (scanned.tree / "inside").mkdir()
    (scanned.tree / "inside/own").write_text("own")
    subprocess.run(["mount", "-t", "tmpfs", "none", scanned.tree / "inside"], check=True)
    try:
        (scanned.tree / "inside/other").write_text("other")
        code, out, err = scanned.scan()
        assert code == 0 and "1 mounts left out" in out, out + err
        assert scanned.owner(scanned.tree / "inside", scanned.tree / "inside/other") == [b"0", b"-"]
        assert scanned.scan("--cross-mounts")[0] == 0
        assert scanned.owner(scanned.tree / "inside/other") == [b"0"]
    finally:
        subprocess.run(["umount", scanned.tree / "inside"], check=True)


def test_hostile_names(scanned):
    names = [b"new\nline", b"\xff\xfe", b"n" * 255, b"-rf", b" ", b"\x1b[31m", "ß".encode()]
    for name in names:
        Path(os.fsdecode(bytes(scanned.tree) + b"/" + name)).write_text("x")
    assert scanned.scan()[0] == 0
    assert scanned.owner(*(bytes(scanned.tree) + b"/" + name for name in names)) == [b"0"] * len(names)


def test_deep_paths(scanned):
    """Far beyond what the kernel takes as one path."""
    opened = [os.open(scanned.tree, os.O_RDONLY)]
    try:
        for level in range(60):
            os.mkdir("d" * 200, dir_fd=opened[-1])
            opened.append(os.open("d" * 200, os.O_RDONLY, dir_fd=opened[-1]))
        os.close(os.open("deep", os.O_CREAT | os.O_WRONLY, dir_fd=opened[-1]))
        os.chown("deep", 4711, 4711, dir_fd=opened[-1])
        code, out, err = scanned.scan()
        assert code == 0 and "61 directories, 61 entries" in out, out + err
        assert scanned.totals()[4711] == (1, 0, 0)
        assert "0 directories new or different" in scanned.scan()[1]
    finally:
        for folder in opened:
            os.close(folder)


def test_sparse_files(scanned):
    """Their length is one thing, what they take another."""
    with open(scanned.tree / "sparse", "wb") as file:
        file.truncate(5 << 30)
        file.write(b"x" * 4096)
    assert scanned.scan()[0] == 0
    (size, used), = scanned.rows("SELECT bytes, blocks FROM total")
    status = os.stat(scanned.tree / "sparse")
    assert (size, used) == (5 << 30, status.st_blocks) and used * 512 < 1 << 20


def test_hard_links(scanned):
    """Each name is a file, and the bytes are counted once, also when a name goes or another comes."""
    (scanned.tree / "a").write_bytes(b"x" * 1000)
    (scanned.tree / "d").mkdir()
    os.link(scanned.tree / "a", scanned.tree / "d/b")
    os.link(scanned.tree / "a", scanned.tree / "d/c")
    for change, names in ((None, 3), (lambda: (scanned.tree / "d/b").unlink(), 2),
                          (lambda: os.link(scanned.tree / "d/c", scanned.tree / "e"), 3),
                          (lambda: (scanned.tree / "a").unlink(), 2)):
        if change:
            change()
        assert scanned.scan()[0] == 0
        assert scanned.totals() == {0: (names, 1, 1000)}


def test_an_acl_is_a_change(scanned):
    """Of a directory, whose mode says the same before and after."""
    folder = scanned.tree / "d"
    folder.mkdir(mode=0o770)
    os.chmod(folder, 0o770)
    os.setxattr(folder, ATTRIBUTE, access_list(group=0, mask=7, users=[(20001, 7)]))
    number = "SELECT access FROM directory WHERE name = CAST('d' AS BLOB)"
    assert scanned.scan()[0] == 0
    (first,), = scanned.rows(number)
    os.setxattr(folder, ATTRIBUTE, access_list(group=7, mask=7, users=[(20001, 0)]))
    assert "1 directories new or different" in scanned.scan()[1]
    assert scanned.rows(number)[0][0] not in (first, None, 0)
    os.removexattr(folder, ATTRIBUTE)
    assert scanned.scan()[0] == 0
    assert scanned.rows(number) == [(0,)]
    assert len(scanned.rows("SELECT * FROM access_list")) == 2


def test_symlinks_lead_nowhere(scanned, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("x")
    (scanned.tree / "link").symlink_to(tmp_path / "outside")
    (scanned.tree / "up").symlink_to("..")
    assert scanned.scan()[0] == 0
    assert scanned.rows("SELECT count(*) FROM directory")[0][0] == 1
    assert scanned.rows("SELECT sum(files) FROM total")[0][0] == 2


@pytest.mark.limit(60)
def test_folders_swapped_for_symlinks_never_lead_out(scanned, tmp_path):
    """Somebody swaps a folder for a link to another place, again and again, while it is scanned."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for number in range(20):
        (outside / f"secret{number}").write_text("x")
    for number in range(200):
        (scanned.tree / f"d{number}/e").mkdir(parents=True)
    swapper = subprocess.Popen(["/usr/bin/python3", "-c", """
import os, sys
top, out = sys.argv[1:]
os.chdir(top)
while True:
    for n in range(200):
        os.rename(f"d{n}", "aside"); os.symlink(out, f"d{n}"); os.unlink(f"d{n}"); os.rename("aside", f"d{n}")
""", scanned.tree, outside])
    try:
        for _ in range(20):
            assert scanned.scan()[0] in (0, 1)
            assert scanned.rows("SELECT count(*) FROM own WHERE files > 0 AND directory IN "
                                "(SELECT id FROM directory WHERE parent != 0)")[0][0] == 0
    finally:
        swapper.kill()
        swapper.wait()


def test_one_scan_at_a_time(scanned):
    fill(scanned.tree, 20, 200, 4)
    first = scanned.start("--rate", "50", "--threads", "1")
    try:
        deadline = time.monotonic() + 10
        while not scanned.book.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        code, _, err = scanned.scan()
        assert code == 69 and "another scan" in err and "hint:" in err
    finally:
        first.kill()
        first.wait()
    assert scanned.scan()[0] == 0


def test_unreadable_folders_are_rows(scanned):
    """Where even root may not read: a folder that is gone by the time it is opened is as good."""
    code, out, err = Scanned.scan(scanned)
    assert code == 0
    shutil.rmtree(scanned.tree)
    code, _, err = scanned.scan()
    assert code == 66 and "No such file" in err


def test_rate_is_kept(scanned):
    fill(scanned.tree, 10, 500, 5)
    start = time.monotonic()
    assert scanned.scan("--rate", "250")[0] == 0
    assert 1.5 < time.monotonic() - start
