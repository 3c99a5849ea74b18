#!/usr/bin/python3
"""daemon_check.py - the checks of tests/integration/daemon.sh

JOB     daemon_check.py BUILD TESTS WORK [NAME...]; with names only those.
SPDX-License-Identifier: MIT
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

from daemon import (Daemon, Manager, Place, Sink, check, run_tests,
                    secret_forms, stop_process, until)

NOBODY = 65534
running = []


def started(thing):
    running.append(thing)
    return thing


def fresh(place, name):
    """A place of its own for one test"""
    work = place.work / name
    work.mkdir()
    return Place(place.build, place.tests, work)


def ended(process, code, text, what):
    """Waits for a process that must refuse to work."""
    error = process.communicate(timeout=20)
    output = "".join(part or "" for part in error)
    check(process.returncode == code,
          f"{what}: exit code {process.returncode}, not {code}: {output}")
    check(text in output, f"{what}: no \"{text}\" in: {output}")
    return output


def tillpostd(place, *arguments, **options):
    return subprocess.Popen(
        [place.build / "bin/tillpostd", *map(str, arguments)],
        env={**place.environment, **options.pop("environment", {})},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


# ---- starting ---------------------------------------------------------------

def wrong_options_and_files_are_refused_with_their_name(place):
    place = fresh(place, "options")
    config = place.config(9)
    ended(tillpostd(place, "--help"), 0, "Usage: tillpostd", "--help")
    ended(tillpostd(place, "--version"), 0, "tillpostd ", "--version")
    ended(tillpostd(place, "--nonsense"), 64, "no such option", "an option")
    ended(tillpostd(place, "--log", "xml"), 64, "json or text", "--log")
    ended(tillpostd(place, "--log-level", "loud"), 64, "debug", "--log-level")
    ended(tillpostd(place, "operand"), 64, "not expected", "an operand")
    ended(tillpostd(place, "--plugin", "/none.so", "-c", config), 69,
          "/none.so", "no plugin")
    ended(tillpostd(place, "-c", config, "--check"), 0, "", "--check")
    bad = place.work / "bad.conf"
    bad.write_text(config.read_text().replace("auth =", "autth =", 1))
    bad.chmod(0o600)
    ended(tillpostd(place, "-c", bad, "--check"), 78, "bad.conf:7: error: ",
          "--check")
    output = ended(tillpostd(place, "-c", bad), 78, "bad.conf:7", "start")
    check(json.loads(output.splitlines()[-1])["event"] == "start-failed",
          f"the refusal is no event: {output}")


def a_relative_name_of_the_configuration_works(place):
    place = fresh(place, "relative")
    config = place.config(9)
    daemon = started(Daemon(place, os.path.relpath(config)))
    daemon.send(signal.SIGHUP)
    daemon.wait_for("reloaded")
    check(daemon.stop()[0] == 0, "it did not end well")


def mail_of_before_the_start_goes_out_and_ready_is_told(place):
    place = fresh(place, "before")
    sink = started(Sink(place))
    config = place.config(sink.port)
    # The first start makes the directories.
    daemon = started(Daemon(place, config))
    check(daemon.stop()[0] == 0, "it did not end well")
    place.fill(config, 50, processes=2)
    accepted = place.accepted()
    check(len(accepted) == 100, f"{len(accepted)} were accepted")
    manager = Manager(place.work / "notify")
    daemon = started(Daemon(place, config, manager=manager))
    until(10, "READY=1 is told", lambda: manager.count("READY=1") == 1)
    until(20, "all 100 arrived", lambda: sink.has_all(accepted))
    place.fill(config, 20, out="later")
    later = place.accepted("later")
    until(5, "mail of a running daemon arrives", lambda: sink.has_all(later))
    code, _ = daemon.stop()
    check(code == 0, f"exit code {code}")
    until(5, "STOPPING=1 is told", lambda: manager.count("STOPPING=1") == 1)
    check(max(sink.copies().values()) == 1, "something arrived twice")
    check(any("sent 120" in line for line in manager.heard) or
          any("STATUS=" in line for line in manager.heard),
          f"no status in {manager.heard}")
    sink.stop()


def a_second_instance_is_refused_and_the_first_goes_on(place):
    place = fresh(place, "second")
    sink = started(Sink(place))
    config = place.config(sink.port)
    first = started(Daemon(place, config))
    output = ended(tillpostd(place, "-c", config), 75, "start-failed",
                   "a second instance")
    check(str(first.pid) in output, f"it does not name the first: {output}")
    place.fill(config, 5)
    until(10, "the first delivers", lambda: sink.has_all(place.accepted()))
    check(first.stop()[0] == 0, "the first did not end well")
    sink.stop()


def what_a_dead_daemon_left_does_not_hinder(place):
    place = fresh(place, "dead")
    sink = started(Sink(place))
    config = place.config(sink.port)
    daemon = started(Daemon(place, config))
    daemon.send(signal.SIGKILL)
    daemon.process.wait()
    place.fill(config, 5)
    daemon = started(Daemon(place, config))
    until(10, "it delivers", lambda: sink.has_all(place.accepted()))
    check(daemon.stop()[0] == 0, "it did not end well")
    sink.stop()


def what_a_daemon_of_root_left_does_not_hinder_its_user(place):
    if os.getuid() != 0:
        return "as an ordinary user there is only one user"
    place = fresh(place, "root")
    # Others must get at the programs and the files.
    for directory in (place.work.parent, place.work):
        directory.chmod(0o711)
    public = place.work / "build"
    (public / "bin").mkdir(parents=True)
    shutil.copy(place.plugin, public)
    shutil.copy(place.build / "bin/tillpostd", public / "bin")
    for path in (public, public / "bin", public / "tillpost.so",
                 public / "bin/tillpostd"):
        path.chmod(0o755)
    place.build = public
    place.environment["TILLPOST_PLUGIN"] = str(public / "tillpost.so")
    sink = started(Sink(place))
    state = place.work / "state"
    (state / "spool").mkdir(parents=True)
    for path in (state, state / "spool"):
        os.chown(path, NOBODY, NOBODY)
    (state / "spool").chmod(0o755)
    made = place.config(sink.port, spool=state / "spool")
    # In a directory of its own, as this says for whom root reads it.
    config = made.rename(state / "t.conf")
    config.write_text(config.read_text().replace(
        f'"{place.work}/queue', f'"{state}/queue').replace(
        f'"{place.work}/outcome', f'"{state}/outcome'))
    os.chown(config, NOBODY, NOBODY)
    daemon = started(Daemon(place, config, wait=False))
    until(10, "root's daemon has an end or a beginning",
          lambda: daemon.events("started") or daemon.events("start-failed"))
    warned = daemon.events("root") or daemon.events("start-failed")
    check(warned and f"{NOBODY}" in warned[0]["text"],
          f"root is not warned: {daemon.lines()}")
    daemon.send(signal.SIGKILL)
    daemon.process.wait()
    daemon = started(Daemon(place, config, prefix=(
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
        "--clear-groups")))
    check(not daemon.events("root"), "a user is warned of being root")
    place.fill(config, 5)
    until(10, "it delivers", lambda: sink.has_all(place.accepted()))
    check(daemon.stop()[0] == 0, "it did not end well")
    sink.stop()
    return warned[0]["event"]


# ---- running ----------------------------------------------------------------

def the_watchdog_hears_of_it_as_long_as_queue_and_spool_answer(place):
    place = fresh(place, "watchdog")
    manager = Manager(place.work / "notify")
    config = place.config(9)
    daemon = started(Daemon(place, config, manager=manager,
                            watchdog_us=400000))
    start = time.monotonic()
    until(5, "six pings", lambda: manager.count("WATCHDOG=1") >= 6)
    took = time.monotonic() - start
    check(0.8 < took < 2.5, f"six pings of 0.2 s took {took:.1f} s")
    # A process that does not run sends none: no other thread pings for it.
    daemon.send(signal.SIGSTOP)
    time.sleep(0.3)
    before = manager.count("WATCHDOG=1")
    time.sleep(0.8)
    check(manager.count("WATCHDOG=1") == before, "pings of a stopped process")
    daemon.send(signal.SIGCONT)
    until(5, "pings again", lambda: manager.count("WATCHDOG=1") > before)
    check(daemon.stop()[0] == 0, "it did not end well")


def reloading_under_load_loses_no_mail_and_no_connection(place):
    place = fresh(place, "reload")
    sink = started(Sink(place, delay_ms=1))
    config = place.config(sink.port)
    # Nothing but a reload could end a connection.
    good = config.read_text().replace(
        'auth = "plain";', 'auth = "plain"; idle_timeout = "60s"; '
        'messages_per_connection = 100000;')
    config.write_text(good)
    # The name of the mail in transit must not change with the file.
    bad = good.replace("relays = [", "rellays = [")
    manager = Manager(place.work / "notify")
    daemon = started(Daemon(place, config, manager=manager))
    # Those who submit read a configuration too, and refuse a broken one.
    others = place.config(sink.port, name="others.conf")
    load = started(place.load(others, 500, processes=2))
    rounds = 0
    while load.poll() is None or rounds < 6:
        for text, event in ((bad, "reload-failed"), (good, "reloaded")):
            new = place.work / "new.conf"
            new.write_text(text)
            new.chmod(0o600)
            new.rename(config)
            count = len(daemon.events(event))
            daemon.send(signal.SIGHUP)
            daemon.wait_for(event, count + 1)
        rounds += 1
    check(load.returncode == 0, f"the spool refused: {load.stderr.read()}")
    failed = daemon.events("reload-failed")[0]["text"]
    check("t.conf:" in failed and "rellays" in failed,
          f"no file and line in \"{failed}\"")
    accepted = place.accepted()
    check(len(accepted) == 1000, f"{len(accepted)} accepted")
    until(60, "all arrived", lambda: sink.has_all(accepted))
    check(max(sink.copies().values()) == 1, "something arrived twice")
    heard = [line for line in manager.heard
             if line in ("READY=1", "RELOADING=1")]
    check(heard == ["READY=1"] + ["RELOADING=1", "READY=1"] * rounds * 2,
          f"told: {heard}")
    check(sum("MONOTONIC_USEC=" in line for line in manager.heard) ==
          rounds * 2, "a reload without its time")
    check(daemon.stop()[0] == 0, "it did not end well")
    sink.stop()
    # Up to five at a time. If a reload closed them, there would be several for
    # each of at least twelve.
    check(sink.connections <= 8,
          f"{sink.connections} connections for {rounds * 2} reloads")
    return f"{rounds * 2} reloads, {sink.connections} connections"


def a_full_pipe_of_the_log_stops_nothing(place):
    place = fresh(place, "pipe")
    sink = started(Sink(place))
    config = place.config(sink.port)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4095 + b"\n")
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    daemon = started(Daemon(place, config, "--log-level", "debug",
                            stderr=writer))
    check(os.get_blocking(writer), "the pipe of others was changed")
    os.close(writer)
    until(10, "there is a spool",
          lambda: (place.work / "spool/incoming").is_dir())
    place.fill(config, 200)
    until(20, "all arrived", lambda: sink.has_all(place.accepted()))
    daemon.send(signal.SIGHUP)
    daemon.send(signal.SIGUSR1)
    time.sleep(0.3)
    os.set_blocking(reader, False)
    while True:
        try:
            if not os.read(reader, 65536):
                break
        except BlockingIOError:
            break
    daemon.send(signal.SIGUSR1)
    os.set_blocking(reader, True)
    line = b""
    while line.count(b"\n") < 2:
        line += os.read(reader, 4096)
    lost, status = map(json.loads, line.splitlines()[:2])
    check(lost["event"] == "log-lost" and status["event"] == "status",
          f"after the pipe was read: {line}")
    daemon.send(signal.SIGTERM)
    check(daemon.process.wait(20) == 0, "it did not end well")
    os.close(reader)
    sink.stop()
    return lost["text"]


def a_log_whose_reader_is_gone_stops_nothing(place):
    place = fresh(place, "reader")
    sink = started(Sink(place))
    config = place.config(sink.port)
    reader, writer = os.pipe()
    daemon = started(Daemon(place, config, stderr=writer))
    os.close(writer)
    check(b"started" in os.read(reader, 4096), "it does not start")
    os.close(reader)
    daemon.send(signal.SIGUSR1)
    place.fill(config, 5)
    until(10, "it delivers", lambda: sink.has_all(place.accepted()))
    daemon.send(signal.SIGTERM)
    check(daemon.process.wait(20) == 0, "it did not end well")
    sink.stop()


def the_log_has_the_form_its_reader_takes(place):
    place = fresh(place, "form")
    config = place.config(9)
    log = place.work / "journal"
    with log.open("wb") as stream:
        status = os.fstat(stream.fileno())
        process = started(subprocess.Popen(
            [place.build / "bin/tillpostd", "-c", config], stderr=stream,
            env={**place.environment, "JOURNAL_STREAM":
                 f"{status.st_dev}:{status.st_ino}"}))
    until(10, "it starts", lambda: b"started" in log.read_bytes())
    stop_process(process)
    for line in log.read_text().splitlines():
        check(line[:3] in ("<3>", "<4>", "<6>", "<7>"), f"no level: {line}")
        json.loads(line[3:])
    daemon = started(Daemon(place, config, "--log", "text", wait=False))
    until(10, "it starts", lambda: " info started: " in
          daemon.log_path.read_text())
    stop_process(daemon.process)
    daemon.log_path.unlink()
    # A name that could spoil a line, a terminal and a JSON string
    odd = place.work / os.fsdecode(b'o"d\\d\n\x1b[7m\xff\xc2\x9b.conf')
    config.rename(odd)
    daemon = started(Daemon(place, odd, wait=False))
    until(10, "it starts or refuses", lambda: daemon.events("started") or
          daemon.events("start-failed"))
    stop_process(daemon.process)
    log = daemon.log_path.read_bytes().decode()
    check("\x1b" not in log and "\x9b" not in log, "it upsets a terminal")
    check(any('o"d\\d\\x0a\\x1b[7m\\xff' in event["text"]
              for event in daemon.events()), f"the name is changed: {log}")


def the_process_keeps_nothing_it_need_not_have(place):
    place = fresh(place, "process")
    config = place.config(9)
    reader, writer = os.pipe()
    daemon = started(Daemon(place, config, pass_fds=(writer,)))
    os.close(writer)
    os.set_blocking(reader, True)
    check(os.read(reader, 1) == b"", "an inherited descriptor is open")
    os.close(reader)
    limits = pathlib.Path(f"/proc/{daemon.pid}/limits").read_text()
    core = [line.split() for line in limits.splitlines()
            if line.startswith("Max core file size")][0]
    check(core[4:6] == ["0", "0"], f"core files: {core}")
    owner = os.stat(f"/proc/{daemon.pid}/environ").st_uid
    check(owner == 0, "a debugger of the same user gets in")
    if os.getuid() == 0:
        check(os.readlink(f"/proc/{daemon.pid}/cwd") == "/",
              "the directory is kept")
    daemon.send(signal.SIGUSR1)
    text = daemon.wait_for("status")[0]["text"]
    check(text.startswith("queued 0, active 0, held 0, spooled 0"),
          f"status: {text}")
    check(daemon.stop(signal.SIGINT)[0] == 0, "SIGINT is no stop")
    for name in ("queue.db", "outcome.jsonl"):
        path = place.work / name
        check(not path.exists() or path.stat().st_mode & 0o077 == 0,
              f"others may read {name}")


def the_directories_it_makes_are_those_of_the_package(place):
    place = fresh(place, "modes")
    daemon = started(Daemon(place, place.config(9)))
    check(daemon.stop()[0] == 0, "it did not end well")
    packaged = pathlib.Path(__file__).parents[2] / (
        "packaging/systemd/tillpost.tmpfiles")
    compared = 0
    for line in packaged.read_text().splitlines():
        words = line.split()
        if words[:1] != ["d"] or "/spool/tillpost" not in words[1]:
            continue
        made = place.work / ("spool" + words[1].partition("/tillpost")[2])
        mode = made.stat().st_mode & 0o7777
        check(mode == int(words[2], 8), f"{made.name} has mode {mode:04o}, "
              f"the package gives it {words[2]}")
        compared += 1
    check(compared == 4, f"{compared} directories in {packaged.name}")


def waiting_costs_no_time(place):
    place = fresh(place, "idle")
    manager = Manager(place.work / "notify")
    daemon = started(Daemon(place, place.config(9), manager=manager,
                            watchdog_us=2000000))
    time.sleep(0.5)
    before = daemon.cpu_s()
    time.sleep(6)
    used = daemon.cpu_s() - before
    check(used <= 0.06, f"{used:.2f} s of CPU in 6 s")
    check(daemon.stop()[0] == 0, "it did not end well")
    return f"{used * 1000 / 6:.1f} ms of CPU in a second"


# ---- stopping ---------------------------------------------------------------

def delivery(place, delay_ms, *options, count=60):
    """A daemon in the middle of delivering to a slow relay"""
    sink = started(Sink(place, delay_ms=delay_ms))
    config = place.config(sink.port)
    daemon = started(Daemon(place, config, *options))
    place.fill(config, count)
    until(10, "the relay has a message at the dot", lambda: "in-doubt" in
          place.tillpost(config, "queue", "--json").stdout)
    return sink, config, daemon


def rest_arrives(place, sink, config, extra=0):
    """After a restart everything arrives; at most EXTRA second copies."""
    daemon = started(Daemon(place, config))
    accepted = place.accepted()
    until(30, "all arrived", lambda: sink.has_all(accepted))
    until(10, "the queue is empty",
          lambda: not place.tillpost(config, "queue", "--json").stdout)
    check(daemon.stop()[0] == 0, "the second one did not end well")
    twice = sum(n - 1 for n in sink.copies().values())
    check(twice <= extra, f"{twice} second copies, at most {extra} promised")
    return twice


def stopping_ends_what_is_in_work_and_keeps_the_rest(place):
    place = fresh(place, "stop")
    sink, config, daemon = delivery(place, 500)
    code, took = daemon.stop()
    check(code == 0 and took < 5, f"exit code {code} after {took:.1f} s")
    arrived = sum(sink.copies().values())
    check(arrived < 60, "there was nothing left to keep")
    sink.stop()
    sink = started(Sink(place, port=sink.port))
    rest_arrives(place, sink, config)
    sink.stop()
    return f"{arrived} of 60 before the stop, {took:.1f} s to stop"


def stopping_ends_at_its_deadline(place):
    place = fresh(place, "deadline")
    sink, config, daemon = delivery(place, 60000, "--stop-timeout", "1s")
    code, took = daemon.stop()
    check(code == 75 and 0.9 < took < 2,
          f"exit code {code} after {took:.1f} s")
    check(daemon.events("stop-timeout"), "it does not say so")
    sink.stop()
    sink = started(Sink(place, port=sink.port))
    twice = rest_arrives(place, sink, config, extra=5)
    sink.stop()
    return f"{twice} second copies"


def threads_of(number):
    try:
        return len(os.listdir(f"/proc/{number}/task"))
    except FileNotFoundError:
        return 0


def a_log_that_hangs_does_not_keep_it_from_stopping(place):
    place = fresh(place, "hanging")
    path = place.work / "log"
    with open(path, "wb") as log:
        # The second line of a thread hangs, with the lock of the log: here
        # the one that says that it stops.
        strace = started(subprocess.Popen(
            ["strace", "-f", "-qq", "-o", place.work / "trace", "-P", path,
             "-e", "trace=write",
             "-e", "inject=write:delay_enter=12000000:when=2+",
             place.build / "bin/tillpostd", "-c", place.config(9),
             "--log", "json", "--stop-timeout", "1s"],
            env=place.environment, stderr=log))
    until(20, "it has started", lambda: b'"started"' in path.read_bytes())
    number = json.loads(path.read_text().splitlines()[0])["pid"]
    os.kill(number, signal.SIGTERM)
    begun = time.monotonic()
    # strace holds the thread that hangs until the delay is over
    until(10, "the others have ended", lambda: threads_of(number) <= 1)
    took = time.monotonic() - begun
    check(strace.wait(timeout=40) == 75, "another exit code")
    return f"{took:.1f} s"


def stopping_gives_up_a_relay_that_does_not_answer(place):
    place = fresh(place, "silent")
    sink, config, daemon = delivery(place, 60000, "--stop-timeout", "15s")
    code, took = daemon.stop()
    check(code == 0 and took < 8, f"exit code {code} after {took:.1f} s")
    sink.stop()
    sink = started(Sink(place, port=sink.port))
    twice = rest_arrives(place, sink, config, extra=5)
    sink.stop()
    return f"{took:.1f} s, {twice} second copies"


def a_second_signal_ends_it_at_once(place):
    place = fresh(place, "twice")
    sink, config, daemon = delivery(place, 60000)
    daemon.send(signal.SIGTERM)
    # This near, it may be the same request, sent to process and group.
    daemon.send(signal.SIGTERM)
    time.sleep(0.4)
    check(daemon.process.poll() is None, "one request was taken for two")
    code, took = daemon.stop()
    check(code == 143 and took < 0.5, f"exit code {code} after {took:.1f} s")
    sink.stop()
    sink = started(Sink(place, port=sink.port))
    twice = rest_arrives(place, sink, config, extra=5)
    sink.stop()
    return f"{twice} second copies"


# ---- all of it --------------------------------------------------------------

def every_line_of_every_log_is_an_object_without_the_secret(place):
    lines = 0
    for path in place.work.rglob("log.*"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            check(set(event) == {"ts", "level", "event", "text", "pid"},
                  f"keys of {line}")
            check(event["level"] in ("error", "warning", "info", "debug"),
                  f"level of {line}")
            check(len(event["ts"]) == 24 and event["ts"][-1] == "Z",
                  f"time of {line}")
            lines += 1
    check(lines > 20, f"only {lines} lines")
    for path in place.work.rglob("*"):
        if not path.is_file() or path.suffix == ".conf":
            continue
        content = path.read_bytes()
        for form in secret_forms():
            check(form not in content, f"the secret is in {path}")
    return f"{lines} lines"


TESTS = (
    wrong_options_and_files_are_refused_with_their_name,
    a_relative_name_of_the_configuration_works,
    mail_of_before_the_start_goes_out_and_ready_is_told,
    a_second_instance_is_refused_and_the_first_goes_on,
    what_a_dead_daemon_left_does_not_hinder,
    what_a_daemon_of_root_left_does_not_hinder_its_user,
    the_watchdog_hears_of_it_as_long_as_queue_and_spool_answer,
    reloading_under_load_loses_no_mail_and_no_connection,
    a_full_pipe_of_the_log_stops_nothing,
    a_log_whose_reader_is_gone_stops_nothing,
    the_log_has_the_form_its_reader_takes,
    the_process_keeps_nothing_it_need_not_have,
    the_directories_it_makes_are_those_of_the_package,
    waiting_costs_no_time,
    stopping_ends_what_is_in_work_and_keeps_the_rest,
    stopping_ends_at_its_deadline,
    a_log_that_hangs_does_not_keep_it_from_stopping,
    stopping_gives_up_a_relay_that_does_not_answer,
    a_second_signal_ends_it_at_once,
    every_line_of_every_log_is_an_object_without_the_secret,
)


def main(build, tests, work, *names):
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    chosen = [t for t in TESTS if not names or t.__name__ in names]
    try:
        return run_tests(chosen, Place(build, tests, work))
    finally:
        for thing in running:
            stop_process(getattr(thing, "process", thing), signal.SIGKILL)


sys.exit(main(*sys.argv[1:]))
