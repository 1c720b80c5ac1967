"""The agent's side of one AWS-StartSSHSession: from the data channel to a port of the host, and back."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from awslab.commands.agent import VERSION
from awslab.faults import StreamFaults
from awslab.hosts import Host
from awslab.sessions.encryption import EncryptionFailed, SessionCipher
from awslab.sessions.line import FaultyLine
from awslab.sessions.message import CHANNEL_CLOSED, INPUT, OUTPUT, BadMessage, Flag, Message, Payload
from awslab.sessions.stream import ReliableStream

_CHUNK = 1024
_WINDOW = 2000
_AGENT_CAPACITY = 100_000
_HANDSHAKE_LIMIT = 15.0
_SUCCESS = 1


@dataclass
class SessionRecord:
    """What the service keeps of a session."""

    target: str
    document: str
    reason: str
    port: int
    owner: str
    began: float
    region: str
    id: str = field(default_factory=lambda: f"lab-{uuid.uuid4().hex[:17]}")
    token: str | None = field(default_factory=lambda: uuid.uuid4().hex)
    status: str = "Connected"
    ended: float = 0.0


class _Link:
    """A client's connection with a queue before it, so that a client that does not read holds nobody up."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def send(self, data: bytes) -> None:
        """Queues a message."""
        self._queue.put(data)

    def close(self) -> None:
        """Closes the connection once all that is queued has gone."""
        self._queue.put(None)

    def _work(self) -> None:
        try:
            while (data := self._queue.get()) is not None:
                self.connection.send(data)
        except (ConnectionClosed, OSError):
            pass
        self.connection.close()


class PortSession:
    """Runs a session; its threads end with it. The client may come and go: each time on a new connection."""

    def __init__(
        self, record: SessionRecord, host: Host, faults: Callable[[], StreamFaults],
        on_end: Callable[[SessionRecord], None],
    ) -> None:
        self.record = record
        self._host = host
        self._faults = faults
        self._on_end = on_end
        self._stream = ReliableStream(OUTPUT, INPUT, _AGENT_CAPACITY)
        self._lock = threading.RLock()
        self._link: _Link | None = None
        self._has_begun = False
        self._is_open = True
        self._is_answered = False
        self._is_agreed = False
        self._port: socket.socket | None = None
        self._to_port: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._line_in = FaultyLine()
        self._line_out = FaultyLine()
        key = faults().encrypt
        self._cipher = SessionCipher(key, record.region, record.id, record.target) if key else None

    def serve(self, connection: ServerConnection) -> None:
        """Attends to a client until its connection ends, or the session."""
        link = _Link(connection)
        with self._lock:
            previous, self._link = self._link, link
            self._stream.is_paused = False
            if not self._has_begun:
                self._has_begun = True
                self._begin()
        if previous is not None:
            previous.close()
        try:
            for data in connection:
                if isinstance(data, bytes):
                    self._receive(data)
        except ConnectionClosed:
            pass
        finally:
            link.close()
            with self._lock:
                if self._link is link:
                    self._link = None
                    self._stream.is_paused = True

    def end(self, reason: str = "") -> None:
        """Ends the session and tells the client why."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            self._on_end(self.record)
            self._to_port.put(None)
            if self._port is not None:
                # A reader that waits is woken by this, by a mere close it is not.
                try:
                    self._port.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                self._port.close()
            farewell = json.dumps(self._farewell(reason)).encode()
            self._transmit(Message(CHANNEL_CLOSED, farewell, flags=3).pack())
            if self._link is not None:
                self._link.close()

    def cut(self) -> bool:
        """Breaks the connection to the client without a word; the session lives on."""
        link = self._link
        if link is None:
            return False
        try:
            link.connection.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
        return True

    def _begin(self) -> None:
        properties = {"portNumber": str(self.record.port)}
        action = {
            "ActionType": "SessionType",
            "ActionParameters": {"SessionType": "Port", "Properties": properties},
        }
        actions = [action]
        if self._cipher is not None:
            parameters = {"KMSKeyId": self._cipher.key_id, "Challenge": self._cipher.challenge}
            actions.insert(0, {"ActionType": "KMSEncryption", "ActionParameters": parameters})
        request = {"AgentVersion": VERSION, "RequestedClientActions": actions}
        self._send(Payload.HANDSHAKE_REQUEST, json.dumps(request).encode())
        threading.Thread(target=self._keep_sending, daemon=True).start()

    def _farewell(self, reason: str) -> dict[str, object]:
        return {
            "MessageType": CHANNEL_CLOSED,
            "MessageId": str(uuid.uuid4()),
            "DestinationId": self.record.target,
            "SessionId": self.record.id,
            "SchemaVersion": 1,
            "CreatedDate": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
            "Output": reason,
        }

    def _send(self, kind: Payload, payload: bytes) -> None:
        with self._lock:
            data = self._stream.send(kind, payload, time.monotonic())
            if not self._stream.is_paused:
                self._transmit(data)

    def _transmit(self, data: bytes) -> None:
        """To the client, if there is one and no fault takes the message away."""
        faults = self._faults()
        for arrived in self._line_out.pass_on(data, faults.lose_out, faults):
            if self._link is not None:
                self._link.send(arrived)

    def _receive(self, data: bytes) -> None:
        faults = self._faults()
        with self._lock:
            for arrived in self._line_in.pass_on(data, faults.lose_in, faults):
                if self._is_open:
                    self._take(arrived)

    def _take(self, data: bytes) -> None:
        try:
            message = Message.unpack(data)
        except BadMessage:
            return
        # While the agent dials it takes nothing, and the client has to come again.
        accepts = self._port is not None or not self._is_agreed
        messages, replies = self._stream.receive(message, time.monotonic(), accepts)
        for reply in replies:
            self._transmit(reply)
        try:
            for part in messages:
                self._handle(part)
        except EncryptionFailed as problem:
            self.end(str(problem))

    def _handle(self, message: Message) -> None:
        if message.payload_type == Payload.FLAG:
            if message.payload == Flag.TERMINATE_SESSION.to_bytes(4, "big"):
                self.end()
        elif message.payload_type == Payload.HANDSHAKE_RESPONSE and not self._is_answered:
            self._take_answer(message.payload)
        elif message.payload_type == Payload.ENCRYPTION_CHALLENGE_RESPONSE and self._cipher is not None:
            self._cipher.check(json.loads(message.payload)["Challenge"])
            self._finish_handshake()
        elif message.payload_type == Payload.OUTPUT and self._port is not None:
            self._to_port.put(self._cipher.decrypt(message.payload) if self._cipher else message.payload)
        # Anything sent before the handshake is complete is confirmed and thrown away.

    def _take_answer(self, payload: bytes) -> None:
        try:
            actions = json.loads(payload)["ProcessedClientActions"]
            agreed = bool(actions) and all(action["ActionStatus"] == _SUCCESS for action in actions)
            sealed = [a["ActionResult"]["KMSCipherTextKey"] for a in actions if a["ActionType"] == "KMSEncryption"]
        except (ValueError, KeyError, TypeError):
            agreed, sealed = False, []
        if not agreed or len(sealed) != (self._cipher is not None):
            self.end("Handshake with the client failed")
            return
        self._is_answered = True
        if self._cipher is None:
            self._finish_handshake()
            return
        self._cipher.open(sealed[0])
        self._send(Payload.ENCRYPTION_CHALLENGE_REQUEST, json.dumps({"Challenge": self._cipher.ask()}).encode())

    def _finish_handshake(self) -> None:
        self._is_agreed = True
        complete = {"HandshakeTimeToComplete": 1_000_000, "CustomerMessage": ""}
        self._send(Payload.HANDSHAKE_COMPLETE, json.dumps(complete).encode())
        threading.Thread(target=self._dial, daemon=True).start()

    def _dial(self) -> None:
        try:
            port = self._host.connect(self.record.port)
        except OSError:
            # The true agent crashes here, and the client hears nothing more.
            return
        with self._lock:
            if not self._is_open:
                port.close()
                return
            self._port = port
        threading.Thread(target=self._copy_to_port, args=[port], daemon=True).start()
        self._copy_from_port(port)

    def _copy_to_port(self, port: socket.socket) -> None:
        try:
            while (data := self._to_port.get()) is not None:
                port.sendall(data)
        except OSError:
            pass

    def _copy_from_port(self, port: socket.socket) -> None:
        try:
            port.settimeout(None)
            while self._is_open and (data := port.recv(_CHUNK)):
                self._send(Payload.OUTPUT, self._cipher.encrypt(data) if self._cipher else data)
                while self._is_open and self._stream.unacknowledged > _WINDOW:
                    time.sleep(0.005)
        except OSError:
            pass
        patience = time.monotonic() + 10
        while self._is_open and self._stream.unacknowledged and time.monotonic() < patience:
            time.sleep(0.01)
        self.end()

    def _keep_sending(self) -> None:
        """Repeats what is not confirmed, and gives up on a client that never answers the handshake."""
        deadline = time.monotonic() + _HANDSHAKE_LIMIT
        while self._is_open:
            time.sleep(0.1)
            with self._lock:
                for data in self._stream.tick(time.monotonic(), self._faults().repeat_all):
                    self._transmit(data)
            if not self._is_answered and time.monotonic() > deadline:
                self.end("Handshake timed out")
