#!/bin/sh
# run.sh - runs tests one after the other and counts
#
# JOB     run.sh [-t SECONDS] [-l LOG_DIR] [-w WRAPPER] COMMAND...
#         Each COMMAND is a program or script, with arguments if it has any;
#         WRAPPER, for example "valgrind -q", goes before each. Each runs from
#         the root of the repository, without input, at most SECONDS (600),
#         and its output goes to a file in LOG_DIR (build/log). One line per
#         test; the end of the output of those that failed. The last line is
#         "N passed, N failed".
# ERRORS  Exit status 1 if a test failed or there was none.
# SPDX-License-Identifier: MIT

set -u
cd "$(dirname "$0")/.." || exit 1

limit_s=600
log_dir=build/log
wrapper=
while getopts t:l:w: option; do
	case $option in
	t) limit_s=$OPTARG ;;
	l) log_dir=$OPTARG ;;
	w) wrapper=$OPTARG ;;
	*) exit 64 ;;
	esac
done
shift $((OPTIND - 1))
mkdir -p "$log_dir" || exit 1

passed=0
failed=0
failed_names=

for command in "$@"; do
	name=${command#build/}
	log=$log_dir/$(printf '%s' "$name" | tr -c 'A-Za-z0-9_.-' '_').log
	start_ms=$(date +%s%3N)
	timeout -k 10 "$limit_s" sh -c "exec $wrapper $command" \
		</dev/null >"$log" 2>&1
	status=$?
	took=$(($(date +%s%3N) - start_ms))
	took=$(printf '%d.%03d s' $((took / 1000)) $((took % 1000)))

	if [ $status -eq 0 ]; then
		passed=$((passed + 1))
		printf 'ok    %-60s %s\n' "$name" "$took"
		continue
	fi
	failed=$((failed + 1))
	failed_names="$failed_names  $name ($log)
"
	why="exit status $status"
	[ $status -ne 124 ] || why="more than $limit_s s"
	printf 'FAIL  %-60s %s (%s)\n' "$name" "$took" "$why"
	tail -n 40 "$log" | sed 's/^/      | /'
done

[ -z "$failed_names" ] || printf '\nfailed:\n%s' "$failed_names"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
