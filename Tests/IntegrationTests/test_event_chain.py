"""The event log: what is changed in it is found, by the gateway and against what others have kept."""

import base64
import csv
import io
import json
import os
import secrets
import signal
import sqlite3
import subprocess

import pytest

from gateway import Gateway
from lab import run, wait_until

BUCKET = "gatehouse-audit"


@pytest.fixture
def here(lab, tmp_path, make_key, teardown):
    """A gateway with some events, and a bucket for its checkpoints."""
    storage(lab)
    made = Gateway(lab, tmp_path, make_key(), {}, ["CheckpointInterval 1s", f"CheckpointTo s3://{BUCKET}/it"])
    teardown.callback(made.end)
    for name in ("anna", "ben", "carl", "dora"):
        made("user", "add", name)
    return made


def verify(here, *words, **more):
    result = here("event", "verify", "--json", *words, check=False, **more)
    return result.status, json.loads(result.out)


def stop(here, hard=False):
    os.kill(here.process.pid, signal.SIGKILL if hard else signal.SIGTERM)
    here.process.wait(10)


def tamper(here, *statements):
    with sqlite3.connect(here.state / "gatehouse.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def starts(here):
    """What the daemon says when it is started with this state and does not run."""
    return run([here.lab.program("gatehoused"), "-f", here.configuration], env=here.environment, timeout=20)


def checkpoint(here):
    """Waits for a checkpoint of all events, and gives its line."""

    def newest():
        with sqlite3.connect(f"file:{here.state}/gatehouse.db?mode=ro", uri=True) as database:
            last = database.execute("SELECT max(id) FROM events").fetchone()[0]
            found = database.execute("SELECT line FROM event_checkpoints WHERE event = ?", [last]).fetchone()
        return found and found[0]

    return wait_until(newest, "a checkpoint of the last event")


def test_a_whole_log(lab, here):
    """As the operator and over SSH as an auditor; people may not."""
    status, report = verify(here)
    assert (status, report["whole"], report["problems"]) == (0, True, [])
    assert report["count"] == report["last"] >= 5
    result = lab.gatehouse("event", "verify", check=False)
    assert result.status == 0 and b"as they were noted" in result.out, result.out
    assert lab.login("ada+gate", "event", "verify", key="ada").status == 0
    assert lab.login("alice+gate", "event", "verify").status == 77


@pytest.mark.limit(60)
def test_what_is_changed_is_named(here):
    """Changed, removed and moved events; the daemon does not start with them, and does when somebody answers for it."""
    line = checkpoint(here)
    # One that would be signed at the end is none of this.
    stop(here, hard=True)
    tamper(
        here,
        "UPDATE events SET detail = replace(detail, 'anna', 'anne') WHERE detail LIKE '%anna%'",
        "DELETE FROM events WHERE detail LIKE '%carl%'",
    )
    status, report = verify(here)
    assert status == 1 and [problem["kind"] for problem in report["problems"]] == ["changed", "removed"]
    # What came before the last checkpoint is not read at each start.
    tamper(here, "UPDATE events SET host = 'h' WHERE id = (SELECT max(id) FROM events)",
           "UPDATE event_checkpoints SET event = event + 100000")
    refused = starts(here)
    assert refused.status == 78 and b"the event log was changed" in refused.err and b"reseal" in refused.err, refused.err
    assert here("event", "reseal", check=False).status == 64
    done = here("event", "reseal", "--why", "a trial")
    assert b"was removed" in done.err
    # Again it starts, and verify goes on telling.
    here.start()
    status, report = verify(here)
    assert status == 1 and {"changed", "removed"} <= {problem["kind"] for problem in report["problems"]}
    told = [event for event in here.rows("event", "list") if event["kind"] == "events.resealed"]
    assert len(told) == 1 and told[0]["detail"]["reason"] == "a trial" and "was removed" in told[0]["detail"]["found"]
    assert line in here.log_text()


@pytest.mark.limit(60)
def test_all_of_it_written_anew(lab, here, tmp_path):
    """Who writes a log that is right in itself is found by the checkpoints in the daemon's log and in the bucket."""
    aws = storage(lab)
    line = checkpoint(here)
    objects = wait_until(lambda: [body for body in contents(aws) if body.decode().strip() == line], "it is in the bucket", 30)
    stop(here, hard=True)
    for name in ("gatehouse.db", "gatehouse.db-wal", "gatehouse.db-shm"):
        (here.state / name).unlink(missing_ok=True)
    here("init", "--admin", "root-admin", "--key", f"{make_key_of(here)}.pub")
    here.start()
    # Up to an event of the same number, which is signed, too: what was kept stays beside it.
    number = int(line.split()[2])
    while verify(here)[1]["last"] < number:
        here("user", "add", f"new-{secrets.token_hex(3)}")
    assert verify(here)[0] == 0
    other = checkpoint(here)
    assert int(other.split()[2]) == number and other != line
    wait_until(lambda: other in [body.decode().strip() for body in contents(aws)], "it is in the bucket", 30)
    assert objects[0] in contents(aws)
    log = "".join(text for text in here.log_text().splitlines(keepends=True) if line in text)
    for text in (log, objects[0].decode()):
        file = tmp_path / "kept"
        file.write_text(text)
        status, report = verify(here, "--checkpoints", file)
        assert status == 1 and "contradicted" in {problem["kind"] for problem in report["problems"]}
    file.write_text("nothing\n")
    assert here("event", "verify", "--checkpoints", file, check=False).status == 64


def make_key_of(here):
    path = here.configuration.with_name(f"key-{secrets.token_hex(3)}")
    assert run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]).status == 0
    return path


def storage(lab):
    """The bucket at the lab's endpoint."""
    import boto3

    client = boto3.client("s3", endpoint_url=lab.variables["AWS_ENDPOINT_URL"], region_name=lab.variables["AWS_REGION"],
                          aws_access_key_id=lab.variables["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=lab.variables["AWS_SECRET_ACCESS_KEY"])
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": lab.variables["AWS_REGION"]})
    return client


def contents(client):
    listed = client.list_objects_v2(Bucket=BUCKET, Prefix="it/").get("Contents", [])
    return [client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in listed]


def test_openssh_checks_a_checkpoint(here, tmp_path):
    """`ssh-keygen -Y verify` takes the signature, and not of another line."""
    words, _, signature = checkpoint(here).rpartition(" ")
    lines = [signature[start:start + 70] for start in range(0, len(signature), 70)]
    file = tmp_path / "checkpoint.sig"
    file.write_text("\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]))
    assert base64.b64decode(signature).startswith(b"SSHSIG")
    signers = tmp_path / "signers"
    signers.write_text("gateway " + (here.state / "event_key.pub").read_text())
    command = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "gateway", "-n", "gatehouse-events", "-s", file]
    assert run(command, input=words).status == 0
    assert run(command, input=words.replace(" 1 ", " 2 ", 1)).status != 0


def test_export(here):
    """As JSON lines and as CSV: the same events, all of them, with their hashes; what looks like a formula is none."""
    # Anybody can try such a name.
    run(["ssh", "-F", "none", "-i", here.key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
         "-p", here.port, "-l", "=cmd\u0301,=1", here.address], timeout=20)
    wait_until(lambda: any("=cmd" in event["detail"].get("login", "") for event in here.rows("event", "list")), "the event of that login")
    lines = [json.loads(line) for line in here("event", "export").out.decode().splitlines()]
    listed = here.rows("event", "list", "--limit", "1000")
    assert lines and [line["id"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["hash"] for line in lines] == [event["hash"] for event in listed][: len(lines)]
    text = here("event", "export", "--format", "csv").out.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [int(row["id"]) for row in rows][: len(lines)] == [line["id"] for line in lines]
    for row, line in zip(rows, lines):
        assert (row["kind"], row["hash"], json.loads(row["detail"])) == (line["kind"], line["hash"], line["detail"])
        assert not any(value.startswith(("=", "+", "@")) for value in row.values())
    after = here("event", "export", "--after", lines[2]["id"]).out.decode().splitlines()
    assert json.loads(after[0])["id"] == lines[3]["id"]


@pytest.mark.limit(90)
def test_a_full_disk(lab, tmp_path, make_key, teardown, start):
    """Nobody new gets in, and reads why; who is in stays in, and what they did meanwhile is noted when there is room again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", disk]).status == 0
    teardown.callback(run, ["umount", "--lazy", disk])
    here = Gateway(lab, disk, make_key(), {}, ["CheckpointInterval 0"])
    teardown.callback(here.end)
    here.add("anna")
    words = here.ssh_words("anna", "gate", "event", "list", "--follow")
    here("user", "role", "anna", "auditor")
    client = start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert client.stdout.readline()
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))
    wait_until(lambda: run(here.ssh_words("anna", "gate", "whoami")).status == 255, "nobody gets in")
    refused = run(["ssh", "-o", "LogLevel=INFO", *here.ssh_words("anna", "gate", "whoami")[1:]])
    assert refused.status == 255 and b"cannot write its event log" in refused.err, refused.err
    assert client.poll() is None
    filler.unlink()
    wait_until(lambda: run(here.ssh_words("anna", "gate", "whoami")).status == 0, "somebody gets in again")
    assert client.poll() is None
    assert verify(here)[0] == 0
