"""The operations of Session Manager, and the end of the data channel where clients come in."""

from __future__ import annotations

import json
import re
import threading
import uuid
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from awslab.clock import Clock
from awslab.credentials import ACCOUNT
from awslab.errors import APIError
from awslab.faults import Faults
from awslab.machines import Machines
from awslab.sessions.port_session import PortSession, SessionRecord
from awslab.validation import page

_HELLO_LIMIT = 15.0
_POLICY_VIOLATION = 1008
_PATH = re.compile(r"/v1/data-channel/([\w.-]+)")


class SessionService:
    """Keeps the sessions; requests and answers are AWS's JSON."""

    def __init__(self, machines: Machines, faults: Faults, clock: Clock, address: str, port: int) -> None:
        self._machines = machines
        self._faults = faults
        self._clock = clock
        self._sessions: dict[str, PortSession] = {}
        self._lock = threading.Lock()
        self._server: Server = serve(
            self._attend, address, port, compression=None, ping_interval=None, max_size=None
        )
        self.port: int = self._server.socket.getsockname()[1]
        self._base = f"ws://{address}:{self.port}"
        self.operations = {
            "StartSession": self.start_session,
            "ResumeSession": self.resume_session,
            "TerminateSession": self.terminate_session,
            "DescribeSessions": self.describe_sessions,
        }

    def serve_forever(self) -> None:
        """Accepts data channels until `close`."""
        self._server.serve_forever()

    def close(self) -> None:
        """Ends all sessions and accepts no more."""
        for session in list(self._sessions.values()):
            session.end("the endpoint ends")
        self._server.shutdown()

    def cut(self) -> int:
        """Breaks all data channels; the sessions can be resumed. Returns how many there were."""
        return sum(session.cut() for session in list(self._sessions.values()))

    def start_session(self, request: dict[str, Any]) -> dict[str, Any]:
        """A session and the token that opens its data channel."""
        document = request.get("DocumentName", "SSM-SessionManagerRunShell")
        if document != "AWS-StartSSHSession":
            raise APIError("InvalidDocument", f"Document with name {document} does not exist.")
        parameters = request.get("Parameters") or {}
        if unknown := set(parameters) - {"portNumber"}:
            raise APIError("InvalidParameters", f"unknown parameters: {', '.join(sorted(unknown))}")
        port = (parameters.get("portNumber") or ["22"])[0]
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
            raise APIError("InvalidParameters", "portNumber must be 1 to 65535")
        machine = self._machines.get(request["Target"])
        if machine is None or not machine.answers or machine.host is None:
            raise APIError("TargetNotConnected", f"{request['Target']} is not connected.")
        record = SessionRecord(
            machine.id, document, request.get("Reason", ""), int(port),
            f"arn:aws:iam::{ACCOUNT}:root", self._clock.now(), self._machines.region,
        )
        with self._lock:
            self._sessions[record.id] = PortSession(
                record, machine.host, lambda: self._faults.stream, self._note_end
            )
        return self._opening(record)

    def resume_session(self, request: dict[str, Any]) -> dict[str, Any]:
        """A new token for a session whose connection broke; nothing once the session has ended."""
        session = self._find(request)
        if session.record.status != "Connected":
            return {"SessionId": session.record.id}
        session.record.token = uuid.uuid4().hex
        return self._opening(session.record)

    def terminate_session(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ends a session; one that has ended stays so."""
        session = self._sessions.get(request["SessionId"])
        if session is not None:
            session.end()
        return {"SessionId": request["SessionId"]}

    def describe_sessions(self, request: dict[str, Any]) -> dict[str, Any]:
        """Active sessions, or those that ended, newest first."""
        if request.get("State") not in ("Active", "History"):
            raise APIError("ValidationException", "State is Active or History.")
        filters = {item["key"]: item["value"] for item in request.get("Filters") or []}
        if unknown := set(filters) - {"Target", "SessionId", "Status"}:
            raise APIError("InvalidFilterKey", f"unknown filters: {', '.join(sorted(unknown))}")
        entries = []
        for session in reversed(list(self._sessions.values())):
            record = session.record
            known = {"Target": record.target, "SessionId": record.id, "Status": record.status}
            is_active = record.status == "Connected"
            if is_active == (request["State"] == "Active") and all(
                known[key] == value for key, value in filters.items()
            ):
                entries.append(_session_json(record))
        part, token = page(entries, request, 1, 200)
        return {"Sessions": part} | ({"NextToken": token} if token else {})

    def _find(self, request: dict[str, Any]) -> PortSession:
        session = self._sessions.get(request["SessionId"])
        if session is None:
            raise APIError("DoesNotExistException", f"Session {request['SessionId']} does not exist.")
        return session

    def _opening(self, record: SessionRecord) -> dict[str, Any]:
        url = f"{self._base}/v1/data-channel/{record.id}?role=publish_subscribe"
        return {"SessionId": record.id, "TokenValue": record.token, "StreamUrl": url}

    def _note_end(self, record: SessionRecord) -> None:
        record.status, record.ended, record.token = "Terminated", self._clock.now(), None

    def _attend(self, connection: ServerConnection) -> None:
        """A client: its first message, which is text, has to bring the session's token."""
        assert connection.request is not None
        found = _PATH.fullmatch(urlsplit(connection.request.path).path)
        session = self._sessions.get(found[1]) if found else None
        try:
            hello = connection.recv(timeout=_HELLO_LIMIT)
        except (TimeoutError, ConnectionClosed):
            connection.close(_POLICY_VIOLATION)
            return
        if session is None or not self._accept(session, hello):
            connection.close(_POLICY_VIOLATION, "the token is not valid")
            return
        session.serve(connection)

    def _accept(self, session: PortSession, hello: str | bytes) -> bool:
        try:
            words = json.loads(hello) if isinstance(hello, str) else {}
        except ValueError:
            return False
        with self._lock:
            token = session.record.token
            if not isinstance(words, dict) or token is None or words.get("TokenValue") != token:
                return False
            if self._faults.stream.expired:
                return False
            if words.get("MessageSchemaVersion") != "1.0":
                return False
            # Good for one connection.
            session.record.token = None
            return True


def _session_json(record: SessionRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "SessionId": record.id,
        "Target": record.target,
        "Status": record.status,
        "StartDate": record.began,
        "DocumentName": record.document,
        "Owner": record.owner,
        "Reason": record.reason,
        "Details": "",
    }
    if record.ended:
        entry["EndDate"] = record.ended
    return entry
