"""Stands between the program and Redis, and cuts each connection after some random number of bytes,
by a RST: what is under way in either direction is gone."""

import contextlib
import math
import random
import selectors
import socket
import struct
import threading

from bed import inside

# Of requests and of answers: a connection ends in the midst of its greeting, of a command of 25,000
# bytes, of an answer of 6, or after a good many of both. TLS has a handshake of some 2,000 bytes each
# way in front.
PLAIN = 400_000, 400
TLS = 1_000_000, 50_000


class CuttingProxy:
    """A context manager; on a port of the namespace's 127.0.0.1. `most` bytes pass in each direction;
    small numbers are as likely as large ones, decade by decade."""

    def __init__(self, namespace, server_port, most, seed):
        self._namespace, self._server_port, self._most = namespace, server_port, most
        self._random = random.Random(seed)
        self.cuts = 0
        self.cutting = True  # False: connections are left alone from now on
        with inside(namespace):
            self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._over = threading.Event()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._listener.close()

    def _serve(self):
        self._listener.settimeout(0.02)
        while not self._over.is_set():
            with contextlib.suppress(OSError):  # nobody came, the server is away, one side has left
                client, _ = self._listener.accept()
                with client, self._connect() as server:
                    self._pass_on(client, server)

    def _connect(self):
        with inside(self._namespace):
            return socket.create_connection(("127.0.0.1", self._server_port))

    def _pass_on(self, client, server):
        """One connection at a time, as the program has no more."""
        left = [int(math.exp(self._random.uniform(0, math.log(most)))) for most in self._most]
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, (0, server))
            selector.register(server, selectors.EVENT_READ, (1, client))
            while not self._over.is_set():
                for key, _ in selector.select(0.02):
                    direction, to = key.data
                    most = left[direction] if self.cutting else 1 << 16
                    data = key.fileobj.recv(min(most, 1 << 16))
                    if not data:
                        return
                    to.sendall(data)
                    left[direction] -= len(data)
                    if self.cutting and left[direction] <= 0:
                        self.cuts += 1
                        reset(client)
                        reset(server)
                        return


def reset(end):
    """What closes it then sends a RST, and throws away what waits in either direction."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
