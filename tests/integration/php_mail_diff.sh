#!/bin/sh
# php_mail_diff.sh - stock mail() and the extension's behave alike
#
# JOB     Runs each case of tests/harness/php/cases.php on both, as command
#         line and under FPM, with and without opcache. What may differ stands
#         in tests/harness/php/differences.txt.
# SPDX-License-Identifier: MIT

set -u
. "$(dirname "$0")/../harness/php/scratch.sh"

php_ini >"$scratch/tillpost.ini"
# The workers of FPM are another user.
chmod 1777 "$scratch/record" "$scratch"
cp "$root/tests/harness/php/cases.php" "$scratch/cases.php"
chmod 644 "$scratch/cases.php"
cd "$scratch" || exit 1
/usr/bin/python3 -B "$root/tests/harness/php/diff.py" "$scratch" \
	"$(command -v "$php")" "$scratch/tillpost.ini" "$scratch/cases.php" \
	"$root/tests/harness/php/differences.txt"
