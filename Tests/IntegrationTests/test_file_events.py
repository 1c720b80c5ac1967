"""SFTP and scp as they happen: what the event log says of each file, with the clients people use."""

import asyncio
import os
import re
import signal

import asyncssh
import paramiko
import pytest

from clients import connect, private_key, transport
from lab import run, wait_until
from test_files import digest


@pytest.fixture
def digests(lab, teardown):
    """Has files hashed until the test is over."""
    path = lab.path.with_name("gatehouse.conf")
    before = path.read_text()

    def reload(text):
        path.write_text(text)
        os.kill(lab.daemon_pid(), signal.SIGHUP)

    teardown.callback(reload, before)
    reload(re.sub("^FileDigests .*\n", "", before, flags=re.MULTILINE) + "FileDigests yes\n")
    rows = lambda: {row["keyword"]: row["value"] for row in lab.rows("config", "show")}
    wait_until(lambda: rows()["FileDigests"] == "yes", "FileDigests yes")


def told(lab, mark, count):
    """The details of so many file operations since, and of no more."""
    found = lambda: lab.events_after(mark, "file.operation", user="alice")
    wait_until(lambda: len(found()) >= count, f"{count} file operations", timeout=30)
    assert len(found()) == count, found()
    return [event["detail"] for event in found()]


def brief(details, *keys):
    return [tuple(detail.get(key) for key in keys) for detail in details]


@pytest.mark.limit(90)
def test_sftp(lab, host_folder, payload, tmp_path, digests):
    """Each file of a stock sftp is an event with its path, bytes, result and hash, in order."""
    file, there, mark = payload(3_000_000), host_folder(), lab.mark()
    batch = tmp_path / "batch"
    batch.write_text("\n".join([
        f"put {file} {there}/one", f"get {there}/one {tmp_path}/back", f"mkdir {there}/d", f"rename {there}/one {there}/d/two",
        f"chmod 600 {there}/d/two", f"ln -s d/two {there}/link", f"ln {there}/d/two {there}/other", f"rm {there}/link",
        "-get /etc/shadow", f"-rm {there}/missing", f"-rmdir {there}/d",
    ]) + "\n")
    result = run(lab.ssh_words(program="sftp", options=["-b", batch]), timeout=50)
    assert result.status == 0, result.err.decode()
    events = told(lab, mark, 11)
    assert brief(events, "operation", "path", "other", "result") == [
        ("write", f"{there}/one", None, "ok"), ("read", f"{there}/one", None, "ok"), ("mkdir", f"{there}/d", None, "ok"),
        ("rename", f"{there}/one", f"{there}/d/two", "ok"), ("attributes", f"{there}/d/two", None, "ok"),
        ("symlink", f"{there}/link", "d/two", "ok"), ("link", f"{there}/other", f"{there}/d/two", "ok"),
        ("remove", f"{there}/link", None, "ok"), ("read", "/etc/shadow", None, "permission denied"),
        ("remove", f"{there}/missing", None, "no such file"), ("rmdir", f"{there}/d", None, "failure"),
    ]
    assert events[0]["bytes_written"] == events[1]["bytes_read"] == "3000000"
    assert events[0]["sha256"] == events[1]["sha256"] == digest(file)
    assert "mode=0600" in events[4]["attributes"]
    session = {event["session"] for event in lab.events_after(mark, "file.operation")}
    assert len(session) == 1
    shown = lab.gatehouse("event", "list", "--session", session.pop(), "--kind", "file.operation").out.decode()
    assert f"{there}/d/two" in shown


@pytest.mark.limit(90)
@pytest.mark.parametrize("flags", [[], ["-O"]], ids=["sftp", "legacy"])
def test_scp(lab, host_folder, tmp_path, flags, digests):
    """Both kinds of scp, with folders, names of any bytes and a file that may not be read."""
    folder, there = tmp_path / "tree", host_folder()
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "zoë 1").write_text("first")
    (folder / "empty").write_text("")
    mark = lab.mark()
    words = ["scp", "-q", "-r", "-F", lab.ssh_config, "-o", "BatchMode=yes", *flags]
    assert run([*words, folder, f"{lab.host1}:{there}/"]).status == 0
    files = lambda: [event["detail"] for event in lab.events_after(mark, "file.operation") if event["detail"]["operation"] == "write"]
    wait_until(lambda: len(files()) == 2, "both files")
    by_name = {detail.get("other", detail["path"]).rpartition("/")[2]: detail for detail in files()}
    assert set(by_name) == {"zoë 1", "empty"}
    assert by_name["zoë 1"]["sha256"] == digest(folder / "sub" / "zoë 1")
    assert [by_name[name]["bytes_written"] for name in ("zoë 1", "empty")] == ["5", "0"]
    assert {detail["result"] for detail in files()} == {"ok"}
    if not flags:
        assert by_name["empty"]["path"] == f"{there}/tree/empty"
    assert run([*words, f"{lab.host1}:{there}/tree", tmp_path / "back"]).status == 0
    assert run([*words, f"{lab.host1}:/etc/shadow", tmp_path / "secret"]).status != 0
    reads = lambda: [
        (detail["result"], detail["bytes_read"]) for event in lab.events_after(mark, "file.operation")
        if (detail := event["detail"])["operation"] == "read"
    ]
    wait_until(lambda: len(reads()) == 3, "three files")
    assert {("ok", "0"), ("ok", "5")} < set(reads())
    (refused,) = {result for result, _ in reads()} - {"ok"}
    assert "ermission denied" in refused


@pytest.mark.limit(60)
def test_other_clients(lab, asynchronously, host_folder):
    """asyncssh with many requests at a time, and paramiko with its own way to write, end as the same events."""
    there = host_folder()

    async def upload():
        async with connect(lab) as connection, connection.start_sftp_client() as sftp:
            async with sftp.open(f"{there}/a", "wb") as file:
                await file.write(os.urandom(700_000))
            await sftp.posix_rename(f"{there}/a", f"{there}/b")

    mark = lab.mark()
    asynchronously(upload())
    assert brief(told(lab, mark, 2), "operation", "path", "other", "bytes_written", "result") == [
        ("write", f"{there}/a", None, "700000", "ok"), ("rename", f"{there}/a", f"{there}/b", None, "ok"),
    ]
    mark = lab.mark()
    with transport(lab) as own:
        own.auth_publickey(f"alice+{lab.host1}", private_key(lab.keys["alice"]))
        sftp = paramiko.SFTPClient.from_transport(own)
        with sftp.open(f"{there}/b", "r+b") as file:
            file.seek(10)
            file.write(b"changed")
            file.seek(0)
            assert len(file.read(20)) == 20
        sftp.close()
    assert brief(told(lab, mark, 1), "operation", "path", "bytes_written", "bytes_read", "result") == [
        ("write", f"{there}/b", "7", "20", "ok"),
    ]


@pytest.mark.limit(60)
def test_a_connection_that_breaks(lab, asynchronously, host_folder):
    """A file that was never closed is told of at the end of its session, with the bytes the host has."""
    there, mark = host_folder(), lab.mark()

    async def half():
        async with connect(lab) as connection:
            sftp = await connection.start_sftp_client()
            file = await sftp.open(f"{there}/half", "wb")
            await file.write(b"x" * 5_000)
            connection.abort()

    asynchronously(half())
    assert brief(told(lab, mark, 1), "operation", "path", "bytes_written", "result") == [
        ("write", f"{there}/half", "5000", "cut off"),
    ]


@pytest.mark.limit(60)
def test_what_is_no_sftp(lab, asynchronously, host_folder):
    """A client whose messages cannot be followed is told of, and nothing of it is kept from the host."""
    there, mark = host_folder(), lab.mark()

    async def odd():
        async with connect(lab) as connection:
            channel, _ = await connection.create_session(asyncssh.SSHClientSession, subsystem="sftp", encoding=None)
            message = lambda kind, body: (len(body) + 1).to_bytes(4, "big") + bytes([kind]) + body
            path = f"{there}/d".encode()
            make = (7).to_bytes(4, "big") + len(path).to_bytes(4, "big") + path + bytes(4)
            channel.write(message(1, (3).to_bytes(4, "big")) + message(14, make) + message(14, make))
            for _ in range(200):
                if lab.lab_exec(lab.host1, "test", "-d", f"{there}/d", check=False).status == 0:
                    return channel.abort()
                await asyncio.sleep(0.1)
            raise AssertionError("the host did not do it")

    asynchronously(odd())
    event = lab.wait_event(mark, "file.unfollowed", user="alice")
    assert event["detail"]["reason"].startswith("the client sent two requests of the same number: type 14, ")
    assert brief(told(lab, mark, 1), "operation", "path", "result") == [("mkdir", f"{there}/d", "cut off")]


@pytest.mark.limit(60)
def test_a_client_that_reads_no_answers(lab, asynchronously, host_folder):
    """Files are told of also where the host's answers never go out: the client sends ahead, with handles that it guesses."""
    there, mark = host_folder(), lab.mark()

    async def blind():
        async with connect(lab) as connection:
            channel, _ = await connection.create_session(asyncssh.SSHClientSession, subsystem="sftp", encoding=None, window=1)
            message = lambda kind, body: (len(body) + 1).to_bytes(4, "big") + bytes([kind]) + body
            text = lambda value: len(value).to_bytes(4, "big") + value
            number = lambda value: value.to_bytes(4, "big")
            handle = text(bytes(4))
            channel.write(
                message(1, number(3)) + message(3, number(1) + text(f"{there}/f".encode()) + number(0x1A) + number(0))
                + message(6, number(2) + handle + bytes(8) + text(b"unseen")) + message(4, number(3) + handle)
                + message(13, number(4) + text(f"{there}/f".encode())) + message(14, number(5) + text(f"{there}/d".encode()) + number(0)))
            for _ in range(200):
                if lab.lab_exec(lab.host1, "test", "-d", f"{there}/d", check=False).status == 0:
                    return connection.abort()
                await asyncio.sleep(0.1)
            raise AssertionError("the host did not do it")

    asynchronously(blind())
    # Whether the answers had come by then or not.
    assert {(operation, path) for operation, path in brief(told(lab, mark, 3), "operation", "path")} == {
        ("write", f"{there}/f"), ("remove", f"{there}/f"), ("mkdir", f"{there}/d")}
