#!/bin/bash
# mta_test.sh - /usr/sbin/sendmail as an alternative, and in place of Postfix
#
# JOB     In a bare root: tillpost-mta makes the links and removes them; a
#         choice of the administrator survives an upgrade, also the upgrade
#         from the release that had plain links; apt replaces Postfix by
#         tillpost-mta and tillpost-mta by Postfix.
# NEEDS   root, the mirror
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh
links="usr/sbin/sendmail usr/lib/sendmail usr/bin/mailq usr/bin/newaliases
	usr/share/man/man8/sendmail.8.gz usr/share/man/man1/mailq.1.gz
	usr/share/man/man1/newaliases.1.gz"
other=/usr/local/bin/other-sendmail

# real PATH: what it is in the end, in the root
real()
{
	in_root readlink -e "/$1" || echo "nothing"
}

# expect_ours: every link leads to a file of tillpost, by an alternative
expect_ours()
{
	local link

	for link in $links; do
		case $(readlink "$root/$link") in
		/etc/alternatives/*) ;;
		*) fail "/$link is no alternative" ;;
		esac
		case $(real "$link") in
		*tillpost*) ;;
		*) fail "/$link is $(real "$link")" ;;
		esac
	done
}

# expect_none: nothing is left of the links, the group, and what it wrote down
expect_none()
{
	local link

	for link in $links; do
		if [ -L "$root/$link" ] || [ -e "$root/$link" ]; then
			fail "$1: /$link is left"
		fi
	done
	[ ! -e "$root/var/lib/dpkg/alternatives/sendmail" ] ||
		fail "$1: the group is left"
	link=$(find "$root/etc/alternatives" -name '*sendmail*' -o \
		-name 'mailq*' -o -name 'newaliases*')
	[ -z "$link" ] || fail "$1: left $link"
}

is_installed()
{
	# shellcheck disable=SC2016 # dpkg's own
	in_root dpkg-query -W -f '${db:Status-Status}\n' "$1" |
		grep -qx installed
}

query()
{
	in_root update-alternatives --query sendmail | sed -n "s/^$1: //p"
}

expect_query()
{
	[ "$(query "$1")" = "$2" ] || fail "$1 is $(query "$1"), not $2"
}

mkdir -p "$work"
built previous
built first
built next
step "install"
root_base bare
root_open bare
apt update
offer "$work/first"
apt install tillpost-mta
in_root update-alternatives --query sendmail
expect_ours
expect_query Status auto
expect_query Value /usr/libexec/tillpost/sendmail
sink_start 0
inside configure "$port"
inside start
inside sendmail "by sendmail"
inside session "by sendmail -bs"
arrived 2
in_root newaliases

step "mailq shows the queue to root without making files of root"
sink_stop
inside sendmail "waits"
inside queued 1
in_root mailq
in_root mailq | grep -q anna@example.org || fail "mailq shows nothing"
in_root /usr/sbin/sendmail -bp | grep -q anna@example.org ||
	fail "sendmail -bp shows nothing"
left=$(find "$root/var/lib/tillpost" -user root)
[ -z "$left" ] || fail "root's: $left"
if in_root setpriv --reuid=www-data --regid=www-data --clear-groups mailq \
	2>/dev/null; then
	fail "mailq shows the queue to www-data"
fi

step "another program, by hand, and back"
printf '#!/bin/sh\necho other\n' >"$root$other"
chmod 755 "$root$other"
in_root update-alternatives --install /usr/sbin/sendmail sendmail $other 10 \
	>/dev/null
expect_query Value /usr/libexec/tillpost/sendmail
in_root update-alternatives --set sendmail $other >/dev/null
[ "$(in_root /usr/sbin/sendmail)" = other ] || fail "not switched"
in_root update-alternatives --auto sendmail >/dev/null
expect_ours

step "a choice by hand survives the upgrade"
in_root update-alternatives --set sendmail $other >/dev/null
offer "$work/next"
apt install --only-upgrade tillpost tillpost-mta
in_root dpkg-query -W tillpost-mta | grep -q next || fail "not upgraded"
expect_query Status manual
expect_query Value $other
[ "$(in_root /usr/sbin/sendmail)" = other ] || fail "the choice is lost"

step "remove: the other stays, and without it nothing is left"
apt remove tillpost-mta
[ "$(in_root /usr/sbin/sendmail)" = other ] || fail "the other is lost"
[ ! -e "$root/usr/bin/mailq" ] || fail "mailq is left"
apt install tillpost-mta
in_root update-alternatives --remove sendmail $other
expect_ours
apt remove tillpost-mta
expect_none "remove"
apt purge tillpost-mta
expect_none "purge"
inside stop

step "from the release before, which had plain links"
offer "$work/previous"
apt install --allow-downgrades tillpost=0.1.0 tillpost-mta
in_root sh -c 'ls -l /usr/sbin/sendmail'
offer "$work/next"
apt install --only-upgrade tillpost tillpost-mta
expect_ours
[ "$(query Status)" = auto ] || fail "not automatic"

step "Postfix takes the place"
printf 'postfix postfix/main_mailer_type select No configuration\n' |
	in_root debconf-set-selections
apt install postfix
in_root dpkg-query -S /usr/sbin/sendmail | grep -q ^postfix: ||
	fail "sendmail is not Postfix's"
[ "$(in_root readlink -e /usr/sbin/sendmail)" = /usr/sbin/sendmail ] ||
	fail "sendmail is a link still"
[ ! -e "$root/var/lib/dpkg/alternatives/sendmail" ] || fail "the group is left"
is_installed tillpost ||
	fail "Postfix has removed tillpost"

step "tillpost-mta takes it back"
apt install tillpost-mta
expect_ours
if is_installed postfix; then
	fail "Postfix is there still"
fi
in_root dpkg --audit
[ -z "$(in_root dpkg --audit)" ] || fail "something is half installed"

step "purge"
apt purge tillpost-mta tillpost
expect_none "purge"
step "done"
root_close
