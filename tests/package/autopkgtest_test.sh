#!/bin/bash
# autopkgtest_test.sh - the packages' own tests, by Debian's autopkgtest
#
# JOB     For each stanza of packaging/debian/tests/control autopkgtest runs
#         its tests in a fresh bare root: it reads the control file, installs
#         what the tests depend on, gives them their directories, and judges.
#         Its "chroot" can neither be thrown away nor claim to be isolated, so
#         it would skip these tests; both is true of the roots here, hence
#         --ignore-restrictions. No test may be skipped.
# NEEDS   root, autopkgtest, and the Debian mirror of this machine
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh
source=$work/autopkgtest/source

# stanza NAME...: its tests
stanza()
{
	local name output names=()

	output=$work/autopkgtest/$1
	for name in "$@"; do
		names+=("--test-name=$name")
	done
	root_open autopkgtest
	apt update
	mount --bind "$cache/archives" "$root/var/cache/apt/archives"
	env -u TP_BUILD -u TILLPOST_PLUGIN -u DEBIAN_FRONTEND \
		autopkgtest --no-built-binaries "${names[@]}" \
		--ignore-restrictions=isolation-container,breaks-testbed \
		--output-dir="$output" "$work"/first/*.deb "$source" \
		-- chroot "$root" >"$output.log" 2>&1 || {
		tail -n 60 "$output.log"
		fail "autopkgtest ended with $?: $*"
	}
	cat "$output/summary"
	for name in "$@"; do
		grep -Eq "^$name +PASS$" "$output/summary" ||
			fail "$name has not passed"
	done
}

built first
root_base autopkgtest php-cli gcc libc6-dev pkg-config dpkg-dev apt-utils
rm -rf "$work/autopkgtest"
mkdir -p "$source"
cp -R tests packaging "$source/"
cp -R packaging/debian "$source/debian"
autopkgtest --version 2>/dev/null || dpkg-query -W autopkgtest
while read -r key value; do
	[ "$key" = Tests: ] || continue
	step "$value"
	# shellcheck disable=SC2086 # several words
	stanza ${value//,/ }
done <packaging/debian/tests/control
step "done"
root_close
