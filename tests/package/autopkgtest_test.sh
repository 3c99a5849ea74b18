#!/bin/bash
# autopkgtest_test.sh - the packages' own tests, packaging/debian/tests
#
# JOB     What autopkgtest does, without its package: for each stanza of
#         debian/tests/control a fresh bare root with the packages that it
#         names, then its tests there, from the root of the sources. Output on
#         stderr fails a test unless "allow-stderr" is named.
# NEEDS   root, and the Debian mirror of this machine
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

if [ "$(id -u)" -ne 0 ]; then
	echo "autopkgtest_test.sh: run as root: chroot needs it"
	exit 1
fi
if [ "${1:-}" != --inside ]; then
	exec unshare --mount --pid --fork --kill-child --mount-proc \
		"$0" --inside
fi

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh
control=packaging/debian/tests/control

# run NAME RESTRICTIONS
run()
{
	local code=0

	in_root mkdir -p "/test/tmp/$1"
	in_root sh -c "cd /test/source && AUTOPKGTEST_TMP=/test/tmp/$1 \
		exec debian/tests/$1" >"$work/$1.out" 2>"$work/$1.err" ||
		code=$?
	case " ${2//,/ } " in
	*" allow-stderr "*) ;;
	*) [ ! -s "$work/$1.err" ] || code="$code, and wrote to stderr" ;;
	esac
	[ "$code" = 0 ] && return
	cat "$work/$1.out" "$work/$1.err"
	fail "$1 ended with $code"
}

# stanza TESTS DEPENDS RESTRICTIONS
stanza()
{
	local name

	root_open build
	mkdir "$root/test/source"
	cp -R tests packaging "$root/test/source/"
	cp -R packaging/debian "$root/test/source/debian"
	apt update
	offer "$work/first"
	# shellcheck disable=SC2086 # several words
	apt install ${2//,/ }
	for name in ${1//,/ }; do
		run "$name" "$3"
		step "$name"
	done
}

built first
root_base build php-cli gcc libc6-dev pkg-config dpkg-dev
tests= depends= restrictions=
while read -r key value; do
	case $key in
	Tests:) tests=$value ;;
	Depends:) depends=$value ;;
	Restrictions:) restrictions=$value ;;
	'')
		[ -z "$tests" ] || stanza "$tests" "$depends" "$restrictions"
		tests= depends= restrictions=
		;;
	esac
done < <(cat "$control"; echo)
root_close
