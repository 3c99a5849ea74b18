#!/bin/bash
# volumes_test.sh - directories and volumes that were there before the package
#
# JOB     In a bare root: settings that a program placed as root, spool and
#         queue on volumes of root. The installation hands the volumes over,
#         leaves the settings alone, and the first mail goes out; purge empties
#         the volumes, touches nothing that is mounted deeper, and ends well. A
#         volume of somebody else is told of and does not end the installation.
# NEEDS   root, the mirror. TP_TRY=previous tries the release before
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh
try=${TP_TRY:-first}

# expect 'MODE USER GROUP' PATH, in the root
expect()
{
	local is

	is=$(in_root stat -c '%a %U %G' "$2") || fail "no $2"
	[ "$is" = "$1" ] || fail "$2 is $is, not $1"
}

state()
{
	# shellcheck disable=SC2016 # dpkg's own
	in_root dpkg-query -W -f '${db:Status-Status}\n' tillpost 2>/dev/null ||
		echo gone
}

# volume PATH: of root, with what a new file system has
volume()
{
	mkdir -p "$root$1"
	mount -t tmpfs -o mode=755,size=512m tmpfs "$root$1"
	mkdir -m 700 "$root$1/lost+found"
}

mkdir -p "$work"
built "$try"
root_base bare

step "settings and volumes of root are there first"
root_open bare
apt update
offer "$work/$try"
sink_start 0
mkdir -p "$root/etc/tillpost" "$root/var/log/tillpost"
printf 'relays = { lab = { host = "127.0.0.1"; port = %d; tls = "none"; }; };
stores = { default = { relays = ["lab"]; from = "shop@example.com"; }; };\n' \
	"$port" >"$root/etc/tillpost/tillpost.conf"
sha256sum "$root/etc/tillpost/tillpost.conf" >"$work/conf.before"
volume /var/spool/tillpost
volume /var/lib/tillpost
mkdir -m 755 "$root/var/spool/tillpost/incoming"

step "install"
apt install tillpost
[ "$(state)" = installed ] || fail "tillpost is $(state)"
sha256sum --quiet -c "$work/conf.before" || fail "the settings changed"
expect '755 tillpost tillpost' /etc/tillpost
expect '644 root root' /etc/tillpost/tillpost.conf
expect '700 tillpost tillpost' /etc/tillpost/secrets
expect '700 tillpost tillpost' /var/lib/tillpost
expect '750 tillpost tillpost' /var/log/tillpost
expect '755 tillpost tillpost' /var/spool/tillpost
expect '3733 tillpost tillpost' /var/spool/tillpost/incoming
expect '700 tillpost tillpost' /var/spool/tillpost/quarantine
expect '700 tillpost tillpost' /var/spool/tillpost/done
expect '700 root root' /var/spool/tillpost/lost+found
inside configure "$port"
inside start
inside accept "from volumes"
arrived 1
inside sent 1

step "tillpost settings and setup, with a file of root"
in_root tillpost settings set queue.lifetime 4d
inside setup "$port"

step "purge, with a volume deeper in the spool"
inside stop
mkdir -p "$root/var/spool/tillpost/quarantine"
mount -t tmpfs tmpfs "$root/var/spool/tillpost/quarantine"
echo kept >"$root/var/spool/tillpost/quarantine/kept"
apt purge tillpost
[ "$(state)" = gone ] || fail "tillpost is $(state)"
[ "$(find "$root/var/spool/tillpost" -mindepth 1 -printf '%P ')" = \
	"quarantine quarantine/kept " ] ||
	fail "left: $(find "$root/var/spool/tillpost")"
[ -z "$(find "$root/var/lib/tillpost" -mindepth 1)" ] ||
	fail "left: $(find "$root/var/lib/tillpost")"
[ ! -e "$root/etc/tillpost" ] || fail "left: /etc/tillpost"
[ ! -e "$root/var/log/tillpost" ] || fail "left: /var/log/tillpost"
! grep -q tillpost "$root/etc/passwd" || fail "the user is left"
umount "$root/var/spool/tillpost/quarantine" "$root/var/spool/tillpost" \
	"$root/var/lib/tillpost"

step "a spool of somebody else: told, and installed all the same"
rm -rf "$root/var/spool/tillpost"
mkdir "$root/var/spool/tillpost"
chown 4321:4321 "$root/var/spool/tillpost"
apt install tillpost
[ "$(state)" = installed ] || fail "tillpost is $(state)"
grep -q 'is not the directory of the user tillpost' "$work/apt.log" ||
	fail "nothing was said"
expect '755 UNKNOWN UNKNOWN' /var/spool/tillpost

step "a link in the place of a directory: purge takes the link only"
apt purge tillpost
mkdir "$root/var/elsewhere"
echo kept >"$root/var/elsewhere/kept"
ln -s ../elsewhere "$root/var/log/tillpost"
apt install tillpost
apt purge tillpost
[ ! -L "$root/var/log/tillpost" ] || fail "the link is left"
[ -s "$root/var/elsewhere/kept" ] || fail "purge followed the link"
expect '755 root root' /var/elsewhere
sink_stop
step "done"
root_close
