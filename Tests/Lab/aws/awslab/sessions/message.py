"""The messages of a data channel, byte for byte: big-endian, a header of 116 bytes, a length, the payload."""

from __future__ import annotations

import hashlib
import struct
import time
import uuid
from dataclasses import dataclass, field
from enum import IntEnum

INPUT = "input_stream_data"
OUTPUT = "output_stream_data"
ACKNOWLEDGE = "acknowledge"
CHANNEL_CLOSED = "channel_closed"
START_PUBLICATION = "start_publication"
PAUSE_PUBLICATION = "pause_publication"

_HEADER = struct.Struct(">I32sIQqQ16s32sI")
_LENGTH = struct.Struct(">I")
_SCHEMA_VERSION = 1


class Payload(IntEnum):
    """What a stream message carries."""

    OUTPUT = 1
    ERROR = 2
    SIZE = 3
    PARAMETER = 4
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    ENCRYPTION_CHALLENGE_REQUEST = 8
    ENCRYPTION_CHALLENGE_RESPONSE = 9
    FLAG = 10
    STANDARD_ERROR = 11
    EXIT_CODE = 12


class Flag(IntEnum):
    """What a message of kind `Payload.FLAG` says, as four bytes."""

    DISCONNECT_TO_PORT = 1
    TERMINATE_SESSION = 2
    CONNECT_TO_PORT_ERROR = 3


class BadMessage(ValueError):
    """Bytes that are no message."""


@dataclass(frozen=True)
class Message:
    """One message; `kind` is its MessageType."""

    kind: str
    payload: bytes = b""
    sequence: int = 0
    flags: int = 0
    payload_type: int = 0
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    created: int = field(default_factory=lambda: int(time.time() * 1000))

    def pack(self) -> bytes:
        """The message as it goes over the wire."""
        header = _HEADER.pack(
            _HEADER.size, self.kind.encode().ljust(32), _SCHEMA_VERSION, self.created, self.sequence,
            self.flags, _swapped(self.id.bytes), hashlib.sha256(self.payload).digest(), self.payload_type,
        )
        return header + _LENGTH.pack(len(self.payload)) + self.payload

    @classmethod
    def unpack(cls, data: bytes) -> Message:
        """Reads a message; raises `BadMessage`."""
        start = _HEADER.size + _LENGTH.size
        if len(data) < start:
            raise BadMessage("too short")
        size, kind, _, created, sequence, flags, identifier, digest, payload_type = _HEADER.unpack_from(data)
        (length,) = _LENGTH.unpack_from(data, _HEADER.size)
        payload = data[start:]
        name = kind.rstrip(b" \0").decode("ascii", "replace")
        if size != _HEADER.size or length != len(payload):
            raise BadMessage("lengths do not agree")
        if not name:
            raise BadMessage("no message type")
        if name not in (START_PUBLICATION, PAUSE_PUBLICATION):
            if created == 0:
                raise BadMessage("no creation date")
            if payload and hashlib.sha256(payload).digest() != digest:
                raise BadMessage("the digest is wrong")
        return cls(
            name, payload, sequence, flags, payload_type, uuid.UUID(bytes=_swapped(identifier)), created
        )


def _swapped(identifier: bytes) -> bytes:
    """The low eight bytes come first."""
    return identifier[8:] + identifier[:8]
