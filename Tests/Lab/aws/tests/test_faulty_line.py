"""A line on which messages are lost, come twice or late, and sessions that are encrypted."""

from __future__ import annotations

import base64

import pytest
from awslab.faults import StreamFaults
from awslab.sessions.encryption import EncryptionFailed, SessionCipher
from awslab.sessions.line import FaultyLine
from awslab.sessions.message import ACKNOWLEDGE, INPUT, Message
from awslab.sessions.stream import ReliableStream


def arrivals(faults: StreamFaults, lose: int, count: int) -> list[int]:
    line = FaultyLine()
    arrived = []
    for number in range(count):
        data = Message(INPUT, b"", sequence=number).pack()
        arrived += [Message.unpack(part).sequence for part in line.pass_on(data, lose, faults)]
    return arrived


def test_a_line_without_faults_brings_everything_in_order():
    assert arrivals(StreamFaults(), 0, 10) == list(range(10))


def test_each_nth_message_is_lost_comes_twice_or_after_the_next():
    assert arrivals(StreamFaults(), 3, 7) == [0, 1, 3, 4, 6]
    assert arrivals(StreamFaults(duplicate=3), 0, 4) == [0, 1, 2, 2, 3]
    assert arrivals(StreamFaults(reorder=3), 0, 5) == [0, 1, 3, 2, 4]


def test_acknowledgements_are_spared_unless_asked_for():
    data = Message(ACKNOWLEDGE, b"{}").pack()
    assert FaultyLine().pass_on(data, 1, StreamFaults()) == [data]
    assert FaultyLine().pass_on(data, 1, StreamFaults(lose_acknowledgements=True)) == []


def test_an_eager_agent_repeats_all_that_is_due():
    sender = ReliableStream("output_stream_data", "input_stream_data")
    messages = [sender.send(1, bytes([number]), 0.0) for number in range(3)]
    assert sender.tick(5.0) == messages[:1]
    assert sender.tick(10.0, all_that_are_due=True) == messages
    assert sender.tick(10.1, all_that_are_due=True) == []


def test_the_agent_takes_the_key_that_kms_made_for_this_session_and_no_other(lab):
    kms = lab.client("kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    cipher = SessionCipher(key_id, "eu-central-1", "lab-1", lab.ids["communal1"])
    context = {
        "aws:ssm:SessionId": "lab-1", "aws:ssm:TargetId": lab.ids["communal1"],
        "aws:ssm:RandomChallenge": cipher.challenge,
    }
    made = kms.generate_data_key(KeyId=key_id, NumberOfBytes=64, EncryptionContext=context)
    cipher.open(base64.b64encode(made["CiphertextBlob"]).decode())
    with pytest.raises(EncryptionFailed):
        cipher.decrypt(bytes(64))
    other = kms.generate_data_key(
        KeyId=key_id, NumberOfBytes=64, EncryptionContext=context | {"aws:ssm:SessionId": "lab-2"}
    )
    with pytest.raises(EncryptionFailed):
        cipher.open(base64.b64encode(other["CiphertextBlob"]).decode())
