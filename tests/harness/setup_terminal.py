#!/usr/bin/python3
"""setup_terminal.py - tillpost setup at a terminal of its own

JOB     setup_terminal.py TILLPOST DIR SECRET_FILE answers the questions of
        setup on a pseudo-terminal: another server, its From address, user
        name, password, no test mail. The password must not be echoed. Then a
        second run is interrupted while it connects to a port that accepts
        and is silent: its draft must be gone.
USE     SETUP_PORT, SETUP_USER, SETUP_CA: the relay; SETUP_AS: more options
SPDX-License-Identifier: MIT
"""

import os
import pty
import select
import signal
import socket
import sys
import time

DEADLINE_S = 20


class Terminal:
    def __init__(self, arguments):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(arguments[0], arguments)

    def wait_for(self, text):
        end = time.monotonic() + DEADLINE_S
        start = len(self.seen)
        while text not in self.seen[start:] and time.monotonic() < end:
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode(errors="replace")
        if text not in self.seen[start:]:
            sys.exit(f"no {text!r} in:\n{self.seen}")

    def say(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def answer(self, question, text):
        self.wait_for(question)
        self.say(text)

    def end(self):
        while True:
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode(errors="replace")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def options(directory, port):
    return (os.environ["SETUP_AS"].split() +
            ["-c", directory + "/etc/tillpost.conf", "--state-dir",
             directory, "--port", str(port), "--tls", "implicit",
             "--ca-file", os.environ["SETUP_CA"]])


def answered(tillpost, directory, secret):
    terminal = Terminal([tillpost, "setup"] +
                        options(directory, os.environ["SETUP_PORT"]))
    terminal.answer("Provider: ", "smtp")
    terminal.answer("Host name of the server: ", "127.0.0.1")
    terminal.answer("From address", "shop@example.com")
    terminal.answer("User name", os.environ["SETUP_USER"])
    terminal.wait_for("(not shown): ")
    time.sleep(0.2)
    terminal.say(secret)
    terminal.answer("test mail to", "")
    code = terminal.end()
    if code != 0 or secret in terminal.seen:
        sys.exit(f"exit code {code}:\n{terminal.seen}")


def interrupted(tillpost, directory, secret_file):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        arguments = [tillpost, "setup", "--yes", "--host", "127.0.0.1",
                     "--from", "shop@example.com", "-u", "x",
                     "--password-file", secret_file]
        terminal = Terminal(arguments + options(
            directory, listener.getsockname()[1]))
        terminal.wait_for("can be reached")
        os.kill(terminal.pid, signal.SIGINT)
        code = terminal.end()
    left = os.listdir(directory + "/etc")
    if code != 128 + signal.SIGINT or left:
        sys.exit(f"interrupted: exit code {code}, left {left}\n"
                 f"{terminal.seen}")


def main():
    tillpost, directory, secret_file = sys.argv[1:]
    with open(secret_file, encoding="ascii") as file:
        secret = file.read().strip()
    answered(tillpost, directory, secret)
    interrupted(tillpost, directory + "-2", secret_file)


main()
