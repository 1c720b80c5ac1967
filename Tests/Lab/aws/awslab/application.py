"""The endpoint: checks signatures, lets faults happen, answers for SSM, and leaves the rest to moto."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from awslab.clock import Clock
from awslab.commands.service import RunCommandService
from awslab.credentials import CredentialStore
from awslab.errors import Answer, APIError, error_answer, json_answer
from awslab.faults import Failure, Faults
from awslab.panel import Panel
from awslab.power import Power
from awslab.request import Request
from awslab.sessions.service import SessionService
from awslab.signature import SignatureRejected, rejection, verify

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Application:
    """A WSGI application around moto's."""

    def __init__(
        self, moto: WSGIApplication, region: str, credentials: CredentialStore, clock: Clock, faults: Faults,
        commands: RunCommandService, sessions: SessionService, power: Power, panel: Panel,
    ) -> None:
        self._moto = moto
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._faults = faults
        self._power = power
        self._panel = panel
        self._operations = commands.operations | sessions.operations

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        request = Request.from_environ(environ)
        if request.path == "/lab":
            return self._send(self._panel.answer(request), start_response)
        service = request.service or request.service_of_scope
        failure: Failure | None = None
        try:
            verify(request, self._credentials.find, self._clock.date(), self._region)
            self._faults.count_call(request.action)
            failure = self._faults.take_failure(request.action)
            if failure is None or failure.done:
                answer = self._perform(request, environ)
            if failure is not None:
                answer = error_answer(APIError(failure.code, failure.message, failure.status), service)
        except SignatureRejected as rejected:
            answer = error_answer(rejection(rejected, service), service)
        except APIError as error:
            answer = error_answer(error, service)
        if failure is not None and failure.hang_up:
            _hang_up(environ)
        return self._send(answer, start_response)

    def _perform(self, request: Request, environ: dict[str, Any]) -> Answer:
        operation = self._operations.get(request.target.removeprefix("AmazonSSM."))
        if self._power.is_moved_by(request.action):
            before = self._power.states()
            answer = self._ask_moto(request, environ)
            self._power.follow(before)
            return answer
        if request.service != "ssm" or operation is None:
            return self._ask_moto(request, environ)
        try:
            parameters = json.loads(request.body or b"{}")
        except ValueError:
            parameters = None
        if not isinstance(parameters, dict):
            raise APIError("SerializationException", "The request is not valid JSON.")
        try:
            return json_answer(operation(parameters))
        except KeyError as missing:
            message = f"Value null at {missing} failed to satisfy constraint: Member must not be null"
            raise APIError("ValidationException", message) from None

    def _ask_moto(self, request: Request, environ: dict[str, Any]) -> Answer:
        """moto's own answer; its clock is this machine's."""
        environ = environ | {
            "wsgi.input": io.BytesIO(request.body), "CONTENT_LENGTH": str(len(request.body)),
        }
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        status = 500
        headers: list[tuple[str, str]] = []

        def note(line: str, given: list[tuple[str, str]], *_: Any) -> None:
            nonlocal status
            status = int(line.split()[0])
            headers.extend(given)

        try:
            body = b"".join(self._moto(environ, note))
        except NotImplementedError as missing:
            code = "UnknownOperationException" if request.target else "InvalidAction"
            raise APIError(code, str(missing)) from None
        return Answer(status, "", body, "", headers)

    def _send(self, answer: Answer, start_response: StartResponse) -> list[bytes]:
        headers = [pair for pair in answer.headers if pair[0].lower() not in ("date", "content-length")]
        if not answer.headers:
            headers = [("Content-Type", answer.content_type), ("x-amzn-RequestId", answer.request_id)]
        # The length of what a HEAD request asks about is the answer's own to say.
        lengths = [pair for pair in answer.headers if pair[0].lower() == "content-length"]
        headers += lengths[:1] or [("Content-Length", str(len(answer.body)))]
        headers.append(("Date", formatdate(self._clock.now(), usegmt=True)))
        phrase = HTTPStatus(answer.status).phrase
        start_response(f"{answer.status} {phrase}", headers)
        return [answer.body]


def _hang_up(environ: dict[str, Any]) -> None:
    """Closes the connection, so that the client never sees an answer."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
