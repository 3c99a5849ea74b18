#!/bin/sh
# php_valgrind.sh - the extension under valgrind
#
# JOB     Runs many cases of tests/harness/php/cases.php in one PHP with its
#         allocator switched off, so that valgrind sees every block: no error,
#         nothing lost. The same once more with a spool that does not exist,
#         for the way back to the original functions.
# SPDX-License-Identifier: MIT

set -u
. "$(dirname "$0")/../harness/php/scratch.sh"

php_ini >"$scratch/php.ini"
{
	printf 'sendmail_path=%s -t -i\n' "$sendmail"
	printf 'error_log=%s/error.log\n' "$scratch"
	echo "pcre.jit=0" # valgrind does not see what it writes
} >>"$scratch/php.ini"
USE_ZEND_ALLOC=0
ZEND_DONT_UNLOAD_MODULES=1
export USE_ZEND_ALLOC ZEND_DONT_UNLOAD_MODULES

# under_valgrind PHP-ARGUMENT...
under_valgrind()
{
	valgrind -q --leak-check=full --show-leak-kinds=definite \
		--errors-for-leak-kinds=definite --error-exitcode=99 \
		--log-file="$scratch/valgrind" "$php" -n -c "$scratch/php.ini" \
		"$@" >"$scratch/out" 2>&1
	status=$?
	[ $status -eq 0 ] && grep -q '^end of case' "$scratch/out" && return
	head -60 "$scratch/valgrind"
	tail -5 "$scratch/out"
	die "exit status $status with: $*"
}

cases=$root/tests/harness/php/cases.php
under_valgrind "$cases" plain headers headers_array headers_array_bad \
	headers_malformed sender shell_characters recipients_in_parameters \
	wrong_types weak_types named_arguments error_log silenced \
	address_lists odd_options refused_options error_log_without_mail \
	mb_send_mail_headers mb_send_mail_parameters sendmail_by_popen \
	sendmail_by_proc_open sendmail_by_objects \
	sendmail_with_foreign_options local_recipient shutdown
under_valgrind -d tillpost.spool=/nonexistent -d mail.add_x_header=1 \
	-d "mail.log=$scratch/mail.log" "$cases" plain headers_array \
	error_log mb_send_mail_settings
echo "no errors, $(find "$TP_SPOOL/incoming" -type f | wc -l) mails accepted"
