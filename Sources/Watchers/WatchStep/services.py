"""The watcher's two programs as services: of systemd, or of a small loop where there is none."""

import os
import signal
import time

import files
from files import FAILED, Failure, command, read, remove, replace, run

PROGRAM = "/usr/local/sbin/gatehouse-watch"
UNITS = "/etc/systemd/system"
STARTER = "/usr/local/libexec/gatehouse-watch-run"
RUNTIME = "/run/gatehouse-watch"
#: There from before something of theirs is changed until the programs have been started with it, in whichever run that is.
PENDING_RESTART = "/etc/gatehouse-watch/restart-pending"

WATCH_UNIT = b"""\
# Written by `gatehouse watch install`; changes here are lost.
[Unit]
Description=Gatehouse: watches shared files
After=local-fs.target remote-fs.target

[Service]
ExecStart=/usr/local/sbin/gatehouse-watch watch
Restart=always
RestartSec=1
RuntimeDirectory=gatehouse-watch
RuntimeDirectoryPreserve=yes
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""

SHIP_UNIT = b"""\
# Written by `gatehouse watch install`; changes here are lost.
[Unit]
Description=Gatehouse: delivers what was seen of shared files
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/local/sbin/gatehouse-watch ship
Restart=always
RestartSec=1
RuntimeDirectory=gatehouse-watch
RuntimeDirectoryPreserve=yes
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectHome=yes
ProtectSystem=strict
ReadWritePaths=/var/spool/gatehouse-watch
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy=multi-user.target
"""

SCAN_UNIT = b"""\
# Written by `gatehouse watch install`; changes here are lost.
[Unit]
Description=Gatehouse: walks shared files
After=local-fs.target remote-fs.target gatehouse-watch.service

[Service]
ExecStart=/usr/local/sbin/gatehouse-watch rescan
Restart=always
RestartSec=1
RuntimeDirectory=gatehouse-watch
RuntimeDirectoryPreserve=yes
StateDirectory=gatehouse-watch
Nice=10

[Install]
WantedBy=multi-user.target
"""

#: In the order in which they are started.
SERVICES = [("watch", "gatehouse-watch.service", WATCH_UNIT), ("rescan", "gatehouse-scan.service", SCAN_UNIT),
            ("ship", "gatehouse-ship.service", SHIP_UNIT)]

LOOP = b"""\
#!/bin/sh
# Keeps `gatehouse-watch VERB` running where there is no systemd. Written by `gatehouse watch install`.
mkdir -p /run/gatehouse-watch
echo $$ >"/run/gatehouse-watch/$1.pid"
while :; do
    /usr/local/sbin/gatehouse-watch "$1" >>/var/log/gatehouse-watch.log 2>&1
    sleep 1
done
"""


def has_systemd():
    if os.path.isdir("/run/systemd/system"):
        return True
    if command("systemctl") is None:
        return False
    return run("systemctl", "is-system-running")[1].strip() in ("running", "degraded", "starting", "initializing")


def restart_later():
    """To be called before what the programs read at their start is changed."""
    replace(PENDING_RESTART, b"", 0o600, is_ours=True)


def put(path, data, mode):
    """Whether the file was not as it should be. The programs are to be started anew then."""
    if read(path) == data:
        return False
    restart_later()
    replace(path, data, mode)
    if not files.is_rehearsal:
        os.chmod(path, mode)
    return True


def start(is_new):
    """Makes the services run, anew if something of theirs has changed, by an earlier run too; says what was done."""
    os.makedirs(RUNTIME, mode=0o755, exist_ok=True)
    done = start_units(is_new) if has_systemd() else start_loops(is_new)
    remove(PENDING_RESTART)
    return done


def start_units(is_new):
    for _, unit, text in SERVICES:
        put("%s/%s" % (UNITS, unit), text, 0o644)
    is_new = is_new or os.path.exists(PENDING_RESTART)
    if is_new:
        check("systemctl", "daemon-reload")
    done = []
    for _, unit, _ in SERVICES:
        if run("systemctl", "is-enabled", unit)[0] != 0:
            check("systemctl", "--quiet", "enable", unit)
            done.append("enabled %s" % unit)
        is_active = run("systemctl", "--quiet", "is-active", unit)[0] == 0
        if is_new or not is_active:
            check("systemctl", "restart" if is_active else "start", unit)
            done.append("started %s" % unit)
    return done


def check(*words):
    status, output = run(*words)
    if status != 0:
        raise Failure(FAILED, "%s: %s" % (" ".join(words), output.strip()[-400:]))


def start_loops(is_new):
    put(STARTER, LOOP, 0o755)
    is_new = is_new or os.path.exists(PENDING_RESTART)
    done = []
    for verb, _, _ in SERVICES:
        if is_new and stop_loop(verb) or not loop_of(verb):
            if os.fork() == 0:
                os.setsid()
                null = os.open("/dev/null", os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(null, number)
                os.closerange(3, 1024)
                os.execv("/bin/sh", ["/bin/sh", STARTER, verb])
            done.append("started %s" % verb)
    return done


def loop_of(verb):
    """The process of the loop; None where it does not run."""
    pid = (read("%s/%s.pid" % (RUNTIME, verb)) or b"").strip()
    if not pid.isdigit():
        return None
    words = (read("/proc/%d/cmdline" % int(pid)) or b"").split(b"\0")
    return int(pid) if words[1:3] == [STARTER.encode(), verb.encode()] else None


def stop_loop(verb):
    pid = loop_of(verb)
    if pid is not None:
        os.killpg(pid, signal.SIGTERM)
        for _ in range(50):
            if loop_of(verb) is None:
                break
            time.sleep(0.1)
        else:
            os.killpg(pid, signal.SIGKILL)
    remove("%s/%s.pid" % (RUNTIME, verb))
    return True


def stop():
    """Ends the services and forgets them; says what was done."""
    done = []
    if has_systemd():
        for _, unit, _ in reversed(SERVICES):
            path = "%s/%s" % (UNITS, unit)
            if os.path.lexists(path):
                run("systemctl", "--quiet", "disable", "--now", unit)
                remove(path)
                done.append("removed %s" % unit)
        if done:
            check("systemctl", "daemon-reload")
        return done
    for verb, _, _ in reversed(SERVICES):
        if loop_of(verb):
            stop_loop(verb)
            done.append("stopped %s" % verb)
    remove(STARTER)
    return done


def states():
    """Whether each of the two runs."""
    if has_systemd():
        return {verb: run("systemctl", "is-active", unit)[1].strip() or "unknown" for verb, unit, _ in SERVICES}
    return {verb: "active" if loop_of(verb) else "inactive" for verb, _, _ in SERVICES}
