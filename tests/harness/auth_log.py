#!/usr/bin/python3
"""auth_log.py - who sent what, as the relays' own logs tell it

JOB     auth_log.py postfix MAIL_LOG           id user sender recipient tls
        auth_log.py postfix-sessions MAIL_LOG  listener tls user verb=count...
        auth_log.py dovecot AUTH_LOG DOVECOT_LOG
          as postfix; AUTH_LOG is the backend's, without TLS, which comes from
          the login of the Dovecot session that relayed the message.
        One line for each message and recipient, or each finished session, in
        the log's order; fields are separated by tabs; "-" is none, "<>" the
        null sender. A command counts also when it was refused.
BOUNDS  dovecot waits up to 2 seconds, as Dovecot answers before it logs.
SPDX-License-Identifier: MIT
"""

import collections
import re
import sys
import time

POSTFIX_LINE = re.compile(r" postfix/([\w/-]+)\[(\d+)\]: (.*)")
POSTFIX_TLS = re.compile(r"TLS connection established from \S+ (\S+) with")
POSTFIX_CLIENT = re.compile(r"(\w+): client=\S+?(?:, .*sasl_username=(.*))?$")
POSTFIX_SENDER = re.compile(r"(\w+): from=<(.*?)>, size=")
POSTFIX_SENT = re.compile(r"(\w+): to=<(.*?)>, .*status=sent")
POSTFIX_END = re.compile(r"disconnect from \S+ (.*?) ?commands=")

DOVECOT_LOGIN = re.compile(
    r"submission-login: Info: Login: user=<(.*?)>.*? (\S+) with cipher .*"
    r"session=<(.*?)>")
DOVECOT_RELAYED = re.compile(
    r"submission\(.*?\)<\d+><(.*?)>: Info: Successfully relayed message: .*"
    r"queued as ([\w-]+)")
DOVECOT_WAIT_S = 2.0


def lines(path):
    with open(path, encoding="utf-8", errors="replace") as log:
        yield from (line.rstrip("\n") for line in log)


def show(*fields):
    print(*fields, sep="\t")


class Session:
    """One connection to one smtpd process, which serves them in turn."""

    def __init__(self):
        self.tls = "-"
        self.user = "-"


def postfix(path, with_messages, with_sessions):
    sessions = collections.defaultdict(Session)
    messages = {}
    for line in lines(path):
        found = POSTFIX_LINE.search(line)
        if not found:
            continue
        program, process, text = found.groups()
        if text.startswith("connect from "):
            sessions[process] = Session()
        elif match := POSTFIX_TLS.search(text):
            sessions[process].tls = match[1]
        elif match := POSTFIX_CLIENT.match(text):
            session = sessions[process]
            session.user = match[2] or "-"
            messages[match[1]] = {"user": session.user, "tls": session.tls}
        elif match := POSTFIX_SENDER.match(text):
            messages.setdefault(match[1], {})["sender"] = match[2] or "<>"
        elif (match := POSTFIX_SENT.match(text)) and with_messages:
            message = messages.get(match[1], {})
            show(match[1], message.get("user", "-"),
                 message.get("sender", "-"), match[2],
                 message.get("tls", "-"))
        elif (match := POSTFIX_END.match(text)) and with_sessions:
            session = sessions.pop(process)
            show(program.rpartition("/")[0], session.tls, session.user,
                 re.sub(r"=\d+/", "=", match[1]))


def dovecot_tls(path):
    """Message id at the backend -> (user, TLS version) by Dovecot's log."""
    logins, seen = {}, {}
    for line in lines(path):
        if match := DOVECOT_LOGIN.search(line):
            logins[match[3]] = (match[1], match[2])
        elif match := DOVECOT_RELAYED.search(line):
            seen[match[2]] = logins.get(match[1], ("-", "-"))
    return seen


def dovecot(auth_log, dovecot_log):
    stored = [line.split("\t") for line in lines(auth_log)]
    deadline = time.monotonic() + DOVECOT_WAIT_S
    seen = dovecot_tls(dovecot_log)
    while (any(fields[0] not in seen for fields in stored)
           and time.monotonic() < deadline):
        time.sleep(0.05)
        seen = dovecot_tls(dovecot_log)
    for identity, told, sender, recipient, _ in stored:
        user, tls = seen.get(identity, (told, "-"))
        # XCLIENT and the log come from two Dovecot processes.
        show(identity, user if user == told else f"{user}!={told}", sender,
             recipient, tls)


def main(arguments):
    match arguments:
        case ["postfix", path]:
            postfix(path, True, False)
        case ["postfix-sessions", path]:
            postfix(path, False, True)
        case ["dovecot", auth_log, dovecot_log]:
            dovecot(auth_log, dovecot_log)
        case _:
            sys.exit("usage: auth_log.py postfix|postfix-sessions LOG | "
                     "dovecot AUTH_LOG DOVECOT_LOG")


main(sys.argv[1:])
