"""Many clients that keep connections and send nothing or little, and a server with few file descriptors."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

from tests.faults.report import Row
from tests.faults.visitors import COMMENTS, Answer, ask, make_blog, seconds_until, statuses
from tests.harness.server import Server

IDLE, SLOW, DESCRIPTORS = 3000, 200, 64
SECONDS = 12


def idle(folder: Path, rounds: int) -> list[Row]:
    return _try(f"{IDLE:,} idle sockets", folder, IDLE, b"")


def slow(folder: Path, rounds: int) -> list[Row]:
    head = f"POST {COMMENTS} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n".encode()
    return _try(f"{SLOW} clients that send a byte a second", folder, SLOW, head, sends=True)


def few_descriptors(folder: Path, rounds: int) -> list[Row]:
    """`ulimit -n 64`, and as many idle sockets."""
    fault = f"{DESCRIPTORS} file descriptors, {DESCRIPTORS} idle sockets"
    return _try(fault, folder, DESCRIPTORS, b"", limit=DESCRIPTORS)


def _try(fault: str, folder: Path, count: int, head: bytes, sends: bool = False, limit: int = 0) -> list[Row]:
    make_blog(folder)
    server = Server(folder, workers=2)
    if limit:
        server.stop()
        server.command = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *server.command]
        server.start()
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors[1], descriptors[1]))
    ended, answers = Event(), list[Answer]()
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(count)]
        opened.callback(ended.set)

        def send() -> None:
            for each in sockets:
                each.sendall(head)
            while sends and not ended.wait(1):
                for each in sockets:
                    with suppress(OSError):  # the server has closed it
                        each.sendall(b"x")

        sender = Thread(target=send)
        sender.start()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            answers.append(ask(server.port, "GET", "/"))
            time.sleep(0.1)
    sender.join()
    seconds = seconds_until(lambda: ask(server.port, "GET", "/").status == 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)
    server.kill()
    longest = max(answer.seconds for answer in answers)
    is_served = {answer.status for answer in answers} == {200} and longest <= 3
    return [
        Row(fault, "a reader is served within 3 s", f"at most {longest:.2f} s; {statuses(answers)}", is_served),
        Row(fault, "well again in 10 s", f"{seconds:.1f} s", seconds <= 10),
    ]
