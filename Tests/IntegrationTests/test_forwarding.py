"""Forwards: `-L`, `-D`, `-R`, `-W`, the agent, Unix sockets, and what is refused."""

import os
import re
import secrets
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest

import clients
from lab import free_port, kill_group, listening, run, wait_until
from sockets import connect, converse, read_exactly, read_to_end, socks_connect


@pytest.mark.limit(60)
def test_200_socks_channels(lab, hello, forward):
    """5: 200 channels at once through `-D` all work, and share one connection to the host."""
    port, before = hello(), lab.upstream_connections(lab.host1)
    proxy = forward("-D")

    def talk(_):
        converse(socks_connect(proxy, port), 20_000)

    held = socks_connect(proxy, port)
    with held, ThreadPoolExecutor(200) as pool:
        list(pool.map(talk, range(200)))
        assert lab.upstream_connections(lab.host1) - before <= 1


def test_forward_without_a_session(hello, forward):
    """6: a forward needs no session channel beside it."""
    with connect(forward("-L", f"127.0.0.1:{hello()}")) as connection:
        assert read_exactly(connection, 6) == b"HELLO\n"


@pytest.mark.limit(60)
def test_server_speaks_first(lab, hello):
    """7: what a server says first is there on the first channel of each of 20 fresh connections."""
    command = lab.ssh_words(options=["-W", f"127.0.0.1:{hello()}"])
    heard = [run(["bash", "-c", '"$@" | head -c 6', "-", *command]).out for _ in range(20)]
    assert heard == [b"HELLO\n"] * 20


def test_half_close(hello, forward):
    """8: a client that has ended its half still hears the answer."""
    converse(connect(forward("-L", f"127.0.0.1:{hello()}")), 1_000_000)


def test_forward_from_a_unix_socket_here(hello, forward, lab, start, tmp_path):
    """10: a forward whose Unix socket is on the client's side works."""
    path = f"/tmp/gh-l-{secrets.token_hex(4)}.sock"
    start(
        lab.ssh_words(options=["-N", "-o", "StreamLocalBindUnlink=yes", "-L", f"{path}:127.0.0.1:{hello()}"])
    )
    wait_until(lambda: os.path.exists(path), "the forward's socket")
    try:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(path)
        converse(connection, 1_000)
    finally:
        os.unlink(path)


UNIX_ECHO = """
import os, socket, sys, threading
os.umask(0)
listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); listener.listen()
threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(b"HELLO\\n"); connection.close()
"""


@pytest.fixture
def unix_server(lab, start, host_folder):
    """Starts a server on a Unix socket in the first host and says the socket's path."""
    path = f"{host_folder()}/u.sock"
    words = lab.exec_words(lab.host1, "python3", "-c", UNIX_ECHO, path)
    server = start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=lab.environment())
    assert server.stdout.readline() == b"ready\n"
    return path


def test_forward_to_a_unix_socket_is_refused(master, unix_server):
    """10: a forward to a Unix socket on the host is refused at once, and the connection stays up."""
    shared, port = master(), free_port()
    assert shared.control("forward", "-L", f"127.0.0.1:{port}:{unix_server}").status == 0
    with connect(port, timeout=3) as connection:
        assert read_to_end(connection) == b""
    assert shared.ssh("echo still").out == b"still\n"
    assert shared.client.poll() is None


def test_forward_from_a_unix_socket_there_is_refused(master, host_folder, hello):
    """10: a remote forward of a Unix socket is refused at once, and the connection stays up."""
    shared = master()
    result = shared.control("forward", "-R", f"{host_folder()}/r.sock:127.0.0.1:1")
    assert result.status == 255
    assert b"forwarding failed" in result.err
    assert result.seconds < 3
    assert shared.ssh("echo still").out == b"still\n"


def test_unix_sockets_by_jump(lab, unix_server, forward):
    """10: the same forward to a Unix socket works through `ssh -J`."""
    with connect(forward("-L", unix_server, alias=f"jump-{lab.host1}")) as connection:
        assert read_exactly(connection, 6) == b"HELLO\n"


def here_hello(teardown):
    """A hello server on this machine, for remote forwards."""
    code = (Path(__file__).parent / "hello.py").read_text()
    port = free_port()
    words = ["python3", "-c", code, "127.0.0.1", str(port)]
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)

    def end():
        kill_group(server)
        server.communicate()

    teardown.callback(end)
    assert server.stdout.readline() == b"ready\n"
    return port


HEAR = "import socket,sys; s=socket.create_connection(('127.0.0.1',int(sys.argv[1])),5); print(s.recv(6))"


def listening_there(lab, port):
    """Does the first host listen on a port?"""
    return listening(port, lab.lab_exec(lab.host1, "cat", "/proc/net/tcp").out.decode())


def test_remote_forward(lab, start, teardown):
    """11: a remote forward listens on the host and leads back to the client's side."""
    here, there = here_hello(teardown), free_port()
    options = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{there}:127.0.0.1:{here}"]
    start(lab.ssh_words(options=options))
    wait_until(lambda: listening_there(lab, there), "the remote listener")
    mark = lab.mark()
    assert lab.lab_exec(lab.host1, "python3", "-c", HEAR, there).out == b"b'HELLO\\n'\n"
    is_forwarded = lambda event: event["detail"]["kind"] == "forwarded-tcpip" and f":{there} " in event["detail"]["detail"]
    lab.wait_event(mark, "channel.open", user="alice", where=is_forwarded)


def test_remote_forward_port_0(lab, master, teardown):
    """11: with port 0 the host chooses, and the client is told which; a cancelled forward is gone."""
    here, shared = here_hello(teardown), master()
    result = shared.control("forward", "-R", f"0:127.0.0.1:{here}")
    assert result.status == 0
    there = int(re.search(rb"\d+", result.out).group())
    assert there != 0
    assert lab.lab_exec(lab.host1, "python3", "-c", HEAR, there).out == b"b'HELLO\\n'\n"
    assert shared.ssh("echo still").out == b"still\n"
    shared.control("cancel", "-R", f"0:127.0.0.1:{here}")
    wait_until(lambda: not listening_there(lab, there), "the end of the remote listener")


def test_remote_forward_port_0_under_load(lab, master, start, teardown):
    """The port that the client is told is the one that listens, also while much else passes."""
    here, shared = here_hello(teardown), master()
    load = start(shared.words("cat /dev/zero"), stdout=subprocess.DEVNULL)
    for _ in range(3):
        result = shared.control("forward", "-R", f"0:127.0.0.1:{here}")
        assert result.status == 0
        there = int(re.search(rb"\d+", result.out).group())
        assert lab.lab_exec(lab.host1, "python3", "-c", HEAR, there).out == b"b'HELLO\\n'\n"
    assert load.poll() is None


def test_port_0_says_allocated(lab, start, teardown):
    """11: the stock client prints the port that was allocated."""
    options = ["-N", "-o", "LogLevel=INFO", "-R", f"0:127.0.0.1:{here_hello(teardown)}"]
    client = start(lab.ssh_words(options=options), stderr=subprocess.PIPE)
    line = client.stderr.readline().decode()
    assert re.match(r"Allocated port [1-9]\d* for remote forward", line)


def test_remote_forward_taken(lab, start):
    """11: a port that is taken on the host makes the client end with its own sentence."""
    there = free_port()
    options = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{there}:127.0.0.1:9"]
    start(lab.ssh_words(options=options))
    wait_until(lambda: listening_there(lab, there), "the first remote listener")
    result = lab.ssh(options=options)
    assert result.status == 255
    assert b"remote port forwarding failed" in result.err


@pytest.fixture
def agent(lab, teardown, tmp_path):
    """Starts an ssh-agent with alice's key and gives the environment that finds it."""
    path = f"/tmp/gh-agent-{secrets.token_hex(4)}"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL, start_new_session=True
    )
    teardown.callback(
        lambda: (kill_group(process), process.wait(5), os.path.exists(path) and os.unlink(path))
    )
    wait_until(lambda: os.path.exists(path), "the agent's socket")
    environment = {**lab.environment(), "SSH_AUTH_SOCK": path}
    assert run(["ssh-add", "-q", lab.keys["alice"]], env=environment).status == 0
    return environment


def test_agent(lab, agent):
    """12: a forwarded agent answers three programs on the host at the same time."""
    command = "ssh-add -L & ssh-add -L & ssh-add -L & wait"
    mark = lab.mark()
    result = lab.ssh(command, options=["-A"], env=agent, timeout=5)
    assert result.out.count(b"ssh-ed25519") == 3
    lab.wait_event(mark, "channel.open", user="alice", where=lambda event: event["detail"]["kind"] == "agent")


def test_no_agent(lab, agent):
    """12: without `-A` there is no agent on the host."""
    result = lab.ssh('echo "<$SSH_AUTH_SOCK>"', options=["-a"], env=agent)
    assert result.out == b"<>\n"


def test_agent_not_granted(lab, agent, scratch_user):
    """12: who has no grant for agent forwarding gets the program and no agent."""
    name = scratch_user(grant=["--host", lab.host1])
    environment = {key: value for key, value in agent.items()}
    result = lab.ssh('echo "<$SSH_AUTH_SOCK>"', user=name, options=["-A"], env=environment)
    assert (result.out, result.status) == (b"<>\n", 0)


def test_forwarding_not_granted(lab, hello, scratch_user):
    """A grant with --no-forwarding refuses every forward and says so in the event log."""
    name, mark = scratch_user(grant=["--host", lab.host1, "--no-forwarding"]), lab.mark()
    result = lab.ssh(user=name, options=["-W", f"127.0.0.1:{hello()}"])
    assert (result.out, result.status) == (b"", 255)
    lab.wait_event(mark, "refused", user=name)
    taken = lab.ssh(user=name, options=["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9"])
    assert taken.status == 255
    assert lab.ssh("echo ok", user=name).out == b"ok\n"


def test_shared_connection(lab, master, hello):
    """13: nine commands at once share one connection, and forwards come and go on it."""
    shared = master()
    with ThreadPoolExecutor(9) as pool:
        results = list(pool.map(lambda number: shared.ssh(f"echo {number}").out, range(9)))
    assert results == [b"%d\n" % number for number in range(9)]
    port, there = free_port(), hello()
    forward = ("-L", f"127.0.0.1:{port}:127.0.0.1:{there}")
    assert shared.control("forward", *forward).status == 0
    converse(connect(port), 10)
    assert shared.control("cancel", *forward).status == 0
    assert not listening(port)


@pytest.mark.limit(60)
def test_more_sessions_than_the_host_allows(lab, master, start):
    """13: 30 sessions at once on one connection all work, though the host's sshd takes 10 on one of its own."""
    shared = master()
    running = [
        start(shared.words("read line; echo $line"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(30)
    ]
    for number, process in enumerate(running):
        process.stdin.write(b"%d\n" % number)
        process.stdin.flush()
    for number, process in enumerate(running):
        assert process.stdout.readline() == b"%d\n" % number
        assert process.wait(10) == 0


def test_refused_connection(ssh):
    """29: a port on which nobody listens is refused within a moment."""
    result = ssh(options=["-o", "LogLevel=INFO", "-W", "127.0.0.1:1"])
    assert result.status == 255
    assert b"open failed" in result.err
    assert result.seconds < 3


@pytest.fixture
def logged_in(lab):
    """A paramiko connection of alice to the first host."""
    with clients.transport(lab) as transport:
        transport.auth_publickey(f"alice+{lab.host1}", clients.private_key(lab.keys["alice"]))
        yield transport


def echo(transport):
    """Runs a program, to see that the connection lives."""
    channel = transport.open_session(timeout=10)
    channel.exec_command("echo alive")
    heard = channel.makefile().read()
    assert channel.recv_exit_status() == 0
    return heard


def test_unknown_channel_type(logged_in):
    """29: a channel of an unknown type is refused, and the next program runs."""
    with pytest.raises(paramiko.ChannelException):
        logged_in.open_channel("bogus@example.com", timeout=5)
    assert echo(logged_in) == b"alive\n"


def test_unknown_global_request(logged_in):
    """29: an unknown global request is refused, and the next program runs."""
    assert logged_in.global_request("bogus@example.com", wait=True) is None
    assert echo(logged_in) == b"alive\n"


def test_unknown_channel_request(logged_in):
    """29: an unknown request on a channel is refused, and the channel goes on."""
    channel = logged_in.open_session(timeout=10)
    message = paramiko.Message()
    message.add_byte(b"\x62")
    message.add_int(channel.remote_chanid)
    message.add_string("bogus@example.com")
    message.add_boolean(True)
    channel._event_pending()
    logged_in._send_user_message(message)
    with pytest.raises(paramiko.SSHException):
        channel._wait_for_event()
    assert echo(logged_in) == b"alive\n"


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
    ],
)
def test_metadata_address(lab, host):
    """30: a forward to the cloud's metadata address is refused in every spelling, and logged."""
    mark = lab.mark()
    target = f"[{host}]:80" if ":" in host else f"{host}:80"
    result = lab.ssh(options=["-o", "LogLevel=INFO", "-W", target], timeout=5)
    assert (result.out, result.status) == (b"", 255)
    assert b"administratively prohibited" in result.err
    event = lab.wait_event(mark, "refused", user="alice")
    assert host in str(event["detail"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "2130706433", "0", "ip6-localhost"])
def test_ssh_port_of_the_host(lab, host):
    """30: a forward from the host to its own sshd is refused in every spelling, and logged."""
    mark = lab.mark()
    target = f"[{host}]:22" if ":" in host else f"{host}:22"
    result = lab.ssh(options=["-W", target], timeout=5)
    assert (result.out, result.status) == (b"", 255)
    event = lab.wait_event(mark, "refused", user="alice")
    assert "22" in str(event["detail"])


@pytest.mark.parametrize("spelling", ["{}", "::ffff:{}", "{}."])
def test_ssh_ports_of_other_hosts(lab, spelling):
    """30: a forward to the sshd of a host is a jump, joined by the gateway and logged as one, or it is refused."""
    for name, address in lab.addresses.items():
        host, mark = spelling.format(address), lab.mark()
        target = f"[{host}]:22" if ":" in host else f"{host}:22"
        result = lab.ssh(options=["-W", target], timeout=5)
        if result.out:
            is_jump = (
                lambda event: event["detail"].get("kind") == "jump" and address in event["detail"]["detail"]
            )
            lab.wait_event(mark, "channel.open", user="alice", where=is_jump)
        else:
            assert result.status == 255
            lab.wait_event(mark, "refused", user="alice")
