#!/usr/bin/python3
"""apache_check.py - the extension in the children of Apache (mod_php)

JOB     apache_check.py SCRATCH INI WORKER_PHP. Nothing is opened by the
        parent; mail(), mb_send_mail() and programs are taken over; the stores
        of .htaccess and SetEnv count, and end with their request; a graceful
        restart under load loses no mail.
SPDX-License-Identifier: MIT
"""
import os
import pwd
import re
import shutil
import stat
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apache  # noqa: E402
import reloads  # noqa: E402

CLIENTS, MAILS, RELOADS = 4, 50, 2

scratch, ini_file, worker = sys.argv[1:]
WWW = scratch + "/www"
INCOMING = scratch + "/spool/incoming"
checks = 0


def check(what, good, more=""):
    global checks
    checks += 1
    if not good:
        raise SystemExit(f"FAILED: {what}\n{more}\n{server.messages()}")


def maps_plugin(pid):
    with open(f"/proc/{pid}/maps") as maps:
        files = {line.rstrip().rpartition(" ")[2] for line in maps}
    return any(file.endswith("/tillpost.so") and
               not file.endswith("/php/tillpost.so") for file in files)


def place(name, htaccess):
    folder = f"{WWW}/{name}"
    os.makedirs(folder)
    shutil.copy(worker, folder + "/worker.php")
    with open(folder + "/.htaccess", "w") as file:
        file.write(htaccess)


def ask(query, folder="plain"):
    return server.get(f"/{folder}/worker.php?{query}")


def new_store(query, folder):
    """The store of the one mail that QUERY sends; None: none is named"""
    before = set(os.listdir(INCOMING))
    ask(query, folder)
    new = set(os.listdir(INCOMING)) - before
    check(f"{folder}: {query}: one mail", len(new) == 1, new)
    with open(f"{INCOMING}/{new.pop()}") as file:
        found = re.search(r"^store (.*)$", file.read().split("\n\n")[0], re.M)
    return found and found[1]


def ways():
    check("the parent has loaded the plugin", not maps_plugin(
        server.process.pid))
    queue_id, pid, _ = ask("mail=1").split()
    check("the child has not loaded the plugin", maps_plugin(int(pid)))
    check("no mail in the spool", os.path.exists(f"{INCOMING}/{queue_id}"))
    check("the parent has loaded the plugin", not maps_plugin(
        server.process.pid))
    found = re.search(r"mail\(\) </td><td class=\"v\">(.*?) </td>",
                      ask("info=1"))
    check("phpinfo does not show the hook", found and
          found[1] == "active", found)
    for folder, store in (("plain", None), ("pool", "pool"), ("env", "eu"),
                          ("both", "pool")):
        for query in ("mail=2", "mail=3&mb=1",
                      "spawn=/usr/sbin/sendmail+-t+-i"):
            check(f"{folder}: {query}",
                  new_store(query, folder) == store)
        check(f"{folder}: a script's store", new_store(
            "mail=4&store=us", folder) == "us")
    # In every child, whatever it was asked before.
    for _ in range(10):
        for folder, store in (("env", '"eu"'), ("plain", "null"),
                              ("pool", '"pool"'), ("plain", "null")):
            check(f"{folder}: a store outlives its request",
                  ask("get", folder) == store)


def reload_under_load():
    lock, answers = threading.Lock(), []

    def client(number):
        for i in range(MAILS):
            answer = ask(f"mail={number}.{i}")
            with lock:
                answers.append(answer)

    before = set(os.listdir(INCOMING))
    done = reloads.under_load(
        client, CLIENTS, server.reload, RELOADS,
        lambda done: len(answers) >= (done + 1) * (
            CLIENTS * MAILS) // (RELOADS + 1))
    files = set(os.listdir(INCOMING)) - before
    ids = {answer.split()[0] for answer in answers}
    check("there was no restart", done == RELOADS)
    check("not every mail was accepted", len(answers) == CLIENTS * MAILS
          and ids == files, ids ^ files)
    owner = os.geteuid() or pwd.getpwnam("www-data").pw_uid
    for name in files:
        about = os.stat(f"{INCOMING}/{name}")
        check("owner or mode of a file", about.st_uid == owner and
              stat.S_IMODE(about.st_mode) == 0o440, about)
    print(f"{len(files)} of {len(answers)} mails in the spool, "
          f"{done} graceful restarts")


with open(ini_file) as ini_lines:
    INI = ini_lines.read() + ("sendmail_path=/nonexistent/sendmail\n"
                              f"error_log={scratch}/error.log\n")
place("plain", "")
place("pool", "php_value tillpost.store pool\n")
place("env", "SetEnv TILLPOST_STORE eu\n")
place("both", "php_value tillpost.store pool\nSetEnv TILLPOST_STORE eu\n")
server = apache.Apache(scratch + "/apache", WWW, INI)
ways()
reload_under_load()
check("mail was not accepted", not os.path.exists(scratch + "/error.log"))
check("ends badly", server.stop() == 0)
check("a child crashed", "exit signal" not in server.messages())
print(f"{checks} checks")
