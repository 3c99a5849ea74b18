#!/usr/bin/python3
"""kill.py - kills a submitting and delivering host, then counts

JOB     kill.py BUILD TESTS WORK ROUNDS, called by tests/fault/kill.sh.
SPDX-License-Identifier: MIT
"""

import collections
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import time

BUILD, TESTS, WORK = (pathlib.Path(path) for path in sys.argv[1:4])
ROUNDS = int(sys.argv[4])
CONFIG = WORK / "t.conf"
PLUGIN = BUILD / "tillpost.so"
# The host needs about 20 ms to load; most kills fall into its work.
LATEST_KILL_S = 0.15

instants = random.Random(20261121)


def tillpost(*arguments):
    return subprocess.run(
        [BUILD / "bin/tillpost", "-c", CONFIG, *arguments],
        capture_output=True, text=True, timeout=300,
        env={**os.environ, "TILLPOST_PLUGIN": str(PLUGIN)})


def one_round():
    """The lines that were acknowledged before the kill."""
    with subprocess.Popen(
            [TESTS / "integration/load_host", "-c", CONFIG, "-p", PLUGIN,
             "-t", "2", "-n", "100000"], stdout=subprocess.PIPE) as host:
        time.sleep(instants.uniform(0.01, LATEST_KILL_S))
        if host.poll() is not None:
            sys.exit("FAILED: the host ended before it was killed")
        host.kill()
        output = host.stdout.read().decode()
    return [line.split() for line in output.splitlines()
            if len(line.split()) == 3]


acknowledged = {}
for _ in range(ROUNDS):
    for queue_id, message_id, _ in one_round():
        acknowledged[message_id] = queue_id

drained = tillpost("run", "--until-empty")
if drained.returncode != 0:
    sys.exit(f"FAILED: the queue was not drained: {drained.stderr}")

# The sink's log: number, user, sender, recipients, bytes, Message-ID.
copies = collections.Counter(
    line.split("\t")[5] for line in
    (WORK / "received").read_text().splitlines())
unknown = collections.Counter(
    json.loads(line)["message_id"] for line in
    tillpost("log", "--json", "-n", "0", "--verdict", "unknown")
    .stdout.splitlines())
missing = [m for m in acknowledged if copies[m] == 0]
extra = {m: n - 1 for m, n in copies.items() if n > 1}
unexplained = [m for m, n in extra.items() if n > unknown[m]]
with sqlite3.connect(WORK / "queue.db") as database:
    intact = database.execute("PRAGMA integrity_check").fetchone()[0]

print(f"{ROUNDS} kills: {len(acknowledged)} acknowledged, "
      f"{len(missing)} missing, {sum(unknown.values())} outcomes unknown, "
      f"{sum(extra.values())} second copies, {len(unexplained)} of them "
      f"outside a killed delivery; database: {intact}")
ok = (acknowledged and sum(unknown.values()) > 0 and not missing and
      not unexplained and intact == "ok")
sys.exit(not ok)
