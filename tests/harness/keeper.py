"""Servers that end with the test run.

A shell starts the server and reads from a pipe that the test run holds open. When the run ends, even by a kill, the
pipe closes; the shell then stops the server and deletes its folder.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

SCRIPT = """
exec 3<&0
signal=$1 folder=$2; shift 2
"$@" 3<&- & server=$!
{ read -r _; kill -s "$signal" $server; } <&3 2>/dev/null &
wait $server || exit
[ -z "$folder" ] || rm -rf "$folder" 2>/dev/null
exit 0
"""


def start(command: list[str], log: Path, signal: str, folder: Path | None = None, **options: Any) -> Keeper:
    """Run `command` with its output in `log`. `signal` (`INT`, `TERM`) stops it; `folder` is deleted with it."""
    with log.open("ab") as file:
        return Keeper(
            ["/bin/sh", "-c", SCRIPT, "keeper", signal, str(folder or ""), *command],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            start_new_session=True,
            **options,
        )


class Keeper(subprocess.Popen[bytes]):
    """The shell that supervises a server. Its exit status is the server's; its process group holds all processes."""

    def let_go(self) -> None:
        """Close the pipe, which stops the server."""
        assert self.stdin
        self.stdin.close()
