"""Pictures that the server draws, kept in memory: cards for shared links, icons.

A picture depends only on what is drawn, which is its key, so it is never out of date. One is drawn at a time, which
takes 15 MB and about 60 ms, and few threads wait for that: requests for the cards of many articles cannot take the
memory and the threads of a small host.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from blogapp.web.gate import Gate

# Bytes of drawn pictures in one process. A card has 5 to 30 KB.
ROOM = 2_000_000
WAITING_AT_MOST = 2
WAIT_SECONDS = 3.0

GATE = Gate(WAITING_AT_MOST, WAIT_SECONDS)


class DrawnPictures:
    """An LRU cache of pictures; `room` is its size in bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._pictures: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.size = 0

    def get(self, key: Hashable, draw: Callable[[], bytes]) -> bytes:
        """The picture with this key; if there is none, what `draw` returns. Raises gate.Busy."""
        if found := self._find(key):
            return found
        with GATE.enter():
            # Another request may have drawn it meanwhile.
            if found := self._find(key):
                return found
            picture = draw()
            self._keep(key, picture)
        return picture

    def _keep(self, key: Hashable, picture: bytes) -> None:
        with self._lock:
            self.size += len(picture) - len(self._pictures.get(key, b""))
            self._pictures[key] = picture
            while self.size > self._room:
                self.size -= len(self._pictures.popitem(last=False)[1])

    def _find(self, key: Hashable) -> bytes | None:
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)


drawn_pictures = DrawnPictures(ROOM)
