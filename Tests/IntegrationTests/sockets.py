"""Plain sockets: what a program behind a forward does."""

import socket
import struct


def read_exactly(connection, count):
    """Reads `count` bytes, or fewer where the other side ends."""
    pieces = []
    while count > 0:
        piece = connection.recv(min(count, 65_536))
        if not piece:
            break
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def read_to_end(connection):
    """Reads until the other side ends."""
    pieces = []
    while piece := connection.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def connect(port, host="127.0.0.1", source=None, timeout=15):
    """Connects over TCP, from another address of this machine if one is given."""
    return socket.create_connection((host, port), timeout, source_address=(source, 0) if source else None)


def socks_connect(proxy_port, port, host="127.0.0.1", timeout=15):
    """Connects through a SOCKS 5 proxy, by address or name as the client would."""
    connection = connect(proxy_port, timeout=timeout)
    connection.sendall(b"\x05\x01\x00")
    assert read_exactly(connection, 2) == b"\x05\x00"
    name = host.encode()
    connection.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack(">H", port))
    answer = read_exactly(connection, 10)
    if len(answer) < 10 or answer[1] != 0:
        connection.close()
        raise ConnectionRefusedError(f"the proxy answered {answer.hex() or 'nothing'}")
    return connection


def converse(connection, count):
    """Talks to a hello server: hears its greeting, sends `count` bytes, ends, hears how many came."""
    with connection:
        assert read_exactly(connection, 6) == b"HELLO\n"
        connection.sendall(b"x" * count)
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b"GOT %d\n" % count
