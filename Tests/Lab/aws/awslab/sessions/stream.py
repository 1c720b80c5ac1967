"""The reliable stream on a data channel, for either end: messages in and out, no clock and no socket."""

from __future__ import annotations

import json
from dataclasses import dataclass

from awslab.sessions.message import (
    ACKNOWLEDGE, PAUSE_PUBLICATION, START_PUBLICATION, Message,
)

_LONGEST_TIMEOUT = 1.0
_VARIATION_FLOOR = 0.01


@dataclass
class _Sent:
    data: bytes
    first: float
    last: float
    was_repeated: bool = False


class ReliableStream:
    """Numbers what goes out and repeats it until it is acknowledged; puts what comes in back in order."""

    def __init__(self, sends: str, receives: str, capacity: int = 10_000) -> None:
        self._sends = sends
        self._receives = receives
        self._capacity = capacity
        self._next_out = 0
        self._next_in = 0
        self._sent: dict[int, _Sent] = {}
        self._early: dict[int, Message] = {}
        self._round_trip = 0.1
        self._variation = 0.0
        self._timeout = 0.2
        self.is_paused = False

    @property
    def unacknowledged(self) -> int:
        """How many messages the other end has not confirmed."""
        return len(self._sent)

    def send(self, payload_type: int, payload: bytes, now: float) -> bytes:
        """The bytes of a new message; while paused they are sent later, by `tick`."""
        message = Message(
            self._sends, payload, self._next_out, 0 if self._next_out else 1, payload_type
        )
        data = message.pack()
        self._sent[self._next_out] = _Sent(data, now, now)
        self._next_out += 1
        return data

    def receive(
        self, message: Message, now: float, accepts: bool = True
    ) -> tuple[list[Message], list[bytes]]:
        """What a message brings, in order, and what to answer.

        While the owner cannot take more (`accepts` is false) the next message in order is not acknowledged.
        """
        if message.kind == ACKNOWLEDGE:
            self._note_acknowledged(message, now)
        elif message.kind == PAUSE_PUBLICATION:
            self.is_paused = True
        elif message.kind == START_PUBLICATION:
            self.is_paused = False
        elif message.kind == self._receives:
            self.is_paused = False
            return self._take(message, accepts)
        return [], []

    def tick(self, now: float, all_that_are_due: bool = False) -> list[bytes]:
        """The oldest unacknowledged message, if it is time to send it again, or all; ask every 100 ms."""
        if self.is_paused:
            return []
        due = [sent for sent in self._sent.values() if now - sent.last > self._timeout]
        if not all_that_are_due:
            oldest = next(iter(self._sent.values()), None)
            due = [sent for sent in due if sent is oldest]
        for sent in due:
            sent.last, sent.was_repeated = now, True
        return [sent.data for sent in due]

    def _note_acknowledged(self, message: Message, now: float) -> None:
        self.is_paused = False
        try:
            number = json.loads(message.payload)["AcknowledgedMessageSequenceNumber"]
        except (ValueError, KeyError, TypeError):
            return
        sent = self._sent.pop(number, None)
        # Of a repeated message nobody knows which sending was confirmed.
        if sent is not None and not sent.was_repeated:
            trip = now - sent.first
            self._variation += (abs(self._round_trip - trip) - self._variation) / 4
            self._round_trip += (trip - self._round_trip) / 8
            wait = self._round_trip + max(_VARIATION_FLOOR, 4 * self._variation)
            self._timeout = min(_LONGEST_TIMEOUT, wait)

    def _take(self, message: Message, accepts: bool) -> tuple[list[Message], list[bytes]]:
        if message.sequence < self._next_in:
            return [], [acknowledgement(message)]
        if message.sequence > self._next_in:
            if len(self._early) >= self._capacity:
                return [], []
            self._early[message.sequence] = message
            return [], [acknowledgement(message)]
        if not accepts:
            return [], []
        ready = [message]
        self._next_in += 1
        while (early := self._early.pop(self._next_in, None)) is not None:
            ready.append(early)
            self._next_in += 1
        return ready, [acknowledgement(message)]


def acknowledgement(message: Message) -> bytes:
    """The message that confirms another."""
    payload = {
        "AcknowledgedMessageType": message.kind,
        "AcknowledgedMessageId": str(message.id),
        "AcknowledgedMessageSequenceNumber": message.sequence,
        "IsSequentialMessage": True,
    }
    return Message(ACKNOWLEDGE, json.dumps(payload).encode(), flags=3).pack()
