#!/bin/sh
# kill.sh - kill -9 at random instants, 300 times: nothing accepted is lost
#
# JOB     A host that submits and delivers at the same time is killed again
#         and again; a sink records each Message-ID before it answers the dot.
#         At the end the queue is drained. Then: every message that submit()
#         acknowledged has arrived; a second copy exists only of a message
#         whose delivery a kill cut off (its outcome log says "unknown").
#         ROUNDS=N changes the number of rounds.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
tests=${TP_TESTS:-$root/build/default/tests}
work=$(mktemp -d "${TMPDIR:-/tmp}/tpk.XXXXXX") || exit 1
sink=

clean_up()
{
	[ -z "$sink" ] || kill "$sink" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

umask 077
"$tests/bench/sink" --port 0 --log "$work/received" >"$work/port" &
sink=$!
waited=0
until [ -s "$work/port" ] || [ $waited -ge 100 ]; do
	sleep 0.05
	waited=$((waited + 1))
done
read -r _ port <"$work/port"
cat >"$work/t.conf" <<END
queue = { path = "$work/queue.db"; retry_base = "1s"; retry_cap = "2s";
          unknown_retry = "1s"; unknown_retry_max = 100; };
log = { path = "$work/outcome.jsonl"; };
relays = { sink = { host = "127.0.0.1"; port = $port; tls = "none";
                    auth = "none"; }; };
stores = { default = { relays = ["sink"]; }; };
END
/usr/bin/python3 "$root/tests/harness/kill.py" "$build" "$tests" "$work" \
	"${ROUNDS:-300}"
