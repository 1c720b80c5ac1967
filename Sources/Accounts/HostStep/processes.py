"""The processes of people who may not be here any more."""

import os
import signal
import time

PATIENCE_SECONDS = 2.0


def processes_of(uid):
    """The processes that act as this user."""
    numbers = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in numbers if pid != os.getpid() and acts_as(pid, uid)]


def uids_with_processes():
    """Everybody who runs something here."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found.add(os.stat("/proc/" + name).st_uid)
            except OSError:
                pass  # It has ended meanwhile.
    return found


def acts_as(pid, uid):
    """Whether a process that lives has this uid as one of its four."""
    try:
        with open("/proc/%d/status" % pid, errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return False  # It has ended meanwhile.
    return str(uid) in fields.get("Uid", "").split() and fields.get("State", "").strip()[:1] not in ("Z", "X")


def end_processes(uid, lowest):
    """Ends what runs as this user: asks, waits a little, and kills what is left. Returns how many there were."""
    if uid < lowest:
        return 0
    ended = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    number = signal.SIGTERM
    # Whoever forks all the time is caught by the rounds of SIGKILL.
    while time.monotonic() < deadline + PATIENCE_SECONDS:
        alive = processes_of(uid)
        if not alive:
            break
        if time.monotonic() >= deadline:
            number = signal.SIGKILL
        for pid in alive:
            if number == signal.SIGTERM and pid in ended:
                continue
            send(pid, number, uid)
            ended.add(pid)
        time.sleep(0.05)
    return len(ended)


def send(pid, number, uid):
    """Sends a signal to a process that is still this user's: a number may have gone to another process meanwhile."""
    try:
        if hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal"):
            handle = os.pidfd_open(pid)
            try:
                if acts_as(pid, uid):
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)
        elif acts_as(pid, uid):
            os.kill(pid, number)
    except OSError:
        pass
