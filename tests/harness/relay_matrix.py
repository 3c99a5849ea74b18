#!/usr/bin/python3
"""relay_matrix.py - sends through two real relays in every way

JOB     relay_matrix.py BUILD WORK: WORK/r holds relays started by relays.sh.
        Each case has a configuration and a queue of its own. Prints a line
        per case; the last says how many there were. Exit status 1 at the
        first case that is not as it must be.
SPDX-License-Identifier: MIT
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

BUILD, WORK = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
RELAYS = WORK / "r"
HARNESS = pathlib.Path(__file__).resolve().parent
# PLAIN and LOGIN are everywhere; the relays offer all of these.
MECHANISMS = ["plain", "login", "scram-sha-256", "cram-md5", "auto"]
WRONG = "wrong-password-canary"


def read_env():
    env = {}
    for line in (RELAYS / "relays.env").read_text().splitlines():
        name, _, value = line.partition("=")
        env[name] = shlex.split(value)[0] if value else ""
    return env


ENV = read_env()
cases = 0


def fail(case, why, output=""):
    sys.exit(f"FAILED: {case}: {why}\n{output}")


def harness(*arguments):
    return subprocess.run(
        [HARNESS / "relays.sh", *arguments, RELAYS], check=True,
        capture_output=True, text=True).stdout.splitlines()


class Shop:
    """One store with one relay, in a directory of its own."""

    def __init__(self, case, port, tls, **changes):
        global cases
        cases += 1
        self.case = case
        self.home = WORK / f"case{cases}"
        self.home.mkdir()
        relay = {"host": "localhost", "port": int(port), "tls": tls,
                 "username": ENV["A_USER1"], "password": ENV["A_PASS1"],
                 "ca_file": ENV["CA_FILE"], "reply_timeout": "20s"}
        relay.update(changes)
        text = "; ".join(f"{key} = {json.dumps(value)}"
                         for key, value in relay.items() if value is not None)
        self.config = self.home / "t.conf"
        self.config.touch(0o600)
        self.config.write_text(
            f'queue = {{ path = "{self.home}/queue.db"; }};\n'
            f'log = {{ path = "{self.home}/outcome.jsonl"; }};\n'
            f"relays = {{ r = {{ {text}; }}; }};\n"
            'stores = { default = { relays = ["r"]; '
            'from = "shop@example.test"; bounce = false; }; };\n')

    def run(self, *arguments, data=None):
        return subprocess.run(
            [BUILD / "bin/tillpost", "-c", self.config, *arguments],
            input=data, capture_output=True, timeout=60,
            env={**os.environ,
                 "TILLPOST_PLUGIN": str(BUILD / "tillpost.so")})

    def objects(self, *arguments, data=None):
        done = self.run(*arguments, "--json", data=data)
        return [json.loads(line) for line in done.stdout.splitlines()], done

    def send(self, recipient="c@example.test", sender=None, bytes_count=100):
        data = (f"From: Shop <shop@example.test>\nTo: {recipient}\n"
                f"Subject: {self.case}\n\n" + "x" * 60 + "\n").encode()
        data += b"Thank you.\n" * (bytes_count // 11)
        sender = ["-f", sender] if sender else []
        found, done = self.objects("submit", "--now", *sender, recipient,
                                   data=data)
        if not found:
            fail(self.case, "no receipt", done.stderr.decode())
        return found[0]

    def outcome(self):
        found, done = self.objects("log")
        if len(found) != 1:
            fail(self.case, f"{len(found)} outcomes", done.stdout.decode())
        return found[0]

    def queue(self):
        return self.objects("queue", "list")[0]

    def shows_no_secret(self):
        for path in self.home.iterdir():
            if path != self.config and WRONG.encode() in path.read_bytes():
                fail(self.case, f"the password is in {path.name}")


def sessions_of(case, before):
    """What relay A saw since BEFORE; it logs a session after its end."""
    for _ in range(50):
        now = harness("sessions")
        if len(now) > len(before):
            return now[len(before):]
        time.sleep(0.1)
    return fail(case, "the relay logged no session")


def saw(session, command):
    """How often a session had a command, refused or not."""
    for word in session.split():
        name, _, count = word.partition("=")
        if name == command:
            return int(count.split("/")[-1])
    return 0


def delivers(letter, tls, port, mechanism):
    case = f"{letter} {tls} {mechanism} delivers"
    user = ENV[f"{letter}_USER1"]
    shop = Shop(case, port, tls, username=user,
                password=ENV[f"{letter}_PASS1"], auth=mechanism)
    receipt = shop.send()
    outcome = shop.outcome()
    if receipt["verdict"] != "sent" or outcome["verdict"] != "sent":
        fail(case, "not sent", json.dumps(outcome))
    if outcome["tls_version"] not in ("TLSv1.2", "TLSv1.3"):
        fail(case, "no TLS", json.dumps(outcome))
    lower = letter.lower()
    harness("wait", lower, str(delivered[lower] + 1))
    delivered[lower] += 1
    if not any(user in line for line in harness("auth-log", lower)[-1:]):
        fail(case, "the relay saw another user")
    if shop.queue():
        fail(case, "the queue is not empty")
    print("ok", case)


def refused(case, port, tls, verdict, words, seen, code=0, queued=0,
            changes=(), send=(), step=None):
    """SEEN: the commands that the relay may have seen, with their number."""
    before = harness("sessions")
    shop = Shop(case, port, tls, **dict(changes))
    shop.send(**dict(send))
    outcome = shop.outcome()
    if outcome["verdict"] != verdict or outcome["reply_code"] != code:
        fail(case, f"expected {verdict} {code}", json.dumps(outcome))
    if words not in outcome["text"]:
        fail(case, f'"{words}" is not in the text', outcome["text"])
    if step and outcome["step"] != step:
        fail(case, f"expected step {step}", json.dumps(outcome))
    if len(shop.queue()) != queued:
        fail(case, f"expected {queued} in the queue")
    for session in sessions_of(case, before):
        for command in ("auth", "mail", "rcpt", "data"):
            if saw(session, command) > dict(seen).get(command, 0):
                fail(case, f"the relay saw {command}", session)
    shop.shows_no_secret()
    print("ok", case)


delivered = {"a": 0, "b": 0}
for letter in "AB":
    for tls, name in (("implicit", "SMTPS"), ("starttls", "STARTTLS")):
        for mechanism in MECHANISMS:
            delivers(letter, tls, ENV[f"{letter}_{name}_PORT"], mechanism)

for tls, name in (("implicit", "SMTPS"), ("starttls", "STARTTLS")):
    port = ENV[f"A_{name}_PORT"]
    refused(f"{tls}: wrong password", port, tls, "deferred",
            "uthentication failed", {"auth": 1}, code=535, queued=1,
            changes={"password": WRONG}, step="auth")
    refused(f"{tls}: wrong password, LOGIN", port, tls, "deferred",
            "uthentication failed", {"auth": 1}, code=535, queued=1,
            changes={"password": WRONG, "auth": "login"}, step="auth")
    refused(f"{tls}: certificate of another authority",
            ENV[f"A_OTHER_CA_{name}_PORT"], tls, "deferred",
            "certificate", {}, queued=1, step="tls")
    refused(f"{tls}: certificate with another name",
            ENV[f"A_WRONG_NAME_{name}_PORT"], tls, "deferred",
            "localhost", {}, queued=1, step="tls")
    refused(f"{tls}: expired certificate", ENV[f"A_EXPIRED_{name}_PORT"],
            tls, "deferred", "expired", {}, queued=1, step="tls")
    refused(f"{tls}: unknown recipient", port, tls, "failed",
            "User unknown", {"auth": 1, "mail": 1, "rcpt": 1, "data": 1},
            code=550, send={"recipient": "nobody@example.test"}, step="rcpt")
    refused(f"{tls}: refused for now", port, tls, "deferred", "",
            {"auth": 1, "mail": 1, "rcpt": 1, "data": 1}, code=451, queued=1,
            send={"recipient": "tempfail@example.test"}, step="rcpt")
    # Set-up of the sender at the relay: a person must act, nobody bounces.
    refused(f"{tls}: refused sender", port, tls, "held", "Sender address",
            {"auth": 1, "mail": 1, "rcpt": 1, "data": 1}, code=553, queued=1,
            send={"sender": "blocked@example.test"}, step="mail")
    refused(f"{tls}: over the relay's size", port, tls, "failed",
            "limit", {"auth": 1}, code=552, send={"bytes_count": 300000},
            step="mail")

refused("starttls: not offered", ENV["A_PLAIN_PORT"], "starttls", "deferred",
        "STARTTLS", {}, queued=1, step="starttls")

# A login without TLS does not even load unless somebody says so.
plain = Shop("none: a login without TLS", ENV["A_PLAIN_PORT"], "none",
             host="127.0.0.1")
checked = plain.run("check")
if checked.returncode == 0 or b"allow_plaintext_auth" not in checked.stdout:
    fail(plain.case, "it was not refused", checked.stdout.decode())
print("ok", plain.case)
print(f"{cases} cases")
