"""A request as it came over the wire, before anyone decodes its path or query."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

# What a request says it is for, in the protocols of the services that the lab checks.
_SERVICE_OF_TARGET = {"AmazonSSM": "ssm", "TrentService": "kms"}
_SERVICE_OF_VERSION = {"2016-11-15": "ec2", "2011-06-15": "sts", "2010-05-08": "iam"}

_SCOPE_SERVICE = re.compile(r"Credential=[^/,\s]+(?:/|%2F)\d{8}(?:/|%2F)[\w-]+(?:/|%2F)([\w-]+)(?:/|%2F)")


@dataclass(frozen=True)
class Request:
    """Method, raw path and query, headers in their order on the wire, and the whole body."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    form: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def from_environ(cls, environ: dict[str, Any]) -> Request:
        """Reads the request of a WSGI call, its body included."""
        path, _, query = (environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")
        headers = [
            (name[5:].replace("_", "-").lower(), value.encode("latin-1").decode("utf-8", "replace"))
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers.append((name.replace("_", "-").lower(), environ[name]))
        # A chunked body is marked as ending by itself (`wsgi.input_terminated`).
        length = None if environ.get("HTTP_TRANSFER_ENCODING") else int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read() if length is None else environ["wsgi.input"].read(length)
        form: dict[str, list[str]] = {}
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        elif "Action=" in query:
            form = parse_qs(query, keep_blank_values=True)
        return cls(environ["REQUEST_METHOD"], path, query, headers, body, form)

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)

    def parameter(self, name: str) -> str | None:
        """The first value of a parameter of the query protocol."""
        return self.form.get(name, [None])[0]

    @property
    def target(self) -> str:
        """The operation of a JSON service, such as `AmazonSSM.SendCommand`; empty for others."""
        return self.header("x-amz-target") or ""

    @property
    def service(self) -> str | None:
        """The service that the request is for, whatever its signature says; None when it does not tell."""
        named = _SERVICE_OF_TARGET.get(self.target.partition(".")[0])
        return named or _SERVICE_OF_VERSION.get(self.parameter("Version") or "")

    @property
    def service_of_scope(self) -> str:
        """The service in the credential scope, `s3` when there is none: all else names itself otherwise."""
        found = _SCOPE_SERVICE.search(self.header("authorization") or self.query)
        return found[1] if found else "s3"

    @property
    def action(self) -> str:
        """Service and operation, such as `ssm.SendCommand`; for REST services the method, as in `s3.PUT`."""
        service = self.service or self.service_of_scope
        operation = self.target.partition(".")[2] or self.parameter("Action") or self.method
        return f"{service}.{operation}"
