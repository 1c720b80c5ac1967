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

#: Where `gatehouse-watch ship --fetched` has its number.
FETCHED_PID = RUNTIME + "/fetched.pid"
SETTINGS = "/etc/gatehouse-watch/watch.conf"

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


def is_fetched():
    """Whether the gateway fetches what waits here: then nothing that runs here all the time delivers."""
    return b"Fetched yes" in (read(SETTINGS) or b"").split(b"\n")


def wanted_services():
    return [service for service in SERVICES if service[0] != "ship" or not is_fetched()]


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


def start(is_new, ends_fetching=True):
    """Makes the services run, anew if something of theirs has changed, by an earlier run too; says what was done.

    What the gateway fetches by knows nothing of trees, and need not be begun anew for them.
    """
    os.makedirs(RUNTIME, mode=0o755, exist_ok=True)
    is_new = is_new or os.path.exists(PENDING_RESTART)
    # What delivers by itself ends where the gateway fetches instead.
    unwanted = [service for service in SERVICES if service not in wanted_services()]
    done = stop_units(unwanted) if has_systemd() else stop_loops(unwanted)
    if is_new and ends_fetching:
        # The gateway calls it again.
        end_fetched()
    done += start_units(is_new) if has_systemd() else start_loops(is_new)
    remove(PENDING_RESTART)
    return done


def start_units(is_new):
    for _, unit, text in wanted_services():
        put("%s/%s" % (UNITS, unit), text, 0o644)
    is_new = is_new or os.path.exists(PENDING_RESTART)
    if is_new:
        check("systemctl", "daemon-reload")
    done = []
    for _, unit, _ in wanted_services():
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
    for verb, _, _ in wanted_services():
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
    end_fetched()
    if has_systemd():
        return stop_units(SERVICES)
    done = stop_loops(SERVICES)
    remove(STARTER)
    return done


def stop_units(units):
    done = []
    for _, unit, _ in reversed(units):
        path = "%s/%s" % (UNITS, unit)
        if os.path.lexists(path):
            run("systemctl", "--quiet", "disable", "--now", unit)
            remove(path)
            done.append("removed %s" % unit)
    if done:
        check("systemctl", "daemon-reload")
    return done


def stop_loops(loops):
    done = []
    for verb, _, _ in reversed(loops):
        if loop_of(verb):
            stop_loop(verb)
            done.append("stopped %s" % verb)
    return done


def fetched_process():
    """The process that delivers to a gateway that has called it; None where there is none."""
    pid = (read(FETCHED_PID) or b"").strip()
    if not pid.isdigit():
        return None
    words = (read("/proc/%d/cmdline" % int(pid)) or b"").split(b"\0")
    return int(pid) if words[:3] == [PROGRAM.encode(), b"ship", b"--fetched"] else None


def end_fetched():
    pid = fetched_process()
    if pid is not None:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    remove(FETCHED_PID)


def states():
    """Whether each of them runs."""
    found = {}
    for verb, unit, _ in wanted_services():
        if has_systemd():
            found[verb] = run("systemctl", "is-active", unit)[1].strip() or "unknown"
        else:
            found[verb] = "active" if loop_of(verb) else "inactive"
    if is_fetched():
        found["ship"] = "fetched" if fetched_process() else "not fetched"
    return found
