"""Servers that do not outlive the tests: the test run holds a pipe to a shell that keeps the server.

However the run ends, killed too, the pipe closes: then the shell ends the server and deletes its folder.
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
    """Run `command`, its words into `log`. `signal` (`INT`, `TERM`) is what ends it; `folder` goes with it."""
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
    """The shell that keeps a server. Its exit status is the server's, its process group holds all the processes."""

    def let_go(self) -> None:
        """Close the pipe, which ends the server."""
        assert self.stdin
        self.stdin.close()
