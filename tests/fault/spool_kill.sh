#!/bin/sh
# spool_kill.sh - kill -9 of writers and daemon, 300 times: nothing is lost
#
# JOB     Processes hand mail to the spool, tillpostd takes it in and delivers
#         it to a sink that records each Message-ID before it answers the dot.
#         In each round the writers, the daemon or both are killed at a random
#         instant and started again. At the end: every message that was
#         acknowledged has arrived; a second copy exists only of a message
#         whose delivery a kill cut off (its outcome log says "unknown");
#         nothing is in quarantine. In some rounds the daemon is killed where
#         messages are in the queue and in the spool; that the next start has
#         found such ones is demanded, too. ROUNDS=N changes the number of rounds.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
tests=${TP_TESTS:-${TP_BUILD:-$root/build/default}/tests}
work=$(mktemp -d "${TMPDIR:-/tmp}/tpk.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

/usr/bin/python3 -B "$root/tests/harness/spool_kill.py" \
	"$build" "$tests" "$work" "${ROUNDS:-300}"
