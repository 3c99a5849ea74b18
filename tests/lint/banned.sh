#!/bin/sh
# banned.sh - calls that have no place in this code
#
# JOB     banned.sh [ROOT]
#         Everywhere: calls without bounds, without error report, with hidden
#         state. Outside hosts and tests: ending the process. In the module
#         outside base/mem.c and hosts: the allocator itself. In the module:
#         SQL put together by formatting. Exceptions stand with their reason
#         in banned_exceptions.txt: FILE WORD REASON.
# SPDX-License-Identifier: MIT

set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 1

exceptions=tests/lint/banned_exceptions.txt
found=0

# code FOLDER...: all C below them as file:line:code
code()
{
	find "$@" -name '*.[ch]' -exec awk -f "$here/strip.awk" {} +
}

# excepted FILE WORD
excepted()
{
	[ -f $exceptions ] && grep -q "^$1[[:blank:]]$2[[:blank:]]" $exceptions
}

# report WORDS WHY: standard input is code; a call of one of WORDS (a|b) fails
report()
{
	calls=$(grep -E "(^|[^A-Za-z0-9_>.])($1)[[:blank:]]*\(")
	[ -n "$calls" ] || return 0
	while IFS= read -r line; do
		file=${line%%:*}
		word=$(printf '%s\n' "${line#*:*:}" |
			grep -oE "(^|[^A-Za-z0-9_>.])($1)[[:blank:]]*\(" |
			head -n 1 | tr -cd 'A-Za-z0-9_')
		excepted "$file" "$word" && continue
		echo "$line"
		echo "    $word(): $2"
		found=1
	done <<-END
	$calls
	END
}

all=$(code module include config tests)
library=$(printf '%s\n' "$all" | grep -Ev '^(module/hosts|tests|config)/')

report 'strcpy|strcat|sprintf|vsprintf|gets|stpcpy' \
	'no bound: use base/buf.h or snprintf' <<END
$all
END
report 'atoi|atol|atoll|atof' \
	'cannot report an error: use base/text.h' <<END
$all
END
report 'strtok|gmtime|localtime|ctime|asctime|strerror' \
	'static storage: use the form with _r or base/' <<END
$all
END
report 'system|popen' 'runs a shell' <<END
$all
END
report 'exit|_exit|_Exit|abort|quick_exit' \
	'only a host may end the process: return an error' <<END
$library
END
report 'malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf' \
	'use base/mem.h, where a test can make it fail' <<END
$(printf '%s\n' "$library" | grep -v '^module/base/mem\.c:')
END
report 'sqlite3_v?mprintf|sqlite3_v?snprintf' \
	'SQL by formatting: use parameters' <<END
$library
END

# A literal that starts a statement and has a conversion in it. A literal is
# text, so this one looks at the lines as they are.
if sql=$(grep -rnE --include='*.[ch]' \
	'"[^"]*\b(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|VALUES|WHERE)\b[^"]*%[0-9l]*[sdiuxz]' \
	module); then
	echo "$sql"
	echo "    SQL by formatting: use parameters"
	found=1
fi

exit $found
