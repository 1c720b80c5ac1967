"""Our part of sshd's configuration, and whether sshd goes on answering with it."""

import os
import re
import signal
import socket
import time

import files
from access import ACCESS, CERTIFICATE_AUTHORITY, KEYS, PENDING_RELOAD, PEOPLE, REFUSED_SETTINGS, REVOKED
from files import FAILED, Failure, command, make_folder, mend, read, remove, replace, run

SSHD_FILE = "/etc/ssh/sshd_config.d/10-gatehouse.conf"
LOCAL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
#: Prints the rest of the lines that begin with a name. `""`: text is compared, also where it looks like a number.
LINES_OF = "'$1 \"\" == u \"\" { sub(/^[^ ]+ /, \"\"); print }'"
ANSWER_SECONDS = 5.0
#: Settings with which sshd did not come up are tried again after that, unless somebody asks for it.
REST_SECONDS = 3600.0


def sshd_settings(state, host):
    """Our part of sshd's configuration. Accounts of the host itself are not touched by it; Gatehouse's users cannot add
    keys by which they would come past the gateway."""
    local = []
    for line in host.passwd.lines:
        fields = line.split(":")
        if len(fields) == 7 and fields[0] not in host.managed and LOCAL_NAME.match(fields[0]) and fields[0] != "root":
            if fields[6].rsplit("/", 1)[-1] not in ("nologin", "false", "sync", "halt", "shutdown"):
                local.append(fields[0])
    grep, awk = command("grep"), command("awk")
    if grep is None or awk is None:
        raise Failure(FAILED, "this host has no grep or no awk")
    lines = [
        "# Written by `gatehouse account apply`; changes here are lost.",
        "RevokedKeys %s" % REVOKED,
        "ExposeAuthInfo yes",
    ]
    if state["accept_env"]:
        lines.append("AcceptEnv " + " ".join(state["accept_env"]))
    lines += [
        "# All but the accounts of the host itself.",
        "Match User *,!root" + "".join(",!" + name for name in sorted(local)),
        "    TrustedUserCAKeys %s" % CERTIFICATE_AUTHORITY,
        "    AuthorizedPrincipalsFile none",
        "    AuthorizedPrincipalsCommand %s -xF -e %%u %s" % (grep, PEOPLE),
        "    AuthorizedPrincipalsCommandUser nobody",
        "    AuthorizedKeysFile none",
        "    AuthorizedKeysCommand %s -v u=%%u %s %s" % (awk, LINES_OF, KEYS),
        "    AuthorizedKeysCommandUser nobody",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def configure_sshd(state, host, result, remarks):
    """Puts our settings in place, keeps them only if sshd takes them and answers with them."""
    make_folder(ACCESS)
    revoked = ["# Keys that open nothing here any more, whatever other file names them."] + sorted(state["revoked_keys"])
    # Before the drop-in that names it: sshd refuses every key when the list cannot be read.
    for path, lines in ((CERTIFICATE_AUTHORITY, [state["certificate_authority"]]), (REVOKED, revoked)):
        wrong = mend(path, "".join(line + "\n" for line in lines).encode("utf-8"), 0o644)
        if wrong:
            result["changed"] = True
            remarks.append("%s: %s" % (path, ", ".join(wrong)))
    if not os.path.isdir(os.path.dirname(SSHD_FILE)) or command("sshd") is None:
        raise Failure(FAILED, "this host has no sshd with %s" % os.path.dirname(SSHD_FILE))
    before, wanted = read(SSHD_FILE), sshd_settings(state, host)
    if before != wanted and not state["insists"] and not files.is_rehearsal:
        leave_alone_what_broke(wanted)
    if before != wanted:
        replace(PENDING_RELOAD, b"", 0o600, is_ours=True)
    wrong = mend(SSHD_FILE, wanted, 0o644)
    if wrong:
        result["changed"] = True
        remarks.append("%s: %s" % (SSHD_FILE, ", ".join(wrong)))
    if before != wanted and files.is_rehearsal:
        return  # sshd can judge only what is in place.
    is_pending = os.path.exists(PENDING_RELOAD)
    try:
        effective = accepted_settings(wanted)
        if is_pending and files.is_rehearsal:
            result["changed"] = True
        elif is_pending:
            result["reloaded"] = reload_sshd(effective)
    except Refused as refusal:
        if files.is_rehearsal:
            raise Failure(FAILED, str(refusal))
        raise Failure(FAILED, "%s%s" % (refusal, roll_back(before, wanted, refusal) if is_pending else ""))
    if is_pending:
        remove(PENDING_RELOAD)
        remove(REFUSED_SETTINGS)


def leave_alone_what_broke(wanted):
    """Ends the run if sshd did not come up with these settings some time ago: each attempt takes it away from everybody."""
    if read(REFUSED_SETTINGS) != wanted:
        return
    age = time.time() - os.lstat(REFUSED_SETTINGS).st_mtime
    if 0 <= age < REST_SECONDS:
        raise Failure(FAILED, "sshd did not come up with new settings %d min ago, so it keeps the former ones; they are "
                      "tried again after an hour, or by `gatehouse account apply`" % (age // 60))


class Refused(Exception):
    """sshd does not take its settings, or, if a running one was told to read them, does not answer with them."""

    def __init__(self, sentence, was_told=False, unit=None):
        super().__init__(sentence)
        self.was_told, self.unit = was_told, unit


def roll_back(before, wanted, refusal):
    """Puts the former settings back, has sshd read them if it has read the new ones, and says how that went."""
    # What a killed run left behind was never taken by sshd either.
    remove(SSHD_FILE) if before in (None, wanted) else replace(SSHD_FILE, before, 0o644, is_ours=True)
    if not refusal.was_told:
        remove(PENDING_RELOAD)
        return "; %s is as it was before" % SSHD_FILE
    replace(REFUSED_SETTINGS, wanted, 0o600, is_ours=True)
    try:
        effective = effective_settings()
        silent = revive(effective, refusal.unit)
    except Refused as again:
        return "; with the former %s: %s" % (SSHD_FILE, again)
    if silent:
        return "; with the former %s it does not answer either: look at sshd's own messages on the host" % SSHD_FILE
    remove(PENDING_RELOAD)
    return "; the former %s is back, and sshd answers with it" % SSHD_FILE


def revive(effective, unit):
    """Has sshd read its former files, or starts it where it has ended. Returns where it still does not answer."""
    pid, places = main_process(effective), addresses(effective)
    if unit:
        run("systemctl", "reset-failed", unit)
        run("systemctl", "restart", unit)
    elif pid is not None:
        os.kill(pid, signal.SIGHUP)
    silent = wait_for_answers(places)
    if silent and not unit and main_process(effective) is None:
        run(command("sshd"))
        silent = wait_for_answers(places)
    return silent if len(silent) == len(places) else []


def effective_settings():
    """What sshd makes of all its files for one of Gatehouse's users: {keyword: [value]}."""
    test = "user=gatehouse,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
    status, output = run(command("sshd"), "-T", "-C", test)
    if status != 0:
        raise Refused("sshd does not accept its configuration: " + output.strip()[-400:])
    effective = {}
    for line in output.split("\n"):
        if " " in line:
            keyword, value = line.split(" ", 1)
            effective.setdefault(keyword, []).append(value)
    return effective


def accepted_settings(wanted):
    effective = effective_settings()
    for line in wanted.decode("utf-8").split("\n"):
        keyword, _, value = line.strip().partition(" ")
        if keyword in ("", "#", "Match", "AcceptEnv"):
            continue
        if effective.get(keyword.lower(), ["none"]) != [value]:
            raise Failure(FAILED, "sshd does not use %s: put `Include /etc/ssh/sshd_config.d/*.conf` at the top of "
                          "/etc/ssh/sshd_config, and let no other file set %s" % (SSHD_FILE, keyword))
    return effective


def reload_sshd(effective):
    """Has a running sshd read its files, and waits until it answers again. False where none runs: it will read them when
    it starts."""
    pid = main_process(effective)
    if pid is None:
        return False
    places, before = addresses(effective), listeners(pid)
    was_answering = [place for place in places if answers(place)]
    unit = active_unit()
    if unit:
        status, output = run("systemctl", "reload", unit)
        if status != 0:
            raise Refused("%s does not reload: %s" % (unit, output.strip()[-400:]), True, unit)
    else:
        os.kill(pid, signal.SIGHUP)
    # The old one answers for a moment still: the new one has sockets of its own, unless systemd holds them.
    deadline = time.monotonic() + 1
    while before & listeners(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    silent = wait_for_answers(was_answering or places)
    if silent:
        raise Refused("sshd does not answer on %s after it was told to read its files"
                      % ", ".join("%s port %d" % place for place in silent), True, unit)
    return True


def wait_for_answers(places):
    """The places where sshd does not answer within some seconds."""
    deadline = time.monotonic() + ANSWER_SECONDS
    silent = [place for place in places if not answers(place)]
    while silent and time.monotonic() < deadline:
        time.sleep(0.1)
        silent = [place for place in silent if not answers(place)]
    return silent


def active_unit():
    if os.path.isdir("/run/systemd/system"):
        for unit in ("ssh.service", "sshd.service"):
            if run("systemctl", "--quiet", "is-active", unit)[0] == 0:
                return unit
    return None


def main_process(effective):
    """The sshd that listens; None: there is none."""
    pid = (read(effective.get("pidfile", ["/run/sshd.pid"])[0]) or b"").strip().decode("ascii", "replace")
    unit = active_unit()
    if unit:
        pid = run("systemctl", "show", "--property=MainPID", "--value", unit)[1].strip()
    if not pid.isdigit() or (read("/proc/%s/comm" % pid) or b"").strip() != b"sshd":
        return None
    return int(pid)


def listeners(pid):
    """The sockets that a process has."""
    found = set()
    try:
        for name in os.listdir("/proc/%d/fd" % pid):
            target = os.readlink("/proc/%d/fd/%s" % (pid, name))
            if target.startswith("socket:"):
                found.add(target)
    except OSError:
        pass
    return found


def addresses(effective):
    """Where sshd listens, seen from here."""
    found = []
    for value in effective.get("listenaddress", []):
        host, _, port = value.rpartition(":")
        host = host.strip("[]")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        if port.isdigit():
            found.append((host, int(port)))
    return found


def answers(place):
    """Whether an SSH server says its name there."""
    try:
        with socket.create_connection(place, 2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
