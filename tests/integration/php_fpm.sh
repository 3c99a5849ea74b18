#!/bin/sh
# php_fpm.sh - the extension in PHP-FPM: who opens what, reloads under load
#
# JOB     See tests/harness/php/fpm_check.py.
# SPDX-License-Identifier: MIT

set -u
. "$(dirname "$0")/../harness/php/scratch.sh"

php_ini >"$scratch/tillpost.ini"
php_extensions posix >>"$scratch/tillpost.ini"
chmod 1777 "$scratch/record" "$scratch"
cp "$root/tests/harness/php/worker.php" "$scratch/worker.php"
chmod 644 "$scratch/worker.php"
/usr/bin/python3 -B "$root/tests/harness/php/fpm_check.py" "$scratch" \
	"$scratch/tillpost.ini" "$scratch/worker.php"
