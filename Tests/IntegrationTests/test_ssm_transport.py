"""Hosts that no network reaches: sessions through Session Manager, on lines that lose, repeat and break."""

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request

import botocore.session
import pytest
from lab import resident_bytes, run, wait_until

LOSSY = {
    "lose_in": 7, "lose_out": 7, "lose_acknowledgements": True, "duplicate": 5, "reorder": 11,
    "repeat_all": True,
}


class Endpoint:
    """The lab's AWS endpoint, as far as it makes things go wrong."""

    def __init__(self, lab):
        self.url = lab.variables["AWS_ENDPOINT_URL"]
        state = self.set(reset=True)
        self.ids = {machine["name"]: id for id, machine in state["instances"].items()}

    def set(self, **settings):
        body = json.dumps(settings).encode()
        with urllib.request.urlopen(f"{self.url}/lab", body, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture
def endpoint(lab):
    endpoint = Endpoint(lab)
    yield endpoint
    endpoint.set(reset=True, stream={"encrypt": None})


@pytest.fixture
def tunnelled(lab, endpoint):
    """communal1, with its sessions through Session Manager."""
    lab.gatehouse("host", "set", lab.host1, "--transport", "ssm")
    yield lab.host1
    lab.gatehouse("host", "set", lab.host1, "--transport", "automatic")


def tunnel_processes(endpoint):
    """Process ids of the tunnels to the lab's instances."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{pid}/cmdline", "rb").read().decode().split("\0")
        except OSError:
            continue
        if words[0].endswith("/gatehouse-ssm") and set(words) & set(endpoint.ids.values()):
            found.append(int(pid))
    return found


def active_sessions(lab, endpoint, host):
    """How many sessions to a host go on, as AWS says."""
    ssm = botocore.session.get_session().create_client(
        "ssm", endpoint_url=endpoint.url, region_name=lab.variables["AWS_REGION"],
        aws_access_key_id=lab.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=lab.variables["AWS_SECRET_ACCESS_KEY"],
    )
    return sum(session["Target"] == endpoint.ids[host] for session in ssm.describe_sessions(State="Active")["Sessions"])


def status_of(pid):
    return dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)


def test_a_session_reaches_an_instance_through_session_manager(lab, tunnelled, endpoint):
    result = lab.ssh("id -un; hostname; exit 7", alias=tunnelled)
    assert result.out.decode().split() == ["alice", tunnelled]
    assert result.status == 7
    wait_until(lambda: not tunnel_processes(endpoint), "the tunnel to end with its session")


def test_the_tunnel_runs_without_rights_and_shows_no_secret(lab, tunnelled, endpoint):
    client = subprocess.Popen(lab.ssh_words("sleep", "30", alias=tunnelled))
    try:
        wait_until(lambda: tunnel_processes(endpoint), "the tunnel")
        (pid,) = tunnel_processes(endpoint)
        # Once it has the credentials that it was handed.
        wait_until(lambda: status_of(pid)["Seccomp"] == "2", "its confinement")
        status = status_of(pid)
        assert status["NoNewPrivs"] == "1"
        assert status["Uid"].split()[0] not in {"0"} | {status_of(session)["Uid"].split()[0] for session in lab.session_pids()}
        for name in ("cmdline", "environ"):
            text = open(f"/proc/{pid}/{name}", "rb").read().decode()
            assert lab.variables["AWS_SECRET_ACCESS_KEY"] not in text
    finally:
        client.kill()
        client.wait()
    wait_until(lambda: not tunnel_processes(endpoint), "the tunnel to end with its client")


@pytest.mark.limit(300)
@pytest.mark.parametrize("stream", [{}, LOSSY], ids=["a good line", "a bad line"])
def test_fifty_megabytes_each_way_arrive_unchanged(lab, tunnelled, endpoint, stream):
    endpoint.set(stream=stream)
    data = os.urandom(1 << 20) * 50
    digest = hashlib.sha256(data).hexdigest()
    path = f"/tmp/ssm-{os.getpid()}"
    try:
        up = lab.ssh(f"cat >{path}; sha256sum {path}", alias=tunnelled, input=data, timeout=240)
        assert up.out.split()[0].decode() == digest
        down = lab.ssh(f"cat {path}", alias=tunnelled, timeout=240)
        assert hashlib.sha256(down.out).hexdigest() == digest
    finally:
        lab.lab_exec(tunnelled, "rm", "-f", path)


@pytest.mark.limit(120)
def test_a_stream_that_is_cut_is_taken_up_again_without_a_byte_lost(lab, tunnelled, endpoint):
    data = os.urandom(1 << 20) * 20
    is_over = threading.Event()

    def cut():
        while not is_over.wait(0.4):
            endpoint.set(cut=True)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        up = lab.ssh("sha256sum", alias=tunnelled, input=data, timeout=120)
    finally:
        is_over.set()
        thread.join()
    assert up.out.split()[0].decode() == hashlib.sha256(data).hexdigest()


@pytest.mark.limit(120)
def test_twenty_sessions_at_once_do_not_disturb_each_other(lab, tunnelled, endpoint):
    """Also on a line that loses, repeats and reorders."""
    endpoint.set(stream=LOSSY)
    clients = [
        subprocess.Popen(
            lab.ssh_words(f"echo {number}; cat", alias=tunnelled, options=["-o", "ControlPath=none"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for number in range(20)
    ]
    try:
        data = os.urandom(1 << 18)
        for number, client in enumerate(clients):
            assert client.stdout.readline() == f"{number}\n".encode()
        assert len(tunnel_processes(endpoint)) == 20
        for client in clients:
            assert client.communicate(data, timeout=60)[0] == data
            assert client.returncode == 0
    finally:
        for client in clients:
            client.kill()
            client.wait()


@pytest.mark.limit(60)
def test_readers_that_stall_cost_bounded_memory(lab, tunnelled, endpoint, start):
    """A client that does not read, and a program on the host that does not."""
    down = start(lab.ssh_words("head -c 300000000 /dev/zero", alias=tunnelled), stdout=subprocess.PIPE)
    with open("/dev/zero", "rb") as zero:
        up = start(lab.ssh_words("echo on; exec sleep 60", alias=tunnelled), stdin=zero, stdout=subprocess.PIPE)
    assert down.stdout.read(1) == b"\0" and up.stdout.read(3) == b"on\n"
    time.sleep(3)
    tunnels = tunnel_processes(endpoint)
    assert len(tunnels) == 2
    for tunnel in tunnels:
        assert resident_bytes([tunnel]) < 80 << 20


def test_a_session_that_is_encrypted_with_a_key_of_kms(lab, tunnelled, endpoint):
    kms = botocore.session.get_session().create_client(
        "kms", endpoint_url=endpoint.url, region_name=lab.variables["AWS_REGION"],
        aws_access_key_id=lab.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=lab.variables["AWS_SECRET_ACCESS_KEY"],
    )
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    endpoint.set(stream={"encrypt": key})
    assert lab.ssh("echo sealed", alias=tunnelled).out == b"sealed\n"
    endpoint.set(stream={"encrypt": "alias/none"})
    result = lab.ssh("true", alias=tunnelled)
    assert result.status == 255
    assert b"GenerateDataKey" in result.err and b"alias/none" in result.err


@pytest.mark.limit(90)
def test_each_failure_has_its_own_words(lab, tunnelled, endpoint):
    endpoint.set(agent={tunnelled: "off"})
    result = lab.ssh("true", alias=tunnelled)
    assert result.status == 255
    assert b"agent is not connected" in result.err
    endpoint.set(reset=True)
    lab.gatehouse("host", "set", tunnelled, "--address", f"{lab.variables['HOST1_ADDRESS']}:9")
    try:
        began = time.monotonic()
        result = lab.ssh("true", alias=tunnelled, timeout=60)
        assert time.monotonic() - began < 30
        assert result.status == 255
        assert b"nothing speaks on the instance's port" in result.err
    finally:
        lab.gatehouse("host", "set", tunnelled, "--address", lab.addresses[lab.host1])


@pytest.mark.limit(90)
def test_a_token_that_has_expired_is_said_and_leaves_no_session(lab, tunnelled, endpoint):
    """Both of them: the token of the session's stream, and that of the gateway's own credentials."""
    endpoint.set(stream={"expired": True})
    result = lab.ssh("true", alias=tunnelled, timeout=30)
    assert result.status == 255
    assert b"the service does not take the session's token" in result.err
    wait_until(lambda: not tunnel_processes(endpoint), "the tunnel to end")
    assert active_sessions(lab, endpoint, tunnelled) == 0

    endpoint.set(reset=True)
    message = "The security token included in the request is expired"
    endpoint.set(fail={"ssm.StartSession": {"code": "ExpiredTokenException", "message": message, "status": 400}})
    result = lab.ssh("true", alias=tunnelled, timeout=30)
    assert result.status == 255
    assert b"ExpiredTokenException" in result.err and message.encode() in result.err


@pytest.mark.limit(120)
def test_every_way_out_ends_the_session_at_aws(lab, tunnelled, endpoint, start, teardown):
    """Whoever is killed, client, session, tunnel or daemon, also without an agent: no session of Session Manager goes on."""
    wait_until(lambda: active_sessions(lab, endpoint, tunnelled) == 0, "the end of former sessions", 20)

    def session():
        others = lab.session_pids()
        client = start(lab.ssh_words("echo on; exec sleep 300", alias=tunnelled), stdout=subprocess.PIPE)
        assert client.stdout.readline() == b"on\n"
        (pid,) = lab.session_pids() - others
        (tunnel,) = tunnel_processes(endpoint)
        assert active_sessions(lab, endpoint, tunnelled) == 1
        return client, pid, tunnel

    def kill_by_name(client, pid, tunnel):
        number = next(row["id"] for row in lab.sessions() if row["host"] == tunnelled and row["user"] == "alice")
        lab.gatehouse("session", "kill", number)

    def lose_the_agent(client, pid, tunnel):
        endpoint.set(stream={"lose_in": 1, "lose_out": 1, "lose_acknowledgements": True})
        client.kill()

    def kill_the_daemon_first(client, pid, tunnel):
        lab.kill_daemon()
        teardown.callback(lab.restart_daemon)
        os.kill(pid, signal.SIGKILL)

    ways = [
        lambda client, pid, tunnel: client.kill(),
        lambda client, pid, tunnel: os.kill(pid, signal.SIGKILL),
        lambda client, pid, tunnel: os.kill(tunnel, signal.SIGKILL),
        lambda client, pid, tunnel: os.kill(tunnel, signal.SIGTERM),
        kill_by_name, lose_the_agent, kill_the_daemon_first,
    ]
    for way in ways:
        endpoint.set(reset=True)
        client, pid, tunnel = session()
        way(client, pid, tunnel)
        wait_until(lambda: active_sessions(lab, endpoint, tunnelled) == 0, "the end of the session at AWS", 30)
        wait_until(lambda: client.poll() is not None, "the client's end", 20)
        assert not tunnel_processes(endpoint)


def test_automatic_goes_through_session_manager_only_where_the_network_fails(lab, endpoint):
    lab.gatehouse("host", "set", lab.host1, "--transport", "automatic")
    assert lab.ssh("hostname", alias=lab.host1).out.decode().strip() == lab.host1
    assert not tunnel_processes(endpoint)
    lab.gatehouse("host", "set", lab.host1, "--address", lab.nobodys_address)
    try:
        client = subprocess.Popen(
            lab.ssh_words("hostname; sleep 30", alias=lab.host1), stdout=subprocess.PIPE, text=True
        )
        assert client.stdout.readline().strip() == lab.host1
        assert tunnel_processes(endpoint)
        client.kill()
        client.wait()
    finally:
        lab.gatehouse("host", "set", lab.host1, "--address", lab.addresses[lab.host1])


def test_ssh_itself_uses_the_program_as_a_proxy_command(lab, endpoint):
    environment = os.environ | {
        name: value for name, value in lab.variables.items() if name.startswith("AWS_")
    }
    program = lab.program("gatehouse-ssm")
    result = run(
        ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", f"ProxyCommand={program} %h",
         "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-v",
         endpoint.ids[lab.host1], "true"],
        env=environment,
    )
    assert b"Remote protocol version 2.0" in result.err
    wait_until(lambda: not tunnel_processes(endpoint), "the tunnel to end")
