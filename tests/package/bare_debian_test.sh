#!/bin/bash
# bare_debian_test.sh - install, first mail, upgrade, remove, purge
#
# JOB     In a Debian 12 root of debootstrap (minbase) with PHP: apt installs
#         the packages from a local repository; "tillpost setup" makes the
#         settings; PHP and sendmail send through a sink on loopback; an
#         upgrade with mail in queue and spool loses nothing and asks nothing;
#         after remove PHP works as before; after purge every file, user,
#         group and diversion is as it was.
#         No systemd: the daemon runs in the foreground, as in a container.
# NEEDS   root (debootstrap, chroot); the Debian mirror of this machine. The
#         bare root and the packages from the mirror are kept in
#         build/package/cache.
# BOUNDS  Everything happens in name spaces of its own for mounts and
#         processes: nothing stays mounted, and nothing runs on.
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh

# Everything but what apt, dpkg and this test write down about themselves:
# their logs, states and caches, ldconfig's cache, and the copies that
# adduser's tools keep of the files before the last change.
#   find_tree ACTION...
find_tree()
{
	(cd "$root" && find . \
		\( -path ./proc -o -path ./test -o -path ./var/lib/apt \
		-o -path ./var/cache/apt -o -path ./var/log/apt \
		-o -path ./var/cache/debconf -o -path ./tmp \) -prune -o \
		! -path ./var/log/dpkg.log ! -path ./var/log/alternatives.log \
		! -path './var/lib/dpkg/status*' \
		! -path './var/lib/dpkg/triggers/*' \
		! -path './var/lib/dpkg/lock*' \
		! -path './var/lib/dpkg/diversions-old' \
		! -path './var/lib/dpkg/statoverride-old' \
		! -path './var/cache/ldconfig/aux-cache' \
		! -path './etc/ld.so.cache' ! -path './etc/.pwd.lock' \
		! -path ./run/adduser \
		! -path './etc/passwd-' ! -path './etc/group-' \
		! -path './etc/shadow-' ! -path './etc/gshadow-' \
		! -path './etc/apt/sources.list.d/test.list' \
		"$@")
}

tree()
{
	find_tree -printf '%p %y %m %U:%G %l\n' | sort
	find_tree -type f -exec sha256sum {} + | sort -k 2
}

mkdir -p "$work"
built first
built next
step "a bare Debian with PHP"
# ca-certificates, which other packages suggest, would stay installed.
root_base php php-cli ca-certificates
root_open php
apt update
tree >"$work/tree.before"

step "install"
offer "$work/first"
apt install tillpost php-tillpost tillpost-mta
inside modes
inside unconfigured
in_root php -m | grep -qx tillpost || fail "PHP has no tillpost"
sink_start
step "setup"
inside setup "$port"
arrived 1
inside start
inside restricted

step "first mails"
inside php "by PHP"
inside sendmail "by sendmail"
inside session "by sendmail -bs"
arrived 4
inside sent 3
in_root tillpost log

step "the relay is away: three wait in the queue, then three in the spool"
sink_stop
for i in 1 2 3; do inside php "queued $i"; done
inside queued 3
inside stop
for i in 1 2 3; do inside php "spooled $i"; done
inside spooled 3

step "upgrade"
sha256sum "$root/etc/tillpost/tillpost.conf" >"$work/conf.before"
offer "$work/next"
apt install --only-upgrade tillpost php-tillpost tillpost-mta
in_root dpkg-query -W tillpost php-tillpost tillpost-mta
in_root dpkg-query -W tillpost | grep -q next || fail "not upgraded"
sha256sum --quiet -c "$work/conf.before" || fail "the settings changed"
inside modes
inside spooled 3
sink_start "$port"
inside start
arrived 10
inside sent 9
inside spooled 0
inside queued 0

step "remove, while the daemon runs"
apt remove tillpost php-tillpost tillpost-mta
if [ -e "$root/usr/sbin/sendmail" ] || [ -e "$root/usr/sbin/tillpostd" ]; then
	fail "remove left programs"
fi
[ -s "$root/var/lib/tillpost/queue.db" ] || fail "remove took the queue"
[ -z "$(in_root php -r '' 2>&1)" ] || fail "PHP misses something"
if in_root start-stop-daemon --status --user tillpost; then
	fail "the daemon still runs"
fi
offer "$work/next"
apt install tillpost
sha256sum --quiet -c "$work/conf.before" || fail "the settings changed"
inside start

step "purge, while the daemon runs"
apt purge --autoremove tillpost php-tillpost tillpost-mta
tree >"$work/tree.after"
if ! diff "$work/tree.before" "$work/tree.after" >"$work/tree.diff"; then
	head -n 50 "$work/tree.diff"
	fail "purge left or took something"
fi
if grep -q tillpost "$root"/etc/{passwd,group,shadow,gshadow} ||
	in_root dpkg-divert --list | grep tillpost; then
	fail "purge left a user, a group or a diversion"
fi
sink_stop
step "nothing is left; $(grep -c '^\./' "$work/tree.after") paths compared"
root_close
