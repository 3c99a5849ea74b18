#!/bin/sh
# docs.sh - the generated documents are those of the settings table
#
# JOB     docs.sh [ROOT]
#         Compares config/tillpost.conf.example and tillpost.conf(5) with what
#         the generator writes now; "make docs" repairs. Uses the build in
#         TP_BUILD (build/default).
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

generator=${TP_BUILD:-build/default}/bin/gen-docs
fresh=$(mktemp) || exit 1
trap 'rm -f "$fresh"' EXIT
found=0

# compare WHAT FILE
compare()
{
	if ! "$generator" "$1" >"$fresh"; then
		echo "$generator $1: failed"
		found=1
	elif ! diff -u "$2" "$fresh"; then
		echo "$2: out of date, run make docs"
		found=1
	fi
}

compare example config/tillpost.conf.example
compare man packaging/man/tillpost.conf.5
exit $found
