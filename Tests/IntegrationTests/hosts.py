"""What the tests of accounts see and change on a host of the lab, past the gateway."""

import json
import secrets
import sqlite3
from pathlib import Path

STEP = Path(__file__).parents[2] / "Sources/Accounts"
MODULES = ("files", "wanted", "homes", "processes", "accounts", "access", "sshd", "apply")

#: By which files somebody gets in: a line for each name.
ACCESS = {
    "certificate": "/etc/ssh/gatehouse/people",
    "keys": "/etc/ssh/gatehouse/keys",
    "sudo": "/etc/sudoers.d/gatehouse",
}


def state(lab, host, user):
    """What `account status` says of a user on a host: state, since and reason; None: nothing. No user: the host itself."""
    found = [row for row in lab.rows("account", "status", host) if row["user"] == user]
    return found[0] if found else None


def edit(lab, host, file, old, new):
    """Changes a file of a host by hand."""
    lab.lab_exec(host, "sed", "-i", "-E", f"s|{old}|{new}|", file)


def line(lab, host, database, name):
    """The fields of a line of an account file; None: there is no such line."""
    text = lab.lab_exec(host, "cat", f"/etc/{database}").out.decode("latin-1")
    found = [row.split(":") for row in text.splitlines() if row.split(":")[0] == name]
    return found[0] if found else None


def is_let_in(lab, host, name):
    """Whether the host would take a certificate of this name."""
    return lab.lab_exec(host, "grep", "-qxF", name, ACCESS["certificate"], check=False).status == 0


def apply(lab, host):
    """Applies, whatever comes of it: the report, None when there is none."""
    done = lab.gatehouse("account", "apply", host, "--json", check=False)
    return json.loads(done.out) if done.out else None


def entry(report, name):
    """What a report says of one user: result and reason."""
    found = next(row for row in report["users"] if row["name"] == name)
    return found["result"], found["reason"]


def stamps(lab, host):
    """Inode, change time and size of everything that Gatehouse may write on a host."""
    places = "/etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/ssh /etc/sudoers.d /etc/gatehouse /home"
    return lab.lab_exec(host, "bash", "-c", f"find {places} -exec stat -c '%n %i %Z %s %a %u:%g' {{}} + | sort").out


def tamper(lab, *statements):
    """Writes into the directory's database past its rules, as only a broken gateway could."""
    with sqlite3.connect(lab.variables["DIRECTORY_DB"], timeout=10) as database:
        for text, *values in statements:
            database.execute(text, values)


def renumber(lab, old, new):
    """Gives a user of the directory a number that it would never give out."""
    tables = [("numbers", "number"), *((name, "uid") for name in ("users", "memberships", "user_keys", "grants"))]
    tamper(lab, *((f"UPDATE {table} SET {column} = ? WHERE {column} = ?", new, old) for table, column in tables))


def rename(lab, old, new):
    """Gives a user of the directory a name that it would never take."""
    tamper(lab, ("UPDATE numbers SET name = ? WHERE name = ?", new, old))


def run_step(lab, host, wanted, length=None):
    """Runs the step on a host with a wanted state of the test's own: exit status and report.

    `length` is how many bytes of the state arrive.
    """
    text = (STEP / "HostStep.swift").read_text().split('"""')[1].split("\n")[1:-1]
    sources = [(name, (STEP / "HostStep" / f"{name}.py").read_bytes()) for name in MODULES]
    index = json.dumps([[name, len(source)] for name, source in sources]).encode() + b"\n"
    data = (wanted if isinstance(wanted, bytes) else json.dumps(wanted).encode())[:length]
    words = ("sh", "-c", "\n".join(row[8:] for row in text))
    done = lab.lab_exec(host, *words, check=False, input=index + b"".join(source for _, source in sources) + data)
    return done.status, json.loads(done.out)


def unused(prefix="other"):
    """A name that nobody has."""
    return f"{prefix}{secrets.token_hex(3)}"
