#!/bin/sh
# run.sh - runs tests, several at a time, and counts
#
# JOB     run.sh [-j JOBS] [-t SECONDS] [-l LOG_DIR] [-w WRAPPER] COMMAND...
#         Each COMMAND is a program or script, with arguments if it has any;
#         WRAPPER, for example "valgrind -q", goes before each. Each runs from
#         the root of the repository, without input, at most SECONDS (600),
#         and its output goes to a file in LOG_DIR (build/log). JOBS (1) of
#         them run at the same time. One line per test as it ends; the end of
#         the output of those that failed. The last line is
#         "N passed, N failed".
# ERRORS  Exit status 1 if a test failed or there was none.
# SPDX-License-Identifier: MIT

set -u
cd "$(dirname "$0")/.." || exit 1

jobs=1
limit_s=600
log_dir=build/log
wrapper=
while getopts j:t:l:w: option; do
	case $option in
	j) jobs=$OPTARG ;;
	t) limit_s=$OPTARG ;;
	l) log_dir=$OPTARG ;;
	w) wrapper=$OPTARG ;;
	*) exit 64 ;;
	esac
done
shift $((OPTIND - 1))
mkdir -p "$log_dir" || exit 1
results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT
trap 'exit 1' HUP INT TERM

# Runs one test and writes what is to be seen of it; called by xargs.
# shellcheck disable=SC2016 # for the inner shell
one='
	name=${5#build/}
	file=$(printf "%s" "$name" | tr -c "A-Za-z0-9_.-" "_")
	log=$3/$file.log
	start_ms=$(date +%s%3N)
	timeout -k 10 "$2" sh -c "exec $4 $5" </dev/null >"$log" 2>&1
	status=$?
	took=$(($(date +%s%3N) - start_ms))
	took=$(printf "%d.%03d s" $((took / 1000)) $((took % 1000)))
	if [ $status -eq 0 ]; then
		printf "ok    %-60s %s\n" "$name" "$took"
		echo >"$1/$file.passed"
		exit 0
	fi
	why="exit status $status"
	[ $status -ne 124 ] || why="more than $2 s"
	echo "  $name ($log)" >"$1/$file.failed"
	{
		printf "FAIL  %-60s %s (%s)\n" "$name" "$took" "$why"
		tail -n 40 "$log" | sed "s/^/      | /"
	} >"$1/$file.report"
	flock "$1" cat "$1/$file.report"
'
[ $# -eq 0 ] || printf '%s\0' "$@" |
	xargs -0 -n 1 -P "$jobs" sh -c "$one" run.sh \
		"$results" "$limit_s" "$log_dir" "$wrapper"

count()
{
	find "$results" -name "*.$1" | wc -l
}

passed=$(count passed)
failed=$(($# - passed))
if [ $failed -gt 0 ]; then
	printf '\nfailed:\n'
	cat "$results"/*.failed
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ "$passed" -gt 0 ]
