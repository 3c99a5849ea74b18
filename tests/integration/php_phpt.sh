#!/bin/sh
# php_phpt.sh - the tests of the PHP extension, run by PHP's own run-tests.php
#
# JOB     php_phpt.sh [TEST...]
#         TEST is a file in module/hosts/php/tests without ".phpt"; without
#         one all are run. None may be skipped. The tests run on a copy.
# SPDX-License-Identifier: MIT

set -u
. "$(dirname "$0")/../harness/php/scratch.sh"

run_tests=$("$php_config" --extension-dir)/build/run-tests.php
[ -f "$run_tests" ] || run_tests=$("$php_config" --prefix)/lib/php/build/run-tests.php
[ -f "$run_tests" ] || die "run-tests.php is not installed (php-dev)"

cp -r "$root/module/hosts/php/tests" "$scratch/tests"
cd "$scratch/tests" || exit 1
"${CC:-gcc}" -std=c11 -Wall -Wextra -Werror -fPIC -shared \
	-I"$root/include" -o odd_plugin.so "$root/tests/harness/php/odd_plugin.c" ||
	die "the odd plugin does not compile"
chmod go-w odd_plugin.so .
# Two that are known by what they are called.
ln -s "$build/bin/tillpost-sendmail" sendmail-link
ln -s "$sendmail" tillpost-sendmail
if [ $# -gt 0 ]; then
	set -- $(printf '%s.phpt ' "$@")
else
	set -- .
fi

php_ini >"$scratch/php.ini"
php_extensions imap >>"$scratch/php.ini"
printf 'sendmail_path=%s\n' "$sendmail" >>"$scratch/php.ini"

TP_INI=$scratch/php.ini
export TP_INI
# run-tests.php passes "-d" on to the tests, but no file.
settings=$(sed 's/^/-d /' "$scratch/php.ini" | tr '\n' ' ')
TEST_PHP_EXECUTABLE=$(command -v "$php")
NO_INTERACTION=1
REPORT_EXIT_STATUS=1
export TEST_PHP_EXECUTABLE NO_INTERACTION REPORT_EXIT_STATUS
# shellcheck disable=SC2086
"$TEST_PHP_EXECUTABLE" -n "$run_tests" -n -q --offline $settings "$@" \
	>"$scratch/out" 2>&1
status=$?
grep -E '^(FAIL|SKIP|BORK|WARN|LEAK)|^Tests (passed|failed|skipped) *:' \
	"$scratch/out" || tail -30 "$scratch/out"
for diff in *.diff; do
	[ -f "$diff" ] && head -60 "$diff"
done
[ $status -eq 0 ] || exit 1
grep -qE '^Tests skipped *: *0 ' "$scratch/out" || die "tests were skipped"
