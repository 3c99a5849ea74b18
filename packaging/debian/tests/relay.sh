# relay.sh - a library: the relay of the tests, built from their source
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   relay_start [PORT]   sets port
#   relay_stop
#   relay_took COUNT     so many mails, within 15 s, each once

set -eu
work=${AUTOPKGTEST_TMP:?}
inside=tests/package/inside.sh
trap 'relay_stop; "$inside" stop' EXIT
pid=

[ -x "$work/sink" ] || gcc -O1 -D_GNU_SOURCE -o "$work/sink" tests/bench/sink.c
: >"$work/mail.log"

relay_start()
{
	"$work/sink" --auth --port "${1:-0}" --log "$work/mail.log" \
		>"$work/sink.out" &
	pid=$!
	port=
	until [ -n "$port" ]; do
		sleep 0.1
		port=$(sed -n 's/^port //p' "$work/sink.out")
	done
}

relay_stop()
{
	[ -z "$pid" ] || kill "$pid"
	pid=
}

relay_took()
{
	tries=0
	while [ "$(wc -l <"$work/mail.log")" -lt "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 150 ] || break
		sleep 0.1
	done
	if [ "$(cut -f 6 "$work/mail.log" | sort -u | wc -l)" -ne "$1" ] ||
		[ "$(wc -l <"$work/mail.log")" -ne "$1" ]; then
		echo "not $1 mails, each once:"
		cat "$work/mail.log"
		exit 1
	fi
}
