#!/bin/bash
# next_debian.sh - the same sources on the Debian after this one
#
# JOB     make check-next-debian. In a bare root of Debian 13 everything is
#         built with its gcc, its libraries and its PHP, where a warning is an
#         error; the unit tests, the corpora, the tests of the ABI and the
#         extension's .phpt tests pass there.
# NEEDS   root, and the Debian mirror of this machine
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
release=trixie
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh

# in_source COMMAND...: an ordinary user builds and tests, as developers do
in_source()
{
	in_root setpriv --reuid=builder --regid=builder --clear-groups \
		env HOME=/test/source "$@"
}

step "a bare Debian with compiler, libraries and PHP"
root_base build gcc g++ make pkg-config libc6-dev libesmtp-dev libconfig-dev \
	libssl-dev libsqlite3-dev libjansson-dev libgsasl-dev zlib1g-dev \
	libsystemd-dev libcmocka-dev libcurl4-openssl-dev valgrind openssl \
	python3 python3-aiosmtpd php-dev php-cli php-mbstring procps
root_open build
in_root useradd --system builder
mkdir "$root/test/source"
git ls-files -z --cached --others --exclude-standard |
	tar -cf - --null -T - | tar -xf - -C "$root/test/source"
in_root chown -R builder: /test/source
in_root gcc --version | head -n 1
in_root php --version | head -n 1

step "build"
in_source make -C /test/source --no-print-directory -j"$(nproc)" WERROR=1 \
	tests-built >"$work/next_debian.log" 2>&1 || {
	grep -v '^  ' "$work/next_debian.log" | tail -n 30
	fail "the build failed"
}

step "unit tests, corpora, ABI"
in_source make -C /test/source --no-print-directory WERROR=1 check-unit \
	check-fuzz check-abi >"$work/next_debian.log" 2>&1 || {
	grep -A 20 '^FAIL' "$work/next_debian.log" || tail "$work/next_debian.log"
	fail "a test failed"
}
grep ' passed, ' "$work/next_debian.log"

step "the PHP extension"
# run-tests.php writes beside itself.
in_root /test/source/tests/integration/php_phpt.sh
step "done"
root_close
