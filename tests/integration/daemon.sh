#!/bin/sh
# daemon.sh - tillpostd from start to stop, as its service manager sees it
#
# JOB     Runs the built daemon against the test sink: readiness, watchdog,
#         reload under load, a second instance, stopping in time and at once,
#         what is left by dead daemons, the form of the log and what must not
#         be in it. The checks are in tests/harness/daemon_check.py.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
tests=${TP_TESTS:-${TP_BUILD:-$root/build/default}/tests}
work=$(mktemp -d "${TMPDIR:-/tmp}/tpd.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

/usr/bin/python3 -B "$root/tests/harness/daemon_check.py" \
	"$build" "$tests" "$work"
