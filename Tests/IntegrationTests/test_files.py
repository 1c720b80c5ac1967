"""Files: sftp, scp, rsync, git."""

import hashlib
import subprocess

import pytest

from lab import run


def digest(path):
    """The checksum of a file here."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_there(lab, path, host=None):
    """The checksum of a file in a host."""
    return lab.lab_exec(host or lab.host1, "sha256sum", path).out.decode().split()[0]


@pytest.mark.limit(60)
def test_sftp(lab, host_folder, payload, tmp_path):
    """17: sftp brings 50 MB there and back unchanged, and the file is the user's own."""
    file, there = payload(50_000_000), host_folder()
    batch = tmp_path / "batch"
    batch.write_text(f"put {file} {there}/f\nget {there}/f {tmp_path}/back\n")
    result = run(lab.ssh_words(program="sftp", options=["-b", batch]), timeout=50)
    assert result.status == 0, result.err.decode()
    assert digest_there(lab, f"{there}/f") == digest(file) == digest(tmp_path / "back")
    assert int(lab.lab_exec(lab.host1, "stat", "-c", "%u", f"{there}/f").out) == lab.uid("alice")


@pytest.mark.limit(60)
@pytest.mark.parametrize("flags", [[], ["-O"], ["-O", "-p"]], ids=["sftp", "legacy", "legacy with times"])
def test_scp(lab, host_folder, payload, tmp_path, flags):
    """18: scp of either kind brings a file there and back unchanged."""
    file, there = payload(20_000_000), host_folder()
    words = ["scp", "-q", "-F", lab.ssh_config, "-o", "BatchMode=yes", *flags]
    assert run([*words, file, f"{lab.host1}:{there}/"]).status == 0
    assert digest_there(lab, f"{there}/payload") == digest(file)
    assert run([*words, f"{lab.host1}:{there}/payload", tmp_path / "back"]).status == 0
    assert digest(tmp_path / "back") == digest(file)


def test_scp_with_the_login_on_the_command_line(lab, host_folder, payload):
    """18: scp understands a login name with a target, as typed."""
    file, there = payload(1_000), host_folder()
    words = [
        "scp",
        "-q",
        "-F",
        "none",
        "-P",
        lab.gateway_port,
        "-i",
        lab.keys["alice"],
        "-o",
        "IdentitiesOnly=yes",
    ]
    known = ["-o", f"UserKnownHostsFile={lab.known_hosts}", "-o", "BatchMode=yes"]
    result = run([*words, *known, file, f"alice+{lab.host1}@{lab.gateway_host}:{there}/"])
    assert result.status == 0, result.err.decode()
    assert digest_there(lab, f"{there}/payload") == digest(file)


@pytest.mark.limit(90)
def test_rsync(lab, host_folder, tmp_path):
    """19: rsync brings 10,000 files over; a second run sends none, and --delete removes what is gone."""
    tree, there = tmp_path / "tree", host_folder()
    for folder in range(100):
        (tree / f"{folder:02}").mkdir(parents=True)
        for number in range(100):
            (tree / f"{folder:02}" / f"{number:02}").write_text(f"{folder}.{number}")
    shell = f"ssh -F {lab.ssh_config} -o BatchMode=yes"
    words = ["rsync", "-a", "--stats", "-e", shell, f"{tree}/", f"{lab.host1}:{there}/t/"]
    first = run(words, timeout=60)
    assert first.status == 0, first.err.decode()
    (tree / "00" / "00").unlink()
    second = run([*words, "--delete"], timeout=60)
    assert b"Number of regular files transferred: 0\n" in second.out
    count = lab.lab_exec(lab.host1, "bash", "-c", f"find {there}/t -type f | wc -l").out
    assert int(count) == 9_999


@pytest.mark.limit(60)
def test_git(lab, host_folder, tmp_path):
    """19: git clones over the door and pushes back."""
    there, tree = host_folder(), tmp_path / "clone"
    make = f"git init -q --bare -b main {there}/repo.git"
    assert lab.ssh(make).status == 0
    environment = {**lab.environment(), "GIT_SSH_COMMAND": f"ssh -F {lab.ssh_config} -o BatchMode=yes"}
    address = f"{lab.host1}:{there}/repo.git"

    def git(*words, folder=tree):
        result = run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *words],
            cwd=folder,
            env=environment,
        )
        assert result.status == 0, result.err.decode()
        return result.out.decode().strip()

    git("clone", "-q", address, tree, folder=tmp_path)
    (tree / "file").write_text("x" * 1_000_000)
    git("checkout", "-q", "-B", "main")
    git("add", ".")
    git("commit", "-q", "-m", "One")
    git("push", "-q", "origin", "main")
    git("clone", "-q", address, tmp_path / "second", folder=tmp_path)
    assert git("rev-parse", "HEAD", folder=tmp_path / "second") == git("rev-parse", "HEAD")


@pytest.mark.limit(60)
@pytest.mark.parametrize("direction", ["up", "down"])
def test_bulk(lab, payload, direction):
    """200 MB of a stream arrive unchanged in either direction."""
    file = payload(200_000_000)
    if direction == "up":
        with open(file, "rb") as source:
            result = lab.ssh("sha256sum", stdin=source, timeout=50)
        assert result.out.decode().split()[0] == digest(file)
    else:
        command = "openssl enc -aes-128-ctr -nosalt -K 0 -iv 0 -in /dev/zero 2>/dev/null | head -c 200000000"
        there = subprocess.run(["bash", "-c", f"{command} | sha256sum"], capture_output=True).stdout
        result = run(["bash", "-c", '"$@" | sha256sum', "-", *lab.ssh_words(command)], timeout=50)
        assert result.out == there
