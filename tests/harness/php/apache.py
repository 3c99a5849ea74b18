#!/usr/bin/python3
"""apache.py - a private Apache with PHP in it

JOB     Apache(...) starts one with mpm_prefork on a loopback port, in a folder
        of its own, with a php.ini that the caller gives. As root its children
        are www-data, as they are in service.
SPDX-License-Identifier: MIT
"""
import atexit
import glob
import http.client
import os
import signal
import subprocess
import time

PORTS = os.path.dirname(os.path.abspath(__file__)) + "/../ports.py"
MODULES = "/usr/lib/apache2/modules"
CONFIG = """ServerRoot {folder}
ServerName shop.example.com
Listen 127.0.0.1:{port}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
User www-data
Group www-data
LoadModule mpm_prefork_module {modules}/mod_mpm_prefork.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule env_module {modules}/mod_env.so
LoadModule php_module {php}
TypesConfig {folder}/mime.types
PHPIniDir {folder}
StartServers 4
MinSpareServers 4
MaxSpareServers 4
MaxRequestWorkers 8
GracefulShutdownTimeout 10
DocumentRoot {www}
<Directory {www}>
	AllowOverride All
	Require all granted
</Directory>
<FilesMatch "\\.php$">
	SetHandler application/x-httpd-php
</FilesMatch>
"""


def php_module():
    found = sorted(glob.glob(MODULES + "/libphp*.so"))
    if not found or not os.path.exists("/usr/sbin/apache2"):
        raise SystemExit("apache.py: there is no Apache with PHP "
                         "(packaging/deps.sh test)")
    return found[-1]


class Apache:
    def __init__(self, folder, www, ini):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.port = int(subprocess.check_output([PORTS, "choose", "1"]))
        with open(folder + "/mime.types", "w"):
            pass
        with open(folder + "/php.ini", "w") as file:
            file.write(ini)
        with open(folder + "/httpd.conf", "w") as file:
            file.write(CONFIG.format(folder=folder, port=self.port, www=www,
                                     modules=MODULES, php=php_module()))
        # What the system's PHP loads besides is not wanted.
        env = {**os.environ, "PHP_INI_SCAN_DIR": ""}
        # Apache ends by a signal to all of its process group.
        with open(folder + "/stderr", "wb") as err:
            self.process = subprocess.Popen(
                ["/usr/sbin/apache2", "-DFOREGROUND", "-f",
                 folder + "/httpd.conf"], stdout=err, stderr=err, env=env,
                start_new_session=True)
        atexit.register(self.stop)
        self.wait()

    def wait(self):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.get("/")
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("apache.py: did not start: " + self.messages())

    def get(self, path, host="shop.example.com"):
        """@return the page"""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            link.request("GET", path, headers={"Host": host,
                                               "Connection": "close"})
            return link.getresponse().read().decode("utf-8", "replace")
        finally:
            link.close()

    def messages(self):
        text = ""
        for name in ("stderr", "error.log"):
            try:
                with open(f"{self.folder}/{name}", errors="replace") as file:
                    text += file.read()
            except OSError:
                pass
        return text

    def reload(self):
        """A graceful restart."""
        self.process.send_signal(signal.SIGUSR1)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1
