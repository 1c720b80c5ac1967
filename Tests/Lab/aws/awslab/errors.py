"""Errors, in the shape that each service gives them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

JSON_SERVICES = {"ssm", "kms"}


class APIError(Exception):
    """An error that a service answers with."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Answer:
    """A complete answer."""

    status: int
    content_type: str
    body: bytes
    request_id: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    """All headers, where the answer is another program's; then the two above say nothing."""


def json_answer(value: object, status: int = 200) -> Answer:
    """An answer of a JSON service."""
    body = json.dumps(value).encode()
    return Answer(status, "application/x-amz-json-1.1", body, str(uuid.uuid4()))


def error_answer(error: APIError, service: str) -> Answer:
    """An error as the service words it: JSON, EC2's XML, S3's, or that of the other query services."""
    if service in JSON_SERVICES:
        return json_answer({"__type": error.code, "message": error.message}, error.status)
    request_id = str(uuid.uuid4())
    core = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if service == "ec2":
        text = (
            f"<Response><Errors><Error>{core}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    elif service == "s3":
        text = f"<Error>{core}<RequestId>{request_id}</RequestId></Error>"
    else:
        side = "Sender" if error.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{side}</Type>{core}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Answer(error.status, "text/xml", content, request_id)
