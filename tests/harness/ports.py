#!/usr/bin/python3
"""ports.py - choose loopback ports for the test relays, and wait for them

JOB     ports.py choose N         prints N free ports, one per line
        ports.py wait SPEC...     waits until each port greets with 220;
                                  SPEC is PORT, or tls:PORT for implicit TLS
BOUNDS  wait gives up after 10 seconds and says which port stayed silent.
SPDX-License-Identifier: MIT
"""

import random
import socket
import ssl
import sys
import time

DEADLINE_S = 10.0


def first_ephemeral_port():
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        return int(f.read().split()[0])


def candidates():
    """Ports below the ephemeral range first: a relay that is stopped and
    started again needs its old port, and no client may have taken it."""
    low, high = 10240, first_ephemeral_port()
    if high - low > 1000:
        yield from random.sample(range(low, high), 500)
    while True:
        yield 0


def choose(count):
    """All sockets stay bound until all are found, so no port comes twice."""
    bound = []
    ports = candidates()
    while len(bound) < count:
        listener = socket.socket()
        try:
            listener.bind(("127.0.0.1", next(ports)))
            bound.append(listener)
        except OSError:
            listener.close()
    for listener in bound:
        print(listener.getsockname()[1])


def greeting(port, implicit_tls):
    with socket.create_connection(("127.0.0.1", port), 2.0) as link:
        if implicit_tls:
            # Readiness only; the clients under test verify.
            context = ssl._create_unverified_context()
            with context.wrap_socket(link) as secure:
                return secure.recv(512)
        return link.recv(512)


def wait(specs):
    deadline = time.monotonic() + DEADLINE_S
    for spec in specs:
        port = int(spec.rpartition(":")[2])
        seen = "nothing"
        while time.monotonic() < deadline:
            try:
                seen = greeting(port, spec.startswith("tls:"))
                if seen.startswith(b"220"):
                    break
            except OSError as error:
                seen = error
            time.sleep(0.05)
        else:
            sys.exit(f"ports.py: port {port} is not ready: {seen}")


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "choose":
        choose(int(arguments[1]))
    elif len(arguments) > 1 and arguments[0] == "wait":
        wait(arguments[1:])
    else:
        sys.exit("usage: ports.py choose N | wait SPEC...")


main(sys.argv[1:])
