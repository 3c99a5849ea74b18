#!/usr/bin/python3
"""two_users.py - one user of a server tries to get at another's mail

JOB     Runs as the one who tries; two_users.sh starts it.
        two_users.py files SPOOL ID        what waits of somebody else
        two_users.py plant SPOOL ID TEMPLATE STORE TARGET...
                                           files that are not what they seem
        two_users.py forge SPOOL ID TEMPLATE STORE   a record with a known id
        two_users.py fill SPOOL COUNT      names that nobody needs
        two_users.py broken SPOOL ID COUNT           mail that is none
        two_users.py sparse SPOOL ID TEMPLATE COUNT  as large as a mail may be
        two_users.py race SPOOL ID SECONDS  own files that come, go and change
        two_users.py read FILE...          must all be out of reach
        two_users.py process PID           the daemon itself
        two_users.py ask SPOOL STORE ID    the daemon's own answers
        two_users.py hang SPOOL SECONDS    keeps the daemon's socket busy
        Everything that is learnt is printed: the caller looks for what must
        not be in it.
ERRORS  exit code 1 with every attempt that got through.
SPDX-License-Identifier: MIT
"""

import ctypes
import errno
import json
import os
import pathlib
import signal
import socket
import stat
import sys
import time
import zlib

PTRACE_ATTACH = 16
got_through = []
tried = 0


def attempt(name, action, *arguments):
    """ACTION must be refused by the system."""
    global tried
    tried += 1
    try:
        result = action(*arguments)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.ENOENT,
                               errno.EEXIST, errno.EXDEV, errno.ENOTDIR,
                               errno.EISDIR, errno.ENOTEMPTY):
            got_through.append(f"{name}: unexpected: {error}")
        return
    got_through.append(f"{name}: went well: {result!r:.200}")


def put(path, data):
    with open(path, "wb") as out:
        out.write(data)


def files(spool, victim):
    incoming = pathlib.Path(spool) / "incoming"
    theirs = incoming / victim
    mine = incoming / "t.mine"
    put(mine, b"mine")
    attempt("list incoming", os.listdir, incoming)
    attempt("list quarantine", os.listdir, incoming.parent / "quarantine")
    attempt("read", theirs.read_bytes)
    attempt("write", lambda: open(theirs, "r+b"))
    attempt("truncate", os.truncate, theirs, 0)
    attempt("chmod", os.chmod, theirs, 0o644)
    attempt("chown", os.chown, theirs, os.getuid(), os.getgid())
    attempt("delete", os.unlink, theirs)
    attempt("rename away", os.rename, theirs, incoming / "t.theirs")
    attempt("replace by rename", os.rename, mine, theirs)
    attempt("hard link in incoming", os.link, theirs, incoming / "t.link")
    attempt("hard link elsewhere", os.link, theirs, "/tmp/t.link")
    attempt("make anew", os.open, theirs, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    attempt("a directory instead", os.mkdir, theirs)
    attempt("a link instead", os.symlink, "/etc/passwd", theirs)
    attempt("set its time", os.utime, theirs, (0, 0))
    attempt("chmod incoming", os.chmod, incoming, 0o777)
    attempt("rename incoming", os.rename, incoming, f"{spool}/other")
    attempt("delete wake", os.unlink, f"{spool}/wake")
    attempt("delete query", os.unlink, f"{spool}/query")
    attempt("delete lock", os.unlink, f"{spool}/lock")
    attempt("open lock", lambda: open(f"{spool}/lock", "r+b"))
    attempt("a file in the spool", put, f"{spool}/mine", b"x")
    attempt("a file in quarantine", put, f"{spool}/quarantine/mine", b"x")
    mine.unlink()


ORDER = ("tillpost-spool", "queue-id", "accepted-ms", "message-id", "sender",
         "recipient", "header-recipients", "store", "run-code", "http-host",
         "dedup-key", "expires-ms", "data-bytes")


def record(template, subject=b"Forged by a record!", **changes):
    """A spool file of one's own, with another subject as long as the old one,
    and other lines in its head. A change to None removes a line; otherwise
    the line is replaced, or added."""
    data = pathlib.Path(template).read_bytes()
    data = data.replace(b"Own of red, waiting", subject)
    head, _, rest = data.partition(b"\n\n")
    body = rest[:rest.rindex(b"end ")]
    lines = head.decode().split("\n")
    for key, value in changes.items():
        key = key.replace("_", "-")
        lines = [line for line in lines if line.split(" ")[0] != key]
        if value is not None:
            lines.append(f"{key} {value}")
    lines.sort(key=lambda line: ORDER.index(line.split(" ")[0]))
    data = "\n".join(lines).encode() + b"\n\n" + body
    return data + b"end %08x\n" % zlib.crc32(data)


def new_id(number, victim):
    """Formed like an id: the victim's time, another end."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    end = "".join(digits[(number >> shift) & 31] for shift in (15, 10, 5, 0))
    return victim[:-4] + end


def plant(spool, victim, template, store, *targets):
    incoming = pathlib.Path(spool) / "incoming"
    ids = (new_id(number, victim) for number in range(1, 1000))
    # Records with the other's store, named in every way that a record knows.
    for changes in ({"store": store}, {"store": None, "run_code": store},
                    {"store": None, "http_host": f"{store}.example.com"},
                    {"store": f"{store} "}, {"store": f"../{store}"}):
        queue_id = next(ids)
        put(incoming / queue_id,
            record(template, queue_id=queue_id, **changes))
        print("forged", queue_id, changes)
    # As red, which is allowed, to show that the form is right.
    queue_id = next(ids)
    put(incoming / queue_id,
        record(template, b"Red's honest record", queue_id=queue_id))
    # A record under a name that is not its own, and a torn one.
    put(incoming / next(ids), record(template))
    put(incoming / next(ids), record(template)[:-20])
    for target in targets:
        os.symlink(target, incoming / next(ids))
        os.symlink(target, incoming / f"t.{next(ids)}")
        try:
            os.link(target, incoming / next(ids))
        except OSError as error:
            print("link", target, error)
    os.symlink(incoming / victim, incoming / next(ids))
    os.symlink(next(ids), incoming / next(ids))
    os.mkfifo(incoming / next(ids), 0o666)
    os.mkdir(incoming / next(ids), 0o777)
    full = incoming / next(ids)
    os.mkdir(full, 0o700)
    put(full / "inside", b"x")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(incoming / next(ids)))
    own = incoming / next(ids)
    put(own, b"two links")
    os.link(own, incoming / next(ids))
    put(incoming / "no queue id", b"x")
    put(incoming / "-rf", b"x")
    put(incoming / "line\nend", b"x")
    put(incoming / ("x" * 255), b"x")
    huge = incoming / next(ids)
    with open(huge, "wb") as out:
        out.truncate(1 << 40)
    unreadable = incoming / next(ids)
    put(unreadable, b"x")
    unreadable.chmod(0)


def forge(spool, victim, template, store):
    """The other's id, after the other's file has been taken in."""
    path = pathlib.Path(spool) / "incoming" / victim
    put(path, record(template, queue_id=victim, store=store))
    print("forged", victim)


def fill(spool, count):
    incoming = pathlib.Path(spool) / "incoming"
    for number in range(int(count)):
        put(incoming / f"rubbish-{number}", b"")


def broken(spool, victim, count):
    incoming = pathlib.Path(spool) / "incoming"
    for number in range(int(count)):
        put(incoming / new_id(2000 + number, victim), b"tillpost-spool 1\n")


def sparse(spool, victim, template, count):
    """Each has to be read whole before it is known to be bad."""
    incoming = pathlib.Path(spool) / "incoming"
    size = 25 << 20
    for number in range(int(count)):
        queue_id = new_id(30000 + number, victim)
        head = record(template, queue_id=queue_id, data_bytes=size)
        head = head[:head.index(b"\n\n") + 2]
        own = incoming / f"t.{queue_id}"
        put(own, head)
        os.truncate(own, len(head) + size)
        with open(own, "ab") as out:
            out.write(b"end 00000000\n")
        own.rename(incoming / queue_id)


def race(spool, victim, seconds):
    """Each name is a file, a link, a directory and nothing, in turn."""
    incoming = pathlib.Path(spool) / "incoming"
    other = incoming / "t.other"
    end = time.monotonic() + float(seconds)
    print("racing", flush=True)
    number = turns = 0
    while time.monotonic() < end:
        number = number % 64 + 1
        own = incoming / new_id(31000 + number, victim)
        turns += 1
        for action in (lambda: put(own, b"tillpost-spool 1\n"),
                       lambda: os.symlink("/etc/passwd", other),
                       lambda: os.rename(other, own),
                       lambda: os.unlink(own), lambda: os.mkdir(own),
                       lambda: os.rmdir(own),
                       lambda: os.link(other, own),
                       lambda: put(own, b"x" * 100000),
                       lambda: os.rename(own, other),
                       lambda: os.unlink(other)):
            try:
                action()
            except OSError:
                pass  # the daemon was quicker
    print(f"{turns} turns")


def read(*paths):
    for path in paths:
        if os.path.isdir(path):
            attempt(f"list {path}", os.listdir, path)
        else:
            attempt(f"read {path}", lambda p=path: open(p, "rb").read())
            attempt(f"append to {path}", lambda p=path: open(p, "ab"))


def trace(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_ATTACH, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def process(pid):
    pid = int(pid)
    base = pathlib.Path(f"/proc/{pid}")
    print(base.joinpath("cmdline").read_bytes())
    for name in ("environ", "mem", "maps", "auxv", "stack"):
        attempt(name, lambda n=name: open(base / n, "rb").read(4096))
    attempt("descriptors", os.listdir, base / "fd")
    attempt("map_files", os.listdir, base / "map_files")
    attempt("ptrace", trace, pid)
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP,
                   signal.SIGSTOP, signal.SIGUSR1):
        attempt(f"signal {number}", os.kill, pid, number)


def question(spool, text, timeout_s=6):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(timeout_s)
        link.connect(f"{spool}/query")
        link.sendall(text if isinstance(text, bytes)
                     else json.dumps(text).encode() + b"\n")
        answer = b""
        while block := link.recv(65536):
            answer += block
        return answer.decode()


def ask(spool, store, victim):
    """What comes back is printed, for the caller to look through."""
    for text in ({"op": "outcomes", "store": store, "limit": 1000},
                 {"op": "outcomes", "limit": 1000},
                 {"op": "outcomes", "queue_id": victim, "limit": 10},
                 {"op": "outcomes", "store": store, "queue_id": victim},
                 {"op": "outcomes", "store": "%", "limit": 1000},
                 {"op": "outcomes", "store": "' OR 1=1 --", "limit": 1000},
                 {"op": "message", "queue_id": victim},
                 {"op": "message", "queue_id": "%"},
                 {"op": "status"}, {"op": "status", "store": store},
                 {"op": "stop"}, {"op": "cancel", "queue_id": victim},
                 {"op": "settings"}, {"uid": 0, "op": "status"},
                 b"\n", b"{}\n", b"[" * 4000 + b"\n", b"x" * 100000,
                 b"\0\xff\n", b'{"op":"status"}{"op":"status"}\n'):
        try:
            print(repr(text)[:60], "->", question(spool, text))
        except OSError as error:
            print(repr(text)[:60], "->", error)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.connect(f"{spool}/wake")
        link.setblocking(False)
        for _ in range(1000):
            try:
                link.send(b"y" * 1000)
            except OSError:
                break


def hang(spool, seconds):
    links = []
    for _ in range(64):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(1)
        try:
            link.connect(f"{spool}/query")
            link.send(b"{")
        except OSError:
            pass
        links.append(link)
    print("hanging", flush=True)
    time.sleep(float(seconds))


def main(arguments):
    known = {f.__name__: f for f in (files, plant, forge, fill, broken, sparse,
                                     race, read, process, ask, hang)}
    os.umask(0o022)
    known[arguments[0]](*arguments[1:])
    for line in got_through:
        print(f"{arguments[0]}: {line}", file=sys.stderr)
    print(f"{arguments[0]}: {tried} attempts refused")
    return bool(got_through)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
