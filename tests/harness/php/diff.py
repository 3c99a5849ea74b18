#!/usr/bin/python3
"""diff.py - stock PHP and the extension, case by case

JOB     diff.py SCRATCH PHP INI CASES DIFFERENCES. Runs every case of CASES on
        stock PHP, whose sendmail_path is the recorder, and on PHP with the
        settings of the file INI added, as command line and under FPM, each
        with and without opcache. Compared are all output and, byte for byte,
        the messages with their envelopes: those that
        tillpost-sendmail makes of the arguments that the recorder got.
SPDX-License-Identifier: MIT
"""
import glob
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fastcgi  # noqa: E402
import fpm  # noqa: E402

COMMON = ("display_errors=1\nhtml_errors=0\nlog_errors=0\nerror_log={log}\n"
          "sendmail_path={sendmail} -t -i\ndate.timezone=UTC\n")
OPCACHE = ("zend_extension=opcache\nopcache.enable=1\nopcache.enable_cli=1\n"
           "opcache.jit=tracing\nopcache.jit_buffer_size=16M\n"
           "opcache.jit_hot_func=1\n")


# ---- messages ---------------------------------------------------------------

def spooled(folder):
    found = []
    for one in sorted(glob.glob(folder + "/incoming/*")):
        with open(one, "rb") as file:
            head, _, rest = file.read().partition(b"\n\n")
        os.unlink(one)
        sender, recipients, size = None, [], 0
        for line in head.decode("utf-8", "replace").split("\n"):
            key, _, value = line.partition(" ")
            if key == "sender":
                sender = value
            elif key == "recipient":
                recipients.append(value)
            elif key == "data-bytes":
                size = int(value)
        found.append((sender, recipients, rest[:size]))
    return found


def envelope_of(args, text, world):
    """What tillpost-sendmail makes of arguments: the sender (None: not given)
    and the recipients; or its complaint, and the arguments."""
    place = world.scratch + "/oracle"
    if not os.path.isdir(place):
        os.makedirs(place + "/incoming")
        os.chmod(place + "/incoming", 0o3733)
    done = subprocess.run(
        [world.tillpost["sendmail"], *args], input=text, timeout=60,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, "TILLPOST_SPOOL": place,
             "TILLPOST_CONFIG": world.tillpost["config"],
             "TILLPOST_PLUGIN": world.tillpost["plugin"]})
    found = spooled(place)
    if done.returncode or len(found) != 1:
        return done.stderr.decode("utf-8", "replace"), args
    return found[0][:2]


def recorded(world):
    found = []
    for one in sorted(glob.glob(world.scratch + "/record/*")):
        with open(one + "/args", "rb") as file:
            args = file.read().decode("utf-8", "surrogateescape").split(
                "\0")[:-1]
        with open(one + "/text", "rb") as file:
            text = file.read()
        found.append((*envelope_of(args, text, world), text))
        shutil.rmtree(one)
    return found


# ---- running ----------------------------------------------------------------

class Side:
    """Stock PHP or the extension, in one mode."""

    def __init__(self, world, name, ini, sapi, env):
        self.world, self.sapi = world, sapi
        self.folder = f"{world.scratch}/{name}"
        os.makedirs(self.folder)
        self.env = env
        text = ini.format(log=self.folder + "/error.log",
                          sendmail=world.sendmail)
        self.ini = self.folder + "/php.ini"
        with open(self.ini, "w") as file:
            file.write(text)
        self.fpm = None
        if sapi == "fpm":
            # Settings of one request stay in its worker: each has one only.
            self.fpm = fpm.Fpm(self.folder, text, env=env,
                               more="pm.max_requests = 1")

    def run(self, case, settings):
        log = self.world.scratch + "/mail.log"
        if os.path.exists(log):
            os.unlink(log)
        settings = {key: value.replace("{scratch}", self.world.scratch)
                    for key, value in settings.items()}
        if self.fpm:
            lines = "\n".join(f'{k}="{v}"' for k, v in settings.items())
            output, _ = fastcgi.script(self.fpm.socket, self.world.cases, case,
                                       {"PHP_ADMIN_VALUE": lines})
        else:
            options = [x for k, v in settings.items()
                       for x in ("-d", f"{k}={v}")]
            output = subprocess.run(
                [self.world.php, "-n", "-c", self.ini, *options,
                 self.world.cases, case],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, **self.env}, timeout=60).stdout
        spool = spooled(self.world.scratch + "/spool")
        return output, spool, recorded(self.world)

    def stop(self):
        if self.fpm:
            self.fpm.stop()


class World:
    def __init__(self, scratch, php, cases, settings):
        self.scratch, self.php, self.cases = scratch, php, cases
        self.sendmail = scratch + "/sendmail-recorder"
        # tillpost.NAME => value
        self.tillpost = dict(
            line.removeprefix("tillpost.").split("=", 1)
            for line in settings.splitlines()
            if line.startswith("tillpost."))
        listed = subprocess.run([php, "-n", cases, "--list"], check=True,
                                stdout=subprocess.PIPE).stdout
        self.settings = {k: dict(v) for k, v in json.loads(listed).items()}


def show(title, value):
    print(f"    {title}:")
    for line in value.splitlines() if isinstance(value, bytes) else value:
        print("       ", line)


def compare(case, stock, ours, listed, used):
    """@return what is wrong, as a list of parts"""
    wrong = []
    output, spool, record = ours
    # What was handed back comes after what was accepted in a case that has
    # both; the order in between is of no consequence.
    messages = sorted(map(repr, spool + record))
    wanted = sorted(map(repr, stock[2]))
    for part, same in (("output", output == stock[0]),
                       ("messages", messages == wanted),
                       ("handed-back", not record)):
        if same:
            continue
        used.add((case, part))
        if (case, part) in listed:
            continue
        wrong.append(part)
        print(f"  {case}: {part} differs")
        show("stock", stock[0] if part == "output" else wanted)
        show("extension", output if part == "output" else
             map(repr, record) if part == "handed-back" else messages)
    if stock[1]:
        wrong.append("stock PHP has used the spool")
    if b"end of case" not in stock[0]:
        wrong.append("the case did not end")
    return wrong


def read_differences(file):
    listed = {}
    with open(file) as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                case, part, reason = line.split(None, 2)
                listed[case, part] = reason
    return listed


def main():
    scratch, php, ini, cases, differences = sys.argv[1:]
    with open(ini) as file:
        settings = file.read()
    world = World(scratch, php, cases, settings)
    listed = read_differences(differences)
    mbstring = "".join(line + "\n" for line in settings.splitlines()
                       if line == "extension=mbstring")
    failed, accepted, total, used = 0, 0, 0, set()
    for sapi in ("cli", "fpm"):
        for opcache in ("", OPCACHE):
            mode = sapi + ("-opcache" if opcache else "")
            # Lazy binding would hide a symbol that PHP does not export.
            env = {"LD_BIND_NOW": "1"} if opcache else {}
            sides = [
                Side(world, mode + "-stock", mbstring + COMMON + opcache,
                     sapi, {}),
                Side(world, mode + "-tillpost", settings + COMMON + opcache,
                     sapi, env)]
            for case, own in world.settings.items():
                stock, ours = (side.run(case, own) for side in sides)
                accepted += len(ours[1])
                total += 1
                wrong = compare(case, stock, ours, listed, used)
                if wrong:
                    print(f"FAILED: {mode} {case}: {', '.join(wrong)}")
                    failed += 1
            for side in sides:
                side.stop()
    for case, part in sorted(set(listed) - used):
        print(f"FAILED: {case} is listed but {part} does not differ")
        failed += 1
    print(f"{len(world.settings)} cases, {total} comparisons, {accepted} mails "
          f"accepted by the extension, {len(listed)} differences listed, "
          f"{failed} failed")
    return 1 if failed or len(world.settings) < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
