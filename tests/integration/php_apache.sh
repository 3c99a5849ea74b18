#!/bin/sh
# php_apache.sh - the extension in Apache: mod_php, .htaccess, SetEnv
#
# JOB     See tests/harness/php/apache_check.py.
# SPDX-License-Identifier: MIT

set -u
. "$(dirname "$0")/../harness/php/scratch.sh"

# A check that is killed leaves its server behind, in a session of its own.
clean_up()
{
	[ ! -s "$scratch/apache/pid" ] ||
		kill "$(cat "$scratch/apache/pid")" 2>/dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT

php_ini >"$scratch/tillpost.ini"
php_extensions posix >>"$scratch/tillpost.ini"
chmod 1777 "$scratch"
/usr/bin/python3 -B "$root/tests/harness/php/apache_check.py" "$scratch" \
	"$scratch/tillpost.ini" "$root/tests/harness/php/worker.php"
