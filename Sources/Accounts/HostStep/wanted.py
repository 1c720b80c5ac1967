"""The wanted state that comes from the gateway, checked again here."""

import json
import re

from files import BAD_INPUT, Failure

NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}\Z")
ENVIRONMENT = re.compile(r"[A-Za-z_*?][A-Za-z0-9_*?]*\Z")
KEY = re.compile(r"(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( [^\x00-\x1f\x7f]*)?\Z")
PATH = re.compile(r"/[^\x00-\x1f\x7f:]+\Z")
CONTROL_OR_COLON = re.compile(r"[\x00-\x1f\x7f:]")
RESTRICTIONS = {"no-port-forwarding", "no-agent-forwarding"}
RESERVED = {"root", "nobody", "daemon", "bin", "sys", "sshd", "admin", "centos", "debian", "ec2-user", "fedora",
            "rocky", "ssm-user", "ubuntu"}


def wanted_state(data):
    """The JSON, with every member that the rest relies on checked for presence and type."""
    try:
        state = json.loads(data.decode("utf-8"))
        low, high = state["range"]
        kinds = [(low, int), (high, int), (state["generation"], int), (state["certificate_authority"], str)]
        for member in ("accept_env", "revoked_keys", "departed", "adopted"):
            kinds += [(text, str) for text in state.setdefault(member, [])]
        kinds += [(state.setdefault(member, False), bool) for member in ("rehearsal", "brief", "insists")]
        for user in state["users"]:
            kinds += [(user[key], str) for key in ("name", "full_name", "home", "shell")]
            kinds += [(user["uid"], int), (user["gid"], int), (user["sudo"], bool)]
            kinds += [(text, str) for text in user["keys"] + user["restrictions"]]
        for group in state["groups"]:
            kinds += [(group["name"], str), (group["gid"], int)] + [(name, str) for name in group["members"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Failure(BAD_INPUT, "the wanted state cannot be read: %s: %s" % (type(error).__name__, error))
    if state.get("schema") != 1 or any(type(value) is not kind for value, kind in kinds):
        raise Failure(BAD_INPUT, "the wanted state is not of schema 1")
    if not 1000 <= low <= high < 2**31:
        raise Failure(BAD_INPUT, "the range of ids is not one for people")
    if not KEY.match(state["certificate_authority"]):
        raise Failure(BAD_INPUT, "the certificate authority is not a public key")
    if any(not ENVIRONMENT.match(pattern) or pattern.startswith("LD_") for pattern in state["accept_env"]):
        raise Failure(BAD_INPUT, "accept_env holds something that is not a variable's name")
    if not all(KEY.match(key) for key in state["revoked_keys"]):
        raise Failure(BAD_INPUT, "revoked_keys holds something that is not a public key")
    names = [entry["name"] for entry in state["users"] + state["groups"]]
    ids = [user["uid"] for user in state["users"]] + [group["gid"] for group in state["groups"]]
    if len(set(names)) != len(names) or len(set(ids)) != len(ids):
        raise Failure(BAD_INPUT, "a name or an id appears twice in the wanted state")
    return state


def own_fault(entry, state):
    """Why a user or group cannot be made on any host."""
    low, high = state["range"]
    ids = [entry[key] for key in ("uid", "gid") if key in entry]
    if not NAME.match(entry["name"]) or entry["name"] in RESERVED:
        return "bad-name"
    if any(not low <= number <= high or number in (65534, 65535) for number in ids):
        return "id-out-of-range"
    if "uid" in entry:
        if CONTROL_OR_COLON.search(entry["full_name"]):
            return "bad-field"
        if not PATH.match(entry["home"]) or not PATH.match(entry["shell"]) or "/../" in entry["home"] + "/":
            return "bad-field"
        if not all(KEY.match(key) for key in entry["keys"]) or not set(entry["restrictions"]) <= RESTRICTIONS:
            return "bad-field"
    return None
