#!/usr/bin/python3
"""fpm_check.py - the extension in the workers of PHP-FPM

JOB     fpm_check.py SCRATCH INI WORKER_PHP. Nothing is opened by the master;
        what a request sets ends with it; reloads under load lose no mail;
        a pool's settings count; the hook gives way to disable_functions.
SPDX-License-Identifier: MIT
"""
import os
import re
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fastcgi  # noqa: E402
import fpm  # noqa: E402
import reloads  # noqa: E402

CLIENTS, MAILS, RELOADS = 8, 100, 4

scratch, ini_file, worker = sys.argv[1:]
with open(ini_file) as ini_lines:
    INI = ini_lines.read() + (f"sendmail_path={scratch}/sendmail-recorder\n"
                              f"error_log={scratch}/error.log\n")
checks = 0


def check(what, good, more=""):
    global checks
    checks += 1
    if not good:
        raise SystemExit(f"FAILED: {what}\n{more}")


def ask(server, query, more=None):
    return fastcgi.script(server.socket, worker, query, more)[0].decode()


def spooled():
    """queue id => the file's owner"""
    folder = scratch + "/spool/incoming"
    return {name: os.stat(f"{folder}/{name}").st_uid
            for name in os.listdir(folder)}


def maps_plugin(pid):
    with open(f"/proc/{pid}/maps") as maps:
        files = {line.rstrip().rpartition(" ")[2] for line in maps}
    return any(file.endswith("/tillpost.so") and
               not file.endswith("/php/tillpost.so") for file in files)


def one_worker():
    server = fpm.Fpm(scratch + "/one", INI, workers=1)
    check("the master has loaded the plugin", not maps_plugin(
        server.process.pid))
    queue_id, pid, uid = ask(server, "mail=1").split()
    check("the worker has not loaded the plugin", maps_plugin(int(pid)))
    check("the file is not the worker's",
          spooled().get(queue_id) == int(uid), queue_id)
    check("the master has loaded the plugin", not maps_plugin(
        server.process.pid))
    check("the store is not set", ask(server, "get&store=eu") == '"eu"')
    check("a store outlives its request", ask(server, "get") == "null")
    ask(server, "mail=2&store=eu")
    host = {"HTTP_HOST": "eu.example.com", "MAGE_RUN_CODE": "eu_run"}
    queue_id = ask(server, "mail=3", host).split()[0]
    with open(f"{scratch}/spool/incoming/{queue_id}") as file:
        text = file.read()
    check("host name and run code do not go along",
          "http-host eu.example.com\n" in text and "run-code eu_run\n" in text
          and "\nstore " not in text, text)
    store_of_the_server(server)
    found = re.search(r"mail\(\) </td><td class=\"v\">(.*?) </td>",
                      ask(server, "info=1"))
    check("phpinfo does not show the hook", found and
          found.group(1) == "active", found)
    check("ends badly", server.stop() == 0, server.messages())
    check("master or worker crashed", "SIG" not in server.messages().replace(
        "SIGQUIT", "").replace("SIGUSR2", ""), server.messages())


def store_of_the_server(server):
    """fastcgi_param TILLPOST_STORE"""
    named = {"TILLPOST_STORE": "eu"}
    check("the server's store does not count", ask(server, "get", named) ==
          '"eu"')
    check("it outlives its request", ask(server, "get") == "null")
    check("a client can name a store", ask(
        server, "get", {"HTTP_TILLPOST_STORE": "eu"}) == "null")
    check("the script's does not go before it",
          ask(server, "get&store=us", named) == '"us"')
    for query in ("mail=4", "spawn=/usr/sbin/sendmail+-t"):
        before = set(spooled())
        ask(server, query, named)
        texts = []
        for queue_id in set(spooled()) - before:
            with open(f"{scratch}/spool/incoming/{queue_id}") as file:
                texts.append(file.read())
        check("the server's store does not go along: " + query,
              len(texts) == 1 and "\nstore eu\n" in texts[0], texts)


def pool_settings():
    server = fpm.Fpm(scratch + "/pool", INI, workers=1, more=(
        "php_admin_value[disable_functions] = mail\n"
        "php_admin_value[tillpost.store] = pool\n"))
    check("the pool's store does not count", ask(server, "get") == '"pool"')
    check("a disabled mail() is still there",
          ask(server, "mine") == "a function of the script")
    check("phpinfo does not say why the hook is gone",
          "not active: switched off by disable_functions"
          in ask(server, "info=1"))
    check("ends badly", server.stop() == 0, server.messages())
    server = fpm.Fpm(scratch + "/off", INI, workers=1,
                     more="php_admin_flag[tillpost.enable] = off\n")
    check("a pool cannot switch the extension off",
          ask(server, "mail=4").startswith("handed back"))
    server.stop()


def store_of_another_user():
    """The workers may not use a store that names another user."""
    if os.geteuid() != 0:
        return  # its files would be the superuser's, who may do everything
    config = f"{scratch}/tillpost.conf"
    with open(config, "w") as file:
        file.write("""
relays = { lab = { host = "127.0.0.1"; port = 9; tls = "none"; auth = "none"; }; };
stores = {
  default = { relays = ["lab"]; from = "shop@example.com"; };
  closed = { relays = ["lab"]; from = "a@example.org"; users = ["daemon"]; };
};
queue = { path = "%s/queue.db"; };
""" % scratch)
    os.chmod(config, 0o644)
    server = fpm.Fpm(scratch + "/closed", INI + "display_errors=1\n",
                     workers=1)
    before, recorded = set(spooled()), os.listdir(scratch + "/record")
    check("a store without users is closed",
          ask(server, "mail=5").split()[0] in spooled(), server.messages())
    answer = ask(server, "mail=6&store=closed")
    check("a closed store is open", re.search(
        r"mail\(\): tillpost refused the message .*closed.*\nfalse ",
        answer, re.S), answer)
    answer = ask(server, "mail=7&store=unknown")
    check("an unknown store is known",
          "tillpost refused the message" in answer, answer)
    check("a refused mail was sent", len(set(spooled()) - before) == 1 and
          os.listdir(scratch + "/record") == recorded)
    server.stop()
    os.unlink(config)


def reload_under_load():
    server = fpm.Fpm(scratch + "/load", INI, workers=4)
    before = set(spooled())
    lock, answers, lost = threading.Lock(), [], []

    def client(number):
        for i in range(MAILS):
            try:
                answer = ask(server, f"mail={number}.{i}")
            except OSError as error:
                with lock:
                    lost.append(error)
                continue
            with lock:
                answers.append(answer)

    done = reloads.under_load(
        client, CLIENTS, server.reload, RELOADS,
        lambda done: len(answers) >= (done + 1) * (
            CLIENTS * MAILS) // (RELOADS + 1))
    server.stop()
    files = set(spooled()) - before
    ids = [answer.split()[0] for answer in answers
           if re.fullmatch(r"[0-9A-Z]{18} \d+ \d+", answer)]
    odd = [answer for answer in answers if answer.split()[0:1] != [] and
           answer.split()[0] not in files]
    check("an answer is no id", len(ids) == len(answers), odd[:5])
    check("an id is given twice", len(set(ids)) == len(ids))
    check("an acknowledged mail is missing", set(ids) <= files,
          set(ids) - files)
    # A request that was cut off may have handed over its mail before.
    check("a mail comes from nowhere", len(files) <= len(ids) + len(lost))
    check("a file is not finished",
          not [name for name in files if name.startswith("t.")])
    workers = {answer.split()[1] for answer in answers}
    check("there was no reload", done == RELOADS and len(workers) > 4,
          (done, workers))
    check("mail went the old way", not os.listdir(scratch + "/record"))
    print(f"{len(ids)} mails acknowledged, {len(files)} in the spool, "
          f"{len(lost)} requests cut off, {done} reloads, "
          f"{len(workers)} workers")


one_worker()
reload_under_load()
pool_settings()
store_of_another_user()
print(f"{checks} checks")
