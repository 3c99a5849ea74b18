#!/bin/sh
# quick.sh - throughput of the engine as a ratio to a plain libcurl loop
#
# JOB     make bench-quick. A loopback sink without TLS, 2 KB messages. In
#         each round, one after the other and on the same sink: libcurl, one
#         connection, one easy handle, nothing stored; the engine alone, one
#         connection; queue, engine and log, one connection, then four. Prints
#         each round and the medians. Rounds are short and taken in turn,
#         because the machine's speed changes; only the ratios mean anything.
#         ROUNDS=N COUNT=N BYTES=N
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
bench=${TP_TESTS:-$root/build/default/tests}/bench
rounds=${ROUNDS:-7}
count=${COUNT:-4000}
bytes=${BYTES:-2048}
work=$(mktemp -d "${TMPDIR:-/tmp}/tpb.XXXXXX") || exit 1
sink=

clean_up()
{
	[ -z "$sink" ] || kill "$sink" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# through_queue CONNECTIONS
through_queue()
{
	mkdir -m 700 "$work/q"
	"$bench/send_bench" queue "$port" "$count" "$bytes" "$1" "$work/q"
	rm -rf "$work/q"
}

"$bench/sink" --port 0 >"$work/port" &
sink=$!
waited=0
until [ -s "$work/port" ] || [ $waited -ge 100 ]; do
	sleep 0.05
	waited=$((waited + 1))
done
read -r _ port <"$work/port"

echo "$(nproc) cores, $bytes-byte messages, $count each, messages per second"
echo "libcurl engine queue-1 queue-4"
round=0
while [ $round -lt "$rounds" ]; do
	curl=$("$bench/curl_loop" "$port" "$count" "$bytes") || exit 1
	curl=$(echo "$curl" | sed 's|.*: \([0-9.]*\) msg/s.*|\1|')
	engine=$("$bench/send_bench" transport "$port" "$count" "$bytes" 1) ||
		exit 1
	one=$(through_queue 1) || exit 1
	four=$(through_queue 4) || exit 1
	echo "$curl $engine $one $four"
	round=$((round + 1))
done | tee "$work/rounds"

/usr/bin/python3 - "$work/rounds" <<'END'
import statistics, sys

rounds = [list(map(float, line.split())) for line in open(sys.argv[1])]
names = ("engine alone, 1 connection", "queue and log, 1 connection",
         "queue and log, 4 connections")
for at, (name, goal) in enumerate(zip(names, (0.8, 0.4, 0.7)), 1):
    ratios = sorted(row[at] / row[0] for row in rounds)
    print(f"{name}: {statistics.median(ratios):.2f} of libcurl "
          f"(from {ratios[0]:.2f} to {ratios[-1]:.2f}; goal {goal})")
END
