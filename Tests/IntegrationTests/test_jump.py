"""`ssh -J`: end to end to a host of the directory, and nowhere else."""

import os
import re
import secrets
import subprocess

import paramiko
import pytest

from clients import private_key, transport
from lab import run, wait_until
from sockets import connect, read_exactly


@pytest.mark.parametrize("number", [0, 1])
def test_jump(lab, number):
    """30: `ssh -J` ends at the host's own sshd, as the user, with the user's own key."""
    host = lab.hosts[number]
    result = lab.ssh("id -u; cat /etc/hostname", alias=f"jump-{host}")
    assert result.status == 0, result.err.decode()
    assert int(result.out.split()[0]) == lab.uid("alice")


def test_jump_as_typed(lab, tmp_path):
    """30: `ssh -J alice@gateway host`, typed with nothing prepared but the key, works."""
    known = tmp_path / "known_hosts"
    config = tmp_path / "config"
    config.write_text(
        f"Host *\n  IdentityFile {lab.keys['alice']}\n  IdentitiesOnly yes\n  BatchMode yes\n"
        f"  UserKnownHostsFile {known}\n  StrictHostKeyChecking accept-new\n  LogLevel ERROR\n"
    )
    jump = f"alice@{lab.gateway_host}:{lab.gateway_port}"
    result = run(["ssh", "-F", config, "-J", jump, f"alice@{lab.host1}", "id -un"])
    assert (result.out, result.status) == (b"alice\n", 0), result.err.decode()


def test_jump_meets_the_pinned_key(lab):
    """The key at the other end of a jump is the host's own, as pinned in the directory."""
    result = lab.ssh("true", alias=f"jump-{lab.host1}", options=["-o", "LogLevel=DEBUG1"])
    keys = re.findall(r"Server host key: \S+ (SHA256:\S+)", result.err.decode())
    assert keys and keys[-1] in lab.pinned_fingerprints(lab.host1)
    assert result.status == 0


def test_jump_is_logged(lab):
    """A jump is in the event log with its host."""
    mark = lab.mark()
    assert lab.ssh("true", alias=f"jump-{lab.host1}").status == 0
    event = lab.wait_event(mark, "channel.open", user="alice", where=lambda event: lab.host1 in str(event))
    assert event["session"]
    assert len(lab.events_after(mark, "channel.open", session=event["session"])) == 1
    end = lab.wait_event(mark, "session.end", user="alice", session=event["session"])
    assert end["detail"]


def test_the_event_names_the_connection(lab):
    """The event of a jump has the gateway's end of the connection, which is what the host's sshd sees as its client."""
    mark = lab.mark()
    client = lab.ssh("echo $SSH_CONNECTION", alias=f"jump-{lab.host1}").out.decode().split()[:2]
    event = lab.wait_event(mark, "channel.open", user="alice", where=lambda event: lab.host1 in str(event))
    assert event["detail"]["local"] == ":".join(client)


def test_everything_works_through_a_jump(lab, hello, forward):
    """A forward through a jump works as with the host itself."""
    with connect(forward("-L", f"127.0.0.1:{hello()}", alias=f"jump-{lab.host1}")) as connection:
        assert read_exactly(connection, 6) == b"HELLO\n"


def jump_to(lab, destination, user="alice", login=None, **more):
    """Asks the gateway to connect to `host:port`, as `-J` does; gives the client's result."""
    return lab.login(login or user, key=user, options=["-W", destination], timeout=10, **more)


def test_jump_says_the_hosts_banner(lab):
    """What a jump gives is the host's sshd."""
    result = lab.login(
        "alice", key="alice", options=["-W", f"{lab.host1}:22"], timeout=10, input=b"SSH-2.0-x\r\n"
    )
    assert result.out.startswith(b"SSH-2.0-OpenSSH")


def test_jump_without_a_grant(lab):
    """30: who has no grant gets the same answer for a host and for a name that there is not."""
    answers = set()
    mark = lab.mark()
    for host in (lab.host1, lab.host2, "nosuchhost"):
        result = jump_to(lab, f"{host}:22", user="carol")
        assert (result.out, result.status) == (b"", 255)
        answers.add(result.err.decode().replace(host, "HOST"))
    assert len(answers) == 1, answers
    lab.wait_event(mark, "session.end", user="carol")
    wait_until(lambda: len(lab.events_after(mark, "session.end", user="carol")) == 3, "the ends of the sessions")
    assert len(lab.events_after(mark, "refused", user="carol")) == 3


@pytest.mark.parametrize(
    "destination", ["127.0.0.1:22", "localhost:22", "169.254.169.254:80", "127.0.0.1:2222", "nosuchhost:22"]
)
def test_jump_elsewhere(lab, destination):
    """30: the gateway itself connects nowhere but to sshds of the directory."""
    result = jump_to(lab, destination)
    assert not result.out.startswith(b"SSH-")
    assert result.status == 255


def test_no_way_back_through_a_host(lab):
    """A host's network is not the client's: nobody logs in at the gateway again through a forward."""
    result = jump_to(lab, f"{lab.gateway_host}:{lab.gateway_port}", login=f"alice+{lab.host1}")
    assert (result.out, result.status) == (b"", 255)


def test_jump_to_another_port(lab):
    """A jump names the SSH port of a host; another port of the host is no jump."""
    result = jump_to(lab, f"{lab.addresses[lab.host2]}:23")
    assert (result.out, result.status) == (b"", 255)


def test_jump_by_host_address(lab):
    """30: an address of a host of the directory is no way round its name."""
    for host in lab.hosts:
        mark = lab.mark()
        result = jump_to(lab, f"{lab.addresses[host]}:22")
        if result.out.startswith(b"SSH-"):
            lab.wait_event(mark, "channel.open", user="alice", where=lambda event: host in str(event))
        else:
            lab.wait_event(mark, "refused", user="alice")


def test_jump_where_recording_is_demanded(lab, teardown, scratch_user, scratch_host):
    """A grant that demands recording refuses a jump with a sentence in the event log."""
    user = scratch_user(grant=["--host", lab.host1, "--record"])
    mark = lab.mark()
    result = jump_to(lab, f"{lab.host1}:22", user=user)
    assert (result.out, result.status) == (b"", 255)
    event = lab.wait_event(mark, "refused", user=user)
    assert f"{user}+{lab.host1}" in str(event["detail"])


def test_locked_user_on_a_jump(lab, start, scratch_user):
    """30: locking a user ends a live jump too."""
    user = scratch_user(grant=["--host", lab.host1])
    words = lab.ssh_words("echo up; sleep 60", alias=f"jump-{lab.host1}", user=user)
    lab.gatehouse("account", "apply", lab.host1)
    live = start(words, stdout=subprocess.PIPE)
    assert live.stdout.readline() == b"up\n"
    lab.gatehouse("user", "lock", user)
    assert live.wait(6) == 255


def test_grant_that_ends_during_a_jump(lab, start, scratch_user):
    """A jump lasts no longer than the grant for its host, also where the login itself led to another."""
    user = scratch_user(grant=["--host", lab.host1])
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host2)
    lab.gatehouse("account", "apply", lab.host2)
    live = start(lab.ssh_words("echo up; sleep 60", alias=f"jump-{lab.host2}", user=user), stdout=subprocess.PIPE)
    assert live.stdout.readline() == b"up\n"
    [grant] = [row["id"] for row in lab.rows("grant", "list") if (row.get("user"), row.get("host")) == (user, lab.host2)]
    lab.gatehouse("grant", "remove", str(grant))
    assert live.wait(10) == 255


def test_odd_names(lab):
    """A destination with odd characters is refused and harms nothing."""
    with transport(lab) as connection:
        connection.auth_publickey("alice", private_key(lab.keys["alice"]))
        for host in ("", "a" * 5_000, "a\nb", "a\0b", "%s%n", "../x", "é", secrets.token_hex(4)):
            with pytest.raises(paramiko.ChannelException):
                connection.open_channel("direct-tcpip", (host, 22), ("127.0.0.1", 1), timeout=10)
        assert connection.is_active()


def sockets(pid):
    """How many sockets a process has open."""
    folder = f"/proc/{pid}/fd"
    return sum(1 for name in os.listdir(folder) if os.readlink(f"{folder}/{name}").startswith("socket:"))


@pytest.mark.limit(60)
def test_jump_that_is_given_up(lab, teardown):
    """A jump that its client has closed ends in moments, also if the host takes nothing of what the client had sent."""

    def signal(name):
        lab.lab_exec(lab.host2, "sh", "-c", f"kill -{name} $(cat /run/sshd.pid)")

    others = lab.session_pids()
    with transport(lab) as connection:
        connection.auth_publickey("alice", private_key(lab.keys["alice"]))
        [session] = lab.session_pids() - others
        before = sockets(session)
        teardown.callback(signal, "CONT")
        signal("STOP")
        channel = connection.open_channel("direct-tcpip", (lab.host2, 22), ("127.0.0.1", 1), timeout=10)
        assert sockets(session) == before + 1
        channel.settimeout(2)
        with pytest.raises(TimeoutError):
            channel.sendall(bytes(32 << 20))
        channel.close()
        wait_until(lambda: sockets(session) == before, "the end of the jump's connection", 20)
        assert connection.is_active()


def test_a_jump_is_in_the_list_of_sessions_and_can_be_killed(lab, start):
    """A live jump is shown with its host, and `session kill` ends it together with what runs in it."""
    mark = lab.mark()
    client = start(lab.ssh_words("echo ready; exec sleep 300", alias=f"jump-{lab.host2}"), stdout=subprocess.PIPE)
    assert client.stdout.readline() == b"ready\n"
    opened = lab.wait_event(mark, "channel.open", user="alice", host=lab.host2)
    session = next(row for row in lab.sessions() if row["id"] == opened["session"])
    assert session["jumps"] == [lab.host2]
    listed = lab.gatehouse("session", "list").out.decode()
    assert re.search(rf"{session['id']}.* jump to {lab.host2} ", listed)
    lab.gatehouse("session", "kill", session["id"])
    assert client.wait(15) == 255
    end = lab.wait_event(mark, "session.end", session=session["id"])
    assert "administrator" in end["detail"]["reason"]


def test_a_jump_that_is_over_counts_no_more(lab, master):
    """A jump over a connection that goes on is in the list of sessions as long as it lasts, and no longer."""
    mark = lab.mark()
    shared = master(alias=lab.host1)
    over = shared.ssh(options=["-W", f"{lab.host2}:22"], input=b"SSH-2.0-x\r\n")
    assert over.out.startswith(b"SSH-2.0-OpenSSH")
    opened = lab.wait_event(mark, "channel.open", user="alice", host=lab.host2)
    lab.wait_event(mark, "channel.close", session=opened["session"])
    jumps = lambda: next(row["jumps"] for row in lab.sessions() if row["id"] == opened["session"])
    wait_until(lambda: jumps() == [], "the end of the jump to be known")
    assert shared.ssh("echo still here").out == b"still here\n"


def test_what_passed_through_a_jump_is_logged(lab):
    """The end of a jump is an event with its bytes and its time, as the session has them."""
    mark = lab.mark()
    size = 3 << 20
    result = lab.ssh(f"sleep 1; head -c {size} /dev/zero", alias=f"jump-{lab.host1}")
    assert len(result.out) == size
    closed = lab.wait_event(mark, "channel.close", user="alice")
    detail = closed["detail"]
    assert (detail["kind"], detail["detail"]) == ("jump", f"{lab.host1}:22")
    assert size < int(detail["bytes_to_client"]) < size * 1.1
    assert 1_000 < int(detail["bytes_from_client"]) < size
    assert 1 <= int(detail["seconds"]) < 30
    lab.wait_event(mark, "session.end", session=closed["session"])
    row = next(row for row in lab.sessions("--all") if row["id"] == closed["session"])
    assert row["bytes_to_client"] == int(detail["bytes_to_client"])
