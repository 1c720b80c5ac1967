"""Hosts that are instances: import, refresh, states, replaced instances, and host keys over Systems Manager."""

import os
import re
import secrets
import signal

import boto3
import pytest

from lab import record, wait_until

IMAGE = "ami-0123456789abcdef0"
NOBODY = "There is no host or pool '{}' that you may reach."


@pytest.fixture
def ec2(lab):
    """EC2 of the lab's endpoint."""
    return boto3.client(
        "ec2",
        endpoint_url=lab.variables["AWS_ENDPOINT_URL"],
        region_name=lab.variables["AWS_DEFAULT_REGION"],
        aws_access_key_id=lab.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=lab.variables["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture
def token():
    """What the instances, hosts and pools of one test have in their names."""
    return f"it-{secrets.token_hex(4)}"


@pytest.fixture
def launch(lab, ec2, token, teardown):
    """Runs an instance, with a host of the lab behind it if one is named; nothing of it is left after the test."""

    def tidy():
        lab.aws(reset=True)
        for source in lab.gatehouse_json("host", "import", "--list")["imports"]:
            if token in str(source) or source["instances"]:
                lab.gatehouse("host", "import", "--forget", source["id"])
        for host in lab.rows("host", "list"):
            if host["name"] not in lab.hosts and (token in host["name"] or host["instance"]):
                lab.gatehouse("host", "remove", host["name"], "--yes")
        lab.gatehouse("account", "apply", "--all")

    teardown.callback(tidy)

    def launch(suffix, behind=None, **tags):
        name = f"{token}-{suffix}"
        if behind:
            lab.aws(twins={name: behind})
        pairs = {"Name": name, "test": token} | tags
        listed = [{"Key": key, "Value": value} for key, value in pairs.items()]
        made = ec2.run_instances(
            ImageId=IMAGE, MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": listed}]
        )
        instance = made["Instances"][0]["InstanceId"]
        teardown.callback(ec2.terminate_instances, InstanceIds=[instance])
        return name, instance

    return launch


def host(lab, name):
    """What the directory says of a host; nothing where there is none."""
    return next((row for row in lab.rows("host", "list") if row["name"] == name), None)


def real_keys(lab, name):
    """The fingerprints of the keys that a host of the lab has."""
    listing = lab.lab_exec(name, "sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -").out.decode()
    return {line.split()[1] for line in listing.splitlines()}


def fingerprints(entry):
    """The fingerprints that are pinned for a host."""
    return {key["fingerprint"] for key in entry["keys"]}


def outcomes(result):
    """What became of each instance of an import, by its id."""
    return {entry["instance"]: entry["outcome"] for entry in result["entries"]}


def open_to_lab(lab, name, behind):
    """Lets the group go to a host, whose sshd is really that of a host of the lab."""
    lab.gatehouse("host", "set", name, "--address", lab.addresses[behind])
    lab.gatehouse("grant", "add", "--group", "lab", "--host", name)


@pytest.mark.limit(60)
def test_import_by_tag(lab, launch, token):
    """Instances with a tag become hosts whose keys are those that they have; people get accounts there as elsewhere."""
    (alive, first), (silent, second) = launch("a", behind=lab.host1), launch("b")
    words = ("host", "import", "--tag", f"test={token}")
    mark = lab.mark()
    rehearsal = lab.gatehouse_json(*words, "--dry-run")
    assert outcomes(rehearsal) == {first: "added", second: "added"} and rehearsal["dry_run"]
    assert host(lab, alive) is None and lab.events_after(mark, "directory.changed") == []

    done = lab.gatehouse_json(*words)
    assert outcomes(done) == {first: "added", second: "added"}
    assert done["keys"] == [{"host": alive, "finding": "host keys pinned"}]
    one, two = host(lab, alive), host(lab, silent)
    assert fingerprints(one) == real_keys(lab, lab.host1)
    assert (one["instance"]["state"], one["instance"]["agent_online"]) == ("running", True)
    assert one["instance"]["region"] == lab.variables["AWS_DEFAULT_REGION"] and one["instance"]["platform"]
    assert (two["keys"], two["instance"]["agent_online"]) == ([], False)
    assert b"no word from its SSM agent" in lab.gatehouse("host", "list").out
    pinned = lab.wait_event(mark, "host.keys", host=alive)
    assert pinned["detail"]["what"] == "pinned" and pinned["detail"]["instance"] == first

    again = lab.gatehouse_json(*words)
    assert outcomes(again) == {first: "unchanged", second: "unchanged"}
    assert [row["tags"] for row in lab.rows("host", "import", "--list")].count(
        [{"key": "test", "value": token}]
    ) == 1

    open_to_lab(lab, alive, lab.host1)
    applied = lab.gatehouse("account", "apply", alive)
    assert applied.status == 0
    reached = lab.login(f"alice+{alive}", "id -u")
    assert reached.out == b"%d\n" % lab.uid("alice"), reached.err
    # sshpiper #820: a host of which no key is known is refused, also where it would let the user in.
    open_to_lab(lab, silent, lab.host2)
    unknown = lab.login(f"alice+{silent}", "id -u")
    assert (unknown.status, unknown.out) == (255, b"")
    assert b"No host key of " in unknown.err, unknown.err


@pytest.mark.limit(60)
def test_import_by_id(lab, launch, token, ec2):
    """Instances are imported by id, named by it if that is wanted; accounts are made at the first login."""
    name, instance = launch("a", behind=lab.host2)
    result = lab.gatehouse("host", "import", "--instance", instance, "--instance", "i-0123456789abcdef0", "--names", "id")
    assert b"there is no such instance" in result.out and b"1 added, 1 left alone" in result.err
    assert host(lab, name) is None
    assert fingerprints(host(lab, instance)) == real_keys(lab, lab.host2)
    open_to_lab(lab, instance, lab.host2)
    mark = lab.mark()
    assert lab.login(f"alice+{instance}", "hostname").status == 0
    lab.wait_event(mark, "account.applied", host=instance)


def test_host_add_by_id(lab, launch, token):
    """One instance is added under a name of one's own; address and keys come from the cloud."""
    _, instance = launch("a", behind=lab.host2)
    lab.gatehouse("host", "add", f"{token}-mine", "--instance", instance)
    added = host(lab, f"{token}-mine")
    assert fingerprints(added) == real_keys(lab, lab.host2)
    assert added["instance"]["id"] == instance and added["address"]
    assert lab.gatehouse("host", "add", f"{token}-no", "--instance", "i-00000000", check=False).status == 66


@pytest.mark.limit(60)
def test_pool_tag(lab, launch, token, ec2, teardown):
    """A tag says in which pool a host is, also when it changes or goes."""
    (one, first), (two, _) = launch("a", place=f"{token}-x"), launch("b", place=f"{token}-X")
    lab.gatehouse("pool", "add", f"{token}-x")
    lab.gatehouse("host", "import", "--pool-tag", "place", "--tag", f"test={token}")
    pools = lambda name: host(lab, name)["pools"]
    assert pools(one) == pools(two) == [f"{token}-x"]
    ec2.create_tags(Resources=[first], Tags=[{"Key": "place", "Value": f"{token} y"}])
    assert b"leaves pool" in lab.gatehouse("host", "refresh").out
    assert (pools(one), pools(two)) == ([f"{token}-y"], [f"{token}-x"])
    # What a person does stays.
    lab.gatehouse("pool", "leave", f"{token}-x", two)
    lab.gatehouse("host", "refresh")
    assert pools(two) == []
    ec2.delete_tags(Resources=[first], Tags=[{"Key": "place"}])
    lab.gatehouse("host", "refresh")
    assert pools(one) == []


@pytest.mark.limit(60)
def test_stopped_and_terminated(lab, launch, token, ec2):
    """Who may reach an instance that is down learns what is the matter; others learn nothing; pools go elsewhere."""
    (name, instance), (other, _) = launch("a", behind=lab.host1), launch("b", behind=lab.host2)
    lab.gatehouse("host", "import", "--tag", f"test={token}")
    for each, behind in ((name, lab.host1), (other, lab.host2)):
        lab.gatehouse("host", "set", each, "--address", lab.addresses[behind])
    pool = f"{token}-pool"
    lab.gatehouse("pool", "add", pool)
    lab.gatehouse("pool", "join", pool, name, other)
    lab.gatehouse("grant", "add", "--group", "lab", "--pool", pool)
    assert lab.login(f"alice+{name}", "true").status == 0

    mark = lab.mark()
    ec2.stop_instances(InstanceIds=[instance])
    assert b"running, now stopped" in lab.gatehouse("host", "refresh").out
    assert lab.wait_event(mark, "host.state", host=name)["detail"]["state"] == "stopped"
    assert host(lab, name)["instance"]["state"] == "stopped"
    assert b" stopped " in lab.gatehouse("host", "list").out
    refused = lab.login(f"alice+{name}", "true")
    assert (refused.status, refused.out) == (255, b"")
    assert f"{name} is stopped. Ask your administrator to start it.".encode() in refused.err
    assert NOBODY.format(name).encode() in lab.login(f"carol+{name}", "true", key="carol").err
    for _ in range(3):
        assert lab.login(f"bob+{pool}", "true", key="bob").status == 0
    sessions = lab.sessions("--all")
    assert {row["host"] for row in sessions if row.get("target") == pool} == {other}
    assert lab.ssh("true", alias="gateway", options=["-W", f"{name}:22"]).status == 255
    refusals = [event["detail"]["reason"] for event in lab.events_after(mark, "refused", user="alice")]
    assert f"{name} is stopped. Ask your administrator to start it." in refusals

    ec2.start_instances(InstanceIds=[instance])
    lab.gatehouse("host", "refresh")
    assert lab.login(f"alice+{name}", "true").status == 0

    ec2.terminate_instances(InstanceIds=[instance])
    lab.gatehouse("host", "refresh")
    gone = lab.login(f"alice+{name}", "true")
    assert b"its machine was terminated" in gone.err and gone.status == 255
    # It stays in the directory until somebody removes it, and does not come back.
    assert host(lab, name)["address"] == lab.addresses[lab.host1]


@pytest.mark.limit(60)
def test_replaced(lab, launch, token, ec2):
    """A new instance with the name of one that is gone takes its place, with an event and with keys of its own."""
    name, old = launch("a", behind=lab.host1)
    lab.gatehouse("host", "import", "--tag", f"test={token}")
    open_to_lab(lab, name, lab.host1)
    assert lab.login(f"alice+{name}", "true").status == 0
    # A second one beside it is left alone.
    _, second = launch("a")
    result = lab.gatehouse("host", "refresh")
    assert f"the host {name} is {old}, which is running".encode() in result.out
    mark = lab.mark()
    ec2.terminate_instances(InstanceIds=[old])
    lab.gatehouse("host", "refresh")
    event = lab.wait_event(mark, "host.replaced", host=name)
    assert (event["detail"]["before"], event["detail"]["instance"]) == (old, second)
    assert lab.wait_event(mark, "host.keys", host=name)["detail"]["instance"] == second
    now = host(lab, name)
    assert now["instance"]["id"] == second and now["address"] != lab.addresses[lab.host1]
    assert fingerprints(now) == real_keys(lab, lab.host1)
    # What the old one had reported is forgotten: the account is made anew, by the grant that stayed.
    assert {row["state"] for row in lab.rows("account", "status", name)} == {"missing"}
    lab.gatehouse("host", "set", name, "--address", lab.addresses[lab.host1])
    assert lab.login(f"alice+{name}", "true").status == 0


@pytest.mark.limit(60)
def test_changed_host_key(lab, launch, token, make_key):
    """Other keys of the same instance are refused and told of, until an administrator accepts them."""
    name, instance = launch("a", behind=lab.host1)
    lab.gatehouse("host", "import", "--tag", f"test={token}")
    open_to_lab(lab, name, lab.host1)
    lab.gatehouse("host", "rekey", name, "--key", f"{make_key()}.pub", "--yes")
    mark = lab.mark()
    refused = lab.login(f"alice+{name}", "true")
    assert refused.status == 255 and b"host key" in refused.err
    event = lab.wait_event(mark, "host.keys", host=name)
    assert event["detail"]["what"] == "not those that are pinned"
    assert set(event["detail"]["keys"].split(",")) == real_keys(lab, lab.host1)
    shown = record(lab.gatehouse_json("host", "show", name))
    assert set(shown["instance"]["other_keys"]) == real_keys(lab, lab.host1)
    assert b"other host keys than pinned" in lab.gatehouse("host", "list").out
    # A refresh accepts nothing.
    lab.gatehouse("host", "refresh")
    assert lab.login(f"alice+{name}", "true").status == 255
    assert lab.gatehouse("host", "rekey", name, check=False).status == 64
    lab.gatehouse("host", "rekey", name, "--yes")
    assert lab.login(f"alice+{name}", "true").status == 0
    assert record(lab.gatehouse_json("host", "show", name))["instance"]["other_keys"] == []


def test_removed_by_hand(lab, launch, token):
    """A host that somebody removed is not imported again, unless its instance is named."""
    name, instance = launch("a")
    lab.gatehouse("host", "import", "--tag", f"test={token}")
    lab.gatehouse("host", "remove", name, "--yes")
    assert b"was removed" in lab.gatehouse("host", "refresh").out
    assert host(lab, name) is None
    lab.gatehouse("host", "import", "--instance", instance)
    assert host(lab, name)["instance"]["id"] == instance


def test_instance_that_does_not_exist(lab, launch, token, make_key):
    """A host counts as terminated when EC2, asked by id, knows no such instance."""
    name = f"{token}-a"
    words = ("--address", lab.nobodys_address, "--key", f"{make_key()}.pub", "--instance", "i-0fedcba9876543210")
    lab.gatehouse("host", "add", name, *words)
    assert host(lab, name)["instance"]["state"] == "unknown"
    assert b"there is no such instance any more" in lab.gatehouse("host", "refresh").out
    assert host(lab, name)["instance"]["state"] == "terminated"


@pytest.mark.limit(60)
def test_silent_cloud(lab, launch, token, ec2):
    """When AWS does not answer nothing changes, and it is said where states are shown."""
    name, instance = launch("a")
    lab.gatehouse("host", "import", "--tag", f"test={token}")
    ec2.stop_instances(InstanceIds=[instance])
    mark = lab.mark()
    before = lab.gatehouse("directory", "export").out
    denied = {"count": 9, "code": "UnauthorizedOperation", "message": "You are not authorized", "status": 403}
    lab.aws(fail={"ec2.DescribeInstances": denied})
    failed = lab.gatehouse("host", "refresh", check=False)
    assert failed.status == 69 and b"UnauthorizedOperation" in failed.err
    assert b"hint: the gateway needs ec2:DescribeInstances" in failed.err
    assert lab.gatehouse("host", "refresh", check=False).status == 69
    assert lab.gatehouse("host", "import", "--tag", "test=other", check=False).status == 69
    assert lab.gatehouse("directory", "export").out == before
    assert b"states of instances may be old" in lab.gatehouse("host", "list").err
    assert "UnauthorizedOperation" in lab.gatehouse_json("host", "list")["inventory_problem"]
    lab.aws(reset=True)
    # SSM alone fails: nothing is taken in by halves.
    lab.aws(fail={"ssm.DescribeInstanceInformation": denied | {"code": "AccessDeniedException", "status": 400}})
    assert lab.gatehouse("host", "refresh", check=False).status == 69
    assert lab.gatehouse("directory", "export").out == before
    lab.aws(reset=True)
    lab.gatehouse("host", "refresh")
    assert host(lab, name)["instance"]["state"] == "stopped"
    assert b"may be old" not in lab.gatehouse("host", "list").err
    told = [event["detail"]["what"] for event in lab.events_after(mark, "inventory")]
    assert told == ["does not answer", "answers again"]


@pytest.mark.limit(60)
def test_background_refresh(lab, launch, token, ec2, teardown):
    """The daemon finds new, stopped and started instances by itself, and stays quiet when there is nothing new."""
    path = lab.path.with_name("gatehouse.conf")
    before = path.read_text()

    def set_interval(value):
        path.write_text(re.sub("InventoryRefreshInterval .*", f"InventoryRefreshInterval {value}", before))
        os.kill(lab.daemon_pid(), signal.SIGHUP)

    _, first = launch("a")
    lab.gatehouse("host", "import", "--tag", f"test={token}")
    teardown.callback(set_interval, "0")
    set_interval("1s")
    name, instance = launch("b", behind=lab.host2)
    wait_until(lambda: (host(lab, name) or {}).get("keys"), "the new host with its keys", 20)
    ec2.stop_instances(InstanceIds=[instance])
    wait_until(lambda: host(lab, name)["instance"]["state"] == "stopped", "the stopped host", 15)
    mark = lab.mark()
    seen = host(lab, name)["instance"]["last_seen"]
    wait_until(lambda: host(lab, name)["instance"]["last_seen"] > seen, "another look", 15)
    assert lab.events_after(mark) == []
