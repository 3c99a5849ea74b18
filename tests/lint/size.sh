#!/bin/sh
# size.sh - functions that are too long
#
# JOB     size.sh [ROOT]
#         A function of more than 80 lines fails, unless it stands with its
#         reason in size_exceptions.txt: FILE FUNCTION REASON. More than 60
#         lines is a warning. Tests count too. Constant tables inside a
#         function do not count: they are data.
# BOUNDS  Knows a function by "{" and "}" alone in the first column, which
#         format.sh ensures.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

# shellcheck disable=SC2046
awk -v exceptions=tests/lint/size_exceptions.txt '
BEGIN {
	while ((getline line < exceptions) > 0) {
		split(line, word, /[ \t]+/)
		excepted[word[1] " " word[2]] = 1
	}
}

FNR == 1 {
	start = 0
}

# The last line in the first column with a "(" names the function.
/^[A-Za-z_].*\(/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ \t*]/, "", name)
}

/^\{/ {
	start = FNR
	table = 0
	data = 0
}

/^\t(static )?const .*\{$/ {
	table = FNR
}

/^\t\};/ && table {
	data += FNR - table + 1
	table = 0
}

/^\}/ && start {
	lines = FNR - start - 1 - data
	if (lines > 80 && !((FILENAME " " name) in excepted)) {
		print FILENAME ":" start ": " name "() has " lines \
			" lines; at most 80"
		bad = 1
	} else if (lines > 60) {
		print FILENAME ":" start ": warning: " name "() has " lines \
			" lines"
	}
	start = 0
}

END {
	exit bad
}
' $(find module config tests -name '*.c')
