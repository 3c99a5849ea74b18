#!/bin/sh
# deb.sh - build the Debian packages from a clean copy of the sources
#
# JOB     deb.sh [--version-suffix S] DIR
#         Copies what git tracks or would track, as it is on the disk now, to
#         DIR/source, puts packaging/debian in its place there, and leaves the
#         packages in DIR. Nothing outside DIR is changed. Two runs of the
#         same sources give the same bytes, whatever DIR: time stamps are
#         those of the changelog.
#         --version-suffix S   a later version of the same sources, such as
#                              0.1.0+S, to try an upgrade
# ERRORS  0; 1 if packages to build with are missing or the build fails
# SPDX-License-Identifier: MIT

set -eu
export LC_ALL=C.UTF-8 TZ=UTC0
umask 022

suffix=
if [ "${1:-}" = --version-suffix ] && [ $# -gt 2 ]; then
	suffix=$2
	shift 2
fi
if [ $# -ne 1 ]; then
	echo "usage: deb.sh [--version-suffix S] DIR" >&2
	exit 64
fi
mkdir -p "$1"
to=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

# One name per line: no name in this project has a newline.
sources()
{
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -name build -prune -o -type f -print
	fi | while read -r name; do
		# Deleted, but still in git
		[ ! -f "$name" ] || printf '%s\n' "$name"
	done | sort -u
}

rm -rf "$to/source"
mkdir "$to/source"
sources | tar -cf - -T - | tar -xf - -C "$to/source"
cp -R packaging/debian "$to/source/debian"
cd "$to/source"

if [ -n "$suffix" ]; then
	version=$(dpkg-parsechangelog -S Version)+$suffix
	{
		printf 'tillpost (%s) bookworm; urgency=medium\n\n' "$version"
		printf '  * The same again, to try an upgrade.\n\n'
		printf ' -- %s  %s\n\n' "$(dpkg-parsechangelog -S Maintainer)" \
			"$(dpkg-parsechangelog -S Date)"
		cat debian/changelog
	} >debian/changelog.new
	mv debian/changelog.new debian/changelog
fi

rm -f "$to"/*.deb "$to"/*.changes "$to"/*.buildinfo
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)
export SOURCE_DATE_EPOCH
# What a surrounding make passes on would override debian/rules.
unset MAKEFLAGS MFLAGS MAKELEVEL VARIANT TP_BUILD TILLPOST_PLUGIN
if ! dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary \
	--jobs="${JOBS:-2}" >"$to/build.log" 2>&1; then
	tail -n 25 "$to/build.log" | cut -c 1-160 >&2
	echo "deb.sh: the build failed; all of it: $to/build.log" >&2
	exit 1
fi
if grep -n 'warning:' "$to/build.log" | grep -v 'dpkg-\|dh_' >&2; then
	echo "deb.sh: the compiler warns; see $to/build.log" >&2
	exit 1
fi
ls "$to"/*.deb
