"""A TCP proxy that can stop forwarding, so that connections stay open and nothing is answered, or delay answers."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


class Proxy:
    """Forwards connections from its own `port` to `host:port` while `flows` is set, and what comes back only after
    `answer_delay` seconds."""

    answer_delay = 0.0

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.flows = threading.Event()
        self.flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.flows.set()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for source, target, answers in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._pump, args=[source, target, answers], daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.flows.wait()
                if answers:
                    time.sleep(self.answer_delay)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
