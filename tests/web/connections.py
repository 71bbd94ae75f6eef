"""Raw HTTP connections to a server under test."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Protocol

GET = b"GET / HTTP/1.1\r\nHost: blog.example\r\n\r\n"


class HasPort(Protocol):
    port: int


class Client:
    """A connection; `answer()` reads one response: its status, its header fields and its body."""

    def __init__(self, server: HasPort, data: bytes = b"") -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.socket.sendall(data)
        self._file = self.socket.makefile("rb")
        self.names: list[str] = []  # of the last response's header fields, repeated ones too

    def send(self, data: bytes) -> Client:
        self.socket.sendall(data)
        return self

    def answer(self, has_body: bool = True) -> tuple[int, dict[str, str], str]:
        status = int(self._file.readline().split()[1])
        fields: dict[str, str] = {}
        self.names = []
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            fields[name.lower()] = value
            self.names.append(name.lower())
        if status == 100:
            return self.answer(has_body)
        body = self._file.read(int(fields.get("content-length", 0)) if has_body else 0)
        return status, fields, body.decode(errors="replace")

    def is_closed(self) -> bool:
        """Whether the server closes the connection and sends nothing more."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@contextlib.contextmanager
def clients(server: HasPort, *requests: bytes) -> Iterator[list[Client]]:
    opened = [Client(server, request) for request in requests]
    try:
        yield opened
    finally:
        for client in opened:
            client.close()


@contextlib.contextmanager
def connect(server: HasPort, data: bytes = b"") -> Iterator[Client]:
    with clients(server, data) as [client]:
        yield client


def post(path: str, body: bytes, *fields: str, length: int | None = None) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: blog.example",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body) if length is None else length}",
        *fields,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
