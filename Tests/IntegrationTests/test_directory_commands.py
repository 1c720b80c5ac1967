"""The directory by command line: what it refuses, how it says so, and what it gives to programs."""

import json
import os
import re
import secrets
import stat
from pathlib import Path

import pytest

from lab import free_port, record, rows, run, wait_until

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


@pytest.fixture
def name():
    """A name that nobody has had."""
    return f"it-{secrets.token_hex(4)}"


def refuses(lab, status, *words, **more):
    """Runs a command that has to fail with a status, and gives what it says on standard error."""
    result = lab.gatehouse(*words, check=False, **more)
    assert (result.out, result.status) == (b"", status), result.err.decode()
    text = result.err.decode()
    assert text.startswith("gatehouse: "), text
    return text


@pytest.mark.parametrize(
    "words",
    [
        "user list",
        "group list",
        "host list",
        "pool list",
        "grant list",
        "key list",
        "session list --all",
        "event list",
    ],
)
def test_lists_in_json(lab, words):
    """Every list in JSON has the schema number, sorted keys, and times in UTC."""
    text = lab.gatehouse(*words.split(), "--json").out.decode()
    document = json.loads(text, object_pairs_hook=_sorted_keys)
    assert document["schema"] == 1
    for row in rows(document):
        for key, value in row.items():
            if key in ("time", "created", "until", "started", "ended") and isinstance(value, str):
                assert TIME.match(value), (key, value)


def _sorted_keys(pairs):
    keys = [key for key, _ in pairs]
    assert keys == sorted(keys), keys
    return dict(pairs)


@pytest.mark.parametrize("words", ["user show alice", "group show lab", "host show HOST1", "config show"])
def test_showing_in_json(lab, words):
    """Every showing in JSON has the schema number and sorted keys."""
    text = lab.gatehouse(*words.replace("HOST1", lab.host1).split(), "--json").out.decode()
    assert json.loads(text, object_pairs_hook=_sorted_keys)["schema"] == 1


@pytest.mark.parametrize(
    "words",
    [
        "frob",
        "user",
        "user frob",
        "user list --frob",
        "user add",
        "user add a b",
        "user add x --uid",
        "user add x --uid many",
        "grant add --user alice",
        "grant add --host communal1",
        "event list --limit x",
        "host add x",
        "key add alice",
    ],
)
def test_usage(lab, words):
    """A command that there is not, or not in this form, ends with 64 and changes nothing."""
    mark = lab.mark()
    refuses(lab, 64, *words.split())
    assert lab.events_after(mark, "directory.changed") == []


@pytest.mark.parametrize(
    "words",
    [
        "user show nobody-here",
        "user lock nobody-here",
        "group show nogroup",
        "host show nohost",
        "host remove nohost --yes",
        "grant remove 999999",
        "session show 01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "account apply nohost",
        "pool join nopool communal1",
        "group add-member nogroup alice",
        "key remove alice SHA256:AAAA",
        "grant add --user nobody-here --host communal1",
    ],
)
def test_no_such_thing(lab, words):
    """What there is not is said with 66."""
    refuses(lab, 66, *words.split())


BAD_NAMES = [
    "Alice",
    "1st",
    "a b",
    "-x",
    "a.b",
    "x" * 32,
    "",
    "root",
    "ec2-user",
    "ubuntu",
    "ssm-user",
    "é",
    "a/b",
    "a;b",
]


@pytest.mark.parametrize("noun, bad", [(noun, bad) for noun in ("user", "group") for bad in BAD_NAMES])
def test_bad_names(lab, noun, bad):
    """A name that cannot be a Linux name, or is reserved, is refused and nothing is half-done."""
    mark = lab.mark()
    result = lab.gatehouse(noun, "add", *(["--"] if bad.startswith("-") else []), bad, check=False)
    assert result.status not in (0, 255)
    assert result.err.startswith(b"gatehouse: ")
    assert lab.events_after(mark, "directory.changed") == []


def test_taken_name(lab):
    """A name that is taken is refused, also across users and groups."""
    for words in (
        ("user", "add", "alice"),
        ("group", "add", "lab"),
        ("user", "add", "lab"),
        ("group", "add", "alice"),
    ):
        before = lab.gatehouse_json("directory", "export")
        assert lab.gatehouse(*words, check=False).status == 1
        assert lab.gatehouse_json("directory", "export") == before


def test_taken_uid(lab, name):
    """A uid that is taken is refused with its number named, and nothing is half-done."""
    uid = lab.uid("alice")
    result = lab.gatehouse("user", "add", name, "--uid", uid, check=False)
    assert result.status == 1 and str(uid) in result.err.decode()
    assert refuses(lab, 66, "user", "show", name)


def test_gid_clash(lab, name):
    """A gid that is a user's uid, or out of range, is refused."""
    for gid in (lab.uid("alice"), 0, 10, 4_294_967_295, -1):
        assert lab.gatehouse("group", "add", name, "--gid", gid, check=False).status in (1, 64)
    assert refuses(lab, 66, "group", "show", name)


def test_users_are_numbered_from_the_range(lab, scratch_user):
    """Every user has a uid of the range, different from each other's, with a private group of the same number."""
    scratch_user()
    users = lab.rows("user", "list")
    uids = [user["uid"] for user in users]
    assert len(set(uids)) == len(uids)
    assert all(20_000 <= uid <= 59_999 for uid in uids)


def test_private_key(lab, make_key):
    """A private key is refused loudly, from a file and from standard input, and nothing of it is echoed."""
    key = make_key()
    text = key.read_text()
    for words, more in ((("key", "add", "alice", key), {}), (("key", "add", "alice", "-"), {"input": text})):
        result = lab.gatehouse(*words, check=False, **more)
        assert result.status not in (0, 255)
        assert b"private" in result.err.lower()
        said = (result.out + result.err).decode()
        assert not any(line in said for line in text.splitlines()[1:-1])


@pytest.mark.parametrize("kind, bits", [("rsa", 2048), ("rsa", 1024)])
def test_weak_keys(lab, make_key, kind, bits):
    """A key that is too short is refused, with what is needed."""
    before = lab.rows("key", "list", "alice")
    result = lab.gatehouse("key", "add", "alice", f"{make_key(kind, bits)}.pub", check=False)
    assert result.status not in (0, 255)
    assert b"3072" in result.err
    assert lab.rows("key", "list", "alice") == before


@pytest.mark.parametrize(
    "text", ["", "hello", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3M= x", "\0\0", "x" * 1_000_000]
)
def test_what_is_no_key(lab, text):
    """What is no public key is refused."""
    result = lab.gatehouse("key", "add", "alice", "-", input=text, check=False)
    assert result.status not in (0, 255)
    assert result.err.startswith(b"gatehouse: ")


def test_same_key_twice(lab, scratch_user):
    """A key belongs to one user: another cannot add it."""
    user = scratch_user()
    result = lab.gatehouse("key", "add", user, f"{lab.keys['alice']}.pub", check=False)
    assert result.status == 1


def test_destruction_needs_yes(lab, name):
    """Where nobody can be asked, a command that destroys needs --yes."""
    lab.gatehouse("user", "add", name)
    assert lab.gatehouse("user", "leave", name, check=False).status != 0
    assert lab.user(name).get("state") == "active"
    lab.gatehouse("user", "leave", name, "--yes")
    assert lab.user(name).get("state") == "left"


def test_names_of_those_who_left(lab, name):
    """The name and uid of a user who has left are not given to another."""
    lab.gatehouse("user", "add", name)
    uid = lab.uid(name)
    lab.gatehouse("user", "leave", name, "--yes")
    assert lab.gatehouse("user", "add", name, check=False).status == 1
    assert lab.gatehouse("group", "add", f"{name}-g", "--gid", uid, check=False).status == 1


def test_grants_end(lab, scratch_user):
    """A grant with --until in the past gives nothing; with a time to come it does."""
    user = scratch_user(grant=["--host", lab.host1, "--until", "2h"])
    assert lab.ssh("true", user=user).status == 0
    grant = next(row for row in lab.rows("grant", "list") if row.get("user") == user)
    lab.gatehouse("grant", "remove", grant["id"])
    assert lab.ssh("true", user=user).status == 255
    lab.gatehouse(
        "grant", "add", "--user", user, "--host", lab.host1, "--until", "2020-01-01T00:00:00Z", check=False
    )
    assert lab.ssh("true", user=user).status == 255


def test_export_and_import(lab, tmp_path):
    """The directory's export can be imported where it came from, and changes nothing."""
    before = lab.gatehouse("directory", "export").out
    document = json.loads(before)
    assert document["schema"] == 1
    assert {user["name"] for user in document["users"]} >= {"alice", "bob", "carol"}
    file = tmp_path / "export.json"
    file.write_bytes(before)
    lab.gatehouse("directory", "import", file, check=False)
    assert json.loads(lab.gatehouse("directory", "export").out) == document


def test_bad_import(lab, tmp_path):
    """An import that is broken or breaks a rule is refused as a whole."""
    before = json.loads(lab.gatehouse("directory", "export").out)
    broken = json.loads(json.dumps(before))
    broken["users"].append({**broken["users"][0], "name": "it-doppelganger"})
    for text in ("", "{", "[]", '{"schema": 99}', json.dumps(broken)):
        result = lab.gatehouse("directory", "import", "-", input=text, check=False)
        assert result.status not in (0, 255), text[:40]
    assert json.loads(lab.gatehouse("directory", "export").out) == before


def test_changes_are_events(lab, scratch_user):
    """A change of the directory is in the event log."""
    mark = lab.mark()
    user = scratch_user()
    lab.wait_event(mark, "directory.changed", where=lambda event: user in str(event))


def test_others_on_the_machine(lab):
    """The command line of anybody but the administrator is refused with 77."""
    result = lab.gatehouse("user", "list", check=False, user=65_534, group=65_534, extra_groups=[], cwd="/")
    if result.status == 126 or b"Permission denied" in result.err and result.status == 1:
        pytest.fail("the command cannot be run by another user: its folder is closed to them")
    assert (result.out, result.status) == (b"", 77)


def test_daemon_away(lab, tmp_path):
    """Without the daemon a command ends with 69 and a hint."""
    config = tmp_path / "gatehouse.conf"
    config.write_text(f"StateDirectory {tmp_path}/state\nRuntimeDirectory {tmp_path}/run\n")
    result = run([lab.program("gatehouse"), "--config", config, "user", "list"])
    assert (result.out, result.status) == (b"", 69)
    assert b"hint: " in result.err


@pytest.mark.parametrize(
    "text, line",
    [
        ("Frobnicate yes\n", 1),
        ("\n# fine\nMaxAuthTries many\n", 3),
        ("ListenAddress 1.2.3.4:99999\n", 1),
        ("LoginGraceTime\n", 1),
    ],
)
def test_bad_configuration(lab, tmp_path, text, line):
    """A mistake in the configuration is said with file and line, and ends with 78."""
    config = tmp_path / "gatehouse.conf"
    config.write_text(text)
    result = run([lab.program("gatehoused"), "-t", "-f", config])
    assert result.status == 78
    assert f"{config} line {line}: " in result.err.decode()
    result = run([lab.program("gatehouse"), "--config", config, "user", "list"])
    assert result.status == 78


def test_secrets_are_the_daemons_alone(lab):
    """The database and the private keys are for the daemon alone to read."""
    state = Path(lab.variables["DIRECTORY_DB"]).parent
    private = [state / "gatehouse.db", state / "user_ca", state / "ssh_host_ed25519_key"]
    for path in private:
        mode = os.stat(path)
        assert stat.S_IMODE(mode.st_mode) & 0o077 == 0, path


def test_init_again(lab):
    """init on an installation that is there changes neither keys nor directory."""
    state = Path(lab.variables["DIRECTORY_DB"]).parent
    keys = [state / "user_ca.pub", state / "ssh_host_ed25519_key.pub"]
    before = [path.read_bytes() for path in keys]
    exported = json.loads(lab.gatehouse("directory", "export").out)
    lab.gatehouse("init")
    assert [path.read_bytes() for path in keys] == before
    assert json.loads(lab.gatehouse("directory", "export").out) == exported


def test_version(lab):
    """version says the version, help the nouns."""
    assert re.search(rb"\d+\.\d+", lab.gatehouse("version").out)
    assert all(noun in lab.gatehouse("help").out for noun in (b"user", b"host", b"grant", b"session"))
    assert b"--uid" in lab.gatehouse("help", "user", "add").out


@pytest.fixture
def second_installation(lab, start, tmp_path):
    """Makes and starts a second installation on this machine; gives what init said and a runner of its commands."""

    def second_installation(*flags):
        config, port = tmp_path / "second.conf", free_port()
        config.write_text(
            f"ListenAddress 127.0.0.1:{port}\nStateDirectory {tmp_path}/state\n"
            f"RuntimeDirectory {tmp_path}/run\nSessionUser 63022\nTunnelUser 63023\n"
        )

        def command(*words, **more):
            return run([lab.program("gatehouse"), "--config", config, *words], **more)

        said = command("init", *flags)
        assert said.status == 0, said.err.decode()
        start([lab.program("gatehoused"), "-f", config])
        wait_until(lambda: command("user", "list").status == 0, "the second daemon")
        return said, command

    return second_installation


def test_init(lab, second_installation):
    """init makes a whole installation with an admin, and says the fingerprints and what comes next."""
    result, command = second_installation("--admin", "first", "--key", f"{lab.keys['ada']}.pub")
    said = result.out + result.err
    assert said.count(b"SHA256:") >= 2 and b"gatehouse" in said
    shown = record(json.loads(command("user", "show", "first", "--json").out))
    assert shown["admin"] is True and len(shown["keys"]) == 1


def test_move_to_another_machine(lab, second_installation, scratch_user, scratch_host):
    """What one installation exports, an empty one imports: the same people, keys, numbers, hosts and grants."""
    host = scratch_host("192.0.2.1")
    scratch_user("--full-name", "Ünïcode Näme", grant=["--host", host, "--sudo", "--until", "3d"])
    exported = lab.gatehouse("directory", "export").out
    _, command = second_installation()
    result = command("directory", "import", "-", input=exported)
    assert result.status == 0, result.err.decode()
    assert json.loads(command("directory", "export").out) == json.loads(exported)


def test_settings_in_effect(lab):
    """gatehoused -T prints all settings, which it can read again, and -t says nothing about a good file."""
    config = lab.variables["GATEHOUSE_CONFIG"]
    assert run([lab.program("gatehoused"), "-t", "-f", config]).status == 0
    text = run([lab.program("gatehoused"), "-T", "-f", config]).out.decode()
    settings = {line.split()[0].lower() for line in text.splitlines() if line.strip()}
    assert {"listenaddress", "maxstartups", "logingracetime", "uidrange"} <= settings
