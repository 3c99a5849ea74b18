#!/usr/bin/python3
"""arrived.py - did this mail arrive at a relay, once, and as it should?

JOB     arrived.py STORE_DIR [OPTION...]     STORE_DIR: of `relays.sh messages`
        selects by
          --to ADDRESS       an envelope recipient
          --subject TEXT     the decoded subject has TEXT
          --text TEXT        the decoded text of the body has TEXT
        and then every selected mail must have
          --user USER        sent by this account
          --sender ADDRESS   as envelope sender
          --recipients A,B   exactly these envelope recipients
          --header NAME=RE   header NAME, decoded, has a match of RE
          --has TEXT         TEXT in the decoded text of the body
          --lacks RE         no match of RE in the bytes of the mail, any case
          --body-sha256 HEX  of the decoded first text part, lines ended by LF,
                             without empty lines at its end
        --count N            so many must be selected (default 1); fewer are
                             waited for
        --wait SECONDS       at most (default 10)
        --keep               mails that were seen count again; otherwise each
                             mail counts for one call only
        --rest N             afterwards so many are left that no call has seen
ERRORS  exit code 1 with what is different and what has arrived instead.
SPDX-License-Identifier: MIT
"""

import argparse
import email
import email.policy
import hashlib
import pathlib
import re
import sys
import time


class Mail:
    def __init__(self, path):
        self.path = path
        self.bytes = path.read_bytes()
        # Undecodable bytes come as surrogates, not as errors.
        self.message = email.message_from_bytes(
            self.bytes, policy=email.policy.default)
        env = path.with_suffix(".env").read_text()
        lines = [line.partition(" ")[::2] for line in env.splitlines()]
        self.user = dict(lines).get("user", "")
        self.sender = dict(lines).get("sender", "")
        self.recipients = [v for k, v in lines if k == "recipient"]

    def header(self, name):
        return " | ".join(str(v) for v in self.message.get_all(name, []))

    def text(self):
        part = self.message.get_body(("plain", "html"))
        if part is None:
            return ""
        data = part.get_payload(decode=True)
        return data.decode("utf-8", "replace").replace("\r\n", "\n")

    def __str__(self):
        return (f"{self.path.name}: user {self.user}, from <{self.sender}>, "
                f"to {self.recipients}, subject {self.header('Subject')!r}")


def selected(mail, want):
    return ((not want.to or want.to in mail.recipients)
            and (not want.subject or want.subject in mail.header("Subject"))
            and (not want.text or want.text in mail.text()))


def faults(mail, want):
    if want.user and mail.user != want.user:
        yield f"sent by {mail.user}, not {want.user}"
    if want.sender is not None and mail.sender != want.sender:
        yield f"envelope sender <{mail.sender}>, not <{want.sender}>"
    if want.recipients is not None:
        wanted = sorted(filter(None, want.recipients.split(",")))
        if sorted(mail.recipients) != wanted:
            yield f"recipients {sorted(mail.recipients)}, not {wanted}"
    for rule in want.header:
        name, _, pattern = rule.partition("=")
        if not re.search(pattern, mail.header(name)):
            yield f"header {name} is {mail.header(name)!r}, not {pattern!r}"
    for text in want.has:
        if text not in mail.text():
            yield f"the body has no {text!r}"
    for pattern in want.lacks:
        if re.search(pattern.encode(), mail.bytes, re.I | re.M):
            yield f"the mail has {pattern!r}"
    if want.body_sha256:
        body = mail.text().rstrip("\n") + "\n"
        got = hashlib.sha256(body.encode()).hexdigest()
        if got != want.body_sha256:
            yield f"the body is different: {len(body)} bytes, {got}"


def look(directory, seen, want):
    mails = [Mail(path) for path in sorted(directory.glob("[!.]*.eml"))
             if want.keep or path.name not in seen]
    return mails, [mail for mail in mails if selected(mail, want)]


def options():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("directory", type=pathlib.Path)
    for name in ("to", "subject", "text", "user", "sender", "recipients",
                 "body-sha256"):
        parser.add_argument("--" + name)
    for name in ("header", "has", "lacks"):
        parser.add_argument("--" + name, action="append", default=[])
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--wait", type=float, default=10)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--rest", type=int)
    return parser.parse_args()


def main():
    want = options()
    record = want.directory.parent / "arrived.seen"
    seen = set(record.read_text().split()) if record.exists() else set()
    end = time.monotonic() + want.wait
    while True:
        mails, found = look(want.directory, seen, want)
        if len(found) >= want.count or time.monotonic() > end:
            break
        time.sleep(0.05)
    wrong = [f"{mail}: {fault}" for mail in found
             for fault in faults(mail, want)]
    if len(found) != want.count:
        wrong.append(f"{len(found)} mails, not {want.count}: "
                     f"{' '.join(sys.argv[2:])}")
    seen |= {mail.path.name for mail in found}
    record.write_text("\n".join(sorted(seen)))
    rest = [mail for mail in mails if mail.path.name not in seen]
    if want.rest is not None and len(rest) != want.rest:
        wrong.append(f"{len(rest)} more mails, not {want.rest}")
    if wrong:
        print(*wrong, "what else has arrived:", *rest, sep="\n  ")
    return bool(wrong)


sys.exit(main())
