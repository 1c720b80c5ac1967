"""A command and its invocations, as the service keeps them."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

OPEN_STATES = {"Pending", "InProgress", "Cancelling"}


@dataclass
class Invocation:
    """A command on one instance."""

    command: Command
    instance_id: str
    name: str
    status: str = "Pending"
    details: str = "Pending"
    exit_status: int = -1
    output: str = ""
    errors: str = ""
    started: float = 0.0
    ended: float = 0.0
    stale_replies: int = 0
    was_seen_ended: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def move(self, status: str, details: str | None = None) -> bool:
        """Takes a new state on; an end is final, whatever the agent says later."""
        with self.lock:
            if self.status not in OPEN_STATES:
                return False
            if self.status == "Cancelling" and status in OPEN_STATES:
                return False
            self.status, self.details = status, details or status
            return True

    def end(
        self, now: float, status: str, details: str | None = None,
        exit_status: int = -1, output: str = "", errors: str = "",
    ) -> bool:
        """Moves to a final state with all that the agent reports; False when it had ended before."""
        with self.lock:
            if self.status not in OPEN_STATES:
                return False
            self.exit_status, self.output, self.errors = exit_status, output, errors
            self.ended = now
            self.status, self.details = status, details or status
            return True

    def show(self) -> tuple[str, str]:
        """Status and details as a caller sees them: after the end was shown, older news may come again."""
        with self.lock:
            if self.status in OPEN_STATES:
                return self.status, self.details
            if self.was_seen_ended and self.stale_replies > 0:
                self.stale_replies -= 1
                return "InProgress", "InProgress"
            self.was_seen_ended = True
            return self.status, self.details

    @property
    def is_open(self) -> bool:
        """Whether it may still change."""
        return self.status in OPEN_STATES

    @property
    def counts_as_error(self) -> bool:
        """Whether it counts against MaxErrors; one that never came to run does not."""
        return self.status == "Failed" or self.details == "ExecutionTimedOut"


@dataclass
class Command:
    """What was sent, and to whom."""

    document: str
    parameters: dict[str, list[str]]
    comment: str
    timeout: int
    """Seconds for the delivery, to which the time that the script may take is added."""
    maximum_concurrency: str
    maximum_errors: str
    instance_ids: list[str]
    targets: list[dict[str, object]]
    requested: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    invocations: dict[str, Invocation] = field(default_factory=dict)
    is_cancelled: bool = False

    @property
    def execution_timeout(self) -> float:
        """Seconds that the script may take; nonsense means an hour."""
        try:
            seconds = int((self.parameters.get("executionTimeout") or ["3600"])[0])
        except ValueError:
            return 3600
        return seconds if 5 <= seconds <= 172_800 else 3600

    @property
    def error_limit(self) -> int:
        """How many errors are borne before no more instances are begun."""
        return share(self.maximum_errors, len(self.invocations))

    @property
    def concurrency_limit(self) -> int:
        """On how many instances it runs at a time."""
        return max(1, share(self.maximum_concurrency, len(self.invocations)))

    def state(self) -> tuple[str, str]:
        """Status and its details, made up from those of the invocations."""
        parts = list(self.invocations.values())
        details = {part.details for part in parts}
        if not parts:
            return "Success", "NoInstancesInTag"
        if any(part.is_open for part in parts):
            if self.is_cancelled:
                return "Cancelling", "Cancelling"
            word = "Pending" if details == {"Pending"} else "InProgress"
            return word, word
        if details == {"Success"}:
            return "Success", "Success"
        if self.is_cancelled or details == {"Cancelled"}:
            return "Cancelled", "Cancelled"
        if details in ({"DeliveryTimedOut"}, {"ExecutionTimedOut"}):
            return "TimedOut", details.pop()
        if sum(part.counts_as_error for part in parts) > self.error_limit:
            return "Failed", "Failed"
        return "Failed", "Incomplete"


def share(text: str, whole: int) -> int:
    """A number, or a percentage of the whole, rounded down."""
    return whole * int(text[:-1]) // 100 if text.endswith("%") else int(text)
