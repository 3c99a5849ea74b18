#!/bin/bash
# logrotate_test.sh - the outcome log is rotated while mail flows
#
# JOB     In a bare root with logrotate: the shipped file is taken without a
#         complaint; two rotations are forced while programs send and the
#         daemon delivers. Each delivery has one line in one of the files, the
#         daemon goes on in the new one, and the older one is compressed.
# NEEDS   root, the mirror
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh

mails=60
log=$root/var/log/tillpost/outcome.jsonl

lines()
{
	{ wc -l <"$log"; } 2>/dev/null || echo 0
}

# wait_lines COUNT: so many in the file of today
wait_lines()
{
	for _ in $(seq 100); do
		[ "$(lines)" -lt "$1" ] || return 0
		sleep 0.1
	done
	fail "not $1 lines in the new file, $(lines)"
}

# rotate: as the timer does, but now
rotate()
{
	in_root logrotate --force /etc/logrotate.d/tillpost \
		>"$work/logrotate.out" 2>&1 || {
		cat "$work/logrotate.out"
		fail "logrotate ended with $?"
	}
	[ ! -s "$work/logrotate.out" ] || {
		cat "$work/logrotate.out"
		fail "logrotate complains"
	}
}

mkdir -p "$work"
built first
step "a bare Debian with logrotate"
root_base logrotate logrotate
root_open logrotate
apt update
offer "$work/first"
apt install tillpost
in_root logrotate --debug /etc/logrotate.conf >"$work/logrotate.out" 2>&1
if grep -i error "$work/logrotate.out"; then
	fail "logrotate does not like the file"
fi
sink_start 0
inside configure "$port"
inside start

step "$mails mails, two rotations"
for i in $(seq $mails); do
	inside accept "mail $i"
	sleep 0.05
done &
sender=$!
wait_lines 5
rotate
first=$(ls "$log"-*)
wait_lines 5
# The name has the date, and this is the second of today.
mv "$first" "$log-20200101"
rotate
wait_lines 5
wait $sender
arrived $mails
inside sent $mails
last=$(lines)
inside accept "the last one"
wait_lines $((last + 1))

step "one line for each"
ls -l "$root/var/log/tillpost"
[ -s "$log-20200101.gz" ] || fail "the older one is not compressed"
[ "$(ls "$log"*)" = "$(printf '%s\n' "$log" "$log-"2*)" ] || fail "other files"
for file in "$log" "$log-"*; do
	[ "$(in_root stat -c '%a %U' "${file#"$root"}")" = "640 tillpost" ] ||
		[ "$(in_root stat -c '%a %U' "${file#"$root"}")" = "600 tillpost" ] ||
		fail "$file is $(in_root stat -c '%a %U' "${file#"$root"}")"
done
gzip -cdf "$log" "$log-"* >"$work/outcomes"
sed -n 's/.*"queue_id": *"\([^"]*\)".*/\1/p' "$work/outcomes" | sort -u |
	wc -l >"$work/ids"
[ "$(wc -l <"$work/outcomes") $(cat "$work/ids")" = \
	"$((mails + 1)) $((mails + 1))" ] ||
	fail "$(wc -l <"$work/outcomes") lines of $(cat "$work/ids") mails"
step "$((mails + 1)) lines, each once"
inside stop
sink_stop
root_close
