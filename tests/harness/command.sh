# command.sh - runs tillpost and looks at what it did
#
# JOB     A library for the tests of a command: each run must end with the
#         code that the test names, and what it printed is kept and searched.
#
# USE     HARNESS=tests/harness; . "$HARNESS/command.sh"
#
#   run CODE ARGUMENT...        tillpost ends with CODE
#   ran COMMAND...              any other command; its code is in $got, and the
#                               caller judges it
#   shows out|err PATTERN       the last one printed PATTERN (grep -E) there
#   shows_not out|err PATTERN   it did not
#   fail WORD...                ends the test with what was printed last, and
#                               with what show_more prints: nothing, unless the
#                               caller defines it after this
#
# NEEDS   work, a directory; tillpost, the program (run only); input, the file
#         that is standard input (/dev/null).
# RESULT  $work/out and $work/err have the output of the last command,
#         $work/everything that of all: for the search for secrets. checks
#         counts what was checked here; the caller adds its own.
# ERRORS  Ends the caller, with 1, at the first check that fails.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154

input=/dev/null
checks=0

show_more() { :; }

fail()
{
	echo "FAILED: $*"
	echo "--- standard output"
	cat "$work/out"
	echo "--- standard error"
	cat "$work/err"
	show_more
	exit 1
}

ran()
{
	"$@" <"$input" >"$work/out" 2>"$work/err"
	got=$?
	cat "$work/out" "$work/err" >>"$work/everything"
	checks=$((checks + 1))
}

run()
{
	wanted=$1
	shift
	ran "$tillpost" "$@"
	[ $got -eq "$wanted" ] ||
		fail "tillpost $*: exit code $got, expected $wanted"
}

shows()
{
	checks=$((checks + 1))
	grep -qE -- "$2" "$work/$1" || fail "no \"$2\" in $1"
}

shows_not()
{
	checks=$((checks + 1))
	! grep -qE -- "$2" "$work/$1" || fail "\"$2\" in $1"
}
