#!/usr/bin/python3
"""sendmail_check.py - calls tillpost-sendmail in every way that is known

JOB     sendmail_check.py BUILD WORK: what each dialect leaves in the spool,
        what arrives at a relay, exit codes, 200 command lines of an attacker
        under strace, dead pipes, SMTP on standard streams with real clients.
        Prints a line per part; the last says how many checks there were.
        Exit status 1 at the first that fails.
SPDX-License-Identifier: MIT
"""

import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
WORK = pathlib.Path(sys.argv[2]).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = BUILD / "bin" / "tillpost-sendmail"
SPOOL = WORK / "spool"
CONF = WORK / "tillpost.conf"
PHP_LIBRARIES = "/usr/share/php"
OK, USAGE, DATAERR, NOUSER, UNAVAILABLE, IOERR = 0, 64, 65, 67, 69, 74
PROTOCOL, NOPERM, CONFIG = 76, 77, 78
checks = 0


def fail(*words):
    sys.exit("FAILED: " + " ".join(str(word) for word in words))


def same(what, got, wanted):
    global checks
    checks += 1
    if got != wanted:
        fail(f"{what}:\n  got    {got!r}\n  wanted {wanted!r}")


def holds(what, condition, *more):
    global checks
    checks += 1
    if not condition:
        fail(what, *more)


# ---- surroundings ---------------------------------------------------------

def write_config(port):
    CONF.write_text(f"""
queue = {{ path = "{WORK}/queue.db"; }};
spool = {{ path = "{SPOOL}"; }};
log = {{ path = "{WORK}/outcome.jsonl"; }};
relays = {{
	lab = {{ host = "127.0.0.1"; port = {port}; tls = "none";
		auth = "none"; }};
}};
stores = {{
	default = {{ relays = ["lab"]; from = "shop@example.com"; }};
	eu = {{ relays = ["lab"]; from = "eu@eu.example.com";
		match = {{ from = ["@eu.example.com"]; run_code = ["eu"]; }}; }};
}};
""")
    CONF.chmod(0o600)


def make_spool():
    shutil.rmtree(SPOOL, ignore_errors=True)
    incoming = SPOOL / "incoming"
    incoming.mkdir(parents=True)
    SPOOL.chmod(0o755)
    incoming.chmod(0o3733)


def environment(**more):
    env = {"PATH": os.environ["PATH"], "TZ": "UTC",
           "TILLPOST_PLUGIN": os.environ["TILLPOST_PLUGIN"],
           "TILLPOST_CONFIG": str(CONF)}
    env.update(more)
    return env


def call(arguments, data=b"", command=COMMAND, user=None, **env):
    """Exit code, standard output, standard error."""
    done = subprocess.run([str(command), *arguments], input=data,
                          capture_output=True, timeout=60, check=False,
                          env=environment(**env), user=user, group=user,
                          extra_groups=[] if user else None)
    return done.returncode, done.stdout, done.stderr


class Record:
    """One file of the spool (module/core/spool_record.h)."""

    def __init__(self, path):
        head, _, rest = path.read_bytes().partition(b"\n\n")
        self.fields = {}
        self.recipients = []
        for line in head.decode().split("\n"):
            key, _, value = line.partition(" ")
            if key == "recipient":
                self.recipients.append(value)
            else:
                self.fields[key] = value
        self.data = rest[:int(self.fields["data-bytes"])]

    def get(self, key):
        return self.fields.get(key)


def taken():
    """The records in the spool, which is empty afterwards."""
    found = sorted((SPOOL / "incoming").iterdir())
    records = [Record(path) for path in found if not
               path.name.startswith("t.")]
    for path in found:
        path.unlink()
    return records


# ---- dialects -------------------------------------------------------------

HEAD = b"From: Shop <shop@example.com>\nTo: a@example.com\n"
MAIL = HEAD + b"Bcc: hidden@example.com\nSubject: Order\n\nThank you.\n"

# name, arguments, data, sender, recipients, from the headers too, data stored
DIALECTS = [
    ("PHP mail()", ["-t", "-i"], MAIL, None, [], True, MAIL),
    ("PHP mail() with -f", ["-t", "-i", "-fx@example.com"], MAIL,
     "x@example.com", [], True, MAIL),
    ("PHP mail() with -f and apostrophes", ["-t", "-i", "-f'x@example.com'"],
     MAIL, "x@example.com", [], True, MAIL),
    ("PHP -f in two words", ["-t", "-i", "-f", "x@example.com"], MAIL,
     "x@example.com", [], True, MAIL),
    ("-oi", ["-t", "-oi"], MAIL, None, [], True, MAIL),
    ("-r", ["-ti", "-r", "x@example.com"], MAIL, "x@example.com", [], True,
     MAIL),
    ("Symfony, -- before recipients",
     ["-i", "-fx@example.com", "--", "a@example.com", "b@example.com"], MAIL,
     "x@example.com", ["a@example.com", "b@example.com"], False, MAIL),
    ("Symfony, recipients at once",
     ["-i", "-fx@example.com", "a@example.com", "b@example.com"], MAIL,
     "x@example.com", ["a@example.com", "b@example.com"], False, MAIL),
    ("-t adds to arguments", ["-t", "c@example.com"], MAIL, None,
     ["c@example.com"], True, MAIL),
    ("null sender", ["-i", "-f", "<>", "a@example.com"], MAIL, "",
     ["a@example.com"], False, MAIL),
    ("sender without a domain", ["-i", "-f", "www-data", "a@example.com"],
     MAIL, None, ["a@example.com"], False, MAIL),
    ("list of recipients", ["-i", "A <a@example.com>, b@example.com (B)"],
     MAIL, None, ["a@example.com", "b@example.com"], False, MAIL),
    ("cron", ["-i", "-FCronDaemon", "-B8BITMIME", "-oem", "a@example.com"],
     b"From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nout\n", None,
     ["a@example.com"], False, b"To: root\nSubject: Cron\n\nout\n"),
    ("text alone", ["a@example.com"], b"disk full\n", None,
     ["a@example.com"], False, b"\r\ndisk full\n"),
    ("mailbox line", ["a@example.com"], b"From root Mon Nov 21\n" + MAIL,
     None, ["a@example.com"], False, MAIL),
    ("text that begins with From", ["a@example.com"],
     b"From here on the disk is full.\nFrom there, too.\n", None,
     ["a@example.com"], False,
     b"\r\nFrom here on the disk is full.\nFrom there, too.\n"),
    ("From made of -f and -F",
     ["-t", "-f", "x@example.com", "-F", "The Shop"],
     b"To: a@example.com\n\nHi\n", "x@example.com", [], True,
     b"From: \"The Shop\" <x@example.com>\r\nTo: a@example.com\n\nHi\n"),
    ("a dot ends it", ["-t"], MAIL + b".\nmore\n", None, [], True, MAIL),
    ("a dot and CR ends it", ["-t"], MAIL + b".\r\nmore\n", None, [], True,
     MAIL),
    ("a dot with -i", ["-t", "-i"], MAIL + b".\nmore\n", None, [], True,
     MAIL + b".\nmore\n"),
    ("stuffed dots without -i", ["-t"], MAIL + b"..\n...x\n", None, [], True,
     MAIL + b".\n..x\n"),
    ("two dots with -i", ["-t", "-i"], MAIL + b"..\n...x\n", None, [], True,
     MAIL + b"..\n...x\n"),
    ("ignored options", ["-t", "-i", "-odb", "-oem", "-em", "-v", "-m", "-n",
                         "-U", "-G", "-Nnever", "-Rhdrs", "-Venv", "-h3",
                         "-Ltag", "-Ac", "-Oa=b", "-B8BITMIME", "-bm"], MAIL,
     None, [], True, MAIL),
    ("CRLF", ["-t", "-i"], MAIL.replace(b"\n", b"\r\n"), None, [], True,
     MAIL.replace(b"\n", b"\r\n")),
    ("20 MiB", ["-t", "-i"], MAIL + b"x" * 70 + b"\n", None, [], True,
     MAIL + b"x" * 70 + b"\n"),
]


def check_dialects():
    for name, args, data, sender, rcpts, from_headers, want in DIALECTS:
        if name == "20 MiB":
            data, want = (text + (b"y" * 77 + b"\n") * 268865
                          for text in (data, want))
        code, _, err = call(args, data)
        same(name + ": exit code", (code, err), (OK, b""))
        records = taken()
        same(name + ": files", len(records), 1)
        record = records[0]
        same(name + ": sender", record.get("sender"), sender)
        same(name + ": recipients", record.recipients, rcpts)
        same(name + ": -t", record.get("header-recipients") is not None,
             from_headers)
        holds(name + ": data differ", record.data == want, record.data[:300])
    code, out, _ = call(["-t", "-i", "-v"], MAIL)
    record = taken()[0]
    same("-v", (code, out),
         (OK, b"queued as " + record.get("queue-id").encode() + b"\n"))
    print("dialects:", len(DIALECTS))


def check_stores():
    for args, env, want in (
            ([], {}, (None, None, None)),
            (["--store=eu"], {}, ("eu", None, None)),
            (["--store", "eu"], {"TILLPOST_STORE": "default"},
             ("eu", None, None)),
            ([], {"TILLPOST_STORE": "eu"}, ("eu", None, None)),
            ([], {"TILLPOST_STORE": ""}, (None, None, None)),
            ([], {"MAGE_RUN_CODE": "eu", "HTTP_HOST": "eu.example.com"},
             (None, "eu", "eu.example.com")),
            ([], {"MAGE_RUN_CODE": "a\nb", "HTTP_HOST": "x" * 3000},
             (None, None, None))):
        code, _, err = call([*args, "-t", "-i"], MAIL, **env)
        same(f"store {args} {env}", (code, err), (OK, b""))
        record = taken()[0]
        same(f"store {args} {env}", (record.get("store"), record.get(
            "run-code"), record.get("http-host")), want)
    print("stores: 7")


# ---- exit codes -----------------------------------------------------------

EXITS = [
    ([], MAIL, {}, USAGE, b"no recipient"),
    (["-bv", "a@example.com"], b"", {}, USAGE, b"-bv"),
    (["-X/tmp/log", "-t"], MAIL, {}, USAGE, b"-X: refused"),
    (["-t", "--store=eu"], MAIL, {}, USAGE, b"first argument"),
    (["--config=/tmp/x", "-t"], MAIL, {}, USAGE, b"environment"),
    (["--plugin=/tmp/x", "-t"], MAIL, {}, USAGE, b"environment"),
    (["--spool=/tmp/x", "-t"], MAIL, {}, USAGE, b"environment"),
    (["-t", "-i", "-I"], MAIL, {}, USAGE, b"-I: "),
    (["-t", "-i", "-bi"], MAIL, {}, USAGE, b"-bi: "),
    (["-t", "-i", "-bp"], MAIL, {}, USAGE, b"-bp: "),
    (["-t", "-i", "-bs"], MAIL, {}, USAGE, b"-bs: "),
    (["-i", "-bs", "a@example.com"], MAIL, {}, USAGE, b"-bs: "),
    (["-bs", "-I"], MAIL, {}, USAGE, b"-I: "),
    (["-t"], MAIL, {"TILLPOST_TIMEOUT": "soon"}, USAGE, b"duration"),
    (["root"], MAIL, {}, NOUSER, b"root: has no domain"),
    (["-t"], b"From: shop@example.com\nSubject: x\n\nx\n", {}, DATAERR,
     b"recipient"),
    (["-t"], b"", {}, DATAERR, b"no message"),
    (["a@example.com"], b"", {}, DATAERR, b"no message"),
    (["a@b@c"], MAIL, {}, DATAERR, b"recipient"),
    (["-t"], HEAD + b"\nx\0y\n", {}, DATAERR, b"NUL"),
    (["-t"], HEAD + b"\n" + b"x" * (26 << 20), {}, DATAERR, b"bytes"),
    (["--store=nonsense", "-t"], MAIL, {}, UNAVAILABLE, b"nonsense"),
    (["-t"], MAIL, {"TILLPOST_SPOOL": str(WORK / "nowhere")}, UNAVAILABLE,
     b"nowhere"),
    (["-t"], MAIL, {"TILLPOST_PLUGIN": "/nowhere.so"}, UNAVAILABLE,
     b"/nowhere.so"),
    (["-q"], MAIL, {}, OK, b""),
    (["-q15m"], MAIL, {}, OK, b""),
    (["-bi"], b"", {}, OK, b""),
    (["--help"], b"", {}, OK, b""),
    (["--version"], b"", {}, OK, b""),
]


def check_exits():
    for args, data, env, code, text in EXITS:
        got, _, err = call(args, data, **env)
        same(f"{args} {env}: exit code ({err!r})", got, code)
        holds(f"{args}: text", text in err, err)
        same(f"{args}: lines", err.count(b"\n"), 0 if code == OK else 1)
        holds(f"{args}: content in the error", b"Thank you" not in err, err)
        same(f"{args}: nothing accepted", taken(), [])
    # A file that is too long is refused before it is read.
    huge = WORK / "huge"
    with open(huge, "wb") as out:
        out.truncate((1 << 30) + 1)
    with open(huge, "rb") as source:
        done = subprocess.run([COMMAND, "-t"], stdin=source, check=False,
                              capture_output=True, env=environment())
    same("1 GiB", done.returncode, DATAERR)
    huge.unlink()
    # Standard streams that are closed are not mistaken for files.
    done = subprocess.run(["sh", "-c", f"'{COMMAND}' -t <&- >&- 2>&-"],
                          check=False, env=environment())
    same("closed streams", done.returncode, DATAERR)
    print("exit codes:", len(EXITS) + 2)


# ---- attackers ------------------------------------------------------------

def payloads():
    evil = str(WORK / "evil")
    return [[f"-X{evil}/log"], ["-X", f"{evil}/log"],
            [f"-OQueueDirectory={evil}"], ["-O", f"QueueDirectory={evil}"],
            [f"-oQ{evil}"], ["-o", f"Q{evil}"], [f"-C{evil}/conf"],
            ["-C", f"{evil}/conf"], [f"-D{evil}/log"], ["-be"],
            ["-be", "${run{" + evil + "/program}}"], ["-bt"], ["-bd"],
            ["-bD"], ["-bP"], ["-q"], [f"-qf{evil}"], ["-M", "id"],
            ["-d0.1"], [f"--config={evil}/conf"],
            ["--config", f"{evil}/conf"], [f"--plugin={evil}/evil.so"],
            ["--plugin", f"{evil}/evil.so"], [f"--spool={evil}"],
            ["--store=eu"], [f"--{evil}"], [f"-f{evil}/log"],
            ["-f", f"-X{evil}/log"], [f"-F{evil}/log"], [f"-r|{evil}/program"],
            [f"|{evil}/program"], [f"{evil}/log"], [f":include:{evil}/conf"],
            [f"\"|{evil}/program\"@example.com"], [f"-p{evil}"],
            [f"-L{evil}/log"], [f"-A{evil}"], [f"-h{evil}"], ["-bs"],
            [f"`{evil}/program`@example.com"]]


FRAMES = [
    lambda p: ["-t", "-i", *p],
    lambda p: ["-t", "-i", "-fx@example.com", *p],
    lambda p: ["-i", "-fx@example.com", *p, "a@example.com"],
    lambda p: ["-i", "-fx@example.com", "--", *p, "a@example.com"],
    lambda p: [*p, "-t"],
]

READ_ONLY = re.compile(r"O_RDONLY|O_PATH")
PATH_CALL = re.compile(r'^\d+ +(\w+)\((.*)\) += (-?\d+)')
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')
MAKES = ("openat", "open", "creat", "rename", "renameat", "renameat2",
         "unlink", "unlinkat", "mkdir", "mkdirat", "link", "linkat",
         "symlink", "symlinkat", "truncate", "chmod", "fchmodat", "chown",
         "fchownat", "mknod", "mknodat", "utimensat")


def check_trace(args, trace):
    allowed = ("/lib/", "/lib64/", "/usr/lib/", "/etc/ld.so", "/proc/",
               "/sys/", "/dev/", "/etc/nsswitch.conf", "/etc/passwd",
               "/etc/group", "/etc/ssl/", "/usr/lib/ssl/", "/etc/localtime",
               "/usr/share/zoneinfo", "/run/systemd/userdb",
               "/var/run/nscd", "/run/nscd", str(BUILD), str(SPOOL),
               str(WORK / "tillpost."), os.environ["TILLPOST_PLUGIN"])
    programs = 0
    for line in trace.read_text(errors="replace").splitlines():
        match = PATH_CALL.match(line)
        if not match:
            continue
        name, rest = match.group(1), match.group(2)
        if name == "sendto" and rest.startswith(("1, ", "2, ")):
            continue  # what it prints
        words = WORD.findall(rest)
        programs += name.startswith("execve")
        holds(f"{args}: a path of the attacker", name.startswith("execve") or
              not any(str(WORK / "evil") in word for word in words), line)
        if name == "openat" and READ_ONLY.search(rest):
            path = words[0]
            holds(f"{args}: outside", not path.startswith("/") or
                  path.startswith(allowed) or path in (
                      str(WORK), "/"), line)
        elif name in MAKES:
            # What is made has a name below the spool's descriptor.
            holds(f"{args}: made outside", not any(
                word.startswith("/") and not
                word.startswith((str(SPOOL), "/dev/null"))
                for word in words), line)
        elif name == "connect":
            holds(f"{args}: connected", str(SPOOL) in rest or
                  "nscd" in rest, line)
        elif name == "sendto":
            holds(f"{args}: sent", not words or any(
                word.startswith(str(SPOOL)) for word in words) or
                "sun_path" not in rest, line)
    same(f"{args}: programs run", programs, 1)


def check_that_a_trace_can_fail(trace):
    """A program that does read the attacker's file is caught."""
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=%file", "-o",
                    str(trace), "cat", str(WORK / "evil" / "conf")],
                   check=True, stdout=subprocess.DEVNULL, timeout=60)
    try:
        check_trace("cat", trace)
    except SystemExit:
        return
    fail("the trace of a program that reads a planted file was passed")


def check_attackers():
    evil = WORK / "evil"
    evil.mkdir()
    (evil / "conf").write_text("spool = { path = \"%s\"; };\n" % evil)
    shutil.copy(os.environ["TILLPOST_PLUGIN"], evil / "evil.so")
    program = evil / "program"
    program.write_text(f"#!/bin/sh\ntouch '{evil}/ran'\n")
    program.chmod(0o755)
    before = sorted(path.name for path in evil.iterdir())
    trace = WORK / "trace"
    count = 0
    check_that_a_trace_can_fail(trace)
    for payload in payloads():
        for frame in FRAMES:
            args = frame(payload)
            done = subprocess.run(
                ["strace", "-f", "-qq", "-e", "trace=%file,%process,connect,"
                 "sendto,socket", "-s", "4096", "-o", str(trace), str(COMMAND),
                 *args], input=MAIL, capture_output=True, check=False,
                timeout=60, env=environment())
            holds(f"{args}: exit code {done.returncode}", done.returncode in
                  (OK, USAGE, DATAERR, NOUSER), done.stderr)
            check_trace(args, trace)
            records = taken()
            holds(f"{args}: store", all(record.get("store") in (None, "eu")
                                        and (record.get("store") is None or
                                             args[0] == "--store=eu")
                                        for record in records))
            same(f"{args}: accepted or not", len(records) > 0,
                 done.returncode == OK)
            count += 1
    same("files of the attacker", sorted(
        path.name for path in evil.iterdir()), before)
    holds("vectors", count >= 200, count)
    print("attackers:", count, "command lines")


# ---- dead pipes -----------------------------------------------------------

def timed(start):
    return time.monotonic() - start


def check_dead_pipes():
    env = environment(TILLPOST_TIMEOUT="300ms")
    for args, code in ((["-t"], UNAVAILABLE), (["-bs"], UNAVAILABLE)):
        start = time.monotonic()
        child = subprocess.Popen([COMMAND, *args], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=env)
        child.stdin.write(b"NOOP\r\n" if args == ["-bs"] else MAIL)
        child.stdin.flush()
        same(f"{args}: a silent parent", child.wait(20), code)
        holds(f"{args}: too late", timed(start) < 10, timed(start))
        holds(f"{args}: text", b"no progress" in child.stderr.read())
        if args == ["-bs"]:
            holds("421", b"\r\n421 4.3.2" in child.stdout.read())
        child.stdin.close()
        same(f"{args}: nothing accepted", taken(), [])

    # Silent behind a message that was accepted: who asks only for the exit
    # code must not send it again. But not in the midst of the next one.
    for text, code in ((HELO + ORDER, OK), (HELO + ORDER + OPEN, UNAVAILABLE)):
        child = subprocess.Popen([COMMAND, "-bs"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, env=env)
        child.stdin.write(text)
        child.stdin.flush()
        same("-bs: silent behind a message", child.wait(20), code)
        holds("421", b"\r\n421 4.3.2" in child.stdout.read())
        child.stdin.close()
        same("-bs: silent behind a message: accepted", len(taken()), 1)

    # Nobody reads the replies; the pipe fills and stays full.
    child = subprocess.Popen([COMMAND, "-bs"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=env)
    os.set_blocking(child.stdin.fileno(), False)
    start = time.monotonic()
    while child.poll() is None and timed(start) < 20:
        try:
            os.write(child.stdin.fileno(), b"NOOP\r\n" * 1000)
        except BlockingIOError:
            time.sleep(0.02)
        except BrokenPipeError:
            break
    same("replies that nobody reads", child.wait(20), UNAVAILABLE)

    # The parent went away before the first reply.
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([COMMAND, "-bs"], input=b"NOOP\r\n", stdout=writer,
                          stderr=subprocess.PIPE, env=env, check=False,
                          timeout=20)
    os.close(writer)
    same("a broken pipe", done.returncode, IOERR)

    # ... in the middle of the data: nothing is accepted.
    code, out, err = call(["-bs"], b"EHLO x\r\nMAIL FROM:<a@example.com>\r\n"
                          b"RCPT TO:<b@example.com>\r\nDATA\r\nx\r\n.\n")
    same("data without an end", (code, out.count(b"queued")), (DATAERR, 0))
    holds("data without an end", b"nothing was accepted" in err, err)
    same("data without an end", taken(), [])

    # It is accepted: that nobody hears it is no failure.
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([COMMAND, "-t", "-v"], input=MAIL, stdout=writer,
                          stderr=subprocess.PIPE, env=env, check=False,
                          timeout=20)
    os.close(writer)
    same("accepted, but unheard", (done.returncode, len(taken())), (OK, 1))
    print("dead pipes: 6")


def full_pipe():
    """A pipe without any room, as its two ends."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    return reader, writer


def without_alarm():
    """As a parent may leave it: SIGALRM ignored and blocked."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])


def call_unread(arguments, data, stream, **env):
    """Exit code, where nobody reads STREAM and nobody ever will."""
    reader, writer = full_pipe()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
               stream: writer}
    try:
        return subprocess.run([COMMAND, *arguments], input=data, check=False,
                              timeout=20, env=environment(**env),
                              preexec_fn=without_alarm, **streams).returncode
    except subprocess.TimeoutExpired:
        fail(f"{arguments}: waits for a reader of its {stream}")
    finally:
        os.close(reader)
        os.close(writer)


def check_unread_streams():
    soon = {"TILLPOST_TIMEOUT": "300ms"}
    for args, data, code in ((["-t"], b"", DATAERR), (["-X/x"], b"", USAGE),
                             (["--store=no", "-t"], MAIL, UNAVAILABLE)):
        same(f"{args}: an unread error",
             call_unread(args, data, "stderr", **soon), code)
    # What the client hears anyway is not waited for at all.
    order = (b"EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:"
             b"<b@example.com>\r\nDATA\r\n%s\r\n.\r\n")
    start = time.monotonic()
    same("-bs: an unread error", call_unread(
        ["-bs"], order % b"From: a@b.c\r\nFrom: d@e.f\r\n" +
        order % b"Subject: x\r\n\r\nx" + b"QUIT\r\n", "stderr"), OK)
    holds("-bs: an unread error is waited for", timed(start) < 10)
    same("-bs: an unread error", len(taken()), 1)
    for args in (["--help"], ["--version"], ["-bp"]):
        same(f"{args}: unread output",
             call_unread(args, b"", "stdout", **soon), UNAVAILABLE)
    same("-v: unread output", call_unread(["-t", "-v"], MAIL, "stdout",
                                          **soon), OK)
    same("-v: unread output", len(taken()), 1)
    print("unread streams: 8")


def check_dribbling():
    """A parent that makes progress, and never an end."""
    for args, text in ((["-t"], MAIL), (["-bs"], b"NOOP ")):
        start = time.monotonic()
        child = subprocess.Popen([COMMAND, *args], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE,
                                 env=environment(TILLPOST_TIMEOUT="200ms"))
        while child.poll() is None and timed(start) < 20:
            try:
                os.write(child.stdin.fileno(), text[:1] or b"x")
            except BrokenPipeError:
                break
            text = text[1:]
            time.sleep(0.05)
        holds(f"{args}: a dribbling parent", timed(start) < 20)
        same(f"{args}: a dribbling parent", child.wait(20), UNAVAILABLE)
        holds(f"{args}: in all", b"2400 ms in all" in child.stderr.read())
        same(f"{args}: nothing accepted", taken(), [])
    print("dribbling: 2")


# ---- SMTP -----------------------------------------------------------------

HELO = b"HELO x\r\n"
OPEN = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n"
ORDER = OPEN + b"DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
REFUSED = OPEN + (b"DATA\r\nFrom: a@b.c\r\nFrom: d@e.f\r\n\r\nx\r\n"
                  b".\r\n")

# what a client says before it leaves, the exit code, messages accepted
ENDS = [
    (HELO + b"QUIT\r\n", OK, 0),
    (HELO + ORDER + b"QUIT\r\n", OK, 1),
    (HELO + REFUSED + b"QUIT\r\n", OK, 0),
    (HELO + ORDER, OK, 1),
    (HELO + ORDER + b"RSET\r\n", OK, 1),
    (b"", PROTOCOL, 0),
    (HELO, PROTOCOL, 0),
    (HELO + OPEN, PROTOCOL, 0),
    (HELO + REFUSED, PROTOCOL, 0),
    (HELO + ORDER + OPEN, PROTOCOL, 1),
    (HELO + ORDER + b"QUIT", PROTOCOL, 1),
    (HELO + b"NOOP\n" + ORDER, PROTOCOL, 0),
    (HELO + ORDER + b"NOOP\n", PROTOCOL, 1),
    (HELO + b"FOO\r\n" * 60 + ORDER, PROTOCOL, 0),
]


def check_ends():
    for text, code, count in ENDS:
        got, out, err = call(["-bs"], text)
        what = f"-bs: {text[-60:]!r}: {out[-60:]!r} {err!r}"
        same(what, (got, len(taken())), (code, count))
        if text.count(REFUSED) == 0:
            same(what, err.count(b"\n"), 0 if code == OK else 1)
    print("ends of a session:", len(ENDS))


SCRIPT = [
    (None, "220 "),
    ("MAIL FROM:<a@example.com>", "503 5.5.1"),
    ("EHLO [127.0.0.1]", "250 ENHANCEDSTATUSCODES"),
    ("RCPT TO:<a@example.com>", "503 5.5.1"),
    ("FOO", "500 5.5.2"),
    ("VRFY x", "252 2.5.0"),
    ("EXPN x", "502 5.5.1"),
    ("HELP", "214 2.0.0"),
    ("NOOP", "250 2.0.0"),
    ("MAIL FROM:<a@example.com> SIZE=9999999999", "552 5.3.4"),
    ("MAIL FROM:<a@example.com> SIZE=100 BODY=8BITMIME", "250 2.1.0"),
    ("RCPT TO:<root>", "550 5.1.1"),
    ("RCPT TO:<b@example.com>", "250 2.1.5"),
    ("RSET", "250 2.0.0"),
    ("DATA", "503 5.5.1"),
    ("MAIL FROM:<a@example.com>", "250 2.1.0"),
    ("DATA", "554 5.5.1"),
    ("RCPT TO:<b@example.com>", "250 2.1.5"),
    ("DATA", "354 "),
    ("From: a@example.com\r\nFrom: b@example.com\r\n\r\nx\r\n.", "554 5.6.0"),
    ("MAIL FROM:<>", "250 2.1.0"),
    ("RCPT TO:<b@example.com>", "250 2.1.5"),
    ("DATA", "354 "),
    ("From: a@example.com\r\n\r\nx\n.\ny\n.\r\n..z\r\n.", "250 2.0.0 Ok: "),
    ("QUIT", "221 2.0.0"),
]


def check_script():
    with subprocess.Popen([COMMAND, "-bs"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment()) as child:
        for line, want in SCRIPT:
            if line is not None:
                child.stdin.write(line.encode() + b"\r\n")
                child.stdin.flush()
            reply = child.stdout.readline().decode()
            while reply[3:4] == "-":
                reply = child.stdout.readline().decode()
            holds(f"{line}: {reply!r}", reply.startswith(want))
        same("-bs ends", child.wait(20), OK)
    records = taken()
    same("one message", len(records), 1)
    same("null sender", records[0].get("sender"), "")
    same("no smuggling", records[0].data,
         b"From: a@example.com\r\n\r\nx\n.\ny\n.\r\n.z\r\n")


class Pipe(smtplib.SMTP):
    """smtplib, speaking with a child on a pair of sockets."""

    def _get_socket(self, host, port, timeout):
        ours, theirs = socket.socketpair()
        self.child = subprocess.Popen([COMMAND, "-bs"], stdin=theirs,
                                      stdout=theirs, env=environment(),
                                      stderr=subprocess.PIPE)
        theirs.close()
        ours.settimeout(20)
        return ours


def check_smtplib():
    link = Pipe("pipe", 0)
    body = "Line\r\n.dot\r\n..\r\nÄ\r\n"
    for number in range(3):
        text = f"From: x@example.com\r\nSubject: {number}\r\n\r\n{body}"
        link.sendmail("x@example.com", ["a@example.com", "b@example.com"],
                      text.encode(), ["BODY=8BITMIME"])
    try:
        link.sendmail("x@example.com", ["root"], "x")
        fail("a recipient without a domain was taken")
    except smtplib.SMTPRecipientsRefused as refused:
        same("refused", refused.recipients["root"][0], 550)
    link.sendmail("x@example.com", ["root", "a@example.com"],
                  "Subject: last\r\n\r\nx\r\n")
    link.quit()
    same("smtplib ends", link.child.wait(20), OK)
    link.child.stderr.close()
    records = taken()
    same("smtplib: messages", len(records), 4)
    for record in records[:3]:
        same("smtplib: recipients", record.recipients,
             ["a@example.com", "b@example.com"])
        holds("smtplib: data", record.data.endswith(body.encode()),
              record.data)
    same("smtplib: From is made of the sender", records[3].data,
         b"From: <x@example.com>\r\nSubject: last\r\n\r\nx\r\n")


# ---- PHP ------------------------------------------------------------------

SYMFONY = """
require '%s/Symfony/Component/Mailer/autoload.php';
use Symfony\\Component\\Mailer\\Transport\\SendmailTransport;
use Symfony\\Component\\Mime\\Email;
$transport = new SendmailTransport('%s %s');
for ($i = 0; $i < 2; $i++)
    $transport->send((new Email())->from('x@example.com')
        ->to('a@example.com')->bcc('hidden@example.com')->subject("S $i")
        ->text("Line\\n.dot\\n\\u{c4}\\n"));
"""
SWIFT = """
require '%s/Swift/autoload.php';
$transport = new Swift_SendmailTransport('%s %s');
$mailer = new Swift_Mailer($transport);
for ($i = 0; $i < 2; $i++)
    if ($mailer->send((new Swift_Message("S $i"))
        ->setFrom('x@example.com')->setTo('a@example.com')
        ->setBcc('hidden@example.com')->setBody("Line\\n.dot\\n")) != 2)
        exit(9);
"""
MAIL_CALL = """
for ($i = 0; $i < 2; $i++)
    if (!mail('a@example.com', "S $i", "Line\\n.dot\\n",
        ['From' => 'x@example.com', 'Bcc' => 'hidden@example.com'],
        '-fx@example.com'))
        exit(9);
foreach (['-I', '-bi', '-bp', '-bs', '-q -bs'] as $words)
    if (mail('a@example.com', 'S', 'lost', 'From: x@example.com', $words))
        exit(7);
exit(mail('root', 'S', 'refused', 'From: x@example.com') ? 8 : 0);
"""


def check_php():
    programs = [
        ("mail()", MAIL_CALL, None),
        ("Symfony -bs", SYMFONY % (PHP_LIBRARIES, COMMAND, "-bs"), False),
        ("Symfony -t -i", SYMFONY % (PHP_LIBRARIES, COMMAND, "-t -i"), False),
        ("Symfony -t", SYMFONY % (PHP_LIBRARIES, COMMAND, "-t"), False),
        ("Swift -bs", SWIFT % (PHP_LIBRARIES, COMMAND, "-bs"), False),
        ("Swift -t -i", SWIFT % (PHP_LIBRARIES, COMMAND, "-t -i"), False),
    ]
    for name, program, _ in programs:
        done = subprocess.run(
            ["php", "-n", "-d", f"sendmail_path={COMMAND} -t -i", "-d",
             "error_reporting=E_ALL&~E_DEPRECATED", "-d",
             "extension=mbstring", "-d", "extension=iconv", "-r", program],
            capture_output=True, check=False, timeout=60, env=environment())
        same(f"{name}: {done.stdout!r} {done.stderr!r}", done.returncode, OK)
        records = taken()
        # Swift hands each Bcc over in a transaction of its own.
        holds(f"{name}: messages", len(records) in (2, 4), len(records))
        addresses = {rcpt for record in records for rcpt in record.recipients}
        by_header = any(record.get("header-recipients") is not None
                        for record in records)
        holds(f"{name}: recipients", by_header or addresses == {
            "a@example.com", "hidden@example.com"}, addresses)
        for record in records:
            same(f"{name}: sender", record.get("sender"), "x@example.com")
            holds(f"{name}: body", b"\n.dot" in record.data and
                  b"..dot" not in record.data, record.data)
    print("PHP:", len(programs))


# ---- other names, other users ---------------------------------------------

def check_names():
    for name in ("mailq", "newaliases"):
        link = WORK / name
        link.symlink_to(COMMAND)
        code, out, err = call([], b"", command=link)
        same(name, (code, err), (OK, b""))
        same(name, out, b"Mail queue is empty\n" if name == "mailq" else b"")
    same("-bp", call(["-bp"])[1], b"Mail queue is empty\n")
    subprocess.run([BUILD / "bin" / "tillpost", "submit", "-c", str(CONF),
                    "a@example.com"],
                   input=MAIL, check=True, stdout=subprocess.DEVNULL,
                   env=environment(), timeout=60)
    code, out, err = call([], b"", command=WORK / "mailq")
    same("mailq", (code, err), (OK, b""))
    lines = out.decode().splitlines()
    holds("mailq: head", lines[0].startswith("-Queue ID-"), out)
    holds("mailq: sender", lines[1].endswith(" shop@example.com"), out)
    holds("mailq: recipient", lines[2].strip() == "a@example.com", out)
    holds("mailq: end", re.match(r"-- 1 Kbytes in 1 Request\.$", lines[4]),
          out)
    print("names: 2")


def check_other_user():
    """Somebody who may neither read the configuration nor the queue."""
    user = 65534 if os.getuid() == 0 else None
    code, _, err = call(["-t", "-i"], MAIL, user=user,
                        TILLPOST_SPOOL=str(SPOOL))
    same("another user", (code, err), (OK, b""))
    same("another user: files", len(taken()), 1)
    if user:
        code, out, err = call(["-bp"], user=user)
        holds("mailq for others", code != OK and b"for root and" in err, code,
              out, err)
    print("other users: 1")


# ---- delivery -------------------------------------------------------------

def start(arguments, log):
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=log,
                            env=environment())


def wait_for(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            fail("timeout:", what)
        time.sleep(0.05)


def check_delivery():
    mails = WORK / "mails"
    mails.mkdir()
    sink_log = WORK / "sink.log"
    with open(WORK / "programs.log", "wb") as log:
        sink = start([BUILD / "tests" / "bench" / "sink", "--log", sink_log,
                      "--store", mails], log)
        port = int(sink.stdout.readline().split()[1])
        write_config(port)
        (WORK / "queue.db").unlink(missing_ok=True)
        daemon = start([BUILD / "bin" / "tillpostd", "-c", CONF], log)
        try:
            wait_for("the spool", lambda: (SPOOL / "lock").exists())
            same("-t", call(["-t", "-i"], MAIL)[0], OK)
            same("-bs", call(["-bs"], b"EHLO x\r\nMAIL FROM:<b@example.com>"
                             b"\r\nRCPT TO:<c@example.com>\r\nDATA\r\n" +
                             MAIL.replace(b"\n", b"\r\n") +
                             b"..dot\r\n.\r\nQUIT\r\n")[0], OK)
            wait_for("delivery", lambda: len(list(mails.iterdir())) >= 2 and
                     sink_log.read_text().count("\n") >= 2)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)
            sink.send_signal(signal.SIGTERM)
            sink.wait(30)
            daemon.stdout.close()
            sink.stdout.close()
    lines = [line.split("\t") for line in sink_log.read_text().splitlines()]
    envelopes = sorted((line[2], line[3]) for line in lines)
    same("envelopes", envelopes, [
        ("b@example.com", "c@example.com"),
        ("shop@example.com", "a@example.com,hidden@example.com")])
    for path in mails.iterdir():
        data = path.read_bytes()
        holds("Bcc is delivered", b"hidden" not in data and
              b"Bcc" not in data, data)
        holds("the rest is there", b"Subject: Order\r\n" in data and
              b"\r\n\r\nThank you.\r\n" in data, data)
    same("one dot", sum(b"\r\n.dot\r\n" in path.read_bytes()
                        for path in mails.iterdir()), 1)
    print("delivery: 2")


def main():
    make_spool()
    write_config(9)
    check_dialects()
    check_stores()
    check_exits()
    check_script()
    check_smtplib()
    print("SMTP: 2 clients")
    check_php()
    check_ends()
    check_dead_pipes()
    check_unread_streams()
    check_dribbling()
    check_other_user()
    check_names()
    check_attackers()
    shutil.rmtree(SPOOL)
    check_delivery()
    print(checks, "checks")


main()
