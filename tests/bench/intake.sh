#!/bin/sh
# intake.sh - how fast tillpostd empties the spool, and what it needs to live
#
# JOB     make bench-intake. Fills the spool while no daemon runs, then starts
#         one whose relay cannot be reached: messages per second from the
#         spool into the queue, next to what the disk syncs in the same run.
#         Then a daemon that delivers to a sink: its memory after a thousand,
#         half of and all of TOTAL messages, and what waiting costs.
#         COUNT=N BYTES=N TOTAL=N IDLE_S=N TMPDIR=DIR (the disk to measure)
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
tests=${TP_TESTS:-${TP_BUILD:-$root/build/default}/tests}
work=$(mktemp -d "${TMPDIR:-/tmp}/tpi.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

PYTHONPATH="$root/tests/harness" /usr/bin/python3 -B \
	"$root/tests/bench/intake.py" "$build" "$tests" "$work" \
	"${COUNT:-20000}" "${BYTES:-5120}" "${TOTAL:-100000}" "${IDLE_S:-30}"
