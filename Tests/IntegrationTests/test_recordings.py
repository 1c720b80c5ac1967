"""Recordings: what is on a terminal is written, proved, played, watched, and removed; and what demands one has it."""

import json
import os
import re
import secrets
import signal
import subprocess
import time
from pathlib import Path

import pytest

import clients
from lab import record, run, wait_until
from test_watchers import TREE, watching

# Generous, for a machine that does much else.
pytestmark = pytest.mark.limit(240)
PATIENCE = 60


@pytest.fixture
def settings(lab, teardown):
    """Sets lines of the gateway's configuration until the test is over."""
    path = Path(lab.environment()["GATEHOUSE_CONFIG"])
    before = path.read_text()

    log = path.with_name("gatehoused.log")

    def load(text):
        path.write_text(text)
        mark = log.stat().st_size
        os.kill(lab.daemon_pid(), signal.SIGHUP)
        wait_until(lambda: b"configuration read again" in log.read_bytes()[mark:], "the reload", PATIENCE)

    def settings(*lines):
        teardown.callback(load, before)
        load("\n".join([before, *lines, ""]))

    return settings


@pytest.fixture
def recorded(lab, scratch_user):
    """A user whose grant demands a recording."""
    return scratch_user(grant=["--host", lab.host1, "--record"])


def folder(lab):
    return Path(lab.variables["DIRECTORY_DB"]).parent / "recordings"


def ended(lab, mark, count=1, **columns):
    """Waits for the ends of recordings, and gives their details."""
    def found():
        events = lab.events_after(mark, "recording.end", **columns)
        return events if len(events) >= count else None

    return [event["detail"] for event in wait_until(found, f"{count} ends of recordings", PATIENCE)]


def unpacked(lab, name):
    """A recording's lines, as any reader of JSON sees them."""
    packed = run(["zstd", "-dcq", folder(lab) / name])
    lines = packed.out.decode().splitlines()
    return json.loads(lines[0]), [json.loads(line) for line in lines[1:]]


def said(events, kind="o"):
    return "".join(event[2] for event in events if event[1] == kind)


def recorders(lab):
    """The recorders that write into the lab's folder: process ids by file name."""
    found = {}
    for link in Path("/proc").glob("[0-9]*/fd/4"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith(str(folder(lab))):
            found[Path(target).name] = int(link.parts[2])
    return found


def test_terminal(lab, recorded, tmp_path):
    """30: a terminal is an asciicast that other players play; a character in two packets stays whole; what was changed is found."""
    mark = lab.mark()
    script = r"printf 'gr\303'; sleep 0.3; printf '\274\303\237e \377\n'; printf '\033]0;evil\007\033[31mred\033[0m\n'; exit 3"
    assert lab.ssh(script, options=["-tt"], user=recorded).status == 3
    [end] = ended(lab, mark, user=recorded)
    assert end["exit"] == "3" and "complete" not in end and re.fullmatch("[0-9a-f]{64}", end["sha256"])
    name = end["recording"]
    path = folder(lab) / name
    assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_uid == 0 and folder(lab).stat().st_mode & 0o777 == 0o700
    header, events = unpacked(lab, name)
    assert header["version"] == 2 and header["width"] > 0 and script == header["command"]
    assert header["gatehouse"]["user"] == recorded and abs(header["timestamp"] - time.time()) < 60
    assert "grüße \ufffd\r\n" in said(events) and "\x1b]0;evil\x07\x1b[31mred" in said(events)
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    assert events[-1][1:] == ["x", "3"]
    cast = tmp_path / "a.cast"
    cast.write_bytes(run(["zstd", "-dcq", path]).out)
    player = run(["script", "-qec", f"asciinema cat {cast}", "/dev/null"], env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)})
    assert player.status == 0 and "grüße".encode() in player.out, player

    session = name.split(".")[0]
    assert lab.events_after(mark, "recording.start", session=session)[0]["detail"]["recording"] == name
    row = next(row for row in lab.sessions("--all") if row["id"] == session)
    assert row["recordings"] == 1
    shown = record(lab.gatehouse_json("session", "show", session))["recordings"]
    assert [(one["channel"], one["terminal"], one["exit"], one["live"]) for one in shown] == [(1, True, "3", False)]

    played = lab.gatehouse("session", "replay", session, "--speed", "64")
    assert "grüße".encode() in played.out and b"\x1b[31mred" in played.out and b"evil" not in played.out
    [viewed] = lab.events_after(mark, "recording.viewed")
    assert viewed["detail"]["recording"] == name and viewed["detail"]["of"] == recorded
    assert viewed["detail"]["state"] == "intact"
    dump = lab.gatehouse("session", "replay", session, "--dump").out.decode()
    assert "grüße" in dump and "\nred\n" in dump and "\x1b" not in dump

    assert lab.gatehouse("session", "verify", session).status == 0
    good = path.read_bytes()
    middle = len(good) // 2
    path.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
    found = lab.gatehouse("session", "verify", check=False)
    assert found.status == 1 and name in found.out.decode() and b"changed" in found.out
    assert b"changed" in lab.gatehouse("session", "replay", session, "--dump", check=False).err
    # A change that the format itself does not show.
    path.write_bytes(good + bytes.fromhex("502a4d1800000000"))
    found = lab.gatehouse("session", "replay", session, "--dump", check=False)
    assert found.status == 1 and b"somebody has changed" in found.err and "grüße".encode() in found.out
    path.unlink()
    found = lab.gatehouse("session", "verify", session, "--json", check=False)
    assert found.status == 1 and json.loads(found.out)["missing"] == [name]
    path.write_bytes(good)
    path.chmod(0o600)
    assert lab.gatehouse("session", "verify", session).status == 0


def test_programs(lab, recorded):
    """A program without a terminal is recorded too, its streams apart; its input is not."""
    mark = lab.mark()
    result = lab.ssh("cat; echo out; echo err >&2; exit 5", user=recorded, input=b"secret input\n")
    assert (result.status, result.out, result.err) == (5, b"secret input\nout\n", b"err\n")
    [end] = ended(lab, mark, user=recorded)
    header, events = unpacked(lab, end["recording"])
    assert said(events) == "secret input\nout\n" and said(events, "e") == "err\n" and not said(events, "i")
    assert header["gatehouse"]["terminal"] == "no" and end["exit"] == "5" and "env" not in header
    # Neither is a shell that is given its commands a way round.
    mark = lab.mark()
    assert lab.ssh(user=recorded, input=b"echo by-a-pipe\n").out == b"by-a-pipe\n"
    assert "by-a-pipe" in said(unpacked(lab, ended(lab, mark, user=recorded)[0]["recording"])[1])
    mark = lab.mark()
    # Whose grant does not demand it is not recorded.
    assert lab.ssh("true").status == 0
    lab.wait_event(mark, "session.end", user="alice", timeout=PATIENCE)
    assert not lab.events_after(mark, "recording.start")


def test_sftp_is_no_way_round(lab, recorded):
    """The host's sshd starts sftp by the user's shell: sftp is recorded, and what a startup file makes of it is ended."""
    mark = lab.mark()
    words = lab.ssh_words(program="sftp", options=["-b", "-"], user=recorded)
    assert run(words, input="ls /\n").status == 0
    [end] = ended(lab, mark, user=recorded)
    header, events = unpacked(lab, end["recording"])
    assert (header["gatehouse"]["kind"], header["command"]) == ("subsystem", "sftp") and "etc" in said(events)
    assert lab.ssh("cat >.bashrc", user=recorded, input=b"exec sh\n").status == 0
    ended(lab, mark, 2, user=recorded)
    mark = lab.mark()
    result = lab.ssh("sftp", options=["-s"], user=recorded, input=b"echo a-hidden-shell\n")
    assert result.status == 255 and b"its files must be noted" in result.err and result.out == b"", result
    ended(lab, mark, user=recorded)
    # Who is not watched that closely has fast transfers.
    words = lab.ssh_words(program="sftp", options=["-b", "-"])
    mark = lab.mark()
    assert run(words, input="ls /\n").status == 0
    lab.wait_event(mark, "session.end", user="alice", timeout=PATIENCE)
    assert not lab.events_after(mark, "recording.start")


def test_demand_of_a_live_session(lab, scratch_user, asynchronously):
    """A session that is not recorded gets no further connection to the host once its grant demands a recording."""
    user = scratch_user(grant=["--host", lab.host1])

    async def scenario():
        async with clients.connect(lab, user, key=user) as connection:
            # As many as one connection to the host takes (MaxSessions).
            running = [await connection.create_process("echo runs; cat") for _ in range(10)]
            for process in running:
                assert await process.stdout.readline() == "runs\n"
            lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--record")
            refused = await connection.run("echo one too many")
            # What ran before goes on.
            running[0].stdin.write_eof()
            await running[0].wait(timeout=PATIENCE)
            return refused

    refused = asynchronously(scenario(), 3 * PATIENCE)
    assert refused.exit_status == 255 and "demands a recording" in refused.stderr and not refused.stdout, refused


def test_no_recording_no_session(lab, recorded, settings, teardown, asynchronously):
    """A recording that is demanded and cannot be written: nothing runs, and the person reads why."""
    away = folder(lab).with_name("recordings-away")
    mark, path = lab.mark(), f"/tmp/it-{secrets.token_hex(4)}"
    folder(lab).rename(away)
    teardown.callback(lambda: away.exists() and away.rename(folder(lab)))
    for options in ([], ["-tt"]):
        result = lab.ssh(f"touch {path}", user=recorded, options=options)
        assert result.status == 255 and b"demands a recording" in result.err + result.out, result
    assert lab.lab_exec(lab.host1, "test", "-e", path, check=False).status == 1
    assert lab.events_after(mark, "recording.failed", user=recorded)

    async def answered():
        # This client hears nothing before its request is answered.
        async with clients.connect(lab, recorded, key=recorded) as connection:
            return await connection.run("true")

    result = asynchronously(answered(), PATIENCE)
    assert result.exit_status == 255 and "demands a recording" in result.stderr, result
    # Where it is only wanted, work goes on.
    settings("RecordSessions all")
    assert lab.ssh("echo goes on", options=["-tt"]).out == b"goes on\r\n"
    lab.wait_event(mark, "refused", user="alice", timeout=PATIENCE, where=lambda event: event["detail"]["what"] == "recording")
    away.rename(folder(lab))
    settings("RecordSessions none")
    result = lab.ssh("true", user=recorded)
    assert result.status == 255 and b"demands a recording" in result.err
    assert lab.ssh("true").status == 0


def test_killed_recorder(lab, recorded, start):
    """What demands a recording ends with its recorder; what was recorded so far is there."""
    mark = lab.mark()
    client = start(lab.ssh_words("while echo beat; do sleep 0.1; done", options=["-tt"], user=recorded),
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert client.stdout.readline() == b"beat\r\n"
    name = lab.wait_event(mark, "recording.start", user=recorded, timeout=PATIENCE)["detail"]["recording"]
    wait_until(lambda: '"o", "beat' in run(["zstd", "-dcq", folder(lab) / name]).out.decode(), "a flush", PATIENCE)
    recorder = recorders(lab)[name]
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{recorder}/status").read_text().splitlines() if ":\t" in line)
    assert (status["Seccomp"], status["NoNewPrivs"], status["Threads"]) == ("2", "1", "1") and "0" not in status["Uid"].split()
    os.kill(recorder, signal.SIGKILL)
    assert client.wait(PATIENCE) == 255
    assert b"demands a recording" in client.stdout.read()
    [end] = ended(lab, mark, user=recorded)
    assert end["complete"] == "no"
    assert b"beat" in lab.gatehouse("session", "replay", name.split(".")[0], "--dump").out
    assert lab.gatehouse("session", "verify", name.split(".")[0]).status == 0


LINES = "".join(f"{number}\n" for number in range(1, 400_001)).encode()


def test_slow_recorder(lab, recorded, settings, start):
    """A recorder that stands still stops what demands it until it goes on; anything else goes on, and what is missing is told."""
    def begin(user):
        mark = lab.mark()
        words = lab.ssh_words("read line; seq 400000", options=["-tt"] if user == "alice" else [], user=user)
        client = start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        name = lab.wait_event(mark, "recording.start", user=user, timeout=PATIENCE)["detail"]["recording"]
        process = wait_until(lambda: recorders(lab).get(name), "the recorder", PATIENCE)
        os.kill(process, signal.SIGSTOP)
        client.stdin.write(b"go\n")
        client.stdin.flush()
        return mark, client, process

    mark, client, process = begin(recorded)
    os.set_blocking(client.stdout.fileno(), False)
    heard = b""
    quiet = time.monotonic()
    while time.monotonic() - quiet < 1.5:
        piece = client.stdout.read()
        if piece:
            heard, quiet = heard + piece, time.monotonic()
        time.sleep(0.02)
    assert len(heard) < len(LINES) - 500_000, "it went on unrecorded"
    os.kill(process, signal.SIGCONT)
    os.set_blocking(client.stdout.fileno(), True)
    heard += client.stdout.read()
    assert heard == LINES and client.wait(PATIENCE) == 0
    [end] = ended(lab, mark, user=recorded)
    assert "lost_bytes" not in end and said(unpacked(lab, end["recording"])[1]).encode() == LINES

    settings("RecordSessions all")
    mark, client, process = begin("alice")
    heard = client.stdout.read()
    assert heard.endswith(b"400000\r\n")
    os.kill(process, signal.SIGCONT)
    client.wait(PATIENCE)
    [end] = ended(lab, mark, user="alice")
    lost = int(end["lost_bytes"])
    output = said(unpacked(lab, end["recording"])[1])
    assert lost > 100_000 and len(output) + lost == len(heard), (lost, len(output), len(heard))
    told = re.findall(r"(\d+) bytes of output are missing here", said(unpacked(lab, end["recording"])[1], "m"))
    assert sum(map(int, told)) == lost


def test_limit_and_retention(lab, recorded, settings, teardown):
    """A recording has its limit, upon which what demands it ends; old ones and too many are removed, with an event each."""
    settings("RecordingLimit 1M")
    mark = lab.mark()
    result = lab.ssh("head -c 9000000 /dev/urandom | base64 -w 76; echo not reached", user=recorded)
    assert result.status == 255 and b"RecordingLimit" in result.err and b"not reached" not in result.out
    [end] = ended(lab, mark, user=recorded)
    path = folder(lab) / end["recording"]
    assert 1 << 20 <= path.stat().st_size < 2 << 20 and end["complete"] == "no"
    assert lab.ssh("echo young", user=recorded).status == 0
    young = folder(lab) / ended(lab, mark, 2, user=recorded)[1]["recording"]

    os.utime(path, (time.time() - 3 * 86_400,) * 2)
    mark = lab.mark()
    settings("RecordingRetention 2d")
    removed = lab.wait_event(mark, "recording.removed", timeout=PATIENCE, where=lambda e: e["detail"]["recording"] == path.name)
    assert "RecordingRetention" in removed["detail"]["reason"]
    wait_until(lambda: not path.exists(), "the removal", PATIENCE)
    assert young.exists()
    # What cannot be removed has one event, however often that is tried, and keeps nothing else.
    stuck = folder(lab) / re.sub(r"\.\d+\.cast", ".9999.cast", young.name)
    stuck.mkdir()
    teardown.callback(stuck.rmdir)
    settings("RecordingSpace 1")
    wait_until(lambda: not young.exists(), "the removal of all", PATIENCE)
    found = json.loads(lab.gatehouse("session", "verify", young.name.split(".")[0], "--json").out)
    assert found["removed"] == [young.name] and found["good"]
    mark = lab.mark()
    assert lab.ssh("echo another", user=recorded).status == 0
    other = folder(lab) / ended(lab, mark, user=recorded)[0]["recording"]
    settings("RecordingSpace 2")
    wait_until(lambda: not other.exists(), "the removal of another", PATIENCE)
    assert not lab.events_after(mark, "recording.removed", where=lambda e: e["detail"]["recording"] == stuck.name)


def test_restart_and_watch(lab, recorded, start):
    """A recording outlives its daemon; a live one is watched as it goes on; who ends a session ends that."""
    mark = lab.mark()
    control = f"/tmp/it-{secrets.token_hex(4)}"
    options = ["-tt", "-o", "ControlMaster=yes", "-o", f"ControlPath={control}"]
    client = start(lab.ssh_words("while read line; do echo heard-$line; done", options=options, user=recorded),
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(word):
        client.stdin.write(f"{word}\n".encode())
        client.stdin.flush()
        while f"heard-{word}".encode() not in client.stdout.readline():
            pass

    say("one")
    name = lab.wait_event(mark, "recording.start", user=recorded, timeout=PATIENCE)["detail"]["recording"]
    session = name.split(".")[0]
    lab.kill_daemon()
    say("two")
    lab.restart_daemon()
    # A session of before gets no new recorder, and its person knows what to do.
    refused = run(lab.ssh_words("echo unrecorded", options=["-S", control], user=recorded))
    assert refused.status == 255 and b"log in again" in refused.err and not refused.out, refused
    watcher = start([lab.program("gatehouse"), "session", "watch", session], stdout=subprocess.PIPE,
                    env=lab.environment())
    heard = b""

    def hear(word):
        nonlocal heard
        while word not in heard:
            piece = os.read(watcher.stdout.fileno(), 4_096)
            assert piece, heard
            heard += piece

    hear(b"heard-two")
    assert lab.events_after(mark, "recording.viewed", session=session)[0]["detail"]["state"] == "live"
    say("three")
    hear(b"heard-three")
    lab.gatehouse("session", "kill", session)
    assert watcher.wait(PATIENCE) == 0
    [end] = ended(lab, mark, user=recorded)
    assert "heard-three" in said(unpacked(lab, name)[1])
    assert lab.gatehouse("session", "watch", session, check=False).status == 66


def test_keys(lab, recorded, asynchronously, start):
    """At a terminal on the gate a recording is stopped, searched and left by keys; nothing is shown before the event is written."""
    mark = lab.mark()
    assert lab.ssh("echo first; sleep 0.5; echo needle-in-it; sleep 0.5; echo last", options=["-tt"], user=recorded).status == 0
    session = ended(lab, mark, user=recorded)[0]["recording"].split(".")[0]

    async def scenario():
        async with clients.connect(lab, "ada+gate", key="ada") as connection:
            process = await connection.create_process(
                f"session replay {session} --speed 0.05", term_type="xterm", term_size=(100, 30))
            heard = ""

            async def hear(word):
                nonlocal heard
                while word not in heard:
                    piece = await process.stdout.read(1_000)
                    assert piece, f"it ended after {heard!r}"
                    heard += piece

            await hear("first")
            assert "needle" not in heard
            process.stdin.write("/")
            await hear("\x1b[K/")
            for letter in "needle":
                process.stdin.write(letter)
            await hear("/needle")
            process.stdin.write("\r")
            await hear("needle-in-it")
            assert "last" not in heard
            process.stdin.write("q")
            await process.wait(timeout=PATIENCE)
            return process.exit_status

    assert asynchronously(scenario(), 3 * PATIENCE) == 0
    events = [event for event in lab.events_after(mark, "recording.viewed") if event["session"] == session]
    assert events[0]["user"] == "ada" and events[0]["detail"]["by"] == "ada"
    # Who watches leaves by a key, however much there is to see.
    busy = start(lab.ssh_words("while :; do seq 500; done", options=["-tt"], user=recorded), stdout=subprocess.DEVNULL, stdin=subprocess.PIPE)
    live = lab.wait_event(mark, "recording.start", user=recorded, timeout=PATIENCE,
                          where=lambda event: event["session"] != session)["session"]

    async def watch():
        async with clients.connect(lab, "ada+gate", key="ada") as connection:
            process = await connection.create_process(f"session watch {live}", term_type="xterm", term_size=(100, 30))
            await process.stdout.read(20_000)
            process.stdin.write("q")
            await process.wait(timeout=PATIENCE)
            return process.exit_status

    assert asynchronously(watch(), 3 * PATIENCE) == 0
    assert busy.poll() is None
    busy.kill()
    # People do not see recordings, their own neither.
    for verb in ("replay", "watch"):
        denied = lab.login(f"{recorded}+gate", "session", verb, session, key=recorded)
        assert denied.status == 77 and not denied.out, denied


def test_the_moment_of_a_write(lab, scratch_user, teardown):
    """From a file to the second of the recording in which it was written."""
    watching(lab, lab.host1)
    path = f"{TREE}/moment-{secrets.token_hex(4)}"
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-f", path)
    mark = lab.mark()
    script = f"echo long-before; sleep 3.5; echo about-to; echo x >{path}; echo has-written; sleep 5; echo long-after"
    recorded = scratch_user("--group", "lab", grant=["--host", lab.host1, "--record"])
    assert lab.ssh(script, options=["-tt"], user=recorded).status == 0
    session = ended(lab, mark, user=recorded)[0]["recording"].split(".")[0]

    def writer():
        found = json.loads(lab.gatehouse("file", "who", path, "--json").out)["file"]["writers"]
        return next((one for one in found if one["session"] == session), None)

    found = wait_until(writer, "the write in the book", PATIENCE)
    at = found["session_offset"]
    text = lab.gatehouse("session", "replay", session, "--at", f"{at // 60}:{at % 60:02}", "--dump").out.decode()
    assert "has-written" in text and "long-after" in text and "long-before" not in text
    clock = lab.gatehouse("session", "replay", session, "--at", found["time"], "--dump").out.decode()
    assert "has-written" in clock and "long-before" not in clock
    played = lab.gatehouse("session", "replay", session, "--at", f"{at}s", "--speed", "10").out.decode()
    assert played.index("long-before") < played.index("has-written") < played.index("long-after")
    later = lab.gatehouse("session", "replay", session, "--at", f"{at + 4}s", "--dump").out.decode()
    assert "has-written" not in later and "long-after" in later
