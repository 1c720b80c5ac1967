"""Programs on a host: status, streams, input, environment."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import run, wait_until


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_exit_status(ssh, status):
    """1: the exit status of the program on the host is the client's."""
    result = ssh(f"echo ok; exit {status}")
    assert (result.out, result.status) == (b"ok\n", status)


@pytest.mark.limit(60)
def test_exit_status_after_the_client_closed(master):
    """1: the exit status arrives also where the client has closed its channel before the program has ended."""
    shared = master()
    command = "exec >&- 2>&-; sleep 0.05; exit 6"
    assert [shared.ssh(command).status for _ in range(20)] == [6] * 20
    assert [shared.ssh("true").status for _ in range(40)] == [0] * 40


def test_exit_signal(ssh):
    """1: a program that a signal ends is reported as an exit-signal."""
    result = ssh("kill -TERM $$", options=["-o", "LogLevel=DEBUG1"])
    assert result.status == 255
    assert b"rtype exit-signal" in result.err


def test_exit_status_for_dropbear(lab, tmp_path):
    """1: Dropbear's client gets the exit status too."""
    for program in ("dropbearconvert", "dbclient"):
        assert shutil.which(program), f"{program} is missing: install the package dropbear-bin"
    key = tmp_path / "key.db"
    assert run(["dropbearconvert", "openssh", "dropbear", lab.keys["alice"], key]).status == 0
    login = f"alice+{lab.host1}@{lab.gateway_host}"
    result = run(
        ["dbclient", "-y", "-i", key, "-p", lab.gateway_port, login, "exit 4"], env={"HOME": str(tmp_path)}
    )
    assert result.status == 4, result.err.decode()


def test_streams_apart(ssh):
    """2: standard output and standard error arrive apart and with nothing added."""
    result = ssh("echo -n O; echo -n E >&2", options=["-o", "LogLevel=INFO"])
    assert (result.out, result.err, result.status) == (b"O", b"E", 0)


def test_late_standard_error(ssh):
    """2: standard error that comes after the end of standard output arrives whole."""
    result = ssh("exec >&-; head -c 200000 /dev/zero >&2")
    assert len(result.err) == 200_000


def test_shell_without_pty(ssh):
    """3: a shell without a pty reads its commands from standard input, and there is no echo, menu or banner."""
    result = ssh(options=["-T"], input="tty; echo hello\nexit 3\n")
    assert (result.out, result.status) == (b"not a tty\nhello\n", 3)


@pytest.mark.limit(60)
def test_large_inputs(lab):
    """9: none of 50 fresh connections loses a byte of its input."""
    data = b"x" * 300_000

    def count(_):
        return lab.ssh("wc -c", options=["-T"], input=data, timeout=50).out.strip()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(count, range(50))) == [b"300000"] * 50


def test_long_command_line(ssh):
    """9: a command of 100 kB arrives whole."""
    result = ssh(f"printf %s {'x' * 100_000} | wc -c")
    assert (result.out.strip(), result.status) == (b"100000", 0)


@pytest.mark.parametrize(
    "value", ["a b=c", "x" * 30_000, "ü\u2028\t'\""], ids=["blanks", "30 kB", "odd characters"]
)
def test_environment_allowed(lab, value):
    """16: a variable on the allow-list reaches the program as it is."""
    result = lab.ssh(
        'printf %s "$GW_X"', options=["-o", "SendEnv=GW_X"], env={**lab.environment(), "GW_X": value}
    )
    assert (result.out.decode(), result.status) == (value, 0)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "OTHER_X", "BASH_ENV"])
def test_environment_refused(lab, name):
    """16: a variable off the allow-list is left out, and the program runs."""
    options = ["-o", f"SetEnv={name}=/gh-marker"]
    result = lab.ssh(f'printf "<%s>" "${name}"', options=options)
    assert (result.out, result.status) == (b"<>", 0)


def test_reader_that_stops(lab):
    """`yes | head` ends at once: what a client does not want to read any more ends the program."""
    result = run(["bash", "-o", "pipefail", "-c", '"$@" | head -n 1', "-", *lab.ssh_words("yes")], timeout=5)
    assert result.out == b"y\n"


def test_reader_that_is_late(lab):
    """Output of a program that has ended is all there for a reader that comes late."""
    command = lab.ssh_words("yes | head -n 2000")
    result = run(["bash", "-c", '"$@" | (sleep 2; wc -l)', "-", *command])
    assert result.out.strip() == b"2000"


def test_keepalive(ssh):
    """23: every keep-alive of a client is answered, so that a quiet connection stays."""
    options = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-o", "LogLevel=DEBUG3"]
    result = ssh("sleep 4; echo alive", options=options)
    assert (result.out, result.status) == (b"alive\n", 0)
    answers = len(re.findall(rb"receive packet: type 8[12]\b", result.err))
    assert answers >= 3, result.err.decode()


@pytest.mark.limit(60)
@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"])
def test_rekey(lab, cipher):
    """22: new keys every megabyte cost no byte, in either direction."""
    options = ["-o", "RekeyLimit=1M", "-o", f"Ciphers={cipher}"]
    down = lab.ssh("head -c 30000000 /dev/zero", options=options)
    assert (len(down.out), down.status) == (30_000_000, 0)
    up = lab.ssh("wc -c", options=options, input=b"x" * 30_000_000)
    assert (up.out.strip(), up.status) == (b"30000000", 0)


@pytest.mark.limit(60)
def test_rekey_by_the_host(lab, teardown):
    """22: new keys that the host's sshd asks for cost no byte either."""
    drop_in = "/etc/ssh/sshd_config.d/01-rekey.conf"
    reload = "kill -HUP $(cat /run/sshd.pid)"
    teardown.callback(lab.lab_exec, lab.host2, "sh", "-c", f"rm -f {drop_in}; {reload}")
    lab.lab_exec(lab.host2, "sh", "-c", f"echo RekeyLimit 1M > {drop_in}; {reload}")
    wait_until(lambda: lab.ssh("true", alias=lab.host2).status == 0, "sshd after its reload")
    down = lab.ssh("head -c 30000000 /dev/zero", alias=lab.host2)
    assert (len(down.out), down.status) == (30_000_000, 0)
    up = lab.ssh("wc -c", alias=lab.host2, input=b"x" * 30_000_000)
    assert (up.out.strip(), up.status) == (b"30000000", 0)


def test_strict_key_exchange(ssh):
    """24, CVE-2023-48795: the strict key exchange is agreed on."""
    assert b"strict KEX" in ssh("true", options=["-vvv"]).err


@pytest.mark.parametrize(
    "option",
    ["KexAlgorithms=diffie-hellman-group1-sha1", "Ciphers=aes128-cbc", "Ciphers=3des-cbc", "MACs=hmac-md5"],
)
def test_weak_algorithms(ssh, option):
    """24: algorithms of yesterday are refused."""
    options = ["-o", option, "-o", "LogLevel=INFO"]
    if option.startswith("MACs"):
        options += ["-o", "Ciphers=aes128-ctr"]
    result = ssh("true", options=options)
    assert result.status == 255
    assert b"no matching" in result.err


def test_known_hosts(lab, tmp_path):
    """25: who has accepted the gateway's key once can go to every host with no further question."""
    known = tmp_path / "known_hosts"
    accept = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=accept-new"]
    assert lab.login(f"alice+{lab.host1}", "true", options=accept).status == 0
    strict = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=INFO"]
    for host in lab.hosts:
        result = lab.login(f"alice+{host}", "true", options=strict)
        assert (result.out, result.err, result.status) == (b"", b"", 0)


def test_error_of_a_subsystem(ssh):
    """29: a subsystem the host does not have is refused as the host refuses it."""
    result = ssh("nosuch", options=["-s"])
    assert result.status == 255
    assert b"subsystem request failed" in result.err
