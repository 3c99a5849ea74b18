#!/bin/sh
# sendmail.sh - tillpost-sendmail as shops, cron and attackers call it
#
# JOB     Runs sendmail_check.py on the built command and plugin in a spool of
#         its own. Traffic on 127.0.0.1 only. Takes about half a minute.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build/default}
export TILLPOST_PLUGIN="${TILLPOST_PLUGIN:-$build/tillpost.so}"
work=$(mktemp -d "${TMPDIR:-/tmp}/tps.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

chmod 755 "$work"
/usr/bin/python3 "$root/tests/harness/sendmail_check.py" "$build" "$work"
