#!/usr/bin/python3
"""integrity.py - compares what a relay stored with what was submitted

JOB     integrity.py BUILD WORK: submits each body with the built command,
        all in one queue, delivers them in one run, and compares.
        The documented rule of normalisation is written again here: LF and
        CRLF end a line, a lone CR in the body does too, all become CRLF, and
        the last line is ended.
SPDX-License-Identifier: MIT
"""

import os
import pathlib
import random
import re
import subprocess
import sys

BUILD, WORK = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
HARNESS = pathlib.Path(__file__).resolve().parent
MESSAGE_MAX = 25 * 1024 * 1024
EDGES = [1, 2, 3, 509, 512, 998, 1022, 1023, 1024, 2046, 2047, 2048, 2049,
         2050, 4096, 16383, 16384, 16385, 32767, 32768, 32769, 65535, 65536,
         65537, 1 << 20]


def header(name):
    return (f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
            f"From: shop@example.test\r\nTo: c@example.test\r\n"
            f"Message-ID: <{name}@example.test>\r\n"
            f"Subject: {name}\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: 8bit\r\n\r\n").encode()


def lines(size, line):
    return (line * (size // len(line) + 1))[:size]


def normal(data):
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def bodies():
    noise = random.Random(1)
    for size in EDGES:
        yield f"text-{size}", lines(size, b"Thank you for your order.\r\n")
        yield f"dots-{size}", lines(size, b".\r\n..\r\n.x\r\n")
    yield "lf", lines(50000, b"Line ended by LF only\n.\n..\n")
    yield "mixed", lines(50000, b"a\r\nb\nc\r\n.\n.\r\nd")
    yield "lone-cr", b"a\rb\r\r\nc\n\rd\n"
    yield "only-dots", b".\n" * 30000
    yield "dot-at-every-offset", b"".join(
        b"x" * n + b"\r\n.\r\n" for n in range(900))
    yield "smuggle", b"a\n.\nb\r\n.\rc\r.\r\nd\n.\r\nMAIL FROM:<x@y>\r\n"
    yield "eight-bit", lines(100000, "Größe äöü €\r\n".encode())
    yield "latin-1", lines(5000, b"Gr\xf6\xdfe\r\n")
    yield "no-end", b"no newline at the end"
    yield "empty-lines", b"\r\n" * 5000
    yield "noise", b"\n".join(
        bytes(noise.choice(range(1, 256)) for _ in range(noise.randrange(200)))
        .replace(b"\n", b" ") for _ in range(300))
    name = "biggest"
    room = MESSAGE_MAX - len(header(name))
    yield name, lines(room - 2, b"x" * 70 + b"\r\n.\r\n").rstrip() \
        .ljust(room - 2, b"y") + b"\r\n"


def tillpost(*arguments, data=None):
    done = subprocess.run(
        [BUILD / "bin/tillpost", "-c", WORK / "t.conf", *arguments],
        input=data, capture_output=True, timeout=300,
        env={**os.environ, "TILLPOST_PLUGIN": str(BUILD / "tillpost.so")})
    if done.returncode != 0:
        sys.exit(f"FAILED: {arguments}: {done.stderr.decode()}")


expected = {}
for name, body in bodies():
    tillpost("submit", "c@example.test", data=header(name) + body)
    expected[name] = header(name) + normal(body)
count = len(expected)
tillpost("run", "--until-empty")
subprocess.run([HARNESS / "relays.sh", "wait", "a", str(len(expected)),
                WORK / "r"], check=True)

wrong = []
for path in (WORK / "r/a/store").glob("*.eml"):
    stored = path.read_bytes()
    name = re.search(rb"^Subject: (\S+)", stored, re.M).group(1).decode()
    if stored != expected.pop(name):
        wrong.append(name)
print(f"{count} messages: {len(wrong)} differ {wrong}, {len(expected)} missing "
      f"{sorted(expected)}")
sys.exit(bool(wrong or expected))
