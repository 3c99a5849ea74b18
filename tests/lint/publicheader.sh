#!/bin/sh
# publicheader.sh - the public header compiles alone, everywhere
#
# JOB     publicheader.sh [ROOT]
#         <tillpost/abi.h> as the only include of a C99, C11 and C++17 file,
#         with gcc and clang, strict warnings and no hidden padding.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1
found=0

# compile LANGUAGE COMPILER...
compile()
{
	language=$1
	shift
	echo '#include <tillpost/abi.h>' |
		"$@" -Iinclude -Wall -Wextra -Wpedantic -Wpadded -Wshadow \
			-Werror -fsyntax-only -x "$language" - && return
	echo "include/tillpost/abi.h: fails with: $* ($language)"
	found=1
}

for compiler in gcc clang-14; do
	compile c $compiler -std=c99
	compile c $compiler -std=c11
	compile c++ $compiler -std=c++17
done
exit $found
