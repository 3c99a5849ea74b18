#!/bin/sh
# recorder.sh - a sendmail program that only writes down what it is given
#
# JOB     Makes a new folder in $TP_RECORD with "args" (each ended by a NUL)
#         and "text" (its standard input), and
#         "store" if TILLPOST_STORE is in its environment. Exits with $TP_RECORD_EXIT or 0.
# SPDX-License-Identifier: MIT

set -u
into=$(mktemp -d "${TP_RECORD:?}/r.XXXXXX") || exit 75
for arg in "$@"; do
	printf '%s\0' "$arg"
done >"$into/args"
cat >"$into/text"
[ -z "${TILLPOST_STORE+x}" ] || printf '%s' "$TILLPOST_STORE" >"$into/store"
mv "$into" "$TP_RECORD/$(date +%s%N).$$"
exit "${TP_RECORD_EXIT:-0}"
