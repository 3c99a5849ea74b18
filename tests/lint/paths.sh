#!/bin/sh
# paths.sh - nothing refers to the machine it was written on
#
# JOB     paths.sh [ROOT]
#         No home directories, no working directories of build machines in
#         any text file outside build/ and .git/.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

# This file must name them, selftest.sh must use one.
if grep -rnIE '(^|[^A-Za-z0-9_.}/])/(home/[a-z]+/|root/|work/|Users/)' . \
	--exclude-dir=.git --exclude-dir=build \
	--exclude=paths.sh --exclude=selftest.sh; then
	echo "a path of one machine: use a relative path or a variable"
	exit 1
fi
