#!/usr/bin/python3
"""zips.py - the glue for storefronts as archives to upload or unpack

JOB     zips.py DIR
        DIR/tillpost-wordpress-VERSION.zip: the plugin, for "Upload Plugin" of
        WordPress. DIR/tillpost-magento2-VERSION.zip: the module, with
        composer.json at its top, for app/code/Tillpost/Mail or a Composer
        repository of type "artifact". The same sources give the same bytes:
        order, modes and times are fixed.
ERRORS  exit code 1 if a version in the glue is not that of the Makefile.
SPDX-License-Identifier: MIT
"""

import json
import pathlib
import re
import sys
import zipfile

TOP = pathlib.Path(__file__).resolve().parent.parent
WORDPRESS = TOP / "packaging/wordpress/tillpost"
MAGENTO = TOP / "packaging/magento2/Tillpost/Mail"

# The first day that a zip file can name: what differs is in the content.
DAY = (1980, 1, 1, 0, 0, 0)


def found(pattern, path):
    match = re.search(pattern, path.read_text(), re.MULTILINE)
    return match.group(1) if match else f"no version in {path}"


def version():
    """The Makefile's. @return None if another one is somewhere in the glue"""
    wanted = found(r"^VERSION = (\S+)$", TOP / "Makefile")
    seen = {
        "tillpost.php": found(r"^ \* Version:\s+(\S+)$",
                              WORDPRESS / "tillpost.php"),
        "readme.txt": found(r"^Stable tag: (\S+)$", WORDPRESS / "readme.txt"),
        "composer.json": json.loads(
            (MAGENTO / "composer.json").read_text())["version"],
    }
    wrong = [name for name, value in seen.items() if value != wanted]
    for name in wrong:
        print(f"zips.py: {name} has version {seen[name]}, the Makefile "
              f"{wanted}", file=sys.stderr)
    return None if wrong else wanted


def write(path, source, prefix):
    names = sorted(p.relative_to(source).as_posix()
                   for p in source.rglob("*") if p.is_file())
    content = [(prefix + name, source / name) for name in names]
    content.append((prefix + "LICENSE", TOP / "LICENSE"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in content:
            info = zipfile.ZipInfo(name, DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix: the modes count
            info.external_attr = 0o100644 << 16
            archive.writestr(info, file.read_bytes())
    print(path)


def main():
    if len(sys.argv) != 2:
        print("usage: zips.py DIR", file=sys.stderr)
        return 64
    number = version()
    if number is None:
        return 1
    to = pathlib.Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    write(to / f"tillpost-wordpress-{number}.zip", WORDPRESS, "tillpost/")
    write(to / f"tillpost-magento2-{number}.zip", MAGENTO, "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
