"""Runs a program on a terminal of its own, which Node has no way to make.

pseudo_terminal.py COLUMNS ROWS PROGRAM [ARGUMENT ...]

What the program writes goes to stdout. Lines on stdin are JSON: {"columns": 60, "rows": 24} makes the window another
size, {"keys": "\\u0003"} types. Ends as the program does.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def set_size(terminal: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main() -> int:
    columns, rows, program, *arguments = sys.argv[1:]
    # The program waits until its window has a size.
    go, ready = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.close(ready)
        os.read(go, 1)
        os.execvp(program, [program, *arguments])
    os.close(go)
    set_size(terminal, int(columns), int(rows))
    os.close(ready)
    orders = b""
    sources = [terminal, 0]
    while True:
        readable, _, _ = select.select(sources, [], [])
        if terminal in readable:
            try:
                heard = os.read(terminal, 65_536)
            except OSError:  # the program has ended
                break
            if not heard:
                break
            os.write(1, heard)
        if 0 in readable:
            heard = os.read(0, 65_536)
            if not heard:
                sources.remove(0)
            *lines, orders = (orders + heard).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if "keys" in order:
                    os.write(terminal, order["keys"].encode())
                else:
                    set_size(terminal, order["columns"], order["rows"])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main() % 256)
