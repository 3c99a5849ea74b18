#!/usr/bin/python3
"""fpm.py - a private PHP-FPM

JOB     Fpm(...) starts one on a Unix socket in a folder of its own, with a
        php.ini that the caller gives. As root its workers are the user
        "nobody", as the workers of a real web server are not root either.
SPDX-License-Identifier: MIT
"""
import atexit
import glob
import os
import shutil
import signal
import subprocess
import time

POOL = """[global]
error_log = {folder}/fpm.log
daemonize = no
process_control_timeout = 10s
[www]
listen = {folder}/socket
{user}
pm = static
pm.max_children = {workers}
clear_env = no
catch_workers_output = yes
{more}
"""


def program():
    """php-fpm as Debian or as others name it"""
    named = os.environ.get("PHP_FPM")
    found = [named] if named else sorted(glob.glob("/usr/sbin/php-fpm*"))
    if not found and shutil.which("php-fpm"):
        found = [shutil.which("php-fpm")]
    if not found:
        raise SystemExit("fpm.py: there is no php-fpm (packaging/deps.sh test)")
    return found[-1]


class Fpm:
    def __init__(self, folder, ini, workers=2, more="", env=None):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.socket = folder + "/socket"
        self.log = folder + "/fpm.log"
        user = ""
        if os.geteuid() == 0:
            user = "user = nobody\ngroup = nogroup\nlisten.mode = 0666"
        with open(folder + "/php.ini", "w") as file:
            file.write(ini)
        with open(folder + "/pool.conf", "w") as file:
            file.write(POOL.format(folder=folder, user=user, workers=workers,
                                   more=more))
        with open(folder + "/stderr", "wb") as err:
            self.process = subprocess.Popen(
                [program(), "-F", "-n", "-c", folder + "/php.ini",
                 "-y", folder + "/pool.conf"],
                stdout=err, stderr=err, env={**os.environ, **(env or {})})
        atexit.register(self.stop)
        self.wait()

    def wait(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if os.path.exists(self.socket):
                return
            time.sleep(0.02)
        raise SystemExit("fpm.py: did not start: " + self.messages())

    def messages(self):
        try:
            with open(self.log, errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def reload(self):
        self.process.send_signal(signal.SIGUSR2)

    def stop(self):
        """QUIT, so that workers end as they would in service."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1
