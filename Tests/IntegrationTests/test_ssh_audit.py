"""What ssh-audit(1) says of the gateway."""

import json
import subprocess
import sys
from pathlib import Path

#: libssh 0.10 knows no key exchange that withstands a quantum computer (docs/security.md).
KNOWN = "does not provide protection against post-quantum attacks"


def test_ssh_audit_finds_no_fault(lab):
    program = Path(sys.executable).with_name("ssh-audit")
    address = ["-p", lab.variables["GATEWAY_PORT"], lab.variables["GATEWAY_HOST"]]
    result = subprocess.run([program, "--json", "--no-colors", "--skip-rate-test", *address], capture_output=True, text=True)
    report = json.loads(result.stdout)
    found = {}
    for kind in ("kex", "key", "enc", "mac"):
        assert report[kind]
        for algorithm in report[kind]:
            for level in ("fail", "warn"):
                for note in algorithm["notes"].get(level, []):
                    found.setdefault((level, note), set()).add(algorithm["algorithm"])
    exchanges = {algorithm["algorithm"] for algorithm in report["kex"]} - {"kex-strict-s-v00@openssh.com"}
    assert found == {("warn", KNOWN): exchanges}
    assert not report["cves"]
