#!/usr/bin/python3
"""table.py - joins the outcome log with what the relays saw, and checks it

JOB     table.py BUILD WORK, called by demo.sh. Prints one row per outcome:
        the user and TLS version are the relay's own words. Exit status 1 if
        a row is missing, too many, or not as expected.
SPDX-License-Identifier: MIT
"""

import json
import os
import pathlib
import re
import subprocess
import sys

BUILD, WORK = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
HARNESS = pathlib.Path(__file__).resolve().parent.parent / "harness"
USERS = {"a": "shop-default@example.test", "b": "shop-b@example.test"}
# store, relay, recipient, verdict
EXPECTED = [
    ("default", "a", "anna.schmidt@example.test", "sent"),
    ("eu", "b", "zoe.novak@example.test", "sent"),
    ("default", "a", "ben.weber@example.test", "sent"),
    ("default", "a", "nobody@example.test", "failed"),
    ("default", "a", "shop@example.com", "sent"),  # the bounce
    ("default", "a", "carla.rossi@example.test", "deferred"),
    ("default", "a", "carla.rossi@example.test", "sent"),
    ("default", "a", "dora.petrova@example.test", "sent"),  # mail()
    ("eu", "b", "emil.cron@example.test", "sent"),  # sendmail
]


def output(*command):
    return subprocess.run(
        command, check=True, capture_output=True, text=True,
        env={**os.environ,
             "TILLPOST_PLUGIN": str(BUILD / "tillpost.so")}).stdout


def seen_by_relays():
    """(relay, recipient) -> (user, tls), as the relays tell it."""
    seen = {}
    for relay in USERS:
        log = output(HARNESS / "relays.sh", "auth-log", relay, WORK / "r")
        for line in log.splitlines():
            _, user, _, recipient, tls = line.split("\t")
            seen[relay, recipient] = user, tls
    return seen


def stored(relay, recipient):
    for env in (WORK / "r" / relay / "store").glob("*.env"):
        if re.search(rf"^recipient {re.escape(recipient)}$",
                     env.read_text(), re.M):
            return env.with_suffix(".eml").read_bytes()
    return b""


def arrived_whole(name, relay, recipient):
    """Date and Message-ID are added on top; all else is as submitted."""
    sent = (WORK / name).read_bytes().replace(b"\n", b"\r\n")
    got = stored(relay, recipient)
    added = got[:len(got) - len(sent)]
    return got.endswith(sent) and re.fullmatch(
        rb"(Date|Message-ID): [^\r]*\r\n(Date|Message-ID): [^\r]*\r\n",
        added)


log = [json.loads(line) for line in
       output(BUILD / "bin/tillpost", "-c", WORK / "tillpost.conf", "log",
              "--json").splitlines()]
seen = seen_by_relays()
wrong = []
row = "{:8} {:6} {:27} {:29} {:9} {}"
print(row.format("STORE", "RELAY", "LOGGED IN AS", "RECIPIENT", "VERDICT",
                 "TLS"))
found = []
for event in log:
    key = event["relay"], event["recipient"]
    user, tls = "-", "-"
    if event["verdict"] == "sent":
        user, tls = seen.get(key, ("nobody", "-"))
        if user != USERS[event["relay"]] or tls != event["tls_version"]:
            wrong.append(f"{key}: the relay saw {user} {tls}")
    found.append((event["store"], event["relay"], event["recipient"],
                  event["verdict"]))
    print(row.format(event["store"], event["relay"], user,
                     event["recipient"], event["verdict"], tls))
if sorted(found) != sorted(EXPECTED):
    wrong.append(f"expected {sorted(EXPECTED)}")
for name, relay, recipient in (
        ("default.eml", "a", "anna.schmidt@example.test"),
        ("eu.eml", "b", "zoe.novak@example.test"),
        ("two.eml", "a", "ben.weber@example.test"),
        ("outage.eml", "a", "carla.rossi@example.test")):
    if not arrived_whole(name, relay, recipient):
        wrong.append(f"{name}: what arrived is not what was submitted")
for problem in wrong:
    print("demo:", problem)
sys.exit(bool(wrong))
