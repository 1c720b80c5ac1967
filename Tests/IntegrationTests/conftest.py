"""Fixtures of the integration tests: the lab, what a test starts, and how long it may take."""

import asyncio
import contextlib
import os
import secrets
import shlex
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from lab import PATIENCE, Lab, LabError, free_port, kill_group, listening, run, wait_until
from machine import Machine

HELLO = (Path(__file__).parent / "hello.py").read_text()


def pytest_collection_modifyitems(config, items):
    """Leaves out what says nothing of programs that a sanitizer looks over."""
    if not os.environ.get("GATEHOUSE_SANITIZER"):
        return
    unfit = [item for item in items if item.get_closest_marker("released")]
    items[:] = [item for item in items if item not in unfit]
    config.hook.pytest_deselected(items=unfit)


class TooLong(BaseException):
    """The test has used up its time."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Ends a test that takes longer than its `limit`, 30 seconds if it has none."""
    marker = item.get_closest_marker("limit")
    seconds = (marker.args[0] if marker else 30) * PATIENCE

    is_late = False

    def too_long(*_):
        nonlocal is_late
        is_late = True
        raise TooLong(f"the test took longer than {seconds} s")

    previous = signal.signal(signal.SIGALRM, too_long)
    # Again and again: an event loop keeps the first one for its task, and then may wait for others that do not end.
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)
    try:
        result = yield
        if is_late:
            raise TooLong(f"the test took longer than {seconds} s, and went on")
        return result
    except TooLong as failure:
        pytest.fail(str(failure), pytrace=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """The lab that `make lab` has started; without it every test fails with a sentence."""
    try:
        lab = Lab(tmp_path_factory.mktemp("lab"))
    except LabError as failure:
        pytest.fail(str(failure), pytrace=False)
    try:
        socket.create_connection((lab.gateway_host, lab.gateway_port), 3).close()
    except OSError as failure:
        address = f"{lab.gateway_host}:{lab.gateway_port}"
        pytest.fail(f"Nobody answers at {address} ({failure}): start the lab with `make lab`.", pytrace=False)
    return lab


@pytest.fixture(autouse=True)
def address_in_good_standing(request):
    """Tests of failing logins begin with a good one, which forgets what failed from this address before."""
    if request.module.__name__ in ("test_authentication", "test_hostile"):
        lab = request.getfixturevalue("lab")
        wait_until(lambda: lab.ssh("true").status == 0, "the end of a block", 15)


@pytest.fixture
def ssh_config(lab):
    """The lab's ssh_config."""
    return lab.ssh_config


@pytest.fixture
def ssh(lab):
    """Runs the stock `ssh` on an alias of the lab."""
    return lab.ssh


@pytest.fixture
def lab_exec(lab):
    """Runs a command as root in a host."""
    return lab.lab_exec


@pytest.fixture
def gatehouse(lab):
    """Runs `gatehouse`."""
    return lab.gatehouse


@pytest.fixture
def teardown():
    """What a test has to undo, last thing first, whatever happens."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def start(teardown):
    """Starts a process in the background and ends it, with its children, when the test is over."""

    def start(words, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.DEVNULL)
        more.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen([str(word) for word in words], start_new_session=True, **more)

        def end():
            kill_group(process)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()
            process.wait(10)

        teardown.callback(end)
        return process

    return start


@pytest.fixture
def hello(lab, start):
    """Starts a hello server in a host and says its port; `address` is where in the host it listens."""

    def hello(host=None, address="127.0.0.1"):
        port = free_port()
        words = lab.exec_words(host or lab.host1, "python3", "-c", HELLO, address, port)
        server = start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=lab.environment())
        assert server.stdout.readline() == b"ready\n"
        return port

    return hello


@pytest.fixture
def forward(lab, start):
    """Starts `ssh -N` with a local forward (`-L` or `-D`), waits for its listener, and says its port."""

    def forward(flag, destination=None, alias=None, user="alice", options=()):
        port = free_port()
        specification = f"127.0.0.1:{port}" + (f":{destination}" if destination else "")
        more = ["-N", flag, specification, "-o", "ExitOnForwardFailure=yes", *options]
        client = start(lab.ssh_words(alias=alias, user=user, options=more), stderr=subprocess.PIPE)

        def up():
            assert client.poll() is None, client.stderr.read().decode()
            return listening(port)

        wait_until(up, f"the listener of {shlex.join(more)}", 15)
        return port

    return forward


@pytest.fixture
def master(lab, start, teardown):
    """Starts a ControlMaster and gives a runner of `ssh` on its socket."""

    def master(alias=None, user="alice", options=()):
        path = Path(f"/tmp/gh-cm-{secrets.token_hex(4)}")
        teardown.callback(path.unlink, missing_ok=True)
        more = ["-N", "-M", "-S", path, "-o", "ControlPersist=no", *options]
        client = start(lab.ssh_words(alias=alias, user=user, options=more), stderr=subprocess.PIPE)

        def up():
            assert client.poll() is None, client.stderr.read().decode()
            return path.exists()

        wait_until(up, "the ControlMaster's socket", 15)
        return Master(lab, client, path, alias or lab.host1, user)

    return master


class Master:
    """One SSH connection of a stock client that other `ssh` commands share."""

    def __init__(self, lab, client, path, alias, user):
        self.lab, self.client, self.path, self.alias, self.user = lab, client, path, alias, user

    def words(self, *words, options=()):
        """The command line of an `ssh` that uses the shared connection and no other."""
        shared = ["-S", str(self.path), "-o", "ControlMaster=no", "-o", "ProxyCommand=false", *options]
        return self.lab.ssh_words(*words, alias=self.alias, user=self.user, options=shared)

    def ssh(self, *words, options=(), **more):
        """Runs `ssh` on the shared connection."""
        return run(self.words(*words, options=options), **more)

    def control(self, command, *options):
        """Sends the master a control command such as `forward`."""
        return self.ssh(options=["-O", command, *options])


@pytest.fixture
def host_folder(lab, teardown):
    """Makes a folder in a host that belongs to a user, and removes it with what is in it."""

    def host_folder(host=None, user="alice"):
        host = host or lab.host1
        path = f"/tmp/gh-it-{secrets.token_hex(6)}"
        lab.lab_exec(
            host, "install", "-d", "-m", "755", "-o", str(lab.uid(user)), "-g", str(lab.uid(user)), path
        )
        teardown.callback(lab.lab_exec, host, "rm", "-rf", path)
        return path

    return host_folder


@pytest.fixture
def make_key(tmp_path):
    """Makes a key pair of a kind and gives the path of the private half; `.pub` is the other."""

    def make_key(kind="ed25519", bits=None, comment="test"):
        path = tmp_path / f"key-{secrets.token_hex(4)}"
        words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", path]
        assert run([*words, "-b", bits] if bits else words).status == 0
        return path

    return make_key


@pytest.fixture
def scratch_user(lab, teardown, make_key):
    """Adds a user of a new name with a key, and has them leave when the test is over."""

    def scratch_user(*flags, grant=None):
        name = f"it-{secrets.token_hex(4)}"
        lab.gatehouse("user", "add", name, *flags)
        teardown.callback(lab.gatehouse, "user", "leave", name, "--yes", check=False)
        key = make_key()
        lab.gatehouse("key", "add", name, f"{key}.pub")
        lab.keys[name] = str(key)
        teardown.callback(lab.keys.pop, name, None)
        if grant is not None:
            lab.gatehouse("grant", "add", "--user", name, *grant)
            lab.gatehouse("account", "apply", lab.host1)
        return name

    return scratch_user


@pytest.fixture
def scratch_host(lab, teardown, make_key):
    """Adds a host to the directory and removes it when the test is over."""

    def scratch_host(address, key=None):
        name = f"it-{secrets.token_hex(4)}"
        lab.gatehouse("host", "add", name, "--address", address, "--key", key or f"{make_key()}.pub")
        teardown.callback(lab.gatehouse, "host", "remove", name, "--yes", check=False)
        return name

    return scratch_host


@pytest.fixture
def payload(tmp_path):
    """Makes a file of random bytes of a size."""

    def payload(size, name="payload"):
        path = tmp_path / name
        block = secrets.token_bytes(1_000_000)
        with open(path, "wb") as file:
            for number in range(size // len(block)):
                file.write(number.to_bytes(8, "big") + block[8:])
            file.write(block[: size % len(block)])
        return path

    return payload


@pytest.fixture
def asynchronously():
    """Runs a coroutine within a time."""

    def asynchronously(coroutine, timeout=25):
        return asyncio.run(asyncio.wait_for(coroutine, timeout * PATIENCE))

    return asynchronously


@pytest.fixture
def machine(tmp_path):
    """A private /etc and /home for the step that makes accounts."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent != Path("/") and parent != Path("/tmp"):
            parent.chmod(0o755)
    return Machine(tmp_path)
