#!/bin/sh
# integrity.sh - what the relay received is what was accepted, byte for byte
#
# JOB     Sends bodies from 1 byte to 25 MiB (dots, 8-bit, bare LF, sizes
#         around every buffer of the way) through a real Postfix over TLS and
#         compares what it stored with the submitted bytes, normalised by an
#         independent implementation of the documented rule.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
HARNESS=$root/tests/harness
work=$(mktemp -d "${TMPDIR:-/tmp}/tpi.XXXXXX") || exit 1

clean_up()
{
	"$HARNESS/relays.sh" stop "$work/r"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

chmod 711 "$work"
"$HARNESS/relays.sh" start "$work/r" || exit 1
. "$work/r/relays.env"
umask 077
cat >"$work/t.conf" <<END
queue = { path = "$work/queue.db"; };
log = { path = "$work/outcome.jsonl"; };
relays = {
  one = { host = "localhost"; port = $A_SMTPS_PORT; tls = "implicit";
          username = "$A_USER1"; password = "$A_PASS1"; ca_file = "$CA_FILE"; };
};
stores = { default = { relays = ["one"]; }; };
END
/usr/bin/python3 "$HARNESS/integrity.py" "${TP_BUILD:-$root/build}" "$work"
