#!/bin/sh
# install_test.sh - what make install leaves is complete, and can be removed
#
# JOB     Installs into an empty directory, builds the example host with what
#         is there and pkg-config alone, runs the command, and uninstalls.
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
to=$scratch/root
variant=$(basename "${TP_BUILD:-build/default}")

libdir=$(make --no-print-directory VARIANT="$variant" show-LIBDIR)
make --no-print-directory VARIANT="$variant" install DESTDIR="$to" >/dev/null

for file in usr/bin/tillpost usr/bin/tillpost-sendmail usr/sbin/tillpostd \
	"$libdir/tillpost/tillpost.so" lib/systemd/system/tillpostd.service \
	usr/share/man/man8/tillpostd.8 usr/share/doc/tillpost/CONNECT.md \
	usr/lib/tmpfiles.d/tillpost.conf usr/lib/sysusers.d/tillpost.conf \
	usr/share/bash-completion/completions/tillpost \
	usr/share/bash-completion/completions/tillpostd \
	usr/share/bash-completion/completions/tillpost-sendmail \
	usr/include/tillpost/abi.h "$libdir/pkgconfig/tillpost.pc" \
	usr/share/man/man1/tillpost.1 usr/share/man/man5/tillpost.conf.5 \
	usr/share/doc/tillpost/tillpost.conf.example \
	usr/share/doc/tillpost/example/minimal_host.c; do
	if [ ! -s "$to/$file" ]; then
		echo "make install left no $file"
		exit 1
	fi
done

export PKG_CONFIG_LIBDIR="$to$libdir/pkgconfig"
export PKG_CONFIG_SYSROOT_DIR="$to"
flags=$(pkg-config --cflags --libs tillpost)
plugin=$to$(pkg-config --variable=plugin tillpost | sed "s|^$to||")
# shellcheck disable=SC2086
cc -std=c99 -o "$scratch/host" \
	"$to/usr/share/doc/tillpost/example/minimal_host.c" $flags
# Not used, but it must load the plugin to say this.
status=0
"$scratch/host" -p "$plugin" -c "$scratch/none.conf" /dev/null \
	>"$scratch/out" 2>&1 || status=$?
if [ $status -eq 0 ] || ! grep -q none.conf "$scratch/out"; then
	echo "the example host built from the installed files says:"
	cat "$scratch/out"
	exit 1
fi
TILLPOST_PLUGIN=$plugin "$to/usr/bin/tillpost" --help >/dev/null

make --no-print-directory VARIANT="$variant" uninstall DESTDIR="$to" >/dev/null
left=$(find "$to" ! -type d)
if [ -n "$left" ]; then
	echo "make uninstall left:"
	echo "$left"
	exit 1
fi
