"""Starts programs with listening sockets, as systemd does for a .socket unit: sd_listen_fds(3)."""

import fcntl
import os
import subprocess
import sys


def start(words, sockets, user=0, **more):
    """Starts a program with these sockets, as the user of that number; the sockets stay open here too."""
    numbers = [one.fileno() for one in sockets]
    command = ["/usr/bin/python3", __file__, user, ",".join(map(str, numbers)), *words]
    return subprocess.Popen(
        [str(word) for word in command], pass_fds=numbers, start_new_session=True, cwd="/", stdin=subprocess.DEVNULL, **more)


def become(user, numbers, words):
    """Puts the sockets where the program looks for them, and becomes it."""
    # The program may be where that user cannot look.
    program = fcntl.fcntl(os.open(words[0], os.O_PATH), fcntl.F_DUPFD_CLOEXEC, 100)
    copies = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in numbers]
    os.closerange(3, 100)
    for place, copy in enumerate(copies, 3):
        os.dup2(copy, place)
        os.close(copy)
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    variables = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(numbers))}
    os.execve(program, words, {**os.environ, **variables})


if __name__ == "__main__":
    become(int(sys.argv[1]), [int(number) for number in sys.argv[2].split(",") if number], sys.argv[3:])
