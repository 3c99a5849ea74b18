#!/usr/bin/python3
"""typed.py - a command with a secret typed at its terminal

JOB     typed.py COMMAND... runs it on a pseudo-terminal; when that does not
        echo any more, what is in TP_TYPED is typed. Shows what was shown.
ERRORS  The command's exit code; 1 if it asks for nothing in 20 seconds.
SPDX-License-Identifier: MIT
"""

import os
import pty
import sys
import termios
import time

DEADLINE_S = 20


def main():
    secret = os.environ.pop("TP_TYPED")
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    end = time.monotonic() + DEADLINE_S
    while termios.tcgetattr(fd)[3] & termios.ECHO:
        if time.monotonic() > end:
            sys.exit("the terminal still echoes")
        time.sleep(0.02)
    os.write(fd, secret.encode() + b"\n")
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        sys.stdout.buffer.write(data)
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
