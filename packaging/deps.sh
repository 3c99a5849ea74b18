#!/bin/sh
# deps.sh - install the Debian packages that building and testing need
#
# JOB     deps.sh build|test|bench|package... finds out which packages are
#         missing. If none is, it says so in one line and does nothing. Root gets them
#         installed; anybody else is told which are missing and what to run.
#         Packages are only added: apt may remove none. The services of
#         Postfix and Dovecot are not started, and an unconfigured Postfix
#         stays unconfigured: the tests run private instances of both.
# ERRORS  0 all is there; 1 something is missing; 64 usage; else what apt says.
# SPDX-License-Identifier: MIT

set -eu

POLICY=/usr/sbin/policy-rc.d

build_packages="gcc make pkg-config libc6-dev libesmtp-dev libconfig-dev
	libssl-dev libsqlite3-dev libjansson-dev libgsasl-dev zlib1g-dev
	libsystemd-dev"

# clang with its run-time library: fuzz targets and sanitizers; python3: the
# test relays, always as /usr/bin/python3, where Debian's aiosmtpd is found.
test_packages="$build_packages libcmocka-dev libcurl4-openssl-dev
	g++ clang-14 libclang-rt-14-dev clang-format-14 valgrind binutils
	postfix dovecot-core dovecot-submissiond openssl
	python3 python3-aiosmtpd sqlite3 mandoc procps util-linux strace
	php-dev php-cli php-fpm php-cgi php-imap php-mbstring php-mysql php-xml
	apache2-bin libapache2-mod-php
	libphp-phpmailer php-symfony-mailer php-swiftmailer
	nginx-light mariadb-server wordpress curl"

bench_packages="$build_packages libcurl4-openssl-dev postfix procps
	php-cli php-dev libphp-phpmailer msmtp"

# For "make deb" and "make check-package".
package_packages="$build_packages build-essential fakeroot debhelper dh-php
	php-all-dev dh-apparmor bash-completion lintian debootstrap apparmor
	autopkgtest systemd php-cli python3 python3-aiosmtpd"

usage()
{
	echo "usage: deps.sh build|test|bench|package..." >&2
	exit 64
}

# wanted PURPOSE...: package names, one per line, each once
wanted()
{
	for purpose in "$@"; do
		case $purpose in
		build) echo "$build_packages" ;;
		test) echo "$test_packages" ;;
		bench) echo "$bench_packages" ;;
		package) echo "$package_packages" ;;
		esac
	done | tr -s ' \t' '\n' | sort -u
}

is_installed()
{
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null |
		grep -qx installed
}

missing()
{
	wanted "$@" | while read -r package; do
		if [ -n "$package" ] && ! is_installed "$package"; then
			echo "$package"
		fi
	done
}

# 101 forbids invoke-rc.d to start anything. A policy that the administrator
# already has is not touched.
forbid_service_start()
{
	if [ -e "$POLICY" ]; then
		echo "deps.sh: $POLICY exists and decides about services"
		return
	fi
	trap 'rm -f "$POLICY"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$POLICY"
	chmod 755 "$POLICY"
}

install_packages()
{
	export DEBIAN_FRONTEND=noninteractive
	forbid_service_start
	case " $* " in
	*" postfix "*)
		echo "postfix postfix/main_mailer_type select No configuration" |
			debconf-set-selections
		;;
	esac
	apt-get update
	apt-get install -y --no-install-recommends --no-remove "$@"
}

[ $# -gt 0 ] || usage
for purpose in "$@"; do
	case $purpose in
	build | test | bench | package) ;;
	*) usage ;;
	esac
done

purposes=$*
# shellcheck disable=SC2046 # package names hold no spaces
set -- $(missing "$@")
if [ $# -eq 0 ]; then
	echo "deps.sh: everything for $purposes is installed"
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "deps.sh: missing for $purposes: $*" >&2
	echo "deps.sh: run as root: $0 $purposes" >&2
	exit 1
fi
echo "deps.sh: installing for $purposes: $*"
install_packages "$@"
