"""The book is whole whatever becomes of the program that fills it: killed at any moment, or with a full disk."""

import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from gateway import Gateway
from lab import PROGRAMS, run, wait_until

SEGMENTS, EVENTS = 30, 120


@pytest.fixture(scope="module")
def producer():
    """Stands in for the hosts."""
    path = Path(os.environ.get("BOOK_PRODUCER", PROGRAMS / "book-producer"))
    assert path.exists(), f"there is no {path}: make build"
    return path


@pytest.fixture(scope="module")
def storm(producer, tmp_path_factory):
    """Segments of a host, and what a book says that has taken them without any trouble."""
    folder = tmp_path_factory.mktemp("storm")
    assert run([producer, "storm", folder, SEGMENTS, EVENTS, 42], timeout=120).status == 0
    book = folder / "straight.db"
    taken = run([producer, "ingest", book, folder], timeout=300)
    assert taken.status == 0, taken.out
    assert f"events {SEGMENTS * EVENTS} ".encode() in taken.out
    return folder, dump(producer, book)


def dump(producer, book):
    """Everything that a book says."""
    result = run([producer, "dump", book], timeout=120)
    assert result.status == 0, result.out
    return result.out


def test_killed_a_hundred_times(producer, storm, tmp_path):
    """Nothing is counted twice, nothing is lost, and what was said to be in the book is in it."""
    folder, expected = storm
    book = tmp_path / "book.db"
    dice = random.Random(7)
    kills = said = 0
    start = time.monotonic()
    assert run([producer, "ingest", tmp_path / "timing.db", folder], timeout=300).status == 0
    whole = time.monotonic() - start
    while kills < 100:
        process = subprocess.Popen([producer, "ingest", book, folder], stdout=subprocess.PIPE)
        try:
            time.sleep(dice.uniform(0, whole * 0.6))
        finally:
            process.send_signal(signal.SIGKILL)
            out = process.communicate()[0].decode()
        kills += 1
        lines = re.findall(r"^(\d+) (\S+)", out, re.MULTILINE)
        numbers = [int(number) for number, _ in lines]
        assert numbers == list(range(1, len(numbers) + 1))
        # What an earlier run said is in the book is not taken again.
        again = [int(number) for number, outcome in lines if outcome.startswith("taken")]
        assert not again or min(again) > said
        said = max([said, *numbers])
        if said == SEGMENTS and kills % 10:
            book.unlink()
            for suffix in ("-wal", "-shm"):
                book.with_name(book.name + suffix).unlink(missing_ok=True)
            said = 0
    assert run([producer, "ingest", book, folder], timeout=300).status == 0
    assert dump(producer, book) == expected


def test_full_disk(producer, storm, tmp_path):
    """A clear error, the segments before it stay, and when there is room again it goes on where it was."""
    folder, expected = storm
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=900k", "none", disk])
    assert mounted.status == 0, mounted.err
    try:
        full = run([producer, "ingest", disk / "book.db", folder], timeout=300)
        assert full.status == 1
        assert b"error:" in full.out and (b"full" in full.out or b"I/O" in full.out), full.out
        taken = len(re.findall(rb"^\d+ taken", full.out, re.MULTILINE))
        assert 0 < taken < SEGMENTS
        assert run(["mount", "-o", "remount,size=64m", disk]).status == 0
        rest = run([producer, "ingest", disk / "book.db", folder], timeout=300)
        assert rest.status == 0, rest.out
        assert len(re.findall(rb"^\d+ repeated", rest.out, re.MULTILINE)) == taken
        assert dump(producer, disk / "book.db") == expected
    finally:
        run(["umount", disk])


def test_old_events_are_forgotten(producer, storm, tmp_path):
    """The present, and who made it, stay known."""
    folder, _ = storm
    book = tmp_path / "book.db"
    assert run([producer, "ingest", book, folder], timeout=300).status == 0
    state = [line for line in dump(producer, book).splitlines() if b"FileMoment" not in line]
    moments = dump(producer, book).count(b"FileMoment(")
    result = run([producer, "expire", book, 2_000_000_000], timeout=120)
    removed = int(result.out.split()[1])
    assert 0 < removed < moments
    assert dump(producer, book).count(b"FileMoment(") == moments - removed
    assert [line for line in dump(producer, book).splitlines() if b"FileMoment" not in line] == state


def test_the_daemon_forgets_old_events(lab, make_key, producer, storm, tmp_path, teardown):
    """As `FileEventRetention` says, once it runs; 0 keeps them all."""
    folder, _ = storm
    kept = tmp_path / "kept.db"
    assert run([producer, "ingest", kept, folder], timeout=300).status == 0
    (tmp_path / "state").mkdir(mode=0o700)
    book = tmp_path / "state/book.db"
    shutil.copy(kept, book)
    here = Gateway(lab, tmp_path, make_key(), {}, ["FileEventRetention 0"])
    teardown.callback(here.end)

    def count(path):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return connection.execute("SELECT count(*) FROM file_events").fetchone()[0]

    assert count(book) == SEGMENTS * EVENTS
    assert run([producer, "expire", kept, 2_000_000_000], timeout=120).status == 0
    # The events are of July 2023; a daemon that is told keeps the new setting at once.
    text = here.configuration.read_text()
    here.configuration.write_text(text.replace("FileEventRetention 0", "FileEventRetention 7d"))
    os.kill(here.process.pid, signal.SIGHUP)
    wait_until(lambda: count(book) == count(kept), "old events are forgotten", 60)
    assert 0 < count(kept) < SEGMENTS * EVENTS
    wait_until(lambda: b"old events of files forgotten" in (tmp_path / "log").read_bytes(), "the log says so")
