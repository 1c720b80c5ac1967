"""A TCP server that speaks first: `HELLO`, then reads to the end and answers `GOT <bytes>`.

Runs in a host as `python3 - ADDRESS PORT`; it ends when its standard input does.
"""

import os
import socket
import sys
import threading


def serve(connection):
    with connection:
        try:
            connection.sendall(b"HELLO\n")
            count = 0
            while piece := connection.recv(65_536):
                count += len(piece)
            connection.sendall(b"GOT %d\n" % count)
        except OSError:
            pass


def end_with_input():
    while os.read(0, 4_096):
        pass
    os._exit(0)


def main():
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=512)
    print("ready", flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
