"""reloads.py - clients that go on while a server is reloaded

JOB     A library of the checks of PHP-FPM and Apache.
SPDX-License-Identifier: MIT
"""
import threading
import time


def under_load(client, client_count, reload, reload_count, is_due):
    """Runs CLIENT(number) in threads and calls RELOAD when IS_DUE(done), at
    most RELOAD_COUNT times. Returns how often it did, when all have ended."""
    threads = [threading.Thread(target=client, args=(n,))
               for n in range(client_count)]
    for thread in threads:
        thread.start()
    done = 0
    while any(thread.is_alive() for thread in threads):
        if done < reload_count and is_due(done):
            reload()
            done += 1
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    return done
