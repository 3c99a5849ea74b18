#!/bin/sh
# relay_matrix.sh - every way to log in, and every way to be refused
#
# JOB     Starts both real relays and lets relay_matrix.py send through them
#         with the built command and plugin: TLS modes times mechanisms must
#         deliver; each bad case must give the right verdict, text and queue
#         state, and the relay must have seen no command too many.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
HARNESS=$root/tests/harness
work=$(mktemp -d "${TMPDIR:-/tmp}/tpm.XXXXXX") || exit 1

clean_up()
{
	"$HARNESS/relays.sh" stop "$work/r"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

chmod 711 "$work"
SIZE_LIMIT=200000 "$HARNESS/relays.sh" start "$work/r" || exit 1
/usr/bin/python3 "$HARNESS/relay_matrix.py" \
	"${TP_BUILD:-$root/build}" "$work"
