"""The certificates that Gatehouse logs in with, as the host's own sshd sees them."""

import datetime
import re

import pytest

from lab import run, wait_until


def certificate_of(lab, tmp_path, user="alice", login=None):
    """What ssh-keygen says of the certificate by which a session has logged in."""
    result = lab.login(login or f"{user}+{lab.host1}", 'cat "$SSH_USER_AUTH"', key=user)
    assert result.status == 0, result.err.decode()
    method, key = result.out.decode().split(maxsplit=1)
    assert method == "publickey"
    file = tmp_path / "certificate.pub"
    file.write_text(key)
    listed = run(["ssh-keygen", "-L", "-f", file])
    assert listed.status == 0, listed.err.decode()
    return listed.out.decode()


def section(text, title):
    """The lines below a title of what ssh-keygen lists."""
    found = re.search(rf"^ +{title}: *\n((?: {{16,}}.*\n)*)", text, re.M)
    return found.group(1).split() if found else []


def permissions(text):
    """The extensions of a certificate; every one of Gatehouse's lets the host read the user's own ~/.ssh/rc."""
    return set(section(text, "Extensions")) - {"permit-user-rc"}


def test_log_of_the_host(lab):
    """The host's sshd logs the session, the user and the serial number of the certificate."""
    before, mark = lab.sshd_log(lab.host1), lab.mark()
    assert lab.ssh("true").status == 0
    session = lab.wait_event(mark, "session.start", user="alice")["session"]
    pattern = (
        rf"Accepted publickey for alice .*ID gatehouse:{session}:alice \(serial \d+\) CA ED25519 SHA256:"
    )
    news = lambda: lab.sshd_log(lab.host1)[len(before) :]
    wait_until(lambda: re.search(pattern, news()), f"{pattern} in the log of sshd")


def test_contents(lab, tmp_path):
    """The certificate has one principal, the user's name, a key of its own, and minutes to live."""
    text = certificate_of(lab, tmp_path)
    assert "ssh-ed25519-cert-v01@openssh.com user certificate" in text
    assert section(text, "Principals") == ["alice"]
    assert re.search(r'Key ID: "gatehouse:[0-9A-Z]{26}:alice"', text)
    start, end = re.search(r"Valid: from (\S+) to (\S+)", text).groups()
    validity = datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(start)
    assert datetime.timedelta(minutes=1) <= validity <= datetime.timedelta(minutes=15)
    assert permissions(text) == {"permit-pty", "permit-port-forwarding", "permit-agent-forwarding"}
    assert "Critical Options: (none)" in text


def test_serial_numbers(lab, tmp_path):
    """No two certificates have the same key or serial number."""
    texts = [certificate_of(lab, tmp_path) for _ in range(3)]
    for pattern in (r"Serial: (\d+)", r"Public key: (.*)"):
        assert len({re.search(pattern, text).group(1) for text in texts}) == 3


def test_extensions_by_grant(lab, scratch_user, tmp_path):
    """A grant without forwarding and agent gives a certificate without them."""
    user = scratch_user(grant=["--host", lab.host1, "--no-forwarding"])
    assert permissions(certificate_of(lab, tmp_path, user)) == {"permit-pty"}


def test_authority(lab, tmp_path):
    """The certificate is signed by the authority that the host trusts."""
    text = certificate_of(lab, tmp_path)
    ours = (
        lab.lab_exec(lab.host1, "ssh-keygen", "-lf", "/etc/ssh/gatehouse/user_ca.pub").out.decode().split()[1]
    )
    assert ours in re.search(r"Signing CA: (.*)", text).group(1)


def test_root_certificate_is_for_root_alone(lab):
    """No login name makes a user of a host's own, such as root, out of a certificate."""
    for login in (f"root+{lab.host1}", f"gatehouse-root+{lab.host1}"):
        assert lab.login(login, "id", key="ada").status == 255


@pytest.mark.parametrize("host", [0, 1])
def test_both_hosts(lab, tmp_path, host):
    """Both hosts accept the authority's certificates."""
    name = lab.hosts[host]
    assert "user certificate" in certificate_of(lab, tmp_path, login=f"alice+{name}")
