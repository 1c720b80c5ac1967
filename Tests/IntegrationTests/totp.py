"""One-time codes as an authenticator makes them, and people who type them."""

import base64
import hashlib
import hmac
import os
import re
import struct
import subprocess
import time

PERIOD = 30
PROMPT = b"The code that it shows now:"


def code(secret, offset=0, at=None):
    """The code of the present period, or of one `offset` periods later."""
    step = int((time.time() if at is None else at) // PERIOD) + offset
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place:place + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def not_near_the_end(margin=8):
    """Waits until the present period has some seconds left, so that a test and the gateway mean the same one."""
    left = PERIOD - time.time() % PERIOD
    if left < margin:
        time.sleep(left)


class Terminal:
    """A person at a terminal: a process whose output is read until something is asked."""

    def __init__(self, words, env=None):
        self.process = subprocess.Popen(
            [str(word) for word in words], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )
        self.seen = b""

    def until(self, text):
        """Reads on until it has said `text`; what it has said since the last time."""
        start = len(self.seen)
        while text not in self.seen[start:]:
            piece = os.read(self.process.stdout.fileno(), 65_536)
            assert piece, f"ended before {text!r}: {self.seen.decode(errors='replace')}"
            self.seen += piece
        return self.seen[start:]

    def say(self, line):
        """Types a line."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        """All that it says until it ends, and its status."""
        rest, _ = self.process.communicate(timeout=20)
        self.seen += rest or b""
        return self.seen.decode(errors="replace"), self.process.returncode


class Enrolment:
    """What somebody has after `totp enrol`: a secret and recovery codes."""

    def __init__(self, terminal, present=None):
        if present is not None:
            terminal.until(b"or a recovery code:")
            terminal.say(present)
        shown = terminal.until(PROMPT).decode()
        self.shown = shown
        self.secret = re.search(r"type the secret: ([A-Z2-7]{32})", shown)[1]
        not_near_the_end()
        #: The period of the last code that was given.
        self.step = int(time.time() // PERIOD)
        terminal.say(code(self.secret))
        text, status = terminal.end()
        assert status == 0, text
        self.recovery = re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", text)

    def next(self):
        """A code that was not given yet; waits where the gateway would not take it yet."""
        self.step = max(self.step + 1, int(time.time() // PERIOD))
        while int(time.time() // PERIOD) < self.step - 1:
            time.sleep(0.2)
        return code(self.secret, at=self.step * PERIOD)
