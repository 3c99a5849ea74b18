#!/usr/bin/python3
"""intake.py - the measurements of tests/bench/intake.sh

JOB     intake.py BUILD TESTS WORK COUNT BYTES TOTAL IDLE_S, with
        tests/harness on PYTHONPATH.
SPDX-License-Identifier: MIT
"""

import os
import signal
import socket
import subprocess
import sys
import time

from daemon import Daemon, Failure, Place, Sink, stop_process, until

WRITERS = 4


def syncs_per_second(directory, seconds=2.0):
    """How often this disk makes 4 KiB that follow each other durable"""
    path = directory / "sync"
    block = os.urandom(4096)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    count, start = 0, time.monotonic()
    while time.monotonic() - start < seconds:
        os.pwrite(fd, block, count % 4096 * 4096)
        os.fdatasync(fd)
        count += 1
    took = time.monotonic() - start
    os.close(fd)
    path.unlink()
    return count / took


def removals_per_second(directory, size, count=2000):
    """How often this disk removes a file of SIZE bytes that is on it"""
    folder = directory / "removals"
    folder.mkdir()
    content = os.urandom(size)
    for number in range(count):
        (folder / f"{number:05}").write_bytes(content)
    os.sync()
    start = time.monotonic()
    for number in range(count):
        os.unlink(folder / f"{number:05}")
    took = time.monotonic() - start
    folder.rmdir()
    return count / took


def spool_is_empty(place):
    with os.scandir(place.work / "spool/incoming") as names:
        return next(names, None) is None


def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fill(place, config, count, size):
    start = time.monotonic()
    place.fill(config, count // WRITERS, WRITERS, size)
    return count / (time.monotonic() - start)


def measure_intake(place, count, size):
    config = place.config(closed_port())
    # Makes the directories.
    Daemon(place, config).stop()
    before = syncs_per_second(place.work)
    accepted = fill(place, config, count, size)
    daemon = Daemon(place, config, wait=False)
    try:
        start = time.monotonic()
        until(600, "the spool is empty", lambda: spool_is_empty(place))
        took = time.monotonic() - start
        cpu = daemon.cpu_s()
    finally:
        code, stopped = daemon.stop()
    after = syncs_per_second(place.work)
    syncs = (before + after) / 2
    status = place.tillpost(config, "status", "--json").stdout
    if f'"queued_count":{count}' not in status.replace(" ", ""):
        raise Failure(f"the queue has other messages: {status}")
    removals = removals_per_second(place.work, size)
    print(f"disk: {before:.0f} fdatasync of 4 KiB per second before, "
          f"{after:.0f} after; {removals:.0f} removals of files of {size} "
          f"bytes per second")
    print(f"spool: {count} messages of {size} bytes accepted by {WRITERS} "
          f"processes, {accepted:.0f} per second")
    print(f"intake: {count / took:.0f} messages per second, from the start "
          f"of the process to an empty spool ({took:.2f} s, {cpu:.2f} s of "
          f"CPU); goal 5000 per second")
    # Each message is one removal, and a share of a sync.
    print(f"ratio: {count / took / syncs:.2f} of the disk's syncs, "
          f"{count / took / removals:.2f} of its removals")
    print(f"stop: exit code {code} after {stopped:.2f} s", flush=True)


def is_quiet(daemon):
    before = daemon.cpu_s()
    time.sleep(3)
    return daemon.cpu_s() - before < 0.02


def measure_memory(place, size, total, idle_s):
    sink = Sink(place)
    config = place.config(sink.port)
    daemon = Daemon(place, config)
    try:
        done = 0
        for goal in sorted({min(1000, total), total // 2, total}):
            start = time.monotonic()
            # In portions: how much waits is not what is measured.
            while done < goal:
                portion = min(10000, goal - done)
                place.fill(config, portion // WRITERS, WRITERS, size)
                done += portion
                until(600, "it is delivered", lambda: sink.log.exists() and
                      sum(1 for _ in sink.log.open("rb")) >= done)
            time.sleep(1)
            print(f"memory: {daemon.rss_kb()} KiB resident after {done} "
                  f"messages ({time.monotonic() - start:.0f} s)", flush=True)
        # What was sent is swept away first.
        until(300, "it has nothing to do", lambda: is_quiet(daemon))
        before = daemon.cpu_s()
        time.sleep(idle_s)
        used = daemon.cpu_s() - before
        print(f"idle: {used:.2f} s of CPU in {idle_s} s "
              f"({100 * used / idle_s:.2f} %)")
    finally:
        daemon.stop(signal.SIGTERM)
        stop_process(sink.process)


def main(build, tests, work, count, size, total, idle_s):
    os.umask(0o077)
    cores = os.cpu_count()
    system = subprocess.run(["stat", "-f", "-c", "%T", work], text=True,
                            capture_output=True, check=True).stdout.strip()
    print(f"{cores} cores, {system}")
    place = Place(build, tests, work)
    try:
        for name, measure in (
                ("a", lambda p: measure_intake(p, int(count), int(size))),
                ("b", lambda p: measure_memory(p, int(size), int(total),
                                               int(idle_s)))):
            (place.work / name).mkdir()
            measure(Place(build, tests, place.work / name))
    except Failure as failure:
        print(f"FAILED: {failure}")
        return 1
    return 0


sys.exit(main(*sys.argv[1:8]))
