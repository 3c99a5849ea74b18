#!/usr/bin/python3
"""relays_check.py - do the test relays themselves do what relays.sh says?

JOB     relays_check.py DIR: against relays started in DIR (relays.sh), with
        Python's smtplib: every TLS mode and mechanism delivers the same
        bytes under the right user; wrong passwords, recipients, senders,
        sizes and certificates are refused; an outage ends on the same port.
ERRORS  Exits 1 after the list of what was wrong.
SPDX-License-Identifier: MIT
"""

import os
import smtplib
import ssl
import subprocess
import sys
import time

HARNESS = os.path.dirname(os.path.abspath(__file__))
SENDER = "orders@shop.test"
MESSAGE = (
    b"From: orders@shop.test\r\nTo: =?utf-8?q?J=C3=B6rg?= <a@example.test>,\r\n"
    b"  b@example.test\r\nBcc: c@example.test\r\nReturn-Path: <x@y.test>\r\n"
    b"Subject: check\r\n\r\n.\r\n..\r\n.dots\r\n\xc3\xa9 \x80\xff\r\n"
    + b"x" * 998 + b"\r\n\r\n\r\n")


class Check:
    def __init__(self, directory):
        self.directory = directory
        with open(os.path.join(directory, "relays.env"),
                  encoding="utf-8") as lines:
            self.env = dict(line.strip().split("=", 1) for line in lines)
        self.env = {key: value.strip("'") for key, value in self.env.items()}
        self.trusted = ssl.create_default_context(cafile=self.env["CA_FILE"])
        self.wrong = 0

    def expect(self, what, seen, wanted):
        good = seen == wanted
        self.wrong += not good
        print("ok   " if good else "WRONG", what)
        if not good:
            print("      seen:  ", seen)
            print("      wanted:", wanted)

    def relays_sh(self, *arguments):
        command = [os.path.join(HARNESS, "relays.sh"), *arguments,
                   self.directory]
        return subprocess.run(command, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def connect(self, port_name, host="localhost"):
        port = int(self.env[port_name])
        if "SMTPS" in port_name:
            link = smtplib.SMTP_SSL(host, port, context=self.trusted)
        else:
            link = smtplib.SMTP(host, port)
            link.ehlo()
            if "STARTTLS" in port_name:
                link.starttls(context=self.trusted)
        link.ehlo()
        return link

    def account(self, relay, number=1):
        return (self.env[f"{relay}_USER{number}"],
                self.env[f"{relay}_PASS{number}"])

    def stored(self, relay):
        """id -> (user, sender, recipients, bytes)"""
        directory = os.path.join(self.directory, relay.lower(), "store")
        found = {}
        for name in os.listdir(directory):
            if name.startswith(".") or not name.endswith(".eml"):
                continue
            with open(os.path.join(directory, name), "rb") as message:
                content = message.read()
            with open(os.path.join(directory, name[:-4] + ".env"),
                      encoding="utf-8") as lines:
                fields = [line.rstrip("\n").split(" ", 1) for line in lines]
            one = dict(fields)
            found[name[:-4]] = (
                one["user"], one["sender"],
                [v for k, v in fields if k == "recipient"], content)
        return found

    def new_message(self, relay, before):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for identity, message in self.stored(relay).items():
                if identity not in before:
                    return identity, message
            time.sleep(0.02)
        return None, None


def log_in(link, mechanism, user, password):
    """smtplib chooses itself in login(); a test must not leave it that."""
    link.user, link.password = user, password
    method = getattr(link, "auth_" + mechanism.lower().replace("-", "_"))
    return link.auth(mechanism, method,
                     initial_response_ok=mechanism != "CRAM-MD5")[0]


def refusal(action, *arguments):
    """The reply code or the kind of exception of something that must fail."""
    try:
        result = action(*arguments)
    except smtplib.SMTPRecipientsRefused as error:
        return [code for code, _ in error.recipients.values()][0]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except (ssl.SSLCertVerificationError, smtplib.SMTPException) as error:
        return type(error).__name__
    return result


def check_delivery(check, relay, port_name, mechanism, number):
    what = f"{relay} {port_name} {mechanism} user {number}"
    before = check.stored(relay)
    user, password = check.account(relay, number)
    with check.connect(port_name) as link:
        log_in(link, mechanism, user, password)
        refused = link.sendmail(
            SENDER, ["a@example.test", "nobody@example.test",
                     "b@other.test"], MESSAGE)
    check.expect(what + ": only nobody@ is refused",
                 {name: reply[0] for name, reply in refused.items()},
                 {"nobody@example.test": 550})
    identity, message = check.new_message(relay, before)
    check.expect(what + ": stored as sent, under its user", message,
                 (user, SENDER, ["a@example.test", "b@other.test"], MESSAGE))
    lines = [line.split("\t") for line in
             check.relays_sh("auth-log", relay.lower()).splitlines()]
    check.expect(what + ": in the relay's log",
                 [line[1:] for line in lines if line[0] == identity],
                 [[user, SENDER, recipient, "TLSv1.3"]
                  for recipient in ("a@example.test", "b@other.test")])


def check_refusals(check, relay):
    user, password = check.account(relay)
    with check.connect(f"{relay}_SMTPS_PORT") as link:
        check.expect(f"{relay} refuses a wrong password",
                     refusal(log_in, link, "PLAIN", user, password + "x"), 535)
    with check.connect(f"{relay}_SMTPS_PORT") as link:
        check.expect(f"{relay} refuses mail without AUTH",
                     refusal(link.sendmail, SENDER, "a@example.test",
                             MESSAGE) in (530, 550, 554), True)
    with check.connect(f"{relay}_STARTTLS_PORT") as link:
        log_in(link, "PLAIN", user, password)
        for sender, recipient, code in (
                (SENDER, "nobody@example.test", 550),
                (SENDER, "tempfail@example.test", 451),
                ("blocked@shop.test", "a@example.test", 553),
                ("late-blocked@shop.test", "a@example.test", 550)):
            check.expect(
                f"{relay} answers {code} to {sender} for {recipient}",
                refusal(link.sendmail, sender, recipient, MESSAGE), code)
        limit = int(check.env["SIZE_LIMIT"])
        check.expect(f"{relay} refuses SIZE above the limit",
                     link.mail(SENDER, [f"size={limit + 1}"])[0], 552)


def check_certificates(check):
    for kind in "EXPIRED", "WRONG_NAME", "OTHER_CA":
        for mode in "SMTPS", "STARTTLS":
            check.expect(f"A_{kind}_{mode}_PORT fails verification",
                         refusal(check.connect, f"A_{kind}_{mode}_PORT"),
                         "SSLCertVerificationError")
    with check.connect("A_PLAIN_PORT") as link:
        check.expect("A_PLAIN_PORT has no STARTTLS, and AUTH as a trap",
                     (link.has_extn("starttls"), link.has_extn("auth")),
                     (False, True))
    for relay in "A", "B":
        with check.connect(f"{relay}_SMTPS_PORT", "127.0.0.1") as link:
            check.expect(f"{relay}'s certificate names 127.0.0.1",
                         link.noop()[0], 250)


def check_outage(check, relay):
    check.relays_sh("stop-one", relay.lower())
    try:
        check.connect(f"{relay}_STARTTLS_PORT")
        seen = "connected"
    except ConnectionRefusedError:
        seen = "refused"
    check.expect(f"{relay} stopped refuses connections", seen, "refused")
    check.relays_sh("start-one", relay.lower())
    check_delivery(check, relay, f"{relay}_STARTTLS_PORT", "PLAIN", 1)


def main(directory):
    check = Check(directory)
    for relay, kind in (("A", check.env["A_KIND"]), ("B", "dovecot")):
        offered = ["PLAIN", "LOGIN"]
        if kind != "aiosmtpd":
            offered += ["CRAM-MD5", "SCRAM-SHA-256"]
        for port_name in f"{relay}_SMTPS_PORT", f"{relay}_STARTTLS_PORT":
            with check.connect(port_name) as link:
                check.expect(f"{relay} {port_name} offers {offered}", sorted(
                    link.esmtp_features["auth"].split()), sorted(offered))
            for mechanism in offered:
                if mechanism != "SCRAM-SHA-256":  # not in smtplib
                    check_delivery(check, relay, port_name, mechanism, 1)
        check_refusals(check, relay)
    check_delivery(check, "A", "A_SMTPS_PORT", "PLAIN", 2)
    check_certificates(check)
    check.expect("a session that fails verification sends no AUTH", [
        line for line in check.relays_sh("sessions").splitlines()
        if line.startswith(("expired", "wrong-name", "other-ca"))
        and ("auth=" in line or "mail=" in line)], [])
    check_outage(check, "A")
    check_outage(check, "B")
    print("all is well" if not check.wrong else f"{check.wrong} wrong")
    return 1 if check.wrong else 0


if len(sys.argv) != 2:
    sys.exit("usage: relays_check.py DIR")
sys.exit(main(sys.argv[1]))
