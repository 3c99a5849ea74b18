#!/bin/sh
# exports_test.sh - tillpost.so exports its entry and nothing else
#
# JOB     Also looks at how it was linked: all symbols bound at load, read-only
#         after that, never unmapped, and no library path of a build machine.
# SPDX-License-Identifier: MIT

set -u
cd "$(dirname "$0")/../.." || exit 1

plugin=${TILLPOST_PLUGIN:-build/default/tillpost.so}

exports=$(nm -D --defined-only "$plugin" | awk '{ print $3 }')
if [ "$exports" != tillpost_plugin_v1 ]; then
	echo "$plugin exports:"
	echo "$exports"
	exit 1
fi

dynamic=$(readelf -dW "$plugin") || exit 1
for flag in NODELETE NOW; do
	if ! printf '%s\n' "$dynamic" | grep FLAGS | grep -qw $flag; then
		echo "$plugin: linked without -z $flag"
		exit 1
	fi
done
if printf '%s\n' "$dynamic" | grep -E 'RPATH|RUNPATH|TEXTREL'; then
	echo "$plugin: has the above"
	exit 1
fi
if ! readelf -lW "$plugin" | grep -q GNU_RELRO; then
	echo "$plugin: linked without -z relro"
	exit 1
fi
