#!/usr/bin/python3
"""relay_user.py - a storing SMTP server that needs no root (aiosmtpd)

JOB     Two places: relay A for ordinary users, who cannot run Postfix; and
        the server behind relay B's Dovecot, for everybody.
        Accepts mail from authenticated users, judges addresses as relay A's
        Postfix does, and writes each message to DIR/store: ID.env (id, user,
        sender, recipient lines) and ID.eml (the bytes, CRLF, nothing added).
        DIR/auth.log gets "id user sender recipient tls" for each recipient,
        DIR/sessions.log "listener tls user COMMAND=COUNT..." for each
        session; the fields are separated by tabs.
USE     relay_user.py DIR --name NAME --size BYTES --accounts FILE
          --listen NAME:PORT:MODE[:CERTIFICATE]...
        MODE is implicit, starttls, plain (AUTH in the clear, as a trap) or
        internal (no AUTH; the user's name comes by XCLIENT).
        The accounts file is Dovecot's: user:{PLAIN.b64}password.
SPDX-License-Identifier: MIT
"""

import argparse
import asyncio
import base64
import collections
import contextlib
import functools
import hmac
import itertools
import os
import re
import signal
import ssl
import time
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

REFUSED_AT_MAIL = {
    "blocked": "553 5.7.1 Sender address not owned by user",
}
REFUSED_AT_RCPT_BY_SENDER = {
    "late-blocked": "550 5.7.1 Sender is not allowed here",
}
REFUSED_AT_RCPT = {
    "nobody": "550 5.1.1 User unknown",
    "tempfail": "451 4.7.1 Try again later",
}
DOVECOTS_RECEIVED = re.compile(
    rb"\AReceived: from [^\r\n]*\r\n\tby relay-b\.test with [^\r\n]*\r\n"
    rb"(\t[^\r\n]*\r\n)*")
COUNTED = ("EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA",
           "RSET", "QUIT")


def local_part(address):
    return address.rpartition("@")[0].lower()


def read_accounts(path):
    accounts = {}
    if path:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                user, _, password = line.rstrip("\n").partition(":{PLAIN.b64}")
                accounts[user.encode()] = base64.b64decode(password)
    return accounts


class Relay:
    """What all listeners share: accounts, store and logs. It is aiosmtpd's
    event handler too."""

    def __init__(self, directory, accounts):
        self.store = os.path.join(directory, "store")
        os.makedirs(self.store, exist_ok=True)
        self.messages_log = open(os.path.join(directory, "auth.log"), "a",
                             buffering=1, encoding="utf-8")
        self.sessions_log = open(os.path.join(directory, "sessions.log"), "a",
                                 buffering=1, encoding="utf-8")
        self.accounts = accounts
        # Unlike every id of an earlier run in the same directory.
        self.ids = (f"{time.time_ns():X}-{n}" for n in itertools.count(1))

    def authenticate(self, server, session, envelope, mechanism, login):
        del session, envelope, mechanism
        password = self.accounts.get(login.login, b"")
        good = (login.login in self.accounts
                and hmac.compare_digest(password, login.password))
        if good:
            server.user = login.login.decode()
        return AuthResult(success=good, handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        del server, session
        refusal = REFUSED_AT_MAIL.get(local_part(address))
        if refusal:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        del server, session, options
        refusal = (REFUSED_AT_RCPT_BY_SENDER.get(
                       local_part(envelope.mail_from))
                   or REFUSED_AT_RCPT.get(local_part(address)))
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        del session
        identity = next(self.ids)
        user = server.user or "-"
        sender = envelope.mail_from or "<>"
        text = f"id {identity}\nuser {user}\nsender {sender}\n" + "".join(
            f"recipient {recipient}\n" for recipient in envelope.rcpt_tos)
        self.write(identity + ".env", text.encode("utf-8", "surrogateescape"))
        self.write(identity + ".eml", envelope.content)
        for recipient in envelope.rcpt_tos:
            print(identity, user, sender, recipient, server.tls_seen(),
                  sep="\t", file=self.messages_log)
        return f"250 2.0.0 Ok: queued as {identity}"

    def write(self, name, content):
        hidden = os.path.join(self.store, "." + name)
        with open(hidden, "wb") as output:
            output.write(content)
        os.rename(hidden, os.path.join(self.store, name))


class Server(SMTP):
    """aiosmtpd's server that counts commands and understands XCLIENT."""

    # Relay A's Postfix sets no limit either: long lines must arrive whole.
    line_length_limit = 1 << 20

    def __init__(self, relay, listener, trusted, **options):
        super().__init__(relay, **options)
        self.relay = relay
        self.listener = listener
        self.trusted = trusted
        self.user = ""
        self.counts = collections.Counter()
        self.logged = False

    def tls_seen(self):
        secure = (self.transport
                  and self.transport.get_extra_info("ssl_object"))
        return secure.version() if secure else "-"

    def connection_lost(self, error):
        if not self.logged:
            self.logged = True
            counts = (f"{verb.lower()}={count}"
                      for verb, count in self.counts.items())
            print(self.listener, self.tls_seen(), self.user or "-",
                  " ".join(counts), sep="\t", file=self.relay.sessions_log)
        super().connection_lost(error)

    async def smtp_XCLIENT(self, arg):
        if not self.trusted:
            await self.push("550 5.7.0 Not authorized")
            return
        fields = dict(field.split("=", 1) for field in (arg or "").split())
        self.user = fields.get("LOGIN", self.user)
        self.session.host_name = None
        self._set_rset_state()
        await self.push(f"220 {self.hostname} ESMTP")


def counted(verb):
    original = getattr(SMTP, "smtp_" + verb)

    @functools.wraps(original)
    async def command(self, arg):
        self.counts[verb] += 1
        await original(self, arg)

    return command


for counted_verb in COUNTED:
    setattr(Server, "smtp_" + counted_verb, counted(counted_verb))


class Backend(Relay):
    """The server behind Dovecot: offers XCLIENT, and takes off the Received
    field with which Dovecot begins every message."""

    async def handle_EHLO(self, server, session, envelope, hostname, replies):
        del server, envelope
        session.host_name = hostname
        replies.insert(-1, "250-XCLIENT ADDR PORT HELO LOGIN")
        replies.insert(-1, "250-ENHANCEDSTATUSCODES")
        return replies

    async def handle_DATA(self, server, session, envelope):
        envelope.content = DOVECOTS_RECEIVED.sub(b"", envelope.content, 1)
        return await super().handle_DATA(server, session, envelope)


def tls_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    return context


async def listen(relay, arguments, specification):
    name, port, mode, *certificate = specification.split(":")
    context = tls_context(*certificate) if certificate else None
    internal = mode == "internal"

    def server():
        return Server(
            relay, name, internal, hostname=arguments.name,
            loop=asyncio.get_running_loop(), ident="ESMTP",
            enable_SMTPUTF8=True, data_size_limit=arguments.size,
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            auth_required=not internal,
            auth_require_tls=mode == "starttls" or internal,
            authenticator=relay.authenticate)

    await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", int(port), backlog=512,
        ssl=context if mode == "implicit" else None)


async def serve(arguments):
    internal = any(s.endswith(":internal") for s in arguments.listen)
    kind = Backend if internal else Relay
    relay = kind(arguments.directory, read_accounts(arguments.accounts))
    for specification in arguments.listen:
        await listen(relay, arguments, specification)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--name", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--accounts")
    parser.add_argument("--listen", nargs="+", required=True)
    # A terminal's signals are for the caller. Fails for a group leader, as
    # which a shell with job control starts it: then it is apart already.
    with contextlib.suppress(PermissionError):
        os.setsid()
    # aiosmtpd warns of AUTH without TLS; that trap is wanted here.
    warnings.simplefilter("ignore")
    asyncio.run(serve(parser.parse_args()))


main()
