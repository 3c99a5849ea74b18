#!/bin/sh
# format.sh - C as clang-format 14 writes it
#
# JOB     format.sh [ROOT]
#         Compares every C file with what .clang-format of ROOT gives; "make
#         format" repairs. Other versions of clang-format differ in details,
#         so only 14 counts.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

tool=$(command -v clang-format-14 || command -v clang-format) || tool=
case $("${tool:-false}" --version 2>/dev/null) in
*' version 14.'*) ;;
*)
	echo "clang-format 14 is not installed: run packaging/deps.sh test"
	exit 1
	;;
esac

# One line per file is enough: "make format" shows the rest.
found=$(find module include config tests -name '*.[ch]' -exec \
	"$tool" --dry-run -Werror --style=file {} + 2>&1 |
	sed -nE 's/^([^:]+):[0-9]+:[0-9]+: error: .*/\1/p' | sort | uniq -c)
[ -z "$found" ] && exit 0
printf 'places FILE not as clang-format writes it; run make format\n%s\n' \
	"$found"
exit 1
