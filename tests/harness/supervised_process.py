"""Servers that end when the test run ends, even if it is killed.

A shell starts the server and reads from a pipe that the test run holds open. When the run ends, even by SIGKILL, the
pipe is closed; the shell then stops the server and deletes its folder.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

SCRIPT = """
exec 3<&0
signal=$1 folder=$2; shift 2
"$@" 3<&- & server=$!
{ read -r _; kill -s "$signal" $server; } <&3 2>/dev/null & watcher=$!
wait $server; status=$?
# Else it would send the signal later, when another program may have the server's process id.
kill $watcher 2>/dev/null
[ $status = 0 ] || exit $status
[ -z "$folder" ] || rm -rf "$folder" 2>/dev/null
exit 0
"""


def supervise(
    command: list[str], log: Path, signal: str, folder: Path | None = None, **options: Any
) -> SupervisedProcess:
    """Run `command` with its output in `log`. `signal` (`INT`, `TERM`) stops it; `folder` is deleted afterwards."""
    with log.open("ab") as file:
        return SupervisedProcess(
            ["/bin/sh", "-c", SCRIPT, "supervisor", signal, str(folder or ""), *command],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            start_new_session=True,
            **options,
        )


class SupervisedProcess(subprocess.Popen[bytes]):
    """The shell that supervises a server. It has the server's exit status, and its process group has all processes."""

    def end(self) -> None:
        """Close the pipe, which stops the server."""
        assert self.stdin
        self.stdin.close()
