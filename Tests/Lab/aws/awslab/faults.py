"""What a test has ordered to go wrong: the settings behind `POST /lab`."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from awslab.errors import APIError


class BadSetting(ValueError):
    """A setting that the lab does not know, or cannot read."""


@dataclass
class Failure:
    """The next `count` calls of an action answer with an error.

    `hang_up` closes the connection in place of any answer; `done` has the call take effect all the same.
    """

    count: int = 1
    code: str = "InternalServerError"
    message: str = "An error occurred on the server side."
    status: int = 500
    hang_up: bool = False
    done: bool = False


@dataclass
class Loss:
    """The next `count` commands for an instance get lost: on their way, or the agent's last word (`reply`)."""

    count: int = 1
    at: str = "delivery"

    def __post_init__(self) -> None:
        if self.at not in ("delivery", "reply"):
            raise BadSetting("a command is lost at 'delivery' or at 'reply'")


@dataclass
class Kill:
    """The next `count` scripts on an instance are killed, after so many seconds or bytes of output."""

    count: int = 1
    after_seconds: float | None = None
    after_bytes: int | None = None
    signal: int = 9


Entry = TypeVar("Entry", Failure, Loss, Kill)


@dataclass
class Timing:
    """How long things take, in seconds; None for the limits means what the command says."""

    pickup: float = 0.05
    visible: float = 0.05
    finish: float = 0.0
    reboot: float = 0.3
    start: float = 1.0
    stop: float = 0.5
    lag: float = 0.0
    """For so long EC2 calls an instance running that was told to stop."""
    delivery_limit: float | None = None
    execution_limit: float | None = None
    stale_replies: int = 0
    """How often an older state shows again after the end was seen: the agent's answers overtake others."""


@dataclass
class StreamFaults:
    """Each n-th message of a session is lost, to the agent and from it, comes twice or late; 0: none.

    The true agent repeats only the oldest message each 100 ms, which is slow where many are lost: `repeat_all` has it repeat
    all that are due. `encrypt` names the KMS key that new sessions ask for. `expired`: tokens are not good any more when they come.
    """

    lose_in: int = 0
    lose_out: int = 0
    lose_acknowledgements: bool = False
    duplicate: int = 0
    reorder: int = 0
    repeat_all: bool = False
    encrypt: str | None = None
    expired: bool = False


@dataclass
class Faults:
    """All of it, with the means to ask whether a fault is due now."""

    rate: dict[str, float] = field(default_factory=dict)
    fail: dict[str, Failure] = field(default_factory=dict)
    lose: dict[str, Loss] = field(default_factory=dict)
    kill: dict[str, Kill] = field(default_factory=dict)
    output: dict[str, int] = field(default_factory=dict)
    boot: dict[str, str] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)
    stream: StreamFaults = field(default_factory=StreamFaults)
    calls: dict[str, int] = field(default_factory=dict)
    throttled: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: dict[str, deque[float]] = {}

    def update(self, settings: dict[str, Any]) -> None:
        """Takes settings over; raises `BadSetting`, and then has changed nothing."""
        with self._lock:
            rate = _merged(self.rate, settings.get("rate"), float)
            fail = _merged(self.fail, settings.get("fail"), lambda value: _read(Failure, value))
            lose = _merged(self.lose, settings.get("lose"), lambda value: _read(Loss, value))
            kill = _merged(self.kill, settings.get("kill"), lambda value: _read(Kill, value))
            output = _merged(self.output, settings.get("output"), int)
            boot = _merged(self.boot, settings.get("boot"), str)
            timing = _read(Timing, vars(self.timing) | _object(settings.get("timing")))
            stream = _read(StreamFaults, vars(self.stream) | _object(settings.get("stream")))
            self.rate, self.fail, self.lose, self.kill = rate, fail, lose, kill
            self.output, self.boot, self.timing, self.stream = output, boot, timing, stream

    def reset(self) -> None:
        """Nothing goes wrong any more, and the counters begin anew."""
        with self._lock:
            fresh = Faults()
            for part in fields(self):
                setattr(self, part.name, getattr(fresh, part.name))
            self._recent.clear()

    def count_call(self, action: str) -> None:
        """Counts a call, and raises `APIError` if it comes too soon after others."""
        with self._lock:
            self.calls[action] = self.calls.get(action, 0) + 1
            limit = self.rate.get(action)
            if limit is None:
                return
            now = time.monotonic()
            # At least one call, in a second or, for a rate below one, in as many as that takes.
            window = max(1.0, 1 / limit) if limit > 0 else 1.0
            recent = self._recent.setdefault(action, deque())
            while recent and recent[0] <= now - window:
                recent.popleft()
            if limit > 0 and len(recent) < max(1, int(limit * window)):
                recent.append(now)
                return
            self.throttled[action] = self.throttled.get(action, 0) + 1
        if action.startswith("ec2."):
            raise APIError("RequestLimitExceeded", "Request limit exceeded.", 503)
        if action.startswith("s3."):
            raise APIError("SlowDown", "Please reduce your request rate.", 503)
        raise APIError("ThrottlingException", "Rate exceeded", 400)

    def take_failure(self, action: str) -> Failure | None:
        """The failure that is due for this call, or None."""
        return self._take(self.fail, [action])

    def take_loss(self, names: list[str]) -> Loss | None:
        """Whether the command for a machine, known by any of these names, gets lost."""
        return self._take(self.lose, [*names, "*"])

    def take_kill(self, names: list[str]) -> Kill | None:
        """Whether the script on a machine, known by any of these names, will be killed."""
        return self._take(self.kill, [*names, "*"])

    def output_limit(self, names: list[str], limit: int) -> int:
        """How many characters of a script's output survive on a machine."""
        with self._lock:
            return min([limit, *(self.output[name] for name in [*names, "*"] if name in self.output)])

    def _take(self, table: dict[str, Entry], names: list[str]) -> Entry | None:
        with self._lock:
            for name in names:
                entry = table.get(name)
                if entry is None:
                    continue
                entry.count -= 1
                if entry.count <= 0:
                    del table[name]
                return entry
        return None


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadSetting(f"not an object: {value!r}")
    return value


def _merged(table: dict[str, Any], change: Any, read: Any) -> dict[str, Any]:
    """The table with the changes; null takes an entry out."""
    merged = dict(table)
    for name, value in _object(change).items():
        if value is None:
            merged.pop(name, None)
        else:
            try:
                merged[name] = read(value)
            except (TypeError, ValueError) as problem:
                raise BadSetting(f"{name}: {problem}") from None
    return merged


def _read(kind: Any, value: Any) -> Any:
    unknown = set(_object(value)) - {part.name for part in fields(kind)}
    if unknown:
        raise BadSetting(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    return kind(**value)
