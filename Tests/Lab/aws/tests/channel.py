"""A client of the data channel, as small as the tests need it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

from awslab.sessions.message import CHANNEL_CLOSED, INPUT, OUTPUT, Flag, Message, Payload
from awslab.sessions.stream import ReliableStream
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Channel:
    """Opens a session's data channel, answers the handshake, and collects what the host sends."""

    def __init__(self, session: dict[str, Any], action_status: int = 1) -> None:
        self._stream = ReliableStream(INPUT, OUTPUT)
        self._lock = threading.Lock()
        self._action_status = action_status
        self.received = b""
        self.payload_types: list[int] = []
        self.farewell: dict[str, Any] | None = None
        self.is_ready = False
        self._open(session["StreamUrl"], session["TokenValue"])
        threading.Thread(target=self._repeat, daemon=True).start()

    def resume(self, session: dict[str, Any]) -> None:
        """Goes on after the connection broke."""
        self._open(session["StreamUrl"], session["TokenValue"])

    def send(self, data: bytes) -> None:
        """Sends to the host's port."""
        for start in range(0, len(data), 1024):
            self._transmit(Payload.OUTPUT, data[start : start + 1024])

    def flag(self, flag: Flag) -> None:
        """Sends a flag."""
        self._transmit(Payload.FLAG, flag.to_bytes(4, "big"))

    def close(self) -> None:
        """Closes the connection, which does not end the session."""
        self._connection.close()

    @property
    def is_closed(self) -> bool:
        return not self._reader.is_alive()

    def _open(self, url: str, token: str) -> None:
        self._connection = connect(url, compression=None, ping_interval=None, legacy=True)
        hello = {
            "MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4()), "TokenValue": token,
            "ClientId": str(uuid.uuid4()), "ClientVersion": "1.2.650.0",
        }
        self._connection.send(json.dumps(hello))
        self._reader = threading.Thread(target=self._read, args=[self._connection], daemon=True)
        self._reader.start()

    def _transmit(self, kind: Payload, payload: bytes) -> None:
        with self._lock:
            self._push(self._stream.send(kind, payload, time.monotonic()))

    def _push(self, data: bytes) -> None:
        try:
            self._connection.send(data)
        except ConnectionClosed:
            pass

    def _read(self, connection: Any) -> None:
        try:
            for data in connection:
                self._take(Message.unpack(data))
        except ConnectionClosed:
            pass

    def _take(self, message: Message) -> None:
        if message.kind == CHANNEL_CLOSED:
            self.farewell = json.loads(message.payload)
        with self._lock:
            parts, replies = self._stream.receive(message, time.monotonic())
            for reply in replies:
                self._push(reply)
        for part in parts:
            self.payload_types.append(part.payload_type)
            if part.payload_type == Payload.OUTPUT:
                self.received += part.payload
            elif part.payload_type == Payload.HANDSHAKE_REQUEST:
                self._answer(json.loads(part.payload))
            elif part.payload_type == Payload.HANDSHAKE_COMPLETE:
                self.is_ready = True

    def _answer(self, request: dict[str, Any]) -> None:
        actions = [
            {
                "ActionType": action["ActionType"], "ActionStatus": self._action_status,
                "ActionResult": None, "Error": "",
            }
            for action in request["RequestedClientActions"]
        ]
        answer = {"ClientVersion": "1.2.650.0", "ProcessedClientActions": actions, "Errors": None}
        self._transmit(Payload.HANDSHAKE_RESPONSE, json.dumps(answer).encode())

    def _repeat(self) -> None:
        while self.farewell is None:
            time.sleep(0.1)
            with self._lock:
                for data in self._stream.tick(time.monotonic()):
                    self._push(data)
