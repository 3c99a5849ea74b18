#!/bin/bash
# upgrade_test.sh - from the release before, with an administrator's changes
#
# JOB     The packages of the release before are built from the history of this
#         repository and installed in a bare root; the administrator changes
#         settings and conffiles; mail waits in queue and spool, as that
#         release wrote it. The upgrade happens at a terminal where dpkg and
#         debconf may ask: they must not. What he changed stays, and all mail
#         arrives. At last a change of both sides, to see that a question
#         would have been noticed.
# NEEDS   root, the mirror; without history the same sources are "before", and
#         the output says so
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh
packages="tillpost php-tillpost tillpost-mta"

# shipped DIR PACKAGE PATH: its sum in the package of that build
shipped()
{
	dpkg-deb --fsys-tarfile "$work/$1/$2"_*.deb |
		tar -xOf - ".$3" | sha256sum
}

# change PACKAGE CONFFILE LINE: as the administrator does. Where the new
# version has another file too, dpkg has to ask; then it is not changed here.
changed=
change()
{
	if [ "$(shipped previous "$1" "$2")" != "$(shipped next "$1" "$2")" ]; then
		echo "   differs in the new version, so not changed: $2"
		return
	fi
	echo "$3" >>"$root$2"
	changed="$changed $2"
}

# repack: tillpost with a higher version and another file for logrotate
repack()
{
	rm -rf "$work/repack"
	mkdir -p "$work/repack/offer"
	dpkg-deb -R "$work"/next/tillpost_*.deb "$work/repack/tillpost"
	sed -i 's/^Version: .*/&+question/' "$work/repack/tillpost/DEBIAN/control"
	echo "# changed by the package" \
		>>"$work/repack/tillpost/etc/logrotate.d/tillpost"
	dpkg-deb -Zgzip -z1 -b "$work/repack/tillpost" "$work/repack/offer" >/dev/null
}

mkdir -p "$work"
built previous
built next
step "install the release before"
root_base php php-cli ca-certificates
root_open php
apt update
offer "$work/previous"
# shellcheck disable=SC2086 # several words
apt install $packages
in_root dpkg-query -W tillpost
sink_start
inside setup "$port"
inside start
inside php "delivered by the release before"
arrived 2

step "three wait in the queue, then three in the spool"
sink_stop
for i in 1 2 3; do inside php "queued $i"; done
inside queued 3
inside stop
for i in 1 2 3; do inside php "spooled $i"; done
inside spooled 3

step "the administrator changes what he may change"
change tillpost /etc/logrotate.d/tillpost "# rotate 52, says the auditor"
change php-tillpost /etc/php/8.2/mods-available/tillpost.ini "; all pools"
echo "owner /srv/queue/** rwk," \
	>>"$root/etc/apparmor.d/local/usr.sbin.tillpostd"
changed="$changed /etc/apparmor.d/local/usr.sbin.tillpostd"
in_root phpdismod -s cli tillpost
# shellcheck disable=SC2086 # several words
(cd "$root" && find etc/tillpost -type f -exec sha256sum {} + &&
	sha256sum ${changed//\/etc/etc}) >"$work/kept.sums"
cat "$work/kept.sums"

step "upgrade, at a terminal"
offer "$work/next"
# shellcheck disable=SC2086 # several words
ask_apt install --only-upgrade $packages || fail "a question was asked"
in_root dpkg-query -W tillpost
in_root dpkg-query -W tillpost | grep -q next || fail "not upgraded"
(cd "$root" && sha256sum --quiet -c "$work/kept.sums") ||
	fail "not kept as the administrator had it"
left=$(in_root find /etc -name '*.dpkg-*')
[ -z "$left" ] || fail "the upgrade left $left"
if in_root php -m | grep -qx tillpost; then
	fail "the upgrade enabled what the administrator had disabled"
fi
in_root phpenmod -s cli tillpost
inside modes
inside spooled 3

step "what waited arrives, each once"
sink_start "$port"
inside start
arrived 8
inside php "after the upgrade"
inside sendmail "after the upgrade, by sendmail"
arrived 10
inside sent 9
inside spooled 0
inside queued 0
sink_stop

step "a file that both have changed: the one question, and it is noticed"
echo "# changed by the administrator" >>"$root/etc/logrotate.d/tillpost"
repack
offer "$work/repack/offer"
if ask_apt install --only-upgrade tillpost; then
	fail "a question was to be asked; this test notices none"
fi
grep -a -B 4 'What would you like to do' "$work/asked.log"
rm -rf "$work/repack"
# No root_close: dpkg and daemon go with this name space, and the mount too.
step "done"
