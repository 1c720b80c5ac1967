"""The gateway's own commands, over SSH on the target `gate`."""

import asyncio
import json
import re
import subprocess

import pytest

import clients
from lab import rows, run


@pytest.fixture
def gate(lab):
    """Runs a command of the gateway as a user."""

    def gate(*words, user="alice", **more):
        return lab.ssh(*words, alias="gate", user=user, **more)

    return gate


def test_whoami(lab, gate):
    """whoami tells a user who they are, by name and uid."""
    result = gate("whoami")
    assert result.status == 0
    assert b"alice" in result.out and str(lab.uid("alice")).encode() in result.out


def test_whoami_json(lab, gate):
    """whoami --json carries the schema number, the name and the uid."""
    document = json.loads(gate("whoami", "--json").out)
    assert document["schema"] == 1
    assert "alice" in str(document) and str(lab.uid("alice")) in str(document)


def test_hosts(lab, gate):
    """hosts lists the hosts that one may reach, and no others."""
    text = gate("hosts").out.decode()
    assert all(host in text for host in lab.hosts)
    assert not any(host in gate("hosts", user="carol").out.decode() for host in lab.hosts)


def test_hosts_json(lab, gate):
    """hosts --json carries the schema number and each host once."""
    document = json.loads(gate("hosts", "--json").out)
    assert document["schema"] == 1
    assert {row["name"] for row in rows(document)} >= set(lab.hosts)


def test_keys(lab, gate, make_key, scratch_user):
    """keys add, list and remove manage one's own keys."""
    user, key = scratch_user(), make_key()
    added = gate("keys", "add", "-", user=user, input=open(f"{key}.pub").read())
    assert added.status == 0, added.err.decode()
    fingerprint = lab.fingerprint(key)
    assert fingerprint.encode() in gate("keys", "list", user=user).out
    assert lab.login(f"{user}+gate", "whoami", key=key).status == 0
    assert gate("keys", "remove", fingerprint, user=user).status == 0
    assert fingerprint.encode() not in gate("keys", "list", user=user).out
    assert lab.login(f"{user}+gate", "whoami", key=key).status == 255


def test_keys_of_others(lab, gate):
    """keys list shows no key of another user, and another's key cannot be removed."""
    bobs = lab.fingerprint(lab.keys["bob"])
    assert bobs.encode() not in gate("keys", "list").out
    assert gate("keys", "remove", bobs).status == 66
    assert lab.ssh("true", user="bob").status == 0


def test_private_key_over_ssh(gate, make_key):
    """keys add refuses a private key loudly and echoes nothing of it."""
    text = make_key().read_text()
    result = gate("keys", "add", "-", input=text)
    assert result.status not in (0, 255)
    assert b"private" in result.err.lower()
    said = (result.out + result.err).decode()
    assert not any(line in said for line in text.splitlines()[1:-1])


def test_ssh_config(lab, gate, tmp_path):
    """ssh-config prints a stanza that works as it is, and nothing else."""
    result = gate("ssh-config")
    assert (result.err, result.status) == (b"", 0)
    known = tmp_path / "known_hosts"
    known.write_text("".join(re.findall(r"^# (\S+ ssh-ed25519 \S+\n)", result.out.decode(), re.M)))
    path = tmp_path / "config"
    path.write_bytes(result.out)
    for host in lab.hosts:
        settings = run(["ssh", "-F", path, "-G", host]).out.decode().splitlines()
        assert f"user alice+{host}" in settings
        assert any(line.startswith("serveraliveinterval ") and not line.endswith(" 0") for line in settings)
    options = ["-i", lab.keys["alice"], "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    address = ["-o", f"HostName={lab.gateway_host}", "-o", f"Port={lab.gateway_port}"]
    known = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
    result = run(["ssh", "-F", path, *options, *address, *known, lab.host1, "id -un"])
    assert (result.out, result.status) == (b"alice\n", 0), result.err.decode()


def test_help(gate):
    """help lists what one may do."""
    result = gate("help")
    assert result.status == 0
    assert all(verb in result.out for verb in (b"whoami", b"hosts", b"keys", b"ssh-config"))


def test_shell_on_gate(gate):
    """The target gate without a command gives no shell: it says what there is, or that there is none."""
    result = gate(options=["-T"], input="id; touch /tmp/gate-was-here\n")
    assert b"uid=" not in result.out + result.err
    assert result.out + result.err


@pytest.mark.parametrize("command", ["nosuch", "keys frob", "whoami --frob", "hosts a b", "keys remove"])
def test_usage(gate, command):
    """A command that there is not, or not in this form, is a usage error."""
    result = gate(command)
    assert result.status == 64
    assert result.err.startswith(b"gatehouse: ")


@pytest.mark.parametrize(
    "command",
    [
        "user list",
        "user add it-evil --admin",
        "user lock bob",
        "user leave bob --yes",
        "key list bob",
        "group list",
        "host list",
        "host remove communal1 --yes",
        "pool list",
        "grant list",
        "grant add --user alice --host communal1",
        "account apply communal1",
        "session list --all",
        "event list",
        "config show",
        "directory export",
    ],
)
def test_commands_of_an_admin(lab, gate, command):
    """A user who tries a command of an admin is refused with 77, and nothing is changed."""
    mark = lab.mark()
    result = gate(command)
    assert (result.out, result.status) == (b"", 77)
    assert lab.events_after(mark, "directory.changed") == []


def test_admin_over_ssh(lab, gate):
    """An admin may do over SSH what the command line may."""
    result = gate("user", "list", "--json", user="ada")
    assert result.status == 0, result.err.decode()
    assert json.loads(result.out) == lab.gatehouse_json("user", "list")
    assert gate("user", "show", "nobody-here", user="ada").status == 66


def test_no_shell_on_the_gateway(lab, gate):
    """The words of a command go to no shell."""
    for command in ("whoami; id", "whoami $(id)", "whoami | cat", "`id`"):
        result = gate(command)
        assert result.status == 64
        assert b"uid=" not in result.out


@pytest.mark.parametrize("kind", ["sftp", "forward", "agent"])
def test_only_commands_on_gate(lab, gate, kind):
    """The target gate has no sftp, no forwards and no agent."""
    if kind == "sftp":
        assert gate("sftp", options=["-s"]).status == 255
    elif kind == "forward":
        assert gate(options=["-W", "127.0.0.1:22"]).status == 255
    else:
        assert gate("whoami", options=["-A"]).status == 0


def test_command_is_logged(lab, gate):
    """A command on gate is in the event log with its user and words."""
    mark = lab.mark()
    assert gate("keys", "list").status == 0
    event = lab.wait_event(mark, "command.run", user="alice")
    assert "keys" in str(event["detail"])


def test_too_much_input(lab, gate):
    """A command that gets more input than it takes says so."""
    result = gate("keys", "add", "-", input=b"x" * 400_000)
    assert result.status == 1 and b"more than 65536 bytes" in result.err


def test_too_many_words(lab, gate):
    """A command of thousands of words is refused, and the connection is not cut."""
    result = gate("help " + "x " * 5_000)
    assert result.status == 255 and b"too many words" in result.err


def test_many_commands_at_a_time(lab, asynchronously):
    """Commands that wait take no more than a bounded number of the daemon's threads."""

    async def main():
        async with clients.connect(lab, "alice+gate") as connection:
            waiting = [await connection.create_process("keys add -") for _ in range(16)]
            one_more = await asyncio.wait_for(connection.run("whoami"), 10)
            assert one_more.exit_status == 255 and "too many commands" in one_more.stderr
            for process in waiting:
                process.stdin.write_eof()
                await asyncio.wait_for(process.wait(), 10)
            assert (await connection.run("whoami")).exit_status == 0

    asynchronously(main())


def test_gate_with_a_terminal(lab, gate):
    """At a terminal the commands work too."""
    result = gate("whoami", options=["-tt"])
    assert result.status == 0 and b"alice" in result.out


def test_long_output_to_a_reader_that_stops(lab, start):
    """A reader that stops ends a following command on gate."""
    client = start(
        lab.ssh_words("event", "list", "--follow", alias="gate", user="ada"), stdout=subprocess.PIPE
    )
    client.stdout.readline()
    client.kill()
    client.wait()
    assert lab.ssh("whoami", alias="gate").status == 0
