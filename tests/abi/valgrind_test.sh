#!/bin/sh
# valgrind_test.sh - the life of a plugin without an error or a leak
#
# JOB     Runs dlopen_cycle_test and old_host_test under valgrind. Memory that
#         libraries keep in reachable statics until the process ends is not a
#         leak; definitely, indirectly and possibly lost memory is.
# SPDX-License-Identifier: MIT

set -u
cd "$(dirname "$0")/../.." || exit 1

for test in dlopen_cycle_test old_host_test; do
	valgrind -q --leak-check=full --error-exitcode=99 \
		--errors-for-leak-kinds=definite,indirect,possible \
		"${TP_BUILD:-build/default}/tests/abi/$test" || exit 1
done
