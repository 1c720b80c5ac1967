"""What an installation puts in place for systemd: the unit, the users and the folders."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.released("installs the release build")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """What `make install` puts below PREFIX=/usr, from the build that is there."""
    folder = tmp_path_factory.mktemp("stage")
    command = ["make", "--no-print-directory", "install", "--assume-old=build", "PREFIX=/usr", f"DESTDIR={folder}"]
    subprocess.run(command, cwd=TOP, check=True, capture_output=True)
    return folder


@pytest.mark.limit(120)
def test_the_unit_is_confined(stage):
    """As `systemd-analyze security` counts: 0 is best, 10 is worst, an ordinary sshd has 9.6."""
    unit = stage / "usr/lib/systemd/system/gatehoused.service"
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=29", unit]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert "KillMode=process" in unit.read_text().splitlines()


def test_the_unit_names_what_is_installed(stage):
    lines = (stage / "usr/lib/systemd/system/gatehoused.service").read_text().splitlines()
    programs = [line.split("=", 1)[1].split()[0] for line in lines if line.startswith(("ExecStart=", "ExecStartPre="))]
    assert programs == ["/usr/sbin/gatehoused"] * 2
    for program in programs:
        assert os.access(f"{stage}{program}", os.X_OK)
    # Whoever could read it could trace the processes of others.
    session = stage / "usr/libexec/gatehouse/gatehouse-session"
    assert stat.S_IMODE(session.stat().st_mode) == 0o711


def test_users_and_folders_are_made(stage, tmp_path):
    (tmp_path / "etc").mkdir()
    for name, folder in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")):
        options = ["--create"] if name == "systemd-tmpfiles" else []
        file = stage / f"usr/lib/{folder}/gatehouse.conf"
        result = subprocess.run([name, f"--root={tmp_path}", *options, file], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    users = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    made = {user[0]: user for user in users if user[0].startswith("gatehouse-")}
    assert set(made) == {"gatehouse-session", "gatehouse-tunnel"}
    for user in made.values():
        assert user[2] != "0" and user[6] == "/usr/sbin/nologin"
    modes = {path: stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("run/gatehouse", "var/lib/gatehouse")}
    assert modes == {"run/gatehouse": 0o755, "var/lib/gatehouse": 0o700}
