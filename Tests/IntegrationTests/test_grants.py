"""What a grant permits, and that nothing else is possible under it."""

import datetime
import secrets
import threading

import asyncssh
import pytest

from clients import connect, private_key, transport
from hosts import ACCESS
from lab import free_port, run, wait_until
from test_certificates import section


def sftp(lab, user, batch, *options):
    """Runs a batch of sftp commands as a user on the first host."""
    config = lab.own_config(user)
    words = ["sftp", "-F", config, "-o", "BatchMode=yes", *options, "-b", "-", lab.host1]
    return run(words, input=batch.encode(), timeout=30)


@pytest.mark.limit(120)
def test_files_only(lab, scratch_user, tmp_path, hello):
    """A grant for file transfer permits sftp and today's scp; it is no shell, by whatever way one asks for it."""
    user = scratch_user(grant=["--host", lab.host1, "--files-only"])
    login, home = f"{user}+{lab.host1}", f"/home/{user}"
    file = tmp_path / "f"
    file.write_bytes(secrets.token_bytes(100_000))
    done = sftp(lab, user, f"put {file} f\nget f {tmp_path}/back\n")
    assert done.status == 0, done.err.decode()
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    scp = ["scp", "-q", "-F", lab.own_config(user), "-o", "BatchMode=yes"]
    assert run([*scp, file, f"{lab.host1}:g"]).status == 0
    legacy = run([*scp, "-O", file, f"{lab.host1}:h"])
    assert legacy.status != 0
    assert b"use sftp" in legacy.err

    mark = lab.mark()
    for words, options in (
        (["id"], []),
        ([], []),
        ([], ["-tt"]),
        (["scp", "-t", "."], []),
        (["internal-sftp"], []),
        (["/usr/lib/openssh/sftp-server"], []),
        (["rsync", "--server", "."], []),
        (["-s", "netconf"], []),
    ):
        result = lab.login(login, *words, key=user, options=options, input=b"id\n", timeout=20)
        assert result.status != 0 and b"uid=" not in result.out, words
        # Who insists on a terminal does not come to hear more than that there is none.
        assert (b"PTY" if options else b"you may transfer files there") in result.err, (words, result.err)
    lab.wait_event(mark, "refused", user=user, where=lambda event: "subsystem netconf" in str(event))

    # What the user's shell would read before it ran a file server is never read: sshd itself is the server.
    trap = tmp_path / "trap"
    trap.write_text("touch ~/caught; echo caught\n")
    names = (".bashrc", ".bash_profile", ".profile", ".zshenv", ".ssh/rc", ".ssh/environment")
    batch = "-mkdir .ssh\n" + "".join(f"put {trap} {name}\n" for name in names) + "chmod 755 .ssh/rc\n"
    assert sftp(lab, user, batch).status == 0
    for options in ([], ["-o", "SendEnv=LANG"], ["-o", "SetEnv=BASH_ENV=.bashrc"]):
        assert sftp(lab, user, "ls\n", *options).status == 0
    assert lab.lab_exec(lab.host1, "ls", "-A", home).out.decode().split().count("caught") == 0

    # No forward in either direction, no agent, no jump; and nothing with the user's own key past the gateway.
    port = hello()
    for options in (["-W", f"127.0.0.1:{port}"], ["-W", f"{lab.host1}:22"]):
        result = lab.login(login, key=user, options=options, timeout=20)
        assert (result.out, result.status) == (b"", 255)
    remote = f"{free_port()}:127.0.0.1:{port}"
    refused = lab.login(login, key=user, options=["-N", "-o", "ExitOnForwardFailure=yes", "-R", remote], timeout=20)
    assert b"remote port forwarding failed" in refused.err
    lab.wait_event(mark, "refused", lambda event: "a jump to it is not possible" in str(event["detail"]), 60, user=user)
    assert user not in lab.lab_exec(lab.host1, "cat", "/etc/ssh/gatehouse/keys").out.decode()

    # The same is in the certificate, so that the host's sshd would hold to it too.
    with transport(lab) as client:
        client.auth_publickey(login, private_key(lab.keys[user]))
        for kind in ("direct-streamlocal@openssh.com", "x11", "tun@openssh.com"):
            with pytest.raises(Exception):
                client.open_channel(kind, ("", 0), ("", 0), timeout=10)
        channel = client.open_session(timeout=20)
        with pytest.raises(Exception):
            channel.get_pty()
        channel.close()
        channel = client.open_session(timeout=20)
        channel.invoke_subsystem("sftp")


@pytest.mark.limit(90)
def test_ports(lab, scratch_user, hello):
    """A grant for some ports permits connections to these, and neither others, nor `-R`, nor a jump; a program all the same."""
    port, other = hello(), hello()
    user = scratch_user(grant=["--host", lab.host1, "--forward-ports", f"1-2,{port}"])
    login, mark = f"{user}+{lab.host1}", lab.mark()
    assert lab.login(login, "id", "-un", key=user).out.decode().strip() == user
    assert lab.login(login, key=user, options=["-W", f"127.0.0.1:{port}"], input=b"").out.startswith(b"HELLO")
    for where in (f"127.0.0.1:{other}", f"{lab.host1}:22", "127.0.0.1:22"):
        result = lab.login(login, key=user, options=["-W", where], timeout=20)
        assert (result.out, result.status) == (b"", 255), where
    listen = f"{free_port()}:127.0.0.1:{port}"
    more = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", listen]
    assert b"remote port forwarding failed" in lab.login(login, key=user, options=more, timeout=20).err
    for words in (f"forwarding to port {other} is not granted", "(-R) is not granted", "some ports"):
        lab.wait_event(mark, "refused", lambda event: words in str(event["detail"]), 60, user=user)


@pytest.mark.limit(90)
def test_no_login(lab, scratch_user, hello):
    """A grant without a login forwards ports and runs nothing: not sftp either."""
    port = hello()
    user = scratch_user(grant=["--host", lab.host1, "--no-login", "--forward-ports", str(port)])
    login = f"{user}+{lab.host1}"
    assert lab.login(login, key=user, options=["-W", f"127.0.0.1:{port}"], input=b"").out.startswith(b"HELLO")
    for words in (["id"], ["-s", "sftp"]):
        result = lab.login(login, *words, key=user, timeout=20)
        assert (result.out, result.status) == (b"", 255)
        assert b"you may forward ports there and run nothing" in result.err


def test_certificate_of_files(lab, scratch_user, tmp_path):
    """The host's own sshd is told what a grant for files permits: one command of its own, and no extension."""
    user = scratch_user(grant=["--host", lab.host1, "--files-only"])
    # sshd writes down for the session how its user logged in.
    assert sftp(lab, user, f"-get /tmp/sshauth.* {tmp_path}/\n").status == 0
    (found,) = (file.read_text() for file in tmp_path.glob("sshauth.*"))
    file = tmp_path / "certificate.pub"
    file.write_text(found.split(maxsplit=1)[1])
    text = run(["ssh-keygen", "-L", "-f", file]).out.decode()
    assert section(text, "Critical Options") == ["force-command", "internal-sftp"]
    assert "Extensions: (none)" in text


@pytest.mark.limit(90)
def test_hours_and_beginnings(lab, scratch_user):
    """A grant holds in its hours and from its beginning on; before, it is as if there was none."""
    user = scratch_user()
    login = f"{user}+{lab.host1}"
    tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).strftime("%a").lower()
    lab.gatehouse("grant", "add", "--user", user, "--all", "--days", tomorrow, "--zone", "UTC")
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--from", "1h")
    nowhere = lab.login(f"{user}+nosuchhost", "id", key=user)
    refused = lab.login(login, "id", key=user)
    assert refused.status == 255
    assert refused.err.replace(lab.host1.encode(), b"HOST") == nowhere.err.replace(b"nosuchhost", b"HOST")
    today = datetime.datetime.now(datetime.UTC).strftime("%a").lower()
    lab.gatehouse("grant", "add", "--user", user, "--all", "--days", f"{today},{tomorrow}", "--zone", "UTC")
    for host in lab.hosts:
        assert lab.login(f"{user}+{host}", "id", "-un", key=user).out.decode().strip() == user
    rows = [row for row in lab.rows("grant", "list") if row.get("user") == user]
    assert [row.get("all", False) for row in rows] == [True, False, True]
    assert rows[0]["zone"] == "UTC" and rows[0]["hours"] == "00:00-24:00" and rows[1]["from"]


def has(lab, what, user):
    """Whether a file on the first host that gives access names a user."""
    return user in lab.lab_exec(lab.host1, "cat", ACCESS[what], check=False).out.decode().split()


def ends(lab, mark, user):
    """Why sessions of a user have ended."""
    return {event["detail"]["reason"] for event in lab.events_after(mark, "session.end", user=user)}


@pytest.mark.limit(200)
def test_end_of_one_of_two_grants(lab, scratch_user, start):
    """When a grant ends, so do the sessions and jumps that it alone permitted, and root; what another one permits as well goes on."""
    user = scratch_user(grant=["--host", lab.host1, "--no-forwarding"])

    def begin(command, answer, alias=lab.host1):
        client = start(lab.ssh_words(f"{command}; sleep 1000", user=user, alias=alias), stdout=-1, stderr=-1)
        assert client.stdout.readline() == answer
        return client

    jump = f"jump-{lab.host1}"
    kept = [begin("echo up", b"up\n"), begin("echo up", b"up\n", jump)]
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--sudo")
    grant = str(max(row["id"] for row in lab.rows("grant", "list") if row.get("user") == user))
    mark = lab.mark()
    ended = [begin("sudo -n id -u", b"0\n"), begin("echo up", b"up\n", jump)]
    assert has(lab, "sudo", user)
    lab.gatehouse("grant", "remove", grant)
    wait_until(lambda: all(client.poll() is not None for client in ended), "the end of what was given", timeout=60)
    assert [client.returncode for client in ended] == [255, 255]
    assert b"what permitted it is not granted any more" in ended[0].stderr.read()
    reasons = {
        f"what was granted on {lab.host1} is not granted any more",
        f"what a jump to {lab.host1} was given is not granted any more",
    }
    wait_until(lambda: ends(lab, mark, user) == reasons, "the ends in the log", timeout=30)
    # Nobody asked for it, and nobody logged in meanwhile.
    wait_until(lambda: not has(lab, "sudo", user), "the end of the sudo rule", timeout=60)
    applied = lab.wait_event(mark, "account.applied", lambda event: "end of a grant" in event["detail"]["by"], 60)
    assert applied["host"] == lab.host1
    assert has(lab, "keys", user)
    assert [client.poll() for client in kept] == [None, None]


@pytest.mark.limit(120)
def test_time_is_over(lab, scratch_user):
    """When a grant's time is over its account goes from the host, with nobody to ask for it."""
    user = scratch_user(grant=["--host", lab.host1])
    assert has(lab, "keys", user)
    (grant,) = (str(row["id"]) for row in lab.rows("grant", "list") if row.get("user") == user)
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--until", "3s")
    lab.gatehouse("grant", "remove", grant)
    wait_until(lambda: not any(has(lab, what, user) for what in ACCESS), "the account's end", timeout=90)
    assert lab.lab_exec(lab.host1, "getent", "shadow", user).out.decode().split(":")[7] == "1"


@pytest.mark.limit(90)
def test_rights_that_changed(lab, scratch_user, asynchronously):
    """Who logged in under other rights than there are now runs nothing: neither with the old ones nor with the new ones."""
    user = scratch_user(grant=["--host", lab.host1])
    login = f"{user}+{lab.host1}"

    async def attempt(old):
        async with connect(lab, login, key=user) as connection:
            lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--no-forwarding")
            lab.gatehouse("grant", "remove", old)
            done = await connection.run("id -un", check=False)
            assert done.stdout == ""
            return done.stderr

    # The watchman may be there first, and ends the whole connection.
    for _ in range(8):
        old = str(max(row["id"] for row in lab.rows("grant", "list") if row.get("user") == user))
        try:
            said = asynchronously(attempt(old))
        except (OSError, asyncssh.Error):
            said = ""
        if "has changed since you logged in. Log in again." in said:
            break
        lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    assert "has changed since you logged in" in said, said
    assert lab.login(login, "id -un", key=user).out.decode().strip() == user


def collected(stream):
    """What comes on a stream, as it comes."""
    lines = []
    threading.Thread(target=lambda: lines.extend(stream), daemon=True).start()
    return lines


@pytest.mark.limit(120)
def test_access_request(lab, scratch_user, start, master):
    """Access is asked for over SSH, approved by somebody else, used with a word on its end, and taken back with its sessions."""
    user = scratch_user()
    gate, login = f"{user}+gate", f"{user}+{lab.host1}"
    mark = lab.mark()
    asked = lab.login(gate, f"access request {lab.host1} --for 4m --why a job hangs there", key=user)
    nowhere = lab.login(gate, "access request nosuchhost --for 4m --why a job hangs there", key=user)
    assert (asked.status, nowhere.status) == (0, 0), asked.err + nowhere.err
    number = int(asked.out.split()[1])
    said = [result.out.decode().split(maxsplit=2)[2] for result in (asked, nowhere)]
    assert said[0].replace(lab.host1, "HOST") == said[1].replace("nosuchhost", "HOST")
    assert lab.login(login, "id", key=user).status == 255
    again = lab.login(gate, f"access request {lab.host1} --for 1h --why again", key=user)
    assert b"already" in again.err and again.status != 0
    for verb in ("approve", "deny", "revoke"):
        assert lab.login(gate, f"access {verb} {number}", key=user).status == 77

    approved = lab.login("ada+gate", f"access approve {number}", key="ada")
    assert approved.status == 0, approved.err.decode()
    event = lab.wait_event(
        mark, "directory.changed", where=lambda event: event["detail"].get("action") == "access approve"
    )
    assert event["detail"]["by"] == "ada" and event["detail"]["why"] == "a job hangs there"
    explained = lab.gatehouse_json("grant", "explain", user, lab.host1)["hosts"][0]
    assert explained["reachable"] and explained["rights"]["programs"]["given"]
    refused = {"because": "no grant gives it", "given": False, "grants": []}
    assert explained["rights"]["sudo"].items() >= refused.items()

    # The end is less than five minutes away, which is told to a person; a program reads nothing of it.
    shared = master(alias=lab.host1, user=user)
    person = start(lab.ssh_words("sleep 1000", user=user, options=["-tt"]), stdout=-1, stderr=-1)
    program = start(lab.ssh_words("sleep 1000", user=user), stdout=-1, stderr=-1)
    told, read = collected(person.stderr), collected(program.stderr)
    warning = b"gatehouse: what permits this session ends within five minutes"
    wait_until(lambda: any(warning in line for line in told), "a word on the end", timeout=60)
    # So is it to those whose program starts later.
    late = lambda: shared.ssh("true", options=["-tt"], timeout=30)
    wait_until(lambda: warning in late().err, "a word on the end at the start", timeout=60)
    assert lab.gatehouse("access", "revoke", str(number), "--why", "it was found").status == 0
    for client in (person, program):
        assert client.wait(60) == 255
    wait_until(lambda: any(b"not granted any more" in line for line in told), "why it ended", timeout=30)
    wait_until(lambda: any(b"not granted any more" in line for line in read), "why it ended", timeout=30)
    assert not any(b"five minutes" in line for line in read)
    assert lab.login(login, "id", key=user).status == 255
    own = lab.login(gate, "access list --json", key=user)
    assert b'"state": "revoked"' in own.out and b"it was found" in own.out
    lab.gatehouse("access", "deny", str(number + 1))
