#!/bin/sh
# build_test.sh - the packages and archives are reproducible and lintian-clean
#
# JOB     Builds everything twice in different directories and compares the
#         bytes; lintian must find no error and no warning. The first build
#         stays in build/package/first for the tests that install it; the
#         first of them that needs the same as a later version builds that.
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."
work=build/package
mkdir -p "$work"

# first has a longer name, and neither has the same depth as the other.
for dir in first second/deeper; do
	echo "building in $dir"
	packaging/deb.sh "$work/$dir" >/dev/null
	/usr/bin/python3 -B packaging/zips.py "$work/$dir" >/dev/null
done
sums()
{
	(cd "$1" && sha256sum -- *.deb *.zip)
}
sums "$work/first" >"$work/first.sums"
sums "$work/second/deeper" >"$work/second.sums"
if ! diff "$work/first.sums" "$work/second.sums"; then
	echo "the same sources gave different packages"
	exit 1
fi
wc -l <"$work/first.sums" | sed 's/$/ files are the same bytes twice/'
rm -rf "$work/second"

rm -rf "$work/next"
lintian --allow-root --fail-on error,warning "$work"/first/*.changes
echo "lintian: no errors, no warnings"
