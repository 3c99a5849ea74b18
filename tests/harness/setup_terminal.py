#!/usr/bin/python3
"""setup_terminal.py - tillpost setup at a terminal of its own

JOB     setup_terminal.py TILLPOST DIR SECRET_FILE answers the questions of
        setup on a pseudo-terminal: another server, its From address, user
        name, password, no test mail. The password must not be echoed. Then a
        second run is interrupted while it connects to a port that accepts
        and is silent: its draft must be gone. From the background nothing is
        hidden.
USE     SETUP_PORT, SETUP_USER, SETUP_CA: the relay; SETUP_AS: more options;
        SETUP_TOKEN: a file with a token
SPDX-License-Identifier: MIT
"""

import os
import pty
import select
import signal
import socket
import sys
import termios
import time

DEADLINE_S = 20
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


class Terminal:
    def __init__(self, arguments):
        self.seen = ""
        self.read_to = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(arguments[0], arguments)

    def wait_for(self, text):
        end = time.monotonic() + DEADLINE_S
        start = self.read_to
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
        self.read_to = self.seen.index(text, start) + len(text)

    def say(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def answer(self, question, text):
        self.wait_for(question)
        self.say(text)

    def wait_until_hidden(self):
        end = time.monotonic() + DEADLINE_S
        while echoes(self.fd):
            if time.monotonic() > end:
                sys.exit(f"the terminal still echoes:\n{self.seen}")
            time.sleep(0.02)

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


class Kept(Terminal):
    """A terminal that outlives the command: its leader tells how the command
    ended and whether the terminal echoes then."""

    def __init__(self, arguments):
        self.seen = ""
        self.read_to = 0
        self.leader, self.fd = pty.fork()
        if self.leader == 0:
            lead(arguments)
        self.wait_for("pid ")
        self.wait_for("\n")
        self.pid = int(self.seen.split()[1])

    def ends(self, wanted):
        self.wait_for("ended ")
        self.wait_for("\n")
        os.waitpid(self.leader, 0)
        if f"ended {wanted} echo True" not in self.seen:
            sys.exit(f"not ended {wanted}:\n{self.seen}")


def lead(arguments):
    for number in ENDING + [signal.SIGTSTP]:
        signal.signal(number, signal.SIG_IGN)
    pid = os.fork()
    if pid == 0:
        for number in ENDING + [signal.SIGTSTP]:
            signal.signal(number, signal.SIG_DFL)
        print("pid", os.getpid(), flush=True)
        os.execv(arguments[0], arguments)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("ended", code, "echo", echoes(0), flush=True)
    os._exit(0)


def at_the_password(tillpost, directory):
    terminal = Kept([tillpost, "setup"] + options(
        directory, os.environ["SETUP_PORT"]) + [
            "--host", "127.0.0.1", "--from", "shop@example.com", "-u", "x"])
    terminal.wait_for("(not shown): ")
    terminal.wait_until_hidden()
    return terminal


def ended_at_the_password(tillpost, directory):
    for number in ENDING:
        terminal = at_the_password(tillpost, directory)
        os.kill(terminal.pid, number)
        terminal.ends(-number)
    terminal = at_the_password(tillpost, directory)
    os.write(terminal.fd, b"half a pass\x03")
    terminal.ends(-signal.SIGINT)
    # Ctrl-D hands over a part of the line; the rest is waited for.
    for number in (signal.SIGINT, signal.SIGTERM):
        terminal = at_the_password(tillpost, directory)
        os.write(terminal.fd, b"half a pass\x04")
        time.sleep(0.3)
        os.kill(terminal.pid, number)
        terminal.ends(-number)


def stopped_at_the_password(tillpost, directory):
    terminal = at_the_password(tillpost, directory)
    # It goes on at once: nobody could continue a group without a shell.
    os.kill(terminal.pid, signal.SIGTSTP)
    terminal.wait_for("(not shown): ")
    terminal.wait_until_hidden()
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.ends(-signal.SIGTERM)


class Background(Terminal):
    """A command in the background of a terminal, whose leader brings it to
    the foreground when a line is typed."""

    def __init__(self, arguments):
        self.seen = ""
        self.read_to = 0
        self.leader, self.fd = pty.fork()
        if self.leader == 0:
            lead_in_front(arguments)


def lead_in_front(arguments):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.execv(arguments[0], arguments)
    status = os.waitpid(pid, os.WUNTRACED)[1]
    print("stopped", os.WIFSTOPPED(status) and os.WSTOPSIG(status), "echo",
          echoes(0), flush=True)
    sys.stdin.readline()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, pid)
    os.kill(pid, signal.SIGCONT)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.tcsetpgrp(0, os.getpgrp())
    print("ended", code, "echo", echoes(0), flush=True)
    os._exit(0)


def hidden_in_the_foreground_only(tillpost, directory):
    terminal = Background([tillpost, "secret", "set", "typed", "-c",
                           directory + "/etc/tillpost.conf"] +
                          os.environ["SETUP_AS"].split())
    terminal.wait_for("stopped ")
    terminal.wait_for("\n")
    if f"stopped {signal.SIGTTIN.value} echo True" not in terminal.seen:
        sys.exit(f"in the background:\n{terminal.seen}")
    terminal.say("fg")
    terminal.wait_for("(not shown): ")
    terminal.wait_until_hidden()
    terminal.say("in two pa\x04rts")
    terminal.wait_for("ended ")
    terminal.wait_for("\n")
    os.waitpid(terminal.leader, 0)
    if "ended 0 echo True" not in terminal.seen:
        sys.exit(f"in the foreground:\n{terminal.seen}")
    with open(directory + "/etc/secrets/typed", encoding="ascii") as file:
        if file.read() != "in two parts":
            sys.exit("another secret than was typed")


def settings_of(directory):
    with open(directory + "/etc/tillpost.conf", encoding="ascii") as file:
        return file.read()


def must_have(directory, *lines):
    text = settings_of(directory)
    for line in lines:
        if line not in text:
            sys.exit(f"no {line!r} in:\n{text}")


def untried(tillpost, directory):
    return Terminal([tillpost, "setup", "--no-test"] +
                    os.environ["SETUP_AS"].split() +
                    ["-c", directory + "/etc/tillpost.conf", "--state-dir",
                     directory])


def asked_again(tillpost, directory):
    terminal = untried(tillpost, directory)
    terminal.answer("Provider: ", "Zohoo")
    terminal.wait_for('did you mean "zoho"?')
    terminal.answer("Provider: ", "ZOHO")
    terminal.wait_for("Regions: com, eu, in")
    terminal.answer("Region of the account [com]: ", "Frankfurt")
    terminal.wait_for("no such region")
    terminal.answer("Region of the account [com]: ", "eu")
    terminal.answer("From address", "Shop")
    terminal.wait_for("no '@'")
    terminal.answer("From address", "Shop <shop@example.com>")
    terminal.answer("User name", "")
    terminal.answer("User name", "shop@example.com")
    terminal.wait_for("(not shown): ")
    terminal.wait_until_hidden()
    terminal.say("a secret")
    if terminal.end() != 0 or "a secret" in terminal.seen:
        sys.exit(f"asked again:\n{terminal.seen}")
    must_have(directory, 'preset = "zoho";', 'region = "eu";',
              'from = "Shop <shop@example.com>";')


def with_a_token(tillpost, directory, token):
    terminal = untried(tillpost, directory)
    terminal.answer("Provider: ", "Microsoft365")
    terminal.answer("From address", "shop@example.com")
    terminal.answer("User name", "shop@example.com")
    terminal.wait_for("end of December 2026")
    terminal.answer("password or token [password]: ", "both")
    terminal.answer("password or token [password]: ", "token")
    terminal.answer("File of the token", directory + "/none")
    terminal.wait_for("there is no such file")
    terminal.answer("File of the token", token)
    if terminal.end() != 0:
        sys.exit(f"with a token:\n{terminal.seen}")
    must_have(directory, 'preset = "microsoft365";', 'auth = "xoauth2";',
              f'token_file = "{token}";')


def other_server(tillpost, directory):
    terminal = untried(tillpost, directory)
    terminal.answer("Provider: ", "smtp")
    terminal.answer("Host name of the server: ", "smtp://x")
    terminal.wait_for("is not a host name")
    terminal.answer("Host name of the server: ", "mail.example.com")
    terminal.answer("TLS: ", "SSL")
    terminal.wait_for("called SSL or SSL/TLS elsewhere")
    terminal.answer("TLS: ", "starttls")
    terminal.answer("From address", "shop@example.com")
    terminal.answer("User name", "")
    if terminal.end() != 0:
        sys.exit(f"another server:\n{terminal.seen}")
    must_have(directory, 'host = "mail.example.com";', 'tls = "starttls";')


def main():
    tillpost, directory, secret_file = sys.argv[1:]
    with open(secret_file, encoding="ascii") as file:
        secret = file.read().strip()
    answered(tillpost, directory, secret)
    interrupted(tillpost, directory + "-2", secret_file)
    ended_at_the_password(tillpost, directory + "-3")
    stopped_at_the_password(tillpost, directory + "-3")
    hidden_in_the_foreground_only(tillpost, directory)
    asked_again(tillpost, directory + "-4")
    with_a_token(tillpost, directory + "-5", os.environ["SETUP_TOKEN"])
    other_server(tillpost, directory + "-6")


main()
