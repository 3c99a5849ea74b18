#!/bin/sh
# manpages.sh - the manual pages are well formed
#
# JOB     manpages.sh [ROOT]
#         mandoc reads every page without a warning.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

if ! command -v mandoc >/dev/null; then
	echo "mandoc is not installed: run packaging/deps.sh test"
	exit 1
fi
found=0
for page in packaging/man/*.[1-8]; do
	mandoc -T lint -W warning "$page" || found=1
done
exit $found
