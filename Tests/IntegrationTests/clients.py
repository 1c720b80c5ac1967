"""Clients other than the stock ones, for what those cannot be made to do."""

import contextlib
import socket

import asyncssh
import paramiko


def connect(lab, login=None, key="alice", **more):
    """An asyncssh connection, to be awaited or entered."""
    return asyncssh.connect(
        lab.gateway_host,
        lab.gateway_port,
        username=login or f"alice+{lab.host1}",
        client_keys=[lab.keys.get(key, key)],
        known_hosts=lab.known_hosts,
        config=None,
        agent_path=None,
        login_timeout=15,
        **more,
    )


#: How paramiko says that the other side would not, or has gone.
REFUSED = (paramiko.SSHException, EOFError, OSError)


@contextlib.contextmanager
def transport(lab, source=None):
    """A paramiko transport after the key exchange; nobody has logged in."""
    address = (lab.gateway_host, lab.gateway_port)
    connection = socket.create_connection(address, 10, source_address=(source, 0) if source else None)
    ours = paramiko.Transport(connection)
    ours.banner_timeout = ours.auth_timeout = 15
    try:
        ours.start_client(timeout=15)
        yield ours
    finally:
        ours.close()
        connection.close()


def private_key(path):
    """A user's private key as paramiko wants it."""
    return paramiko.Ed25519Key.from_private_key_file(str(path))


def message(kind, *parts):
    """A message of RFC 4252."""
    made = paramiko.Message()
    made.add_byte(bytes([kind]))
    for part in parts:
        if isinstance(part, bool):
            made.add_boolean(part)
        elif isinstance(part, int):
            made.add_int(part)
        else:
            made.add_string(part)
    return made


def probe(transport, login, public_key):
    """Asks whether a key would do, as RFC 4252, section 7 has it, and signs nothing."""
    transport._send_message(message(5, "ssh-userauth"))
    blob = paramiko.PublicBlob.from_file(str(public_key)).key_blob
    transport._send_message(message(50, login, "ssh-connection", "publickey", False, "ssh-ed25519", blob))
