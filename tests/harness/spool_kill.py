#!/usr/bin/python3
"""spool_kill.py - kills those who fill the spool and who empties it, counts

JOB     spool_kill.py BUILD TESTS WORK ROUNDS, called by
        tests/fault/spool_kill.sh.
SPDX-License-Identifier: MIT
"""

import collections
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time

from daemon import Daemon, Failure, Place, Sink, stop_process, until

# Writers need about 10 ms to load, the daemon about 30 ms.
LATEST_WRITER_KILL_S = 0.08
LATEST_DAEMON_KILL_S = 0.25
MESSAGES_PER_WRITER = 40
FOUND_AGAIN = re.compile(
    r'(\d+) files removed whose messages are in the queue already')

instants = random.Random(20261121)


class Run:
    def __init__(self, place):
        self.place = place
        self.sink = Sink(place)
        self.config = place.config(self.sink.port)
        self.daemon = Daemon(place, self.config)
        self.writers = None
        self.kills = collections.Counter()
        self.found_again = []

    def read_log(self):
        """What a start has found in the spool and in the queue, both"""
        self.found_again += map(int, FOUND_AGAIN.findall(
            self.daemon.log_path.read_text()))
        self.daemon.log_path.unlink()

    def start_daemon(self):
        """Does not wait: it may be killed while it starts."""
        self.read_log()
        self.daemon = Daemon(self.place, self.config, wait=False)

    def start_writers(self):
        # In a session of their own, so that one kill ends them all.
        self.writers = subprocess.Popen(
            [self.place.tests / "integration/spool_load", "-c", self.config,
             "-n", str(MESSAGES_PER_WRITER), "-p", "2", "-b", "3000",
             "-o", self.place.work / "accepted"],
            env=self.place.environment, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def kill_writers(self):
        time.sleep(instants.uniform(0.005, LATEST_WRITER_KILL_S))
        try:
            os.killpg(self.writers.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.kills["writers"] += self.writers.wait() == -signal.SIGKILL

    def kill_daemon(self):
        time.sleep(instants.uniform(0.01, LATEST_DAEMON_KILL_S))
        self.kill_daemon_now()

    def kill_daemon_now(self):
        if self.daemon.process.poll() is not None:
            raise Failure("the daemon ended before it was killed: "
                          f"{self.daemon.lines()[-3:]}")
        self.daemon.send(signal.SIGKILL)
        self.daemon.process.wait()
        self.kills["daemon"] += 1
        self.start_daemon()

    def kill_daemon_between(self):
        """After many messages are in the queue and the first of them has left
        the spool, before all have"""
        self.kill_daemon_now()
        self.writers.wait(60)
        names = self.waiting()
        if not names:
            return
        first = self.place.work / "spool/incoming" / min(names)
        deadline = time.monotonic() + 20
        while first.exists() and time.monotonic() < deadline:
            pass
        self.kill_daemon_now()

    def one_round(self):
        self.start_writers()
        victim = instants.choice(
            ("writers", "daemon", "daemon", "both", "between"))
        if victim == "between":
            self.kill_daemon_between()
            return
        if victim != "daemon":
            self.kill_writers()
        if victim != "writers":
            self.kill_daemon()
        if self.writers.wait(60) not in (0, -signal.SIGKILL):
            raise Failure("a writer was refused")

    def waiting(self):
        """Names in the spool that were accepted and not yet taken in"""
        return [name for name in
                os.listdir(self.place.work / "spool/incoming")
                if not name.startswith("t.")]

    def drain(self):
        until(30, "the spool is empty", lambda: not self.waiting())
        until(60, "the queue is empty", lambda: not self.place.tillpost(
            self.config, "queue", "--json").stdout)
        code, _ = self.daemon.stop()
        self.read_log()
        if code != 0:
            raise Failure(f"the daemon ended with {code}")

    def end(self):
        if self.writers:
            stop_process(self.writers, signal.SIGKILL)
        stop_process(self.daemon.process, signal.SIGKILL)
        self.sink.stop()


def count(run, rounds):
    place = run.place
    accepted = place.accepted()
    copies = run.sink.copies()
    unknown = collections.Counter(
        json.loads(line)["message_id"] for line in
        place.tillpost(run.config, "log", "--json", "-n", "0", "--verdict",
                       "unknown").stdout.splitlines())
    missing = [m for m in accepted if copies[m] == 0]
    extra = {m: n - 1 for m, n in copies.items() if n > 1}
    unexplained = [m for m, n in extra.items() if n > unknown[m]]
    quarantined = os.listdir(place.work / "spool/quarantine")
    with sqlite3.connect(place.work / "queue.db") as database:
        intact = database.execute("PRAGMA integrity_check").fetchone()[0]
    print(f"{rounds} rounds, kills: {run.kills['writers']} of writers, "
          f"{run.kills['daemon']} of the daemon: {len(accepted)} "
          f"acknowledged, {len(missing)} missing, "
          f"{len(set(copies) - set(accepted))} arrived that a kill kept from "
          f"being acknowledged, {sum(unknown.values())} outcomes unknown, "
          f"{sum(extra.values())} second copies, {len(unexplained)} of them "
          f"outside a killed delivery, {sum(run.found_again)} found in the "
          f"queue already by {len(run.found_again)} starts, "
          f"{len(quarantined)} in quarantine; database: {intact}")
    # Without these the kills have hit nothing.
    hit = (unknown and run.found_again and run.kills["writers"] >= rounds / 10 and
           run.kills["daemon"] >= rounds / 2)
    return (hit and accepted and not missing and not unexplained and
            not quarantined and intact == "ok")


def main(build, tests, work, rounds):
    os.umask(0o077)
    run = Run(Place(build, tests, work))
    try:
        for _ in range(int(rounds)):
            run.one_round()
        run.drain()
        return not count(run, int(rounds))
    except Failure as failure:
        print(f"FAILED: {failure}")
        return 1
    finally:
        run.end()


sys.exit(main(*sys.argv[1:5]))
