"""What the gateway wants done with files: one action, one line of JSON back."""

import base64
import json
import os
import sys

import files
import shares
import transfer
import trees
from files import BAD_INPUT, CHANGED, FAILED, UNCHANGED, Failure

ACTIONS = {"tree": trees.make, "share": shares.share, "unshare": shares.unshare, "transfer": transfer.transfer}


def wanted_work(data):
    try:
        wanted = json.loads(data.decode("utf-8"))
        if wanted["schema"] != 1 or wanted["action"] not in ACTIONS:
            raise ValueError("not an action of this program")
        for holder in [wanted] + wanted.get("items", []):
            for name in ("path", "tree"):
                if name in holder:
                    holder[name] = base64.b64decode(holder[name], validate=True)
                    if b"\0" in holder[name]:
                        raise ValueError("a path with a zero byte")
        return wanted
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(BAD_INPUT, "the work cannot be read: %s" % error)


def main():
    report = {"schema": 1, "changed": False, "errors": [], "remarks": []}
    os.umask(0o077)
    try:
        wanted = wanted_work(sys.stdin.buffer.read())
        if wanted.get("rehearsal"):
            files.rehearse()
        ACTIONS[wanted["action"]](wanted, report)
        code = CHANGED if report["changed"] else UNCHANGED
    except Failure as failure:
        code, report["errors"] = failure.code, [str(failure)]
    except OSError as error:
        code, report["errors"] = FAILED, [str(error)]
    except RecursionError:
        code, report["errors"] = FAILED, ["the folders are too deep in each other"]
    print(json.dumps(report, sort_keys=True))
    sys.exit(code)


main()
