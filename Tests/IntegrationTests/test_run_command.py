"""Accounts over AWS Systems Manager: with the means of the lab's endpoint, and with its faults."""

import json
import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from gateway import NUMBERS, Gateway
from hosts import stamps
from lab import run, wait_until

@pytest.fixture
def gateway(lab, tmp_path, teardown, make_key):
    """Starts such a gateway; when the test is over, its accounts are gone and the lab's directory is in force again."""

    def forget():
        # The hosts as they were: accounts, and whose directory they follow.
        script = f"""
            pkill -KILL -U {','.join(map(str, range(NUMBERS[0], NUMBERS[0] + 10)))}
            for file in passwd group shadow gshadow; do
                awk -F: 'FILENAME == "/etc/passwd" && $3 >= {NUMBERS[0]} && $3 <= {NUMBERS[-1]} {{ gone[$1]; next }}
                    FILENAME != "/etc/passwd" && !($1 in gone)' /etc/passwd /etc/$file >/tmp/kept
                [ $file = passwd ] || cat /tmp/kept >/etc/$file
            done
            awk -F: '$3 >= {NUMBERS[0]} && $3 <= {NUMBERS[-1]} {{ print $6 }}' /etc/passwd | xargs -r rm -rf
            awk -F: '$3 < {NUMBERS[0]} || $3 > {NUMBERS[-1]}' /etc/passwd >/tmp/kept && cat /tmp/kept >/etc/passwd
            rm -rf /etc/gatehouse /etc/ssh/gatehouse && mv /etc/gatehouse.away /etc/gatehouse
            rm -f /etc/sudoers.d/gatehouse-it-*"""
        for host in lab.hosts:
            lab.lab_exec(host, "bash", "-c", script)
        lab.gatehouse("account", "apply", "--all")

    def gateway(environment={}, settings=()):
        for host in lab.hosts:
            lab.lab_exec(host, "mv", "/etc/gatehouse", "/etc/gatehouse.away")
        teardown.callback(forget)
        made = Gateway(lab, tmp_path, make_key(), environment, settings)
        teardown.callback(made.end)
        for host in lab.hosts:
            address = f"{lab.addresses[host]}:{lab.ssh_port(host)}"
            key = Path(lab.variables["LAB_ROOT"]) / "hosts" / host / "ssh_host_ed25519_key.pub"
            made("host", "add", host, "--address", address, "--key", key, "--instance", lab.instance(host))
        return made

    return gateway


@pytest.fixture
def faults(lab, teardown):
    """Makes things go wrong at the endpoint until the test is over."""
    teardown.callback(lab.aws, reset=True)
    lab.aws(reset=True)
    return lab.aws


@pytest.fixture
def wanted(lab, scratch_user):
    """A user who is to have accounts on both hosts and has none yet."""
    user = scratch_user()
    for host in lab.hosts:
        lab.gatehouse("grant", "add", "--user", user, "--host", host)
    return user


def has(lab, host, user):
    """Whether a host has an account of that name, and nothing is half done."""
    script = "pwck -r -q >&2; echo $?; ls -A /run/gatehouse-stage /etc"
    found = lab.lab_exec(host, "sh", "-c", script, check=False).out.decode().split()
    assert found[0] == "0", found
    assert [name for name in found if "-new" in name or name.startswith("part")] == []
    return lab.lab_exec(host, "id", user, check=False).status == 0


def heals(lab, *users):
    """The next run makes what is missing, and the one after it has nothing to do."""
    lab.gatehouse("account", "apply", "--all")
    for host in lab.hosts:
        for user in users:
            assert has(lab, host, user)
    again = lab.gatehouse("account", "apply", "--all").out.decode()
    assert all(f"{host}: nothing changed" in again for host in lab.hosts), again


@pytest.mark.limit(120)
def test_from_an_empty_directory(lab, gateway, start):
    """Three users, two hosts: the same ids on both, again is nothing, a lock ends live sessions, who was deleted comes back."""
    here = gateway()
    numbers = {name: here.add(name, *lab.hosts) for name in ("it-ann", "it-ben", "it-cem")}
    calls = lab.aws(reset=True)["calls"]
    assert calls == {}
    here("account", "apply", "--all")
    calls = lab.aws()["calls"]
    # Both hosts want the same, so it is one command.
    assert calls["ssm.SendCommand"] == 1, calls
    for name, number in numbers.items():
        said = {lab.lab_exec(host, "id", name).out for host in lab.hosts}
        assert said == {f"uid={number}({name}) gid={number}({name}) groups={number}({name})\n".encode()}
    again = here("account", "apply", "--all").out.decode()
    assert again.splitlines() == [f"{host}: nothing changed, 3 users" for host in sorted(lab.hosts)]

    sessions = [start(here.ssh_words("it-ann", host, "echo up; sleep 1000"), stdout=subprocess.PIPE) for host in lab.hosts]
    for session in sessions:
        assert session.stdout.readline() == b"up\n"
    here("user", "lock", "it-ann")
    here("account", "apply", "--all")
    for session, host in zip(sessions, lab.hosts):
        assert session.wait(10) == 255
        wait_until(lambda: lab.lab_exec(host, "pgrep", "-u", numbers["it-ann"], check=False).out == b"", "its end")
        shadow = lab.lab_exec(host, "getent", "shadow", "it-ann").out.decode().split(":")
        assert (shadow[1], shadow[7]) == ("!*", "1")
        assert run(here.ssh_words("it-ann", host, "true")).status == 255

    lab.lab_exec(lab.host2, "userdel", "it-ben")
    assert lab.lab_exec(lab.host2, "id", "it-ben", check=False).status != 0
    back = here("account", "apply", "--all").out.decode()
    assert "it-ben" in back and f"{lab.host1}: nothing changed" in back
    assert lab.lab_exec(lab.host2, "id", "-u", "it-ben").out == b"%d\n" % numbers["it-ben"]


@pytest.mark.parametrize("way", ["ssm", "ssh"])
def test_ways(lab, teardown, faults, way):
    """An instance is worked on over Systems Manager unless the directory says otherwise; the rest over SSH."""
    if way == "ssh":
        lab.gatehouse("host", "set", lab.host1, "--accounts", "ssh")
        teardown.callback(lab.gatehouse, "host", "set", lab.host1, "--accounts", "automatic")
    logins = lab.sshd_log(lab.host1).count("gatehouse:accounts:root")
    assert b"nothing changed" in lab.gatehouse("account", "apply", lab.host1).out
    assert (lab.sshd_log(lab.host1).count("gatehouse:accounts:root") > logins) == (way == "ssh")
    assert faults()["calls"].get("ssm.SendCommand", 0) == (way == "ssm")


def test_an_answer_that_is_too_long(lab, teardown):
    """A host whose program ran and said too much was reached: it is stale, and not away."""
    lab.gatehouse("host", "set", lab.host1, "--accounts", "ssh")
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1)
    teardown.callback(lab.gatehouse, "host", "set", lab.host1, "--accounts", "automatic")
    python = lab.lab_exec(lab.host1, "readlink", "-f", "/usr/bin/python3").out.decode().strip()
    script = f"printf '#!/bin/sh\\nexec head -c 17000000 /dev/zero\\n' >/run/chatty; chmod 755 /run/chatty; mount --bind /run/chatty {python}"
    lab.lab_exec(lab.host1, "sh", "-c", script)
    teardown.callback(lab.lab_exec, lab.host1, "sh", "-c", f"umount {python}; rm /run/chatty")
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert done.status == 1 and b"its output is longer than" in done.err, done.err
    assert {row["state"] for row in lab.rows("account", "status", lab.host1) if not row["user"]} == {"stale"}


def test_local_way(lab, teardown, scratch_host, scratch_user):
    """A host that is said to be the gateway's own machine is looked at there, whatever its address; nothing is written."""
    user, host = scratch_user(), scratch_host(lab.nobodys_address)
    lab.gatehouse("host", "set", host, "--accounts", "local")
    lab.gatehouse("grant", "add", "--user", user, "--host", host)
    before = Path("/etc/passwd").read_bytes()
    report = json.loads(lab.gatehouse("account", "plan", host, "--json").out)
    assert [entry["result"] for entry in report["users"]] == ["created"]
    assert Path("/etc/passwd").read_bytes() == before


def test_stage_is_nobody_elses(lab):
    """What is staged on a host lies in a folder of root's alone, and nothing stays there."""
    look = ("sh", "-c", "stat -c '%a %u' /run/gatehouse-stage; ls -A /run/gatehouse-stage")
    lab.gatehouse("account", "apply", lab.host1)
    before = lab.lab_exec(lab.host1, *look).out
    lab.gatehouse("account", "apply", lab.host1)
    assert lab.lab_exec(lab.host1, *look).out == before
    assert before.startswith(b"700 0\n")


@pytest.mark.limit(90)
def test_throttled(lab, faults, wanted):
    """Where AWS has little room for calls, everything is done all the same, later."""
    faults(rate={"ssm.SendCommand": 1, "ssm.ListCommandInvocations": 1})
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: lab.gatehouse("account", "apply", "--all", timeout=80), range(4)))
    assert all(one.status == 0 for one in runs)
    seen = faults()
    assert seen["throttled"], seen
    faults(reset=True)
    heals(lab, wanted)


@pytest.mark.limit(60)
def test_agent_off(lab, faults, wanted):
    """With the agent of one host off the other one is done; the message says which, and nothing is done there later."""
    faults(agent={lab.host2: "off"})
    done = lab.gatehouse("account", "apply", "--all", check=False)
    assert done.status == 1
    text = done.out.decode()
    assert f"{lab.host2}: failed: {lab.host2} cannot be reached: the agent of {lab.instance(lab.host2)} " in text, text
    assert "did not fetch the command within 5 s, so nothing was done there; it was last heard of" in text
    assert f"1 of 2 hosts failed: {lab.host2}".encode() in done.err
    assert has(lab, lab.host1, wanted) and not has(lab, lab.host2, wanted)
    states = {row["host"]: row["state"] for row in lab.rows("account", "status") if row["user"] == wanted}
    assert states == {lab.host1: "ok", lab.host2: "unreachable"}
    faults(reset=True)
    time.sleep(1)
    # It was called off, so it does not come after all.
    assert not has(lab, lab.host2, wanted)
    heals(lab, wanted)


def test_instance_gone(lab, faults, wanted):
    """An instance that Systems Manager does not know keeps no other from being done."""
    faults(agent={lab.host1: "absent"})
    done = lab.gatehouse("account", "apply", "--all", check=False)
    assert f"{lab.host1}: failed: {lab.host1} cannot be reached: Systems Manager does not know".encode() in done.out
    assert has(lab, lab.host2, wanted)
    faults(reset=True)
    heals(lab, wanted)


@pytest.mark.limit(60)
@pytest.mark.parametrize("at", ["delivery", "reply", "acceptance"])
def test_command_lost(lab, faults, wanted, at):
    """A command that is lost on its way does nothing; one whose answer is lost is reported so; AWS's word itself is found again."""
    if at == "acceptance":
        faults(fail={"ssm.SendCommand": {"hang_up": True, "done": True}})
        lab.gatehouse("account", "apply", lab.host1)
        assert faults()["calls"]["ssm.SendCommand"] == 1
        assert has(lab, lab.host1, wanted)
    else:
        faults(lose={lab.host1: {"at": at}}, timing={"execution_limit": 2})
        done = lab.gatehouse("account", "apply", lab.host1, check=False)
        assert done.status != 0
        said = {"delivery": "did not fetch the command", "reply": "and did not say within 300 s how it ended"}
        assert said[at] in done.err.decode()
        assert has(lab, lab.host1, wanted) == (at == "reply")
        states = {row["state"] for row in lab.rows("account", "status", lab.host1) if row["user"] is None or row["user"] == ""}
        assert states == {"unreachable" if at == "delivery" else "stale"}
    faults(reset=True)
    heals(lab, wanted)


@pytest.mark.limit(60)
@pytest.mark.parametrize("after", [0.0, 0.1, 0.15, 0.2, 0.3])
def test_killed_half_way(lab, faults, wanted, after):
    """A step that is killed leaves no account half made, is told from one whose time was up, and the next run goes on."""
    faults(kill={lab.host1: {"after_seconds": after}})
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert after > 0 or done.status != 0
    if done.status != 0:
        assert b"was killed before its end, by hand or for lack of memory" in done.err, done.err
    # The other way round is no harm: a line of /etc/shadow comes before the name that it is for.
    script = """awk -F: 'NR == FNR { secret[$1] } NR != FNR && !($1 in secret)' /etc/shadow /etc/passwd"""
    assert lab.lab_exec(lab.host1, "sh", "-c", script).out == b""
    # What a killed run leaves of files that the next one has no reason to write.
    lab.lab_exec(lab.host1, "touch", "/etc/gatehouse/.managed.json.gatehouse-new", "/etc/.gshadow.gatehouse-new")
    faults(reset=True)
    heals(lab, wanted)
    assert "gatehouse-new" not in lab.lab_exec(lab.host1, "ls", "-A", "/etc", "/etc/gatehouse").out.decode()


def test_time_is_up(lab, faults, wanted):
    """A step that takes too long is ended by the agent, and reported so."""
    faults(timing={"execution_limit": 0.01})
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert done.status != 0 and b"the next run" in done.err
    faults(reset=True)
    heals(lab, wanted)


def test_output_cut(lab, faults, wanted):
    """An answer of which only the beginning comes is not believed, and the next run knows how things are."""
    faults(output={lab.host1: 300})
    done = lab.gatehouse("account", "apply", lab.host1, check=False)
    assert done.status != 0
    assert b"the host's answer was cut" in done.err, done.err
    assert has(lab, lab.host1, wanted)
    faults(reset=True)
    heals(lab, wanted)


@pytest.mark.parametrize("seconds", [300, -330])
def test_skewed_clock(lab, faults, wanted, teardown, seconds):
    """With a clock that is five minutes off the gateway goes by AWS's time, and nobody notices."""
    # So that the clock is right again for the others, whatever the gateway has learnt.
    teardown.callback(lab.gatehouse, "account", "apply", lab.host1)
    faults(skew=seconds)
    heals(lab, wanted)
    faults(reset=True)
    heals(lab, wanted)


@pytest.mark.limit(60)
def test_expired_credentials(lab, gateway, faults, tmp_path):
    """Credentials that have expired are said to be so; new ones in the profile's file are taken up without a restart."""
    def client(service):
        values = lab.variables
        return boto3.client(
            service, endpoint_url=values["AWS_ENDPOINT_URL"], region_name=values["AWS_REGION"],
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"], aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"])

    file = tmp_path / "credentials"

    def renew():
        role = "arn:aws:iam::123456789012:role/gate"
        keys = client("sts").assume_role(RoleArn=role, RoleSessionName="gate")["Credentials"]
        file.write_text(
            f"[gate]\naws_access_key_id = {keys['AccessKeyId']}\naws_secret_access_key = {keys['SecretAccessKey']}\n"
            f"aws_session_token = {keys['SessionToken']}\n")

    renew()
    # The keys that lie in the environment are not those of the profile that was chosen.
    here = gateway({"AWS_SHARED_CREDENTIALS_FILE": str(file)}, ["AWSProfile gate"])
    here.add("it-ann", *lab.hosts)
    here("account", "apply", "--all")
    here.add("it-ben", *lab.hosts)
    faults(expire="all")
    done = here("account", "apply", lab.host1, check=False)
    assert done.status != 0
    text = done.err.decode()
    assert f"{lab.host1} cannot be worked on: ssm SendCommand: ExpiredToken" in text, text
    assert "hint: see AWSProfile in gatehouse.conf(5)" in text
    assert lab.lab_exec(lab.host1, "id", "it-ben", check=False).status != 0
    renew()
    here("account", "apply", "--all")
    for host in lab.hosts:
        assert lab.lab_exec(host, "id", "it-ben").status == 0


@pytest.fixture
def crowd(lab, gateway):
    """A gateway whose directory wants 2,500 accounts of the first host: more than one command holds."""
    here = gateway()
    users = [{"uid": NUMBERS[100 + n], "name": f"it-{secrets.token_hex(13)}"} for n in range(2_500)]
    document = {"schema": 1, "users": users, "groups": [{"gid": NUMBERS[50], "name": "it-all", "members": [u["name"] for u in users]}],
                "grants": [{"group": "it-all", "host": lab.host1}]}
    here("directory", "import", "-", input=json.dumps(document))
    return here, users


@pytest.mark.limit(180)
def test_ten_thousand(lab, gateway, teardown):
    """25 of the awkward cases: ten thousand users are made on a host, and a second run writes nothing."""
    here = gateway()
    # In memory: what the disk takes for 40,000 files is not what this is about.
    lab.lab_exec(lab.host1, "mount", "-t", "tmpfs", "tmpfs", "/home")
    teardown.callback(lab.lab_exec, lab.host1, "umount", "-l", "/home")
    users = [{"uid": NUMBERS[100 + n], "name": f"edge{n}"} for n in range(10_000)]
    document = {"schema": 1, "users": users, "grants": [{"user": user["name"], "host": lab.host1} for user in users]}
    here("directory", "import", "-", input=json.dumps(document), timeout=60)
    report = json.loads(here("account", "apply", lab.host1, "--json", timeout=60).out)
    assert sum(row["result"] == "created" for row in report["users"]) == 10_000
    assert lab.lab_exec(lab.host1, "id", "-u", "edge9999").out == b"%d\n" % NUMBERS[10_099]
    before = stamps(lab, lab.host1)
    report = json.loads(here("account", "apply", lab.host1, "--json", timeout=60).out)
    assert report["changed"] is False and {row["result"] for row in report["users"]} == {"unchanged"}
    assert stamps(lab, lab.host1) == before


@pytest.mark.limit(240)
def test_wanted_state_that_does_not_come_whole(lab, crowd, faults, start, teardown):
    """Where one part of the wanted state is lost or cut on its way, nothing is done on the host, and nothing stays there."""
    here, users = crowd
    teardown.callback(lab.lab_exec, lab.host1, "rm", "-f", "/run/lies-in-wait", "/run/hits")
    faults(kill={lab.host1: {"after_seconds": 0.0}})
    done = here("account", "apply", lab.host1, check=False, timeout=60)
    assert done.status != 0 and b"was killed before its end" in done.err, done.err
    for what, said in (('true >"$part"', b"are not what was sent"), ('rm -f "$part"', b"did not stay on this host")):
        # It waits for the part, and for those of the gateway's own look at the host. Without quotes what is no part yet
        # would be looked for again, and may be there by then.
        script = (f'touch /run/lies-in-wait; while [ -e /run/lies-in-wait ]; do for part in /run/gatehouse-stage/*/part0; do '
                  f'[ ! -s "$part" ] || {{ {what}; echo hit >>/run/hits; }}; done; done')
        lab.lab_exec(lab.host1, "sh", "-c", "rm -rf /run/gatehouse-stage/* /run/hits")
        process = start(lab.exec_words(lab.host1, "sh", "-c", script), env=lab.environment())
        wait_until(lambda: lab.lab_exec(lab.host1, "test", "-e", "/run/lies-in-wait", check=False).status == 0,
                   "something lies in wait for the part")
        done = here("account", "apply", lab.host1, check=False, timeout=60)
        lab.lab_exec(lab.host1, "rm", "/run/lies-in-wait")
        assert process.wait(10) == 0, "it was there to the end"
        assert lab.lab_exec(lab.host1, "cat", "/run/hits").out.startswith(b"hit\n")
        assert done.status != 0 and said in done.err, done.err
        wait_until(lambda: lab.lab_exec(lab.host1, "ls", "-A", "/run/gatehouse-stage").out == b"", "nothing stays there")
    assert lab.lab_exec(lab.host1, "id", users[0]["name"], check=False).status != 0


@pytest.mark.limit(240)
def test_many_users(lab, crowd, faults):
    """What is too much for one command goes in parts, and what is too much for one output comes in pieces."""
    here, users = crowd
    # What was killed in the middle stays for an hour.
    look = ("ls", "-A", "/run/gatehouse-stage")
    before = lab.lab_exec(lab.host1, *look).out
    faults(reset=True)
    report = json.loads(here("account", "apply", lab.host1, "--json", timeout=120).out)
    assert {entry["result"] for entry in report["users"] if entry["name"] != "root-admin"} == {"created"}
    assert len(report["users"]) == len(users)
    calls = faults()["calls"]
    # Several parts, of which the last runs; pieces of the report after the first.
    assert calls["ssm.SendCommand"] >= 4, calls
    assert calls["ssm.GetCommandInvocation"] >= 2, calls
    assert lab.lab_exec(lab.host1, *look).out == before
    faults(reset=True)
    again = here("account", "apply", lab.host1, timeout=120).out.decode()
    assert f"nothing changed, {len(users)} users" in again
    # Nothing to tell is a short answer.
    assert "ssm.GetCommandInvocation" not in faults()["calls"]
