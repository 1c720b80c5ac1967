"""Our part of sshd's configuration."""

import os
import re
import signal

import files
from access import ACCESS
from files import FAILED, Failure, command, make_folder, read, remove, replace, run

REVOKED = ACCESS + "/revoked_keys"
PENDING_RELOAD = ACCESS + "/.reload-pending"
SSHD_FILE = "/etc/ssh/sshd_config.d/10-gatehouse.conf"
LOCAL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


def sshd_settings(state, host):
    """Our part of sshd's configuration. Accounts of the host itself keep their own keys; Gatehouse's users cannot add
    keys by which they would come past the gateway."""
    local = []
    for line in host.passwd.lines:
        fields = line.split(":")
        if len(fields) == 7 and fields[0] not in host.managed and LOCAL_NAME.match(fields[0]) and fields[0] != "root":
            if os.path.basename(fields[6]) not in ("nologin", "false", "sync", "halt", "shutdown"):
                local.append(fields[0])
    lines = [
        "# Written by `gatehouse account apply`; changes here are lost.",
        "TrustedUserCAKeys %s/user_ca.pub" % ACCESS,
        "AuthorizedPrincipalsFile %s/principals/%%u" % ACCESS,
        "AuthorizedKeysFile %s/authorized_keys/%%u" % ACCESS,
        "RevokedKeys %s" % REVOKED,
        "ExposeAuthInfo yes",
    ]
    if state["accept_env"]:
        lines.append("AcceptEnv " + " ".join(state["accept_env"]))
    lines += [
        "# The accounts of the host itself.",
        "Match User " + ",".join(["root"] + sorted(local)),
        "    AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def configure_sshd(state, host, result):
    """Puts our settings in place, keeps them only if sshd takes them, and has it read them."""
    make_folder(ACCESS)
    revoked = ["# Keys that open nothing here any more, whatever other file names them."] + sorted(state["revoked_keys"])
    # Before the drop-in that names it: sshd refuses every key when the list cannot be read.
    for path, lines in ((ACCESS + "/user_ca.pub", [state["certificate_authority"]]), (REVOKED, revoked)):
        text = "".join(line + "\n" for line in lines).encode("utf-8")
        if read(path) != text:
            replace(path, text, 0o644)
            result["changed"] = True
    if not os.path.isdir(os.path.dirname(SSHD_FILE)) or command("sshd") is None:
        raise Failure(FAILED, "this host has no sshd with %s" % os.path.dirname(SSHD_FILE))
    before, wanted = read(SSHD_FILE), sshd_settings(state, host)
    if before != wanted:
        replace(PENDING_RELOAD, b"", 0o600)
        replace(SSHD_FILE, wanted, 0o644)
        result["changed"] = True
        if files.is_rehearsal:
            return  # sshd can judge only what is in place.
    pending = os.path.exists(PENDING_RELOAD)
    test = "user=gatehouse,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
    status, output = run(command("sshd"), "-T", "-C", test)
    if status != 0:
        if files.is_rehearsal:
            raise Failure(FAILED, "sshd does not accept its configuration: " + output.strip()[-400:])
        # What a killed run left behind was never taken by sshd either.
        if pending:
            remove(SSHD_FILE) if before in (None, wanted) else replace(SSHD_FILE, before, 0o644)
            remove(PENDING_RELOAD)
        raise Failure(FAILED, "sshd does not accept its configuration: " + output.strip()[-400:])
    effective = dict(line.split(" ", 1) for line in output.split("\n") if " " in line)
    for line in wanted.decode("utf-8").split("\n")[1:6]:
        keyword, value = line.split(" ", 1)
        if effective.get(keyword.lower()) != value:
            raise Failure(FAILED, "sshd does not use %s: put `Include /etc/ssh/sshd_config.d/*.conf` at the top of "
                          "/etc/ssh/sshd_config, and let no other file set %s" % (SSHD_FILE, keyword))
    if pending and files.is_rehearsal:
        result["changed"] = True
    elif pending:
        result["reloaded"] = reload_sshd(effective.get("pidfile", "/run/sshd.pid"))
        remove(PENDING_RELOAD)


def reload_sshd(pid_file):
    """Whether a running sshd was told; one that does not run will read its files when it starts."""
    if os.path.isdir("/run/systemd/system"):
        for unit in ("ssh.service", "sshd.service"):
            if run("systemctl", "--quiet", "is-active", unit)[0] == 0:
                status, output = run("systemctl", "reload", unit)
                if status != 0:
                    raise Failure(FAILED, "%s does not reload: %s" % (unit, output.strip()[-400:]))
                return True
        return False
    pid = (read(pid_file) or b"").strip().decode("ascii", "replace")
    if not pid.isdigit() or (read("/proc/%s/comm" % pid) or b"").strip() != b"sshd":
        return False
    os.kill(int(pid), signal.SIGHUP)
    return True
