#!/bin/sh
# headers.sh - every source file says what it is
#
# JOB     headers.sh [ROOT]
#         C files begin with a comment "name - one line"; headers of the
#         module go on with JOB or LAYER. Scripts carry the same line. All
#         carry the SPDX line of the licence.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1
found=0

complain()
{
	echo "$1: $2"
	found=1
}

# The top of FILE, where all this stands
top()
{
	sed -n 1,70p "$1"
}

for file in $(find module include config tests -name '*.[ch]' | sort); do
	name=$(basename "$file")
	[ "$file" != include/tillpost/abi.h ] || name=tillpost/abi.h
	[ "$(sed -n 1p "$file")" = '/*' ] &&
		sed -n 2p "$file" | grep -qF " * $name - " ||
		complain "$file" "does not begin with a comment \"$name - ...\""
	top "$file" | grep -qF 'SPDX-License-Identifier: MIT' ||
		complain "$file" 'no SPDX line in the first comment'
	case $file in
	module/*.h)
		top "$file" | grep -qE '^ \* (JOB|LAYER) ' ||
			complain "$file" 'the first comment has no JOB or LAYER'
		;;
	esac
done

for file in $(find tests packaging config .ci Makefile -name '*.sh' -o \
	-name '*.py' -o -name '*.awk' -o -name '*.mk' -o -name Makefile \
	-o -path .ci/run | sort); do
	name=$(basename "$file")
	sed -n 1,3p "$file" | grep -qE "^(# |\"\"\")$name - " ||
		complain "$file" "has no line \"$name - ...\" at its top"
	top "$file" | grep -qF 'SPDX-License-Identifier: MIT' ||
		complain "$file" 'no SPDX line in the first comment'
done

exit $found
