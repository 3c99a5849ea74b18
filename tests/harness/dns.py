#!/usr/bin/python3
"""dns.py - a name server for tests, with records from a file

JOB     dns.py PORT FILE answers UDP questions on 127.0.0.1 for TXT, MX, A and
        AAAA from FILE, which is read anew for each question. Its lines are
        "NAME TXT text...", "NAME MX preference host", "NAME A address" and
        "NAME FAIL -", for which every answer is a failure. A name that is in
        no line, and is above none, does not exist.
SPDX-License-Identifier: MIT
"""

import socket
import struct
import sys

TYPES = {"A": 1, "MX": 15, "TXT": 16, "AAAA": 28, "FAIL": None}


def read_records(path):
    with open(path, encoding="ascii") as lines:
        return [line.rstrip("\n").split(" ", 2) for line in lines
                if line.strip()]


def pack_name(name):
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in labels) + b"\0"


def pack_text(text):
    data = text.encode()
    parts = [data[i:i + 255] for i in range(0, len(data), 255)] or [b""]
    return b"".join(bytes([len(part)]) + part for part in parts)


def pack_data(kind, text):
    if kind == "TXT":
        return pack_text(text)
    if kind in ("A", "AAAA"):
        return socket.inet_pton(
            socket.AF_INET if kind == "A" else socket.AF_INET6, text)
    preference, host = text.split(" ")
    return struct.pack(">H", int(preference)) + pack_name(host)


def question(packet):
    labels = []
    at = 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels).lower(), packet[at + 1:at + 5], at + 5


def answer(packet, records):
    name, asked, end = question(packet)
    kind = struct.unpack(">H", asked[:2])[0]
    found = [pack_data(record[1], record[2]) for record in records
             if record[0] == name and TYPES[record[1]] == kind]
    exists = any(record[0] == name or record[0].endswith("." + name)
                 for record in records)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data))
                    + data for data in found)
    fails = any(record[0] == name and record[1] == "FAIL"
                for record in records)
    flags = 0x8582 if fails else 0x8580 if exists else 0x8583
    return packet[:2] + struct.pack(
        ">HHHHH", flags, 1, len(found), 0, 0) + packet[12:end] + body


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", int(sys.argv[1])))
        while True:
            packet, peer = server.recvfrom(4096)
            server.sendto(answer(packet, read_records(sys.argv[2])), peer)


main()
