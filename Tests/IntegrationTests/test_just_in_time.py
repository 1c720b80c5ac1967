"""Accounts made just in time: at the first login, and before the first jump."""

import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from hosts import state
from lab import ROOT_HOME


@pytest.fixture
def account(lab, scratch_user):
    """A user with an account on the first host, right now."""
    return scratch_user(grant=["--host", lab.host1])


@pytest.fixture
def newcomer(lab, scratch_user):
    """A user who may reach the first host and has no account there yet."""
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    return user


def test_just_in_time(lab, scratch_user):
    """The first login makes the account: a person is told on a line, a program hears nothing of it."""
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host2)
    mark = lab.mark()
    program = lab.login(f"{user}+{lab.host1}", "id -un", key=user)
    assert (program.out, program.err, program.status) == (f"{user}\n".encode(), b"", 0)
    event = lab.wait_event(mark, "account.applied", host=lab.host1)
    assert event["user"] == user and event["detail"]["by"] == "login"
    person = lab.login(f"{user}+{lab.host2}", "id -un", key=user, options=["-tt"])
    assert person.status == 0
    assert person.out == f"{user}\r\n".encode()
    assert person.err == f"gatehouse: preparing your account on {lab.host2} …\r\n".encode()
    again = lab.login(f"{user}+{lab.host2}", "id -un", key=user, options=["-tt"])
    assert again.err == b""
    assert len(lab.events_after(mark, "account.applied")) == 2


def test_just_in_time_after_a_refusal(lab, account):
    """An account that somebody removed by hand comes back at the next login, with its uid."""
    lab.lab_exec(lab.host1, "userdel", account)
    assert lab.ssh("id -u", user=account).out == b"%d\n" % lab.uid(account)


def test_just_in_time_keeps_what_the_client_sends(lab, scratch_user):
    """Input, environment and several channels that come while the account is made are not lost."""
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    options = ["-tt", "-o", "SetEnv=GW_WORD=kept"]
    done = lab.login(f"{user}+{lab.host1}", "echo $GW_WORD; read line; echo got $line", key=user, options=options,
                     input="hello\n")
    assert b"kept\r\n" in done.out and b"got hello\r\n" in done.out


def test_just_in_time_for_many(lab, teardown, scratch_user):
    """Many sessions that come at once to a new account wait for one run."""
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    mark = lab.mark()
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: lab.login(f"{user}+{lab.host1}", "id -un", key=user), range(6)))
    assert {(one.out, one.status) for one in done} == {(f"{user}\n".encode(), 0)}
    assert len(lab.events_after(mark, "account.applied")) == 1


def test_up_to_date_account_costs_nothing(lab, account):
    """A login to an account that is as it should be asks nothing of the host but the login."""
    lab.ssh("true", user=account)
    mark = lab.mark()
    before = lab.sshd_log(lab.host1).count("gatehouse:accounts:root")
    assert lab.ssh("true", user=account).status == 0
    assert lab.sshd_log(lab.host1).count("gatehouse:accounts:root") == before
    assert lab.events_after(mark, "account.applied") == []


def test_just_in_time_conflict(lab, teardown, scratch_user):
    """Where the host cannot give the account, the person reads why and whom to ask, and the log has it."""
    user = scratch_user()
    lab.lab_exec(lab.host1, "useradd", "--no-create-home", "--uid", "1235", user)
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1, check=False)
    teardown.callback(lab.lab_exec, lab.host1, "userdel", user, check=False)
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    mark = lab.mark()
    refused = lab.login(f"{user}+{lab.host1}", "id", key=user)
    assert (refused.out, refused.status) == (b"", 255)
    assert b"name-unmanaged" in refused.err and b"Ask your administrator" in refused.err
    assert state(lab, lab.host1, user)["state"] == "conflict"
    event = lab.wait_event(mark, "account.applied", host=lab.host1)
    assert f"{user}: name-unmanaged" in event["detail"]["reasons"]


@pytest.mark.parametrize("way", ["ssm", "ssh"])
def test_just_in_time_failure(lab, scratch_user, teardown, way):
    """Where the gateway cannot work on the host, the person reads so after the refusal, and the log has the details."""
    user = scratch_user()
    lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1)
    lab.gatehouse("host", "set", lab.host1, "--accounts", way)
    teardown.callback(lab.gatehouse, "host", "set", lab.host1, "--accounts", "automatic")
    if way == "ssm":
        lab.aws(fail={"ssm.SendCommand": {"count": 5, "code": "AccessDeniedException", "status": 400}})
        teardown.callback(lab.aws, reset=True)
    else:
        home = f"{ROOT_HOME}/.ssh/authorized_keys"
        lab.lab_exec(lab.host1, "mv", home, f"{home}.away")
        teardown.callback(lab.lab_exec, lab.host1, "mv", f"{home}.away", home)
    mark = lab.mark()
    refused = lab.login(f"{user}+{lab.host1}", "id", key=user)
    assert (refused.out, refused.status) == (b"", 255)
    assert b"could not be prepared" in refused.err and b"Ask your administrator" in refused.err
    assert lab.wait_event(mark, "account.failed", host=lab.host1, user=user)["detail"]["reason"]
    # Those whose accounts are in order are not concerned.
    assert lab.ssh("true").status == 0


# Jumps


def jump(lab, user, *words):
    """`ssh -J` to the first host."""
    return lab.ssh(*words, alias=f"jump-{lab.host1}", user=user)


def test_jump_makes_the_account(lab, newcomer):
    """The first `ssh -J` makes the account, too: the host's own sshd lets the user in with the user's own key."""
    mark = lab.mark()
    done = jump(lab, newcomer, "id -u")
    assert (done.out, done.err, done.status) == (b"%d\n" % lab.uid(newcomer), b"", 0)
    event = lab.wait_event(mark, "account.applied", host=lab.host1)
    assert event["user"] == newcomer and event["detail"]["by"] == "login" and event["session"]
    mark = lab.mark()
    assert jump(lab, newcomer, "true").status == 0
    assert lab.events_after(mark, "account.applied") == []


def test_jump_brings_the_account_up_to_date(lab, account, make_key, teardown):
    """A key that was added since the last run opens a jump at once."""
    key = make_key()
    lab.gatehouse("key", "add", account, f"{key}.pub")
    lab.keys[account] = str(key)
    lab._configs.pop(account, None)
    teardown.callback(lab._configs.pop, account, None)
    assert jump(lab, account, "id -un").out == f"{account}\n".encode()


def test_jump_to_a_conflict(lab, newcomer, teardown):
    """Where the host cannot give the account, whoever jumps reads why and whom to ask, and the log has it."""
    lab.lab_exec(lab.host1, "useradd", "--no-create-home", "--uid", "1236", newcomer)
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1, check=False)
    teardown.callback(lab.lab_exec, lab.host1, "userdel", newcomer, check=False)
    mark = lab.mark()
    refused = jump(lab, newcomer, "id")
    assert (refused.out, refused.status) == (b"", 255)
    assert b"name-unmanaged" in refused.err and b"Ask your administrator" in refused.err
    assert "name-unmanaged" in lab.wait_event(mark, "refused", user=newcomer)["detail"]["reason"]
    assert f"{newcomer}: name-unmanaged" in lab.wait_event(mark, "account.applied", host=lab.host1)["detail"]["reasons"]


def test_jump_to_a_pool_passes_a_conflict(lab, newcomer, teardown):
    """A host of a pool that cannot give the account is left for the next one."""
    pool = f"it-{secrets.token_hex(4)}"
    lab.gatehouse("pool", "add", pool)
    lab.gatehouse("pool", "join", pool, *lab.hosts)
    teardown.callback(lab.gatehouse, "pool", "leave", pool, *lab.hosts)
    lab.gatehouse("grant", "add", "--user", newcomer, "--host", lab.host2)
    lab.gatehouse("host", "drain", lab.host2)
    teardown.callback(lab.gatehouse, "host", "undrain", lab.host2, check=False)
    lab.lab_exec(lab.host1, "useradd", "--no-create-home", "--uid", "1238", newcomer)
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1, check=False)
    teardown.callback(lab.lab_exec, lab.host1, "userdel", newcomer, check=False)
    options = ["-W", f"{pool}:22"]
    alone = lab.login(newcomer, key=newcomer, options=options)
    assert alone.out == b"" and b"name-unmanaged" in alone.err
    lab.gatehouse("host", "undrain", lab.host2)
    assert lab.login(f"{newcomer}+gate", "hosts", "default", lab.host1, key=newcomer).status == 0
    mark = lab.mark()
    passed = lab.login(f"{newcomer}+{pool}", key=newcomer, options=options, input=b"SSH-2.0-x\r\n")
    assert passed.out.startswith(b"SSH-2.0-OpenSSH"), passed.err
    assert lab.wait_event(mark, "refused", user=newcomer, host=lab.host1)["detail"]["what"] == "account"
    assert lab.wait_event(mark, "channel.open", user=newcomer)["host"] == lab.host2


def test_jump_where_the_gateway_cannot_work(lab, account, scratch_user, teardown):
    """Where the gateway cannot make the account, whoever has none reads so; who has one goes on, if it gives no more than is granted."""
    administrator = scratch_user(grant=["--host", lab.host1, "--sudo"])
    newcomer = scratch_user()
    lab.gatehouse("grant", "add", "--user", newcomer, "--host", lab.host1)
    home = f"{ROOT_HOME}/.ssh/authorized_keys"
    lab.gatehouse("host", "set", lab.host1, "--accounts", "ssh")
    teardown.callback(lab.gatehouse, "host", "set", lab.host1, "--accounts", "automatic")
    lab.lab_exec(lab.host1, "mv", home, f"{home}.away")
    teardown.callback(lab.lab_exec, lab.host1, "mv", f"{home}.away", home)
    mark = lab.mark()
    refused = jump(lab, newcomer, "id")
    assert (refused.out, refused.status) == (b"", 255)
    assert b"could not be prepared" in refused.err and b"Ask your administrator" in refused.err
    assert lab.wait_event(mark, "account.failed", host=lab.host1, user=newcomer)["detail"]["reason"]
    lab.gatehouse("group", "add-member", "lab", account)
    assert state(lab, lab.host1, account)["state"] in ("stale", "unreachable")
    assert jump(lab, account, "true").status == 0
    lab.gatehouse("group", "remove-member", "lab", account)
    for user in (account, administrator):
        grants = [str(row["id"]) for row in lab.rows("grant", "list") if row.get("user") == user]
        lab.gatehouse("grant", "add", "--user", user, "--host", lab.host1, "--no-forwarding")
        for grant in grants:
            lab.gatehouse("grant", "remove", grant)
    mark = lab.mark()
    # The host still permits what the key had: there is nobody else whom it asks.
    refused = jump(lab, account, "id")
    assert (refused.out, refused.status) == (b"", 255) and b"could not be prepared" in refused.err
    assert lab.wait_event(mark, "refused", user=account)["detail"]["what"] == "jump"
    # At a login through the gateway the certificate holds to that; but not to root.
    assert lab.login(f"{account}+{lab.host1}", "id -un", key=account).out.decode().strip() == account
    refused = lab.login(f"{administrator}+{lab.host1}", "id", key=administrator)
    assert (refused.out, refused.status) == (b"", 255)
    assert b"You may not become root on" in refused.err and b"could not be prepared" in refused.err


def test_refused_jump_leaves_the_others_alone(lab, newcomer, master, start, teardown):
    """A jump that cannot be ends nothing else on its connection."""
    lab.gatehouse("grant", "add", "--user", newcomer, "--host", lab.host2)
    lab.lab_exec(lab.host1, "useradd", "--no-create-home", "--uid", "1237", newcomer)
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1, check=False)
    teardown.callback(lab.lab_exec, lab.host1, "userdel", newcomer, check=False)
    shared = master(alias=lab.host2, user=newcomer)
    live = start(shared.words("echo up; sleep 60"), stdout=subprocess.PIPE)
    assert live.stdout.readline() == b"up\n"
    assert shared.ssh(options=["-W", f"{lab.host1}:22"]).out == b""
    assert shared.ssh("echo after").out == b"after\n" and live.poll() is None
