#!/bin/sh
# inside.sh - what the package tests do on the machine with the packages
#
# JOB     inside.sh COMMAND..., as root, where tillpost is installed: a bare
#         root made by debootstrap, or the machine of an autopkgtest. Needs
#         no systemd, and uses it where it runs.
#
#           modes              owner and mode of everything that was made
#           unconfigured       the example is valid and nothing is accepted
#           configure PORT     by hand: a relay on 127.0.0.1:PORT, two stores
#           setup PORT         by "tillpost setup": the relay, one store
#           start | stop       the daemon
#           php TEXT           mail() as www-data; TEXT is the subject
#           sendmail TEXT      by /usr/sbin/sendmail -t -i, as www-data
#           session TEXT       by /usr/sbin/sendmail -bs, as PrestaShop does
#           accept TEXT        by tillpost-sendmail, as www-data
#           sent COUNT         tillpost log shows so many, within 10 s
#           queued COUNT       so many wait in the queue, within 10 s
#           spooled COUNT      so many wait in the spool
#           restricted         the daemon's process: user, groups, rights
# ERRORS  0; 1 with a reason
# SPDX-License-Identifier: MIT
# shellcheck disable=SC3043

set -eu

CONFIG=/etc/tillpost/tillpost.conf
SPOOL=/var/spool/tillpost
LOG=/var/log/tillpost/daemon.log

fail()
{
	echo "inside.sh: $*" >&2
	exit 1
}

as()
{
	local user="$1"

	shift
	setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
}

has_systemd()
{
	[ -d /run/systemd/system ]
}

# within_10s COMMAND...
within_10s()
{
	local tries=0

	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		sleep 0.1
	done
}

expect_mode()
{
	local is

	is=$(stat -c '%a %U %G' "$2") || return 1
	[ "$is" = "$1" ] || fail "$2 is $is, not $1"
}

modes()
{
	expect_mode '755 tillpost tillpost' /etc/tillpost
	expect_mode '700 tillpost tillpost' /etc/tillpost/secrets
	expect_mode '700 tillpost tillpost' /var/lib/tillpost
	expect_mode '750 tillpost tillpost' /var/log/tillpost
	expect_mode '755 tillpost tillpost' $SPOOL
	expect_mode '3733 tillpost tillpost' $SPOOL/incoming
	expect_mode '700 tillpost tillpost' $SPOOL/quarantine
	expect_mode '700 tillpost tillpost' $SPOOL/done
	case $(getent passwd tillpost) in
	tillpost:*:/var/lib/tillpost:/usr/sbin/nologin) ;;
	*) fail "the user is $(getent passwd tillpost)" ;;
	esac
}

unconfigured()
{
	local status=0

	cmp /usr/share/tillpost/tillpost.conf $CONFIG
	expect_mode '644 root root' $CONFIG
	as tillpost tillpostd --check
	printf 'To: a@example.org\n\nx\n' |
		as www-data tillpost-sendmail -t -i 2>/dev/null || status=$?
	[ $status -eq 69 ] || fail "unconfigured: accepted, or $status"
	spooled 0
}

configure()
{
	cat >$CONFIG <<-END
		# made by a test
		queue = { retry_base = "1s"; retry_cap = "2s"; };
		relays = {
		  lab = { host = "127.0.0.1"; port = $1; tls = "none";
		          auth = "plain"; allow_plaintext_auth = true;
		          username = "shop";
		          password_file = "/etc/tillpost/secrets/lab"; };
		};
		stores = {
		  default = { relays = ["lab"]; from = "shop@example.com";
		              users = ["www-data"]; };
		  eu = { from = "eu@example.com"; match = {
		         from = ["eu@example.com"]; }; };
		};
	END
	echo not-for-web-processes |
		as tillpost sh -c 'umask 077; cat >/etc/tillpost/secrets/lab'
	tillpost check
	as tillpost tillpostd --check
	if as www-data cat /etc/tillpost/secrets/lab 2>/dev/null; then
		fail "www-data can read the password"
	fi
}

# The package's example is there already, hence --force.
setup()
{
	echo not-for-web-processes | tillpost setup --force --yes \
		--relay lab --host 127.0.0.1 --port "$1" --tls none \
		--username shop --password-stdin --from shop@example.com \
		--test-to setup@example.org
	# For the test: short waits, and www-data may ask.
	tillpost settings set queue.retry_base 1s
	tillpost settings set queue.retry_cap 2s
	tillpost settings set stores.default.users www-data
	expect_mode '644 tillpost tillpost' $CONFIG
	expect_mode '600 tillpost tillpost' /etc/tillpost/secrets/lab
	expect_mode '600 tillpost tillpost' /etc/tillpost/tillpost.managed.conf
	as tillpost tillpostd --check
}

# Of a daemon that runs now, not of one that was killed
answers()
{
	as www-data tillpost status >/dev/null 2>&1
}

# In the foreground of this test, as in a container
start()
{
	if has_systemd; then
		systemctl restart tillpostd
	else
		as tillpost tillpostd --log json </dev/null >>$LOG 2>&1 &
	fi
	if ! within_10s answers; then
		tail -n 20 $LOG >&2 || true
		fail "the daemon does not answer"
	fi
}

stop()
{
	if has_systemd; then
		systemctl stop tillpostd
	else
		start-stop-daemon --stop --quiet --oknodo --retry=TERM/40 \
			--exec /usr/sbin/tillpostd
	fi
}

message()
{
	printf 'From: shop@example.com\nTo: anna@example.org\n'
	printf 'Subject: %s\n\n%s\n' "$1" "$1"
}

by_php()
{
	# shellcheck disable=SC2016 # a PHP variable
	(cd / && as www-data php -r '
		$sent = mail("anna@example.org", $argv[1], $argv[1],
			"From: shop@example.com");
		exit($sent ? 0 : 1);' -- "$1") ||
		fail "mail() says false"
}

session()
{
	local said

	said=$({
		printf 'EHLO shop\r\nMAIL FROM:<shop@example.com>\r\n'
		printf 'RCPT TO:<anna@example.org>\r\nDATA\r\n'
		message "$1" | sed 's/$/\r/'
		printf '.\r\nQUIT\r\n'
	} | as www-data /usr/sbin/sendmail -bs)
	case $said in
	*"250 "*queued*) ;;
	*) fail "sendmail -bs has not taken the mail: $said" ;;
	esac
}

# Subjects are not in the log; recipients and what the relay said are.
logged()
{
	[ "$(tillpost log --limit 0 --verdict sent | grep -c "$1")" -ge "$2" ]
}

queue_holds()
{
	[ "$(tillpost queue --json | wc -l)" -eq "$1" ]
}

spooled()
{
	local count

	count=$(find $SPOOL/incoming -type f | wc -l)
	[ "$count" -eq "$1" ] || fail "$count files in the spool, not $1"
}

# field PID NAME: of /proc/PID/status
field()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

restricted()
{
	local pid id

	pid=$(cat $SPOOL/lock) || fail "no daemon"
	id=$(id -u tillpost)
	[ "$(field "$pid" Uid | tr '\t' ' ')" = "$id $id $id $id" ] ||
		fail "the daemon is user $(field "$pid" Uid)"
	[ -z "$(field "$pid" Groups | tr -d ' ')" ] ||
		! has_systemd ||
		[ "$(field "$pid" Groups | tr -d ' ')" = "$(id -g tillpost)" ] ||
		fail "the daemon has groups $(field "$pid" Groups)"
	[ "$(field "$pid" CapEff)" = 0000000000000000 ] ||
		fail "the daemon has capabilities $(field "$pid" CapEff)"
	has_systemd || return 0
	[ "$(field "$pid" CapBnd)" = 0000000000000000 ] ||
		fail "its bounding set is $(field "$pid" CapBnd)"
	[ "$(field "$pid" NoNewPrivs)" = 1 ] || fail "no NoNewPrivs"
	[ "$(field "$pid" Seccomp)" = 2 ] || fail "no system call filter"
}

command=${1:?usage: inside.sh COMMAND...}
shift
case $command in
modes) modes ;;
unconfigured) unconfigured ;;
configure) configure "$1" ;;
setup) setup "$1" ;;
start) start ;;
stop) stop ;;
php) by_php "$1" ;;
sendmail) message "$1" | as www-data /usr/sbin/sendmail -t -i ;;
session) session "$1" ;;
accept) message "$1" | as www-data tillpost-sendmail -t -i ;;
sent) within_10s logged anna@example.org "$1" || fail "not in tillpost log" ;;
queued) within_10s queue_holds "$1" || fail "not $1 in the queue" ;;
spooled) spooled "$1" ;;
restricted) restricted ;;
*) fail "no command $command" ;;
esac
