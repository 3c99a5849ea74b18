#!/bin/sh
# headers.sh - every source file says what it is
#
# JOB     headers.sh [ROOT]
#         C files begin with a comment "name - one line"; headers of the
#         module go on with JOB or LAYER. Scripts carry the same line. All
#         carry the SPDX line of the licence. It is looked for in the first
#         70 lines.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

# shellcheck disable=SC2016 # a program of awk
check='
function complain(text)
{
	print file ": " text
	found = 1
}

function judge()
{
	if (file == "")
		return
	if (!named && is_c)
		complain("does not begin with a comment \"" name " - ...\"")
	if (!named && !is_c)
		complain("has no line \"" name " - ...\" at its top")
	if (!licence)
		complain("no SPDX line in the first comment")
	if (file ~ /^module\/.*\.h$/ && !job)
		complain("the first comment has no JOB or LAYER")
}

# The name that FILE must give itself
function own_name(parts, count)
{
	if (file == "include/tillpost/abi.h")
		return "tillpost/abi.h"
	count = split(file, parts, "/")
	return parts[count]
}

FNR == 1 {
	judge()
	file = FILENAME
	name = own_name()
	is_c = file ~ /\.[ch]$/
	named = licence = job = 0
	opened = $0 == "/*"
}

is_c && FNR == 2 { named = opened && index($0, " * " name " - ") == 1 }
!is_c && FNR <= 3 && (index($0, "# " name " - ") == 1 ||
	index($0, "\"\"\"" name " - ") == 1) { named = 1 }
/SPDX-License-Identifier: MIT/ { licence = 1 }
/^ \* (JOB|LAYER) / { job = 1 }
FNR == 70 { nextfile }

END {
	judge()
	exit found
}
'

sources()
{
	find module include config tests -name '*.[ch]' "$@"
	find tests packaging config .ci Makefile \( -name '*.sh' \
		-o -name '*.py' -o -name '*.awk' -o -name '*.mk' \
		-o -name Makefile -o -path .ci/run \) "$@"
}

status=0
sources ! -empty | sort | xargs awk "$check" || status=1
empty=$(sources -empty)
if [ -n "$empty" ]; then
	echo "empty: $empty"
	status=1
fi
exit $status
