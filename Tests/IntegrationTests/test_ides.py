"""The ways of the IDEs, each as one test: what they send is in order and in one connection."""

import asyncio
import base64
import hashlib
import re
import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import clients
from conftest import HELLO
from lab import free_port, listening, wait_until
from sockets import converse, read_exactly, socks_connect


@pytest.mark.limit(60)
def test_vs_code_way(lab, start):
    """VS Code's way: `ssh -v -T -D`, the installation script on standard input, then 200 SOCKS channels."""
    proxy, port = free_port(), free_port()
    mark = secrets.token_hex(8)
    script = (
        f"echo '{mark}: running'\nuname -s\n"
        + "# what an installer says\n" * 2_000
        + f"SERVER='{HELLO}'\n"
        + f'coproc python3 -c "$SERVER" 127.0.0.1 {port}\n'
        + f"read -u ${{COPROC[0]}} line\necho '{mark}: listeningOn=={port}=='\n"
    )
    options = ["-v", "-T", "-D", f"127.0.0.1:{proxy}", "-o", "ConnectTimeout=15"]
    words = lab.ssh_words("bash", "-s", options=options)
    client = start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client.stdin.write(script.encode())
    client.stdin.flush()
    lines = [client.stdout.readline().decode() for _ in range(3)]
    assert lines == [f"{mark}: running\n", "Linux\n", f"{mark}: listeningOn=={port}==\n"]
    wait_until(lambda: listening(proxy), "the SOCKS listener")

    def talk(_):
        converse(socks_connect(proxy, port), 20_000)

    with ThreadPoolExecutor(200) as pool:
        list(pool.map(talk, range(200)))
    client.stdin.write(b"exit 3\n")
    client.stdin.close()
    assert client.wait(10) == 3


@pytest.mark.limit(90)
def test_jetbrains_way(lab, hello, host_folder, asynchronously):
    """JetBrains' way: 300 programs with their exit status on one connection, an upload, one long forward."""
    port, there = hello(), host_folder()
    data = secrets.token_bytes(20_000_000)

    async def scenario():
        async with clients.connect(lab) as connection:
            reader, writer = await connection.open_connection("127.0.0.1", port)
            assert await reader.readexactly(6) == b"HELLO\n"
            places = asyncio.Semaphore(40)

            async def program(number):
                async with places:
                    command = f"/bin/bash -lc 'echo REMOTE_EXEC_OUTPUT_MARKER_{number}; exit {number % 256}'"
                    result = await connection.run(command)
                    return result.stdout.split()[-1], result.exit_status

            async def upload():
                async with connection.start_sftp_client() as sftp:
                    async with sftp.open(f"{there}/worker.tmp", "wb") as file:
                        await file.write(data)
                    await sftp.rename(f"{there}/worker.tmp", f"{there}/worker")

            results = await asyncio.gather(*(program(number) for number in range(300)), upload())
            expected = [(f"REMOTE_EXEC_OUTPUT_MARKER_{number}", number % 256) for number in range(300)]
            assert results[:-1] == expected
            writer.write(b"x" * 1_000)
            writer.write_eof()
            assert await reader.read() == b"GOT 1000\n"

    asynchronously(scenario(), 80)
    digest = lab.lab_exec(lab.host1, "sha256sum", f"{there}/worker").out.decode().split()[0]
    assert digest == hashlib.sha256(data).hexdigest()


@pytest.mark.limit(60)
def test_open_clone_of_vs_code(lab):
    """The open clone of VS Code sends its script as one argument of tens of kilobytes."""
    script = "echo ready\n" + "# padding\n" * 4_000 + "uname -s\nexit 4\n"
    text = base64.b64encode(script.encode()).decode()
    result = lab.ssh(f"echo {text} | base64 -d | bash -l")
    assert result.status == 4
    assert re.sub(rb"\s+", b" ", result.out).endswith(b"ready Linux ")


def test_probe_of_vs_code(ssh):
    """VS Code's own probe: `echo "echo hello" | ssh -T host`."""
    result = ssh(options=["-T"], input="echo hello\n")
    assert (result.out, result.status) == (b"hello\n", 0)


@pytest.mark.limit(60)
def test_large_download_does_not_starve_a_ping(lab, hello, forward):
    """A large download through the SOCKS proxy leaves a small answer beside it quick."""
    port, proxy = hello(), forward("-D")
    words = lab.ssh_words("head -c 300000000 /dev/zero")
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as busy:
        times = []
        while busy.stdout.read(3_000_000):
            before = time.monotonic()
            with socks_connect(proxy, port) as connection:
                assert read_exactly(connection, 6) == b"HELLO\n"
            times.append(time.monotonic() - before)
    assert sorted(times)[len(times) // 2] < 0.3
