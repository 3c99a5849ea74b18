"""daemon.py - tillpostd, a sink and a service manager for tests in Python

JOB     Starts the built daemon on a configuration of its own, listens to
        what it tells its service manager, sends it signals, and reads its
        log; starts the sink and reads what arrived there.
        Run scripts that import this with "python3 -B": nothing may be left
        in the source tree.
SPDX-License-Identifier: MIT
"""

import base64
import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

SECRET = "canary-5d81c7e2"


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def until(seconds, what, condition):
    """Waits for CONDITION to be true. @return its value"""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"after {seconds} s still not: {what}")
        time.sleep(0.02)


def stop_process(process, number=signal.SIGTERM):
    if process and process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Place:
    """The programs, and one directory with everything that is made."""

    def __init__(self, build, tests, work):
        self.build, self.tests = pathlib.Path(build), pathlib.Path(tests)
        self.work = pathlib.Path(work)
        self.plugin = self.build / "tillpost.so"
        self.environment = {
            **os.environ, "TILLPOST_PLUGIN": str(self.plugin)}
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                     "JOURNAL_STREAM", "LISTEN_FDS", "LISTEN_PID"):
            self.environment.pop(name, None)

    def config(self, port, name="t.conf", extra_queue="", spool=None):
        """Writes a configuration whose relay is 127.0.0.1:PORT."""
        path = self.work / name
        path.write_text(f"""\
queue = {{ path = "{self.work}/queue.db"; retry_base = "1s";
          retry_cap = "2s"; unknown_retry = "1s"; unknown_retry_max = 100;
          {extra_queue} }};
spool = {{ path = "{spool or self.work / 'spool'}"; }};
log = {{ path = "{self.work}/outcome.jsonl"; }};
relays = {{ sink = {{ host = "127.0.0.1"; port = {port}; tls = "none";
                    auth = "plain"; allow_plaintext_auth = true;
                    username = "shop"; password = "{SECRET}"; }}; }};
stores = {{ default = {{ relays = ["sink"]; from = "shop@example.com"; }}; }};
""")
        path.chmod(0o600)
        return path

    def load(self, config, count, processes=1, size=2048, out="accepted"):
        """Starts processes that fill the spool. @return the first of them"""
        return subprocess.Popen(
            [self.tests / "integration/spool_load", "-c", config,
             "-n", str(count), "-p", str(processes), "-b", str(size),
             "-o", self.work / out],
            env=self.environment, stderr=subprocess.PIPE, text=True)

    def fill(self, config, count, processes=1, size=2048, out="accepted"):
        process = self.load(config, count, processes, size, out)
        error = process.communicate(timeout=300)[1]
        check(process.returncode == 0, f"the spool refuses: {error}")
        return error

    def accepted(self, out="accepted"):
        """Message-ID to queue id, of every whole line"""
        path = self.work / out
        lines = path.read_text().splitlines() if path.exists() else []
        return {words[1]: words[0] for words in map(str.split, lines)
                if len(words) == 2}

    def tillpost(self, config, *arguments):
        return subprocess.run(
            [self.build / "bin/tillpost", arguments[0], "-c", config,
             *arguments[1:]],
            capture_output=True, text=True, timeout=300, check=False,
            env=self.environment)


class Sink:
    """tests/bench/sink; its log has one line for each message, written before
    the 250."""

    def __init__(self, place, port=0, delay_ms=0, log="received"):
        self.place, self.log = place, place.work / log
        self.connections = None
        self.process = subprocess.Popen(
            [place.tests / "bench/sink", "--port", str(port), "--auth",
             "--delay-ms", str(delay_ms), "--log", self.log],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def copies(self):
        """Message-ID to number of copies"""
        text = self.log.read_text() if self.log.exists() else ""
        return collections.Counter(
            line.split("\t")[5] for line in text.splitlines())

    def has_all(self, accepted):
        copies = self.copies()
        return all(copies[message_id] for message_id in accepted)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            last = self.process.communicate()[0].split()
            self.connections = int(last[-1]) if last else None


class Manager:
    """What a service manager hears. It has to listen all the time: the kernel
    keeps about ten messages, and then whoever sends one waits."""

    def __init__(self, path):
        self.path = path
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o666)
        self.heard = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            self.heard += self.socket.recv(65536).decode().splitlines()

    def count(self, line):
        return self.heard.count(line)


class Daemon:
    """One running tillpostd. Its log goes to a file unless STDERR is given."""

    number = 0

    def __init__(self, place, config, *options, manager=None, watchdog_us=None,
                 stderr=None, prefix=(), wait=True, environment=None,
                 pass_fds=()):
        Daemon.number += 1
        self.place = place
        self.log_path = place.work / f"log.{Daemon.number}"
        # The daemon, as whoever it runs, only has the descriptor.
        log = stderr if stderr is not None else self.log_path.open("wb")
        env = {**place.environment, **(environment or {})}
        if manager:
            env["NOTIFY_SOCKET"] = str(manager.path)
        if watchdog_us:
            env["WATCHDOG_USEC"] = str(watchdog_us)
        self.process = subprocess.Popen(
            [*prefix, place.build / "bin/tillpostd", "-c", config, *options],
            env=env, stderr=log, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, pass_fds=pass_fds)
        self.pid = self.process.pid
        if stderr is None:
            log.close()
            if wait:
                self.wait_for("started")

    def lines(self):
        return self.log_path.read_text(errors="strict").splitlines()

    def events(self, name=None):
        """Objects of whole lines, all of which must be JSON"""
        text = self.log_path.read_text()
        events = [json.loads(line)
                  for line in text[:text.rfind("\n") + 1].splitlines()]
        return [e for e in events if name is None or e["event"] == name]

    def wait_for(self, event, count=1, seconds=20):
        def seen():
            if self.process.poll() is not None and not self.events(event):
                raise Failure(f"the daemon ended with {self.process.poll()} "
                              f"before \"{event}\": {self.lines()[-3:]}")
            return len(self.events(event)) >= count
        until(seconds, f"event {event}", seen)
        return self.events(event)

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=20):
        """@return exit code and how long it took"""
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"the daemon did not end within {seconds} s")
        return code, time.monotonic() - start

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        fields = fields.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kb(self):
        for line in pathlib.Path(
                f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0


def secret_forms(user="shop", secret=SECRET):
    """What the secret may look like where it must not be"""
    raw = secret.encode()
    return [raw, base64.b64encode(raw), raw.hex().encode(),
            base64.b64encode(f"\0{user}\0{secret}".encode())]


def run_tests(tests, place):
    """Calls each test; its name is what it shows. @return an exit code"""
    failed = 0
    for test in tests:
        start = time.monotonic()
        name = test.__name__.replace("_", " ")
        try:
            note = test(place)
        except Failure as failure:
            failed += 1
            print(f"FAILED {name}: {failure}", flush=True)
            for log in sorted(place.work.glob("log.*"))[-2:]:
                tail = log.read_text(errors="replace").splitlines()[-5:]
                print(*(f"    {log.name}: {line}" for line in tail), sep="\n")
        else:
            took = time.monotonic() - start
            print(f"ok {name} ({took:.1f} s){': ' + note if note else ''}",
                  flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit("daemon.py is for other scripts")
