#!/usr/bin/env python3
"""submit.py - runs the ways of submit.sh and prints the table

Each way is run in one process, then in eight at once, in rounds. The numbers of calls
follow the speed of a way, so that no way takes longer than about ten seconds;
where fewer than 1,000 calls were made the worst stands for p99.9, marked by ">".
SPDX-License-Identifier: MIT
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROCESSES = 8
ROUNDS = 3


class Way:
    """One way of handing a mail over: PHP options and a number of calls."""

    def __init__(self, name, options, kind="mail", port=None, slowness=1, spool=None):
        self.name, self.options, self.kind = name, options, kind
        self.port, self.slowness, self.spool = port, slowness, spool


def port_of(work, name):
    with open(os.path.join(work, name), encoding="ascii") as file:
        return file.read().split()[1]


def ways_of(args):
    build, work = args.build, args.work
    config = os.path.join(work, "tillpost.conf")
    spool = os.path.join(work, "spool", "incoming")
    sendmail = os.path.join(build, "bin", "tillpost-sendmail")
    plain, quick = port_of(work, "plain"), port_of(work, "quick")

    def path(command):
        return ["-d", "sendmail_path=" + command]

    def msmtp(port):
        return path("/usr/bin/msmtp --host=127.0.0.1 --port=%s --auth=off --tls=off "
                    "-t -i" % port)

    extension = ["-d", "extension=" + os.path.join(build, "php", "tillpost.so"),
                 "-d", "tillpost.plugin=" + os.path.join(build, "tillpost.so"),
                 "-d", "tillpost.config=" + config] + path("/nonexistent/sendmail")
    return [
        Way("tillpost extension", extension, spool=spool),
        Way("tillpost-sendmail", path(sendmail + " -t -i"),
            slowness=8, spool=spool),
        Way("Postfix sendmail -t",
            path("/usr/sbin/sendmail -C %s -t -i" % os.path.join(work, "postfix", "etc")),
            slowness=15, spool=os.path.join(work, "postfix", "queue", "maildrop")),
        Way("msmtp, plain sink", msmtp(plain), slowness=60),
        Way("msmtp, quick sink", msmtp(quick), slowness=12),
        Way("PHPMailer keep-alive, plain sink", [], "phpmailer", plain, 60),
        Way("PHPMailer keep-alive, quick sink", [], "phpmailer", quick),
    ]


def command_of(args, way, size, count, start):
    if way is None:
        directory = os.path.join(args.work, "disk")
        os.makedirs(directory, exist_ok=True)
        return [os.path.join(args.build, "tests", "bench", "disk"), directory,
                str(size), str(count)]
    return [args.php, "-n"] + base_extensions(args) + way.options + [
        os.path.join(HERE, "submit.php"), way.kind, str(size), str(count), str(start),
        way.port or "0"]


def base_extensions(args):
    """PHP without its ini files needs the extensions that PHPMailer uses."""
    if not hasattr(args, "extensions"):
        loaded = subprocess.run([args.php, "-n", "-m"], capture_output=True, text=True,
                                check=True).stdout.split()
        args.extensions = [word for name in ("ctype", "filter", "mbstring")
                           if name not in loaded
                           for word in ("-d", "extension=" + name)]
    return args.extensions


def run(args, way, size, count, processes):
    """@return all times in microseconds, and the messages per second"""
    start = time.time() + 0.3
    environment = dict(os.environ, TILLPOST_PLUGIN=os.path.join(args.build, "tillpost.so"),
                       TILLPOST_CONFIG=os.path.join(args.work, "tillpost.conf"))
    # stderr: without a master process each postdrop tells that nobody listens
    running = [subprocess.Popen(command_of(args, way, size, count, start), env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in range(processes)]
    outputs = [process.communicate() for process in running]
    for process, (_, errors) in zip(running, outputs):
        if process.returncode != 0:
            sys.exit("submit.py: %s: %s" % (way.name if way else "disk", errors[-500:]))
    times = [int(word) for out, _ in outputs for word in out.split()]
    # The slowest process's own time, without its start.
    longest = max(sum(int(word) for word in out.split()) for out, _ in outputs) / 1e6
    assert len(times) == count * processes
    empty(args, way)
    return times, len(times) / longest


def empty(args, way):
    directory = way.spool if way else os.path.join(args.work, "disk")
    if directory:
        for entry in os.scandir(directory):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def tail(times):
    ordered = sorted(times)
    at = min(len(ordered) - 1, int(len(ordered) * 0.999))
    return "%s%d" % ("" if len(ordered) >= 1000 else ">", ordered[at])


def measure(args, size):
    """All ways in turn, ROUNDS times, so that a slow spell of the machine meets
    all of them. @return name -> figures"""
    ways = [("disk alone", None)] + [(way.name, way) for way in ways_of(args)]
    seen = {name: ([], [], []) for name, _ in ways}
    for _ in range(ROUNDS):
        for name, way in ways:
            count = max(30, args.count // ROUNDS // (way.slowness if way else 1))
            run(args, way, size, 10, 1)
            one, many, rates = seen[name]
            one += run(args, way, size, count, 1)[0]
            times, rate = run(args, way, size, max(20, count // 4), PROCESSES)
            many += times
            rates.append(rate)
    return {name: {"median": statistics.median(one), "p999": tail(one),
                   "median8": statistics.median(many), "p999_8": tail(many),
                   "rate": statistics.median(rates)}
            for name, (one, many, rates) in seen.items()}


def show(size, rows):
    first = rows["tillpost extension"]
    print("\n%d-byte body; microseconds per call" % size)
    print("%-33s %9s %7s %9s %9s %9s %9s" % ("", "median", "ratio", "p99.9", "8: p50",
                                             "8: p99.9", "8: msg/s"))
    for name, row in rows.items():
        print("%-33s %9d %7.2f %9s %9d %9s %9d" % (
            name, row["median"], row["median"] / first["median"], row["p999"],
            row["median8"], row["p999_8"], row["rate"]))
    postfix = rows["Postfix sendmail -t"]
    keep_alive = rows["PHPMailer keep-alive, quick sink"]
    print("extension: 1/%.1f of Postfix sendmail's median (goal 1/25), %.2f of PHPMailer "
          "keep-alive to the quick sink (goal 1), %.0f x Postfix's messages/s (goal 30), "
          "p99.9 with 8 processes %s us (goal 10,000; the disk alone: %s)" % (
              postfix["median"] / first["median"], first["median"] / keep_alive["median"],
              first["rate"] / postfix["rate"], first["p999_8"], rows["disk alone"]["p999_8"]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--php", default="php")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--sizes", default="2048 51200")
    args = parser.parse_args()
    print("%d cores, load %.2f" % (os.cpu_count(), os.getloadavg()[0]))
    for size in map(int, args.sizes.split()):
        show(size, measure(args, size))


if __name__ == "__main__":
    main()
