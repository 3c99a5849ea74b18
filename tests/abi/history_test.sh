#!/bin/sh
# history_test.sh - abi_history.txt tells the truth
#
# JOB     Its names are those of abi.h and of the frozen layout, no more and no
#         fewer; its newest version is the one abi.h declares.
# SPDX-License-Identifier: MIT

set -u
cd "$(dirname "$0")/../.." || exit 1

header=include/tillpost/abi.h
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

grep -v '^#' include/tillpost/abi_history.txt >"$scratch/history"
awk '{ print $1 }' "$scratch/history" | sort >"$scratch/listed"
{
	echo tillpost_plugin_v1
	sed -nE 's/^#define (TILLPOST_[A-Z0-9_]+).*/\1/p' $header |
		grep -vE '^TILLPOST_ABI_(H|MAJOR|MINOR)$'
	sed -nE 's/^FIELD\(([a-z_]+), ([a-z_]+),.*/tillpost_\1.\2/p' \
		tests/abi/layout_v1.h
} | sort >"$scratch/there"

if ! diff "$scratch/listed" "$scratch/there"; then
	echo "< only in abi_history.txt; > only in abi.h or layout_v1.h"
	exit 1
fi

version=$(awk '$2 == "TILLPOST_ABI_MAJOR" { major = $3 }
	$2 == "TILLPOST_ABI_MINOR" { minor = $3 }
	END { print major "." minor }' $header)
newest=$(awk '{ print $2 }' "$scratch/history" | sort -V | tail -n 1)
if [ "$version" != "$newest" ]; then
	echo "abi.h is $version, the newest line of the history is $newest"
	exit 1
fi

if grep -vE '^[A-Za-z0-9_.]+ +1\.[0-9]+ +(-|1\.[0-9]+)$' "$scratch/history"
then
	echo "not of the form NAME SINCE DEPRECATED"
	exit 1
fi
