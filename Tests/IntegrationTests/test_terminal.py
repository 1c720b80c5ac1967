"""Terminals and signals."""

import os
import pty
import select
import subprocess
import time

import pytest

import clients


async def ask(process, line, answer):
    """Types a line and reads until the answer is there."""
    process.stdin.write(line + "\n")
    heard = ""
    while answer not in heard:
        piece = await process.stdout.read(1_000)
        assert piece, f"the shell ended after {heard!r}"
        heard += piece
    return heard


@pytest.mark.parametrize("signal", ["TERM", "INT", "HUP", "USR1"])
def test_signals(lab, asynchronously, signal):
    """14: a signal that the client sends reaches the program, whose end is reported as that signal."""

    async def scenario():
        async with clients.connect(lab) as connection:
            process = await connection.create_process("echo up; exec sleep 60")
            assert await process.stdout.readline() == "up\n"
            process.send_signal(signal)
            await process.wait(timeout=2)
            return process.exit_signal[0]

    assert asynchronously(scenario()) == signal


def test_terminal_size(lab, asynchronously):
    """15: the terminal has the client's size, and follows it."""

    async def scenario():
        async with clients.connect(lab) as connection:
            process = await connection.create_process(
                term_type="xterm-256color", term_size=(80, 24), request_pty="force"
            )
            await ask(process, "stty size", "24 80")
            process.change_terminal_size(132, 50)
            await ask(process, "stty size", "50 132")
            await ask(process, "echo $TERM", "xterm-256color")
            process.stdin.write("exit 5\n")
            await process.wait(timeout=5)
            return process.exit_status

    assert asynchronously(scenario()) == 5


def test_typing(lab):
    """15: at a real terminal the stock client echoes, and ctrl-C ends the program and not the shell."""
    command = lab.ssh_words(options=["-tt", "-e", "none"])
    ours, theirs = pty.openpty()
    client = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    heard = b""

    def hear(wanted, timeout=10):
        nonlocal heard
        deadline = time.monotonic() + timeout
        while wanted not in heard:
            assert select.select([ours], [], [], max(0, deadline - time.monotonic()))[0], f"only {heard!r}"
            heard += os.read(ours, 4_096)
        heard = heard[heard.index(wanted) + len(wanted) :]

    try:
        os.write(ours, b"tty; echo one-$((1+1))\n")
        hear(b"/dev/pts/")
        hear(b"one-2")
        os.write(ours, b"sleep 60; echo after-$((2+2))\n")
        hear(b"sleep 60")
        pause = time.monotonic() + 0.5
        while time.monotonic() < pause and select.select([ours], [], [], 0.1)[0]:
            heard += os.read(ours, 4_096)
        os.write(ours, b"\x03")
        os.write(ours, b"echo three-$((1+2))\n")
        hear(b"three-3")
        os.write(ours, b"exit 6\n")
        assert client.wait(10) == 6
    finally:
        client.kill()
        client.wait()
        os.close(ours)


def test_hang_up(lab, host_folder, asynchronously):
    """A client that goes away takes its terminal's programs along."""
    marker = f"{host_folder()}/hung-up"

    async def scenario():
        connection = await clients.connect(lab)
        process = await connection.create_process(
            f"trap 'touch {marker}; exit' HUP; echo up; while :; do sleep 0.1; done", request_pty="force"
        )
        assert "up" in await process.stdout.readline()
        connection.abort()

    asynchronously(scenario())
    deadline = time.monotonic() + 10
    while lab.lab_exec(lab.host1, "test", "-e", marker, check=False).status != 0:
        assert time.monotonic() < deadline, "the program was not hung up on"


def test_break_is_harmless(lab, asynchronously):
    """A break request leaves the session as it is."""

    async def scenario():
        async with clients.connect(lab) as connection:
            process = await connection.create_process("read line; echo $line", request_pty="force")
            process.send_break(500)
            process.stdin.write("on\n")
            return (await process.wait(timeout=5)).stdout

    assert "on" in asynchronously(scenario())
