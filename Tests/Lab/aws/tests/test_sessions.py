"""Session Manager: sessions, and the data channel down to a port of the host."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from awslab.sessions.message import INPUT, OUTPUT, BadMessage, Flag, Message
from awslab.sessions.stream import ReliableStream
from channel import Channel
from conftest import free_port
from test_run_command import error_of, wait_for
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Echo:
    """A server that sends everything back, and `bye` closes the connection."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", free_port(29000)))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._echo, args=[connection], daemon=True).start()
        except OSError:
            pass

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            while (data := connection.recv(65536)) and data != b"bye":
                connection.sendall(data)


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.listener.close()


def start(lab, ssm, port):
    return ssm.start_session(
        Target=lab.ids["communal1"], DocumentName="AWS-StartSSHSession", Reason="test",
        Parameters={"portNumber": [str(port)]},
    )


def test_a_session_reaches_the_port_and_ends_by_flag(lab, ssm, echo):
    session = start(lab, ssm, echo.port)
    assert session["StreamUrl"].endswith(f"/v1/data-channel/{session['SessionId']}?role=publish_subscribe")
    channel = Channel(session)
    wait_for(lambda: channel.is_ready)
    channel.send(b"SSH-2.0-test\r\n")
    wait_for(lambda: channel.received == b"SSH-2.0-test\r\n")
    assert channel.payload_types[:2] == [5, 7]
    active = ssm.describe_sessions(State="Active")["Sessions"]
    assert [(s["SessionId"], s["Target"], s["Status"]) for s in active] == [
        (session["SessionId"], lab.ids["communal1"], "Connected")
    ]
    channel.flag(Flag.TERMINATE_SESSION)
    wait_for(lambda: channel.farewell is not None and channel.is_closed)
    assert channel.farewell["SessionId"] == session["SessionId"]
    wait_for(lambda: ssm.describe_sessions(State="Active")["Sessions"] == [])
    filters = [{"key": "SessionId", "value": session["SessionId"]}]
    ended = ssm.describe_sessions(State="History", Filters=filters)
    assert ended["Sessions"][0]["Status"] == "Terminated"


def test_the_end_of_the_hosts_side_ends_the_session(lab, ssm, echo):
    channel = Channel(start(lab, ssm, echo.port))
    wait_for(lambda: channel.is_ready)
    channel.send(b"bye")
    wait_for(lambda: channel.farewell is not None)


def test_terminate_session_ends_it(lab, ssm, echo):
    session = start(lab, ssm, echo.port)
    channel = Channel(session)
    wait_for(lambda: channel.is_ready)
    ssm.terminate_session(SessionId=session["SessionId"])
    wait_for(lambda: channel.farewell is not None and channel.is_closed)
    assert "TokenValue" not in ssm.resume_session(SessionId=session["SessionId"])


def test_closing_the_connection_alone_does_not_end_it(lab, ssm, echo):
    session = start(lab, ssm, echo.port)
    channel = Channel(session)
    wait_for(lambda: channel.is_ready)
    channel.close()
    time.sleep(0.2)
    active = ssm.describe_sessions(State="Active")["Sessions"]
    assert [entry["SessionId"] for entry in active] == [session["SessionId"]]
    ssm.terminate_session(SessionId=session["SessionId"])


def test_a_broken_connection_is_resumed_without_loss(lab, ssm, echo):
    session = start(lab, ssm, echo.port)
    channel = Channel(session)
    wait_for(lambda: channel.is_ready)
    data = os.urandom(24_000)
    channel.send(data[:20_000])
    lab.set(cut=True)
    wait_for(lambda: channel.is_closed)
    channel.send(data[20_000:])
    resumed = ssm.resume_session(SessionId=session["SessionId"])
    assert resumed["TokenValue"] != session["TokenValue"] and resumed["StreamUrl"] == session["StreamUrl"]
    channel.resume(resumed)
    wait_for(lambda: len(channel.received) == len(data), 30)
    assert channel.received == data
    channel.flag(Flag.TERMINATE_SESSION)
    wait_for(lambda: channel.farewell is not None)


def test_lost_messages_are_repeated(lab, ssm, echo):
    lab.set(stream={"lose_in": 7, "lose_out": 7, "lose_acknowledgements": True})
    channel = Channel(start(lab, ssm, echo.port))
    wait_for(lambda: channel.is_ready)
    data = os.urandom(30_000)
    channel.send(data)
    wait_for(lambda: len(channel.received) == len(data), 30)
    assert hashlib.sha256(channel.received).digest() == hashlib.sha256(data).digest()
    lab.set(reset=True)
    channel.flag(Flag.TERMINATE_SESSION)
    wait_for(lambda: channel.farewell is not None)


def test_a_closed_port_means_silence_after_the_handshake(lab, ssm):
    session = start(lab, ssm, free_port(30500))
    channel = Channel(session)
    wait_for(lambda: channel.is_ready)
    channel.send(b"hello")
    time.sleep(0.4)
    assert channel.received == b"" and channel.farewell is None
    ssm.terminate_session(SessionId=session["SessionId"])


def test_a_client_that_refuses_the_handshake_ends_the_session(lab, ssm, echo):
    channel = Channel(start(lab, ssm, echo.port), action_status=3)
    wait_for(lambda: channel.farewell is not None)
    assert "Handshake" in channel.farewell["Output"]


def test_a_token_opens_one_channel_once(lab, ssm, echo):
    session = start(lab, ssm, echo.port)
    wrong = Channel(session | {"TokenValue": "wrong"})
    wait_for(lambda: wrong.is_closed)
    channel = Channel(session)
    wait_for(lambda: channel.is_ready)
    again = Channel(session)
    wait_for(lambda: again.is_closed)
    assert not again.is_ready and not wrong.is_ready
    with connect(session["StreamUrl"]) as connection:
        connection.send(b"not text")
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=5)
    ssm.terminate_session(SessionId=session["SessionId"])


def test_what_start_session_refuses(lab, ssm):
    target = lab.ids["communal1"]
    assert error_of(ssm.start_session, Target=target, DocumentName="AWS-Other") == "InvalidDocument"
    lab.set(agent={"communal1": "off"})
    assert error_of(start, lab, ssm, 22) == "TargetNotConnected"
    assert error_of(ssm.resume_session, SessionId="lab-none") == "DoesNotExistException"


def test_messages_survive_the_wire_and_damage_is_seen():
    message = Message(INPUT, b"payload", 7, 1, 1)
    data = message.pack()
    assert data[:4] == bytes([0, 0, 0, 116]) and len(data) == 120 + 7
    assert data[64:80] == message.id.bytes[8:] + message.id.bytes[:8]
    assert Message.unpack(data) == message
    for damaged in (data[:-1], data[:-1] + b"x", data[:50], b"\0" * 130):
        with pytest.raises(BadMessage):
            Message.unpack(damaged)


def test_the_stream_puts_messages_back_in_order_and_confirms_repeated_ones():
    sender, receiver = ReliableStream(INPUT, OUTPUT), ReliableStream(OUTPUT, INPUT)
    one, two, three = (Message.unpack(sender.send(1, text, 0.0)) for text in (b"1", b"2", b"3"))
    assert receiver.receive(one, 0.0, accepts=False) == ([], [])
    parts, replies = receiver.receive(three, 0.0)
    assert parts == [] and len(replies) == 1
    for message, expected in [(one, [b"1"]), (two, [b"2", b"3"]), (two, [])]:
        parts, replies = receiver.receive(message, 0.1)
        assert [part.payload for part in parts] == expected and len(replies) == 1
        sender.receive(Message.unpack(replies[0]), 0.1)
    assert sender.unacknowledged == 1
    assert sender.tick(0.1) == []
    assert sender.tick(5.0) == [three.pack()]
